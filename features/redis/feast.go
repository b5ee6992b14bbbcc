package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/redis/internal/feast"
)

// FeastConfig is what a [Feast] source is made of. Client, View, Project and Join are required.
type FeastConfig struct {
	// Client is how to reach Redis, as in [Config].
	Client rueidis.ClientOption

	// View defines the columns that are read. Its Name is that of the feature view in Feast, with "_v2" and so on where
	// the registry versions views online. A column has the name of its feature, unless Fields names another. TTL, MaxAge and Default are
	// honoured here; Feast's own online reads know no TTL.
	View features.View

	// Fields maps columns to features where the names differ. The default is none.
	Fields map[string]string

	// Project is the name of the project in Feast.
	Project string

	// Join is the join key of the entity, as in "item_id". Entities of several join keys are not read.
	Join string

	// KeyVersion is Feast's entity_key_serialization_version: 2 or 3. The default 0 means 3.
	KeyVersion int

	// Int32 says that the entity's value is of type INT32; it is INT64 otherwise.
	Int32 bool

	// Text, if not nil, gives the value of an entity of type STRING, as features.Vocabulary.Name does; an entity that it does
	// not know is missing.
	Text func(key uint64) (string, bool)

	// Lazy, Timeout and Breaker are those of [Config].
	Lazy    bool
	Timeout time.Duration
	Breaker Breaker
}

// Feast reads the features that Feast has written to Redis: one hash for each entity. It is for pipelines that share
// an online store with Feast, or come from there; a [Store] takes a twentieth of the time and a third of the memory
// (the program redis of examples/bench). It is safe for concurrent use; mark it [recsys.Remote].
//
// Numbers and bools become floats, whole numbers and text (hashed by [recsys.HashID]) become IDs, lists of numbers become
// vectors. A null, a feature that is not there and an infinite number are missing values. A value of another type is counted
// as foreign, and missing. An entity without a hash, or whose hash has nothing of the view, is a missing row. The event
// time is Feast's own, in whole nanoseconds; a row without one is undated, and expired where the view has a TTL.
type Feast struct {
	*feastCore
	keys features.Keys
}

type feastCore struct {
	config  FeastConfig
	view    features.View
	serving *serving
	link    link
	key     feast.Key
	fields  []string  // of the stored columns, then that of the event time
	pool    sync.Pool // of *feastScratch
	counts  counts
}

var (
	_ recsys.FeatureSource                = (*Feast)(nil)
	_ recsys.Overwriter                   = (*Feast)(nil)
	_ recsys.Versioned                    = (*Feast)(nil)
	_ recsys.ViewSource                   = (*Feast)(nil)
	_ recsys.AgeWriter                    = (*Feast)(nil)
	_ recsys.Binder[recsys.FeatureSource] = (*Feast)(nil)
)

// OpenFeast connects, unless config is Lazy, and returns a source. The error names every mistake of the configuration, or says why Redis does not answer.
func OpenFeast(config FeastConfig) (*Feast, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("redis: feast: %w", err)
	}
	c := &feastCore{
		config: config, view: config.View, serving: newServing(&config.View),
		key: feast.Key{Version: config.KeyVersion, Join: config.Join, Project: config.Project},
	}
	for _, column := range c.view.Columns {
		name := column.Name
		if other, ok := config.Fields[name]; ok {
			name = other
		}
		c.fields = append(c.fields, feast.Field(c.view.Name, name))
	}
	c.fields = append(c.fields, feast.TimeField(c.view.Name))
	session, err := newSession(config.Client, config.Lazy, nil)
	if err != nil {
		return nil, fmt.Errorf("redis: feast: view %q: %w", c.view.Name, err)
	}
	c.link = link{session, newBreaker(config.Breaker, time.Now), config.Timeout}
	f := &Feast{feastCore: c}
	if c.view.Entity != features.Context {
		f.keys, err = c.view.Keys(nil)
	}
	return f, err
}

func (c *FeastConfig) check() error {
	errs := []error{c.View.Validate(), c.Breaker.check()}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Project == "" {
		bad("Project is empty; want the name of the project in Feast")
	}
	if c.Join == "" {
		bad(`Join is empty; want the join key of the entity, as in "item_id"`)
	}
	switch c.KeyVersion {
	case 0:
		c.KeyVersion = 3
	case 2, 3:
	default:
		bad("KeyVersion is %d; want 2 or 3 (0 means 3)", c.KeyVersion)
	}
	if c.View.Entity == features.UserItem {
		bad("View.Entity is UserItem; want an entity of one join key")
	}
	if c.Int32 && c.Text != nil {
		bad("Int32 and Text are both set; want one")
	}
	for name := range c.Fields {
		known := false
		for _, column := range c.View.Columns {
			known = known || column.Name == name
		}
		if !known {
			bad("Fields names the column %q, which the view has not", name)
		}
	}
	if c.Timeout < 0 {
		bad("Timeout is %v; want > 0, or 0 for 2s", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	return errors.Join(errs...)
}

// View returns the definition of the rows. It is read-only.
func (f *Feast) View() *features.View { return &f.view }

// Columns returns the columns that Hydrate writes: those of the view, then the one that View.Age names.
func (f *Feast) Columns() []recsys.Column { return f.serving.columns }

// Overwrites returns true: Hydrate writes every cell itself.
func (f *Feast) Overwrites() bool { return true }

// CallsRemote returns true: a pipeline takes it with [recsys.Remote] only.
func (f *Feast) CallsRemote() bool { return true }

// WritesAges returns true: the blocks get the age of every row.
func (f *Feast) WritesAges() bool { return true }

// Version returns the hash of the view.
func (f *Feast) Version() string { return fmt.Sprintf("%016x", f.view.Hash()) }

// FeatureViews returns the view that is served.
func (f *Feast) FeatureViews() []recsys.FeatureView {
	return []recsys.FeatureView{f.view.FeatureView()}
}

// Bind is as [Store.Bind].
func (f *Feast) Bind(schema *recsys.Schema) (recsys.FeatureSource, error) {
	if f.view.Entity != features.Context {
		return f, nil
	}
	keys, err := f.view.Keys(schema)
	if err != nil {
		return nil, err
	}
	return &Feast{feastCore: f.feastCore, keys: keys}, nil
}

// Close is as [Store.Close].
func (f *Feast) Close() error {
	f.link.close()
	return nil
}

// Key returns the key in Redis of an entity, and whether it has one: Text may not know it.
func (f *Feast) Key(key uint64) (string, bool) {
	b, ok := f.appendKey(nil, key)
	return string(b), ok
}

// Fields returns the fields of the hash that are read: one for each column of the view, then that of the event time.
func (f *Feast) Fields() []string { return append([]string(nil), f.fields...) }

func (c *feastCore) appendKey(dst []byte, key uint64) ([]byte, bool) {
	switch {
	case c.config.Text != nil:
		text, ok := c.config.Text(key)
		if !ok {
			return dst, false
		}
		return c.key.AppendString(dst, text), true
	case c.config.Int32:
		return c.key.AppendInt(dst, feast.Int32, int64(key)), true
	}
	return c.key.AppendInt(dst, feast.Int64, int64(key)), true
}

type feastScratch struct {
	keys     []uint64
	text     []byte
	rows     []int32 // of the block, for each command
	commands []rueidis.Completed
}

// Hydrate writes the features of the items, or of the request, into out: one HMGET for each, all in one pipeline, as Feast
// itself reads. The error is as that of [Store.Hydrate].
func (f *Feast) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	n := len(items)
	if f.view.Entity.Scope() == recsys.PerRequest {
		n = 1
	}
	if !f.serving.fits(out, n) {
		return errBlock
	}
	if n == 0 {
		return ctx.Err()
	}
	sc, _ := f.pool.Get().(*feastScratch)
	if sc == nil {
		sc = new(feastScratch)
	}
	if err := f.hydrate(ctx, sc, q, items, out); err != nil {
		f.counts.failedReads.Add(1)
		return fmt.Errorf("redis: feast: view %q: %w", f.view.Name, err) // the client may still look at sc
	}
	clear(sc.commands)
	f.pool.Put(sc)
	return nil
}

func (f *Feast) hydrate(ctx context.Context, sc *feastScratch, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) (err error) {
	l := &f.link
	ctx, cancel, probe, err := l.begin(ctx)
	if err != nil {
		return err
	}
	err = errPanicked
	defer func() {
		err = l.end(ctx, probe, err)
		cancel()
	}()
	m := momentOf(q.Now)
	out.Stale.Reset()
	out.Missing.Reset()
	sc.keys = f.keys.Append(sc.keys[:0], q, items)
	sc.rows, sc.commands = sc.rows[:0], sc.commands[:0]
	for i, key := range sc.keys {
		var ok bool
		if sc.text, ok = f.appendKey(sc.text[:0], key); !ok {
			f.serving.miss(out, i)
			f.counts.missing.Add(1)
			continue
		}
		sc.rows = append(sc.rows, int32(i))
		sc.commands = append(sc.commands, l.builder().Hmget().Key(string(sc.text)).Field(f.fields...).Build())
	}
	if len(sc.commands) == 0 {
		return nil
	}
	results, err := l.doMulti(ctx, sc.commands)
	if err != nil {
		return err
	}
	for j, result := range results {
		reply, err := result.ToArray()
		if e, ok := rueidis.IsRedisErr(err); ok && strings.HasPrefix(e.Error(), "WRONGTYPE") {
			f.counts.foreign.Add(1)
			f.counts.missing.Add(1)
			f.serving.miss(out, int(sc.rows[j]))
			continue
		}
		if err != nil {
			return err
		}
		if len(reply) != len(f.fields) {
			return fmt.Errorf("HMGET of %d fields answered with %d", len(f.fields), len(reply))
		}
		f.place(out, int(sc.rows[j]), reply, m)
	}
	return nil
}

// place decodes the fields of an entity into row i.
func (f *Feast) place(out *recsys.Block, i int, reply []rueidis.RedisMessage, m moment) {
	c := &f.counts
	out.Miss(i) // defaults; what is there overwrites them
	found, floats, ids, vectors := false, 0, 0, 0
	for j := range f.view.Columns {
		column := &f.view.Columns[j]
		v, ok := f.value(&reply[j])
		found = found || ok
		var err error
		switch column.Kind {
		case recsys.Float:
			if ok && !v.Null() {
				var x float32
				if x, err = v.Float(); err == nil && x-x == 0 {
					out.FloatRow(i)[floats] = x
				}
			}
			floats++
		case recsys.ID:
			if ok && !v.Null() {
				var id uint64
				if id, err = v.ID(recsys.HashID); err == nil {
					out.ID[ids][i] = id
				}
			}
			ids++
		case recsys.Vector:
			if ok && !v.Null() {
				dst := out.VectorAt(vectors, i)
				if err = v.Vector(dst); err != nil || !finite(dst) {
					clear(dst)
				}
			}
			vectors++
		}
		if err != nil {
			c.foreign.Add(1)
		}
	}
	if !found {
		f.serving.miss(out, i)
		c.missing.Add(1)
		return
	}
	out.Missing.Clear(i)
	at := f.time(&reply[len(f.fields)-1])
	if m.known && at > m.now {
		c.future.Add(1)
	}
	switch f.serving.finish(out, i, at, m) {
	case fresh:
		c.fresh.Add(1)
	case stale:
		c.stale.Add(1)
	case expired:
		c.expired.Add(1)
	}
}

// value decodes a field; ok is false when it is not there or cannot be read.
func (f *Feast) value(reply *rueidis.RedisMessage) (v feast.Value, ok bool) {
	if reply.IsNil() {
		return v, false
	}
	text, err := reply.ToString()
	if err == nil {
		v, err = feast.Parse(bytesOf(text))
	}
	if err != nil {
		f.counts.foreign.Add(1)
		return v, false
	}
	return v, true
}

// time decodes the event time; undated when it is not there or cannot be read.
func (f *Feast) time(reply *rueidis.RedisMessage) int64 {
	if reply.IsNil() {
		return undated
	}
	text, err := reply.ToString()
	if err == nil {
		var seconds int64
		var nanos int32
		if seconds, nanos, err = feast.ParseTime(bytesOf(text)); err == nil {
			if at, ok := nanoOf(time.Unix(seconds, int64(nanos))); ok {
				return at
			}
		}
	}
	f.counts.foreign.Add(1)
	return undated
}

func finite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// Stats returns the counts of reading; Foreign counts values, not rows. They are exact when nothing runs concurrently.
func (f *Feast) Stats() Stats {
	c := &f.counts
	return Stats{
		Fresh: c.fresh.Load(), Stale: c.stale.Load(), Expired: c.expired.Load(), Missing: c.missing.Load(),
		Foreign: c.foreign.Load(), Future: c.future.Load(), FailedReads: c.failedReads.Load(), Reads: f.link.breaker.stats(),
	}
}
