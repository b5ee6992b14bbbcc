package features

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
)

// Store is an online feature store in memory: one row of columns for each item, user, pair
// or context, read by the hundred straight into the candidate table.
//
// Any number of readers and writers run concurrently. Readers take no lock, wait
// for nobody and see each row whole, as one Put wrote it; rows of one batch may be
// of different moments. Writers of one shard wait for each other. A write that
// meets a row of later event time is refused and counted in [Stats].Late, so
// events may come late and out of order; of two with the same event time the one
// that came last counts. A row whose event time is further ahead of the store's Clock than View.Future is refused
// and counted in [Stats].Early, as it would keep out what comes after it.
//
// Ages are taken at the query's Now, see [Column].MaxAge: a row is as old as its
// event time, and a value older than its column's MaxAge, by however little, is
// stale. What happens to it is the StalePolicy. A row older than the view's TTL is missing; [Store.Sweep] gives its memory
// back. A query without Now finds nothing stale, expired or in the future, and no ages.
//
// With MaxRows or MaxBytes a new key takes the place of another one. Each shard has a hand that goes round: it passes the rows
// that were read since it came by, and takes the first that was not; rows past the TTL go before, as far as the hand sees them. A row
// that was just written and never read does not count as read, so that a flood of new keys does not drive out what is in use. Of a row that was
// evicted nothing is kept: a late write brings it back as it was.
//
// Memory per row: 16 bytes, 8 for each ID, 4 for each float and vector element, up to a
// quarter more to fill cache lines, up to a quarter more for growth, and 20 to 40
// bytes of index. Rows and index hold no pointers.
//
// Reading n rows costs O(n) with the cache misses of up to 64 rows overlapped, and
// allocates nothing. Replacing a row allocates nothing in steady state.
type Store struct {
	config StoreConfig
	view   *View
	byKey  Keys // of all entities but Context, whose stores are bound first
	layout *layout
	served []Column
	shift  uint // the shard is the upper 63-shift bits of the hash

	future int64 // nanoseconds

	bounded   bool // there are bounds, so that reads are noted
	limit     int64
	liveLimit int // rows of a shard
	slotLimit int // slots of a shard
	minSlots  int // of a shard, by Capacity

	epochs epochs
	tables atomic.Pointer[[]table] // what readers see; replaced as a whole
	shards []shard
	rows   atomic.Int64 // and new ones that are on their way

	swapping sync.Mutex // held to replace tables
	sweeper  sweeper
}

var (
	_ OnlineStore       = (*Store)(nil)
	_ recsys.Overwriter = (*Store)(nil)
	_ recsys.Versioned  = (*Store)(nil)
	_ recsys.ViewSource = (*Store)(nil)
	_ recsys.AgeWriter  = (*Store)(nil)

	_ recsys.Binder[recsys.FeatureSource] = (*Store)(nil)
)

// NewStore returns an empty store. The error lists every mistake in the configuration.
func NewStore(config StoreConfig) (*Store, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	return newStore(config), nil
}

// newStore makes a store of a configuration that has been checked and filled in.
func newStore(config StoreConfig) *Store {
	view := config.View
	view.Columns = view.Stored()
	s := &Store{
		config: config,
		view:   &view,
		byKey:  Keys{entity: view.Entity},
		layout: newLayout(&view),
		served: view.Served(),
		shift:  63 - uint(bits.Len(uint(config.Shards))-1),
		future: int64(view.Tolerance()),
		shards: make([]shard, config.Shards),
	}
	s.plan()
	tables := make([]table, config.Shards)
	for k := range tables {
		tables[k].index = alignedWords(bucketWords)
		if s.minSlots > 0 {
			tables[k] = table{alignedWords(s.entriesFor(s.minSlots)), alignedWords(s.minSlots * s.layout.stride)}
		}
	}
	s.tables.Store(&tables)
	return s
}

// plan works out the bounds of the shards.
func (s *Store) plan() {
	c := &s.config
	s.limit = c.limit(s.layout)
	if s.bounded = s.limit > 0; s.bounded {
		s.slotLimit, s.liveLimit = share(int(s.limit), c.Shards), liveShare(int(s.limit), c.Shards)
	}
	if c.Capacity > 0 {
		s.minSlots = share(c.Capacity, c.Shards)
		if s.bounded {
			s.minSlots = min(s.minSlots, s.slotLimit)
		}
	}
}

// shardOf returns h >> (shift+1), in a form that needs no test for a shift by 64.
func (s *Store) shardOf(h uint64) int { return int(h >> 1 >> (s.shift & 63)) }

// View returns the definition of the rows, with the scope of the columns filled in. It is read-only.
func (s *Store) View() *View { return s.view }

// Columns returns the columns of the view with the scope that follows from the entity, and the one that holds the age, if any.
func (s *Store) Columns() []Column { return s.served }

// Overwrites returns true: Hydrate writes every cell itself.
func (s *Store) Overwrites() bool { return true }

// WritesAges returns true: blocks have the age of each row.
func (s *Store) WritesAges() bool { return true }

// FeatureViews returns the view's name and hash.
func (s *Store) FeatureViews() []recsys.FeatureView {
	return []recsys.FeatureView{s.view.FeatureView()}
}

// Version returns the configured version, or the hash of the view: what a model
// that reads them depends on. It does not change when rows do.
func (s *Store) Version() string { return s.config.Version }

// Bind returns the store, or for the entity Context one that takes its keys from the column of the schema that View.Key
// names. The error is that of [View.Keys].
func (s *Store) Bind(schema *recsys.Schema) (recsys.FeatureSource, error) {
	if s.view.Entity != Context {
		return s, nil
	}
	keys, err := s.view.Keys(schema)
	if err != nil {
		return nil, err
	}
	return &boundStore{s, keys}, nil
}

// boundStore is a store that knows where its keys are in the request row.
type boundStore struct {
	*Store
	keys Keys
}

// Put stores a copy of the row and reports whether it did: it does not when a row of
// later event time is there, or when the event time is too far ahead of the clock. The error is a [*RowError], and nothing is stored: an
// infinite value, a NaN in a vector, a wrong number of values, no event time where the view has a TTL or
// a column a MaxAge.
func (s *Store) Put(r Row) (stored bool, err error) {
	at, err := s.layout.check(&r)
	if err != nil {
		return false, err
	}
	var w Written
	s.write(&r, at, s.clock(), &w)
	return w.Stored > 0, nil
}

// PutBatch stores the rows, one after the other, and returns what became of them. If
// one of them is wrong, none is stored and the error, which wraps a [*RowError], names it. It waits for no one,
// so ctx is only looked at before the first row.
func (s *Store) PutBatch(ctx context.Context, rows []Row) (Written, error) {
	var w Written
	if ctx.Err() != nil {
		return w, fmt.Errorf("features: store: %w", context.Cause(ctx))
	}
	for i := range rows {
		if _, err := s.layout.check(&rows[i]); err != nil {
			return w, fmt.Errorf("rows[%d]: %w", i, err)
		}
	}
	now := s.clock()
	for i := range rows {
		at, _ := nanoOf(rows[i].Time)
		s.write(&rows[i], at, now, &w)
	}
	return w, nil
}

// impossible is the time of a clock that is beyond all event times, or has none: it refuses no row and expires none.
const impossible = math.MaxInt64

// clock returns the store's time as rows have it.
func (s *Store) clock() int64 {
	now, ok := nanoOf(s.config.Clock())
	if !ok || now == undated {
		return impossible
	}
	return now
}

// write puts a row that has been checked unless it is of the future, and counts what became of it.
func (s *Store) write(r *Row, at, now int64, w *Written) {
	sh := &s.shards[s.shardOf(hashOf(r.Key))]
	if at > now {
		if uint64(at)-uint64(now) > uint64(s.future) {
			sh.early.Add(1)
			w.Future++
			return
		}
		sh.ahead.Add(1)
	}
	if s.put(r, at, now, false) {
		w.Stored++
	} else {
		w.Late++
	}
}

// Row returns a row of values given by column name, ready for Put. Columns that are not
// named are missing: NaN, ID 0, a vector of zeros. A float is given as float32, float64,
// int, int64 or bool; an ID as uint64, ItemID, UserID, int or string, which is hashed by
// [recsys.HashID]; a vector as []float32. The error is a [*RowError]. Row is for
// convenience; a feed of many rows fills [Row] itself.
func (s *Store) Row(key uint64, at time.Time, values map[string]any) (Row, error) {
	return s.layout.named(key, at, values)
}

// Delete removes the row of a key and reports whether there was one. No trace of
// it is kept: a later Put restores the key, whatever its event time.
func (s *Store) Delete(key uint64) bool { return s.remove(key) }

// Len returns the number of rows.
func (s *Store) Len() int { return int(s.rows.Load()) }
