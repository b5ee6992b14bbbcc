package features

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
)

// Entity says whose features a [Store] holds.
type Entity uint8

// The entities.
const (
	Item Entity = iota // keys are ItemIDs; columns have scope PerItem
	User               // keys are UserIDs; columns have scope PerRequest
)

// String returns "item" or "user".
func (e Entity) String() string {
	switch e {
	case Item:
		return "item"
	case User:
		return "user"
	}
	return fmt.Sprintf("Entity(%d)", uint8(e))
}

// StalePolicy says what [Store.Hydrate] does with a value that is older than its
// column's MaxAge. Whatever it is, the row's Stale bit is set and the row counts as
// stale in [Stats].
type StalePolicy uint8

// The policies.
const (
	ServeStale   StalePolicy = iota // the value is served as it is
	DefaultStale                    // the value's column gets its default; younger columns are served
	DropStale                       // the whole row is missing: defaults and the Missing bit
)

// StoreConfig is what a [Store] is made of. All but Columns has a default.
type StoreConfig struct {
	// Entity is Item by default.
	Entity Entity

	// Columns are what Hydrate writes; required. Their scope follows from Entity. The
	// columns of one store share the event time of their row: what another job updates
	// goes into another store.
	Columns []Column

	// Capacity is how many rows to make room for at once. The default is 0: the store
	// starts small. It grows when it must in either case, a shard at a time.
	Capacity int

	// Shards is how many parts there are, a power of two up to 65536. The default is
	// 64. Writers lock a part; while it grows, which copies its rows, other writers of
	// that part wait. Readers never do. A part holds at most 2^32 rows.
	Shards int

	// Stale says what becomes of old values. The default is ServeStale.
	Stale StalePolicy

	// RefuseFuture makes a row missing whose event time is after the query's Now. By
	// default it is served as fresh: clocks of producers differ. Set it where queries
	// about the past must not look ahead.
	RefuseFuture bool

	// Version stands in exposure records. The default is the hash of the columns.
	Version string
}

const (
	defaultShards = 64
	maxShards     = 1 << 16
	maxCapacity   = 1 << 31
)

// Store is an online feature store in memory: one row of columns for each item or
// user, read by the hundred straight into the candidate table.
//
// Any number of readers and writers run concurrently. Readers take no lock, wait
// for nobody and see each row whole, as one Put wrote it; rows of one batch may be
// of different moments. Writers of one shard wait for each other. A write that
// meets a row of later event time is refused and counted in [Stats].Late, so
// events may come late and out of order; of two with the same event time the one
// that came last counts. A row from a clock that runs ahead therefore keeps out what
// comes after it, until its time has come or it is deleted.
//
// Ages are taken at the query's Now, see [Column].MaxAge: a row is as old as its
// event time, and a value older than its column's MaxAge, by however little, is
// stale. What happens to it is the StalePolicy. A query without Now finds nothing
// stale and nothing in the future.
//
// Memory per row: 16 bytes, 8 for each ID, 4 for each float and vector element, up to a
// quarter more to fill cache lines, up to a quarter more for growth, and 16 to 32
// bytes of index. Rows and index hold no pointers.
//
// Reading n rows costs O(n) with the cache misses of up to 64 rows overlapped, and
// allocates nothing. Replacing a row allocates nothing in steady state.
type Store struct {
	config  StoreConfig
	layout  *layout
	schema  uint64
	bounded bool // marks what is read, for evict
	shift   uint // the shard is the upper 63-shift bits of the hash

	epochs epochs
	tables atomic.Pointer[[]table] // what readers see; replaced as a whole
	shards []shard
	rows   atomic.Int64

	swapping sync.Mutex // held to replace tables
}

var (
	_ recsys.FeatureSource = (*Store)(nil)
	_ recsys.Overwriter    = (*Store)(nil)
	_ recsys.Versioned     = (*Store)(nil)
)

// NewStore returns an empty store. The error lists every mistake in the configuration.
func NewStore(config StoreConfig) (*Store, error) {
	config.Columns = slices.Clone(config.Columns)
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("features: store: %w", err)
	}
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: config.Columns})
	if err != nil {
		return nil, fmt.Errorf("features: store: %w", err)
	}
	if config.Shards == 0 {
		config.Shards = defaultShards
	}
	if config.Version == "" {
		config.Version = fmt.Sprintf("%016x", schema.Hash())
	}
	return newStore(config, schema.Hash()), nil
}

// newStore makes a store of a configuration that has been checked and filled in.
func newStore(config StoreConfig, schema uint64) *Store {
	s := &Store{
		config: config,
		layout: newLayout(config.Columns),
		schema: schema,
		shift:  63 - uint(bits.Len(uint(config.Shards))-1),
		shards: make([]shard, config.Shards),
	}
	tables := make([]table, config.Shards)
	for k := range tables {
		tables[k].index = alignedWords(bucketWords)
		if config.Capacity > 0 {
			slots := share(config.Capacity, config.Shards)
			tables[k] = table{alignedWords(entriesFor(slots)), alignedWords(slots * s.layout.stride)}
		}
	}
	s.tables.Store(&tables)
	return s
}

// share returns how many slots a shard needs for its part of n keys: the mean, four
// standard deviations, and room for rows that are being replaced.
func share(n, shards int) int {
	mean := float64(n) / float64(shards)
	if shards == 1 {
		return n + 2*retireBatch
	}
	return int(mean+4*math.Sqrt(mean)) + 2*retireBatch
}

// check fills in the scope of the columns and returns all mistakes.
func (c *StoreConfig) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Entity > User {
		bad("Entity is %d; want Item or User", c.Entity)
	}
	if len(c.Columns) == 0 {
		bad("no Columns; want at least one")
	}
	for i := range c.Columns {
		col := &c.Columns[i]
		switch {
		case c.Entity == User:
			col.Scope = recsys.PerRequest
		case col.Scope == recsys.PerRequest:
			bad("column %q has scope PerRequest in a store of items; set Entity to User, or drop the scope", col.Name)
		}
		if d := col.Default; d != nil {
			if math.IsInf(float64(*d), 0) {
				bad("column %q: Default is %v; want a finite number, or nil", col.Name, *d)
			}
			col.Default = new(*d)
		}
	}
	if c.Capacity < 0 || uint64(c.Capacity) > maxCapacity {
		bad("Capacity is %d; want 0 to %d", c.Capacity, uint64(maxCapacity))
	}
	if c.Shards < 0 || c.Shards > maxShards || c.Shards&(c.Shards-1) != 0 {
		bad("Shards is %d; want a power of two up to %d (0 means %d)", c.Shards, maxShards, defaultShards)
	}
	if c.Stale > DropStale {
		bad("Stale is %d; want ServeStale, DefaultStale or DropStale", c.Stale)
	}
	return errors.Join(errs...)
}

// shardOf returns h >> (shift+1), in a form that needs no test for a shift by 64.
func (s *Store) shardOf(h uint64) int { return int(h >> 1 >> (s.shift & 63)) }

// Columns returns the columns with the scope that follows from the entity.
func (s *Store) Columns() []Column { return s.config.Columns }

// Overwrites returns true: Hydrate writes every cell itself.
func (s *Store) Overwrites() bool { return true }

// Version returns the configured version, or the hash of the columns: what a model
// that reads them depends on. It does not change when rows do.
func (s *Store) Version() string { return s.config.Version }

// Put stores a copy of the row and reports whether it did: it does not when a row of
// later event time is there. The error is a [*RowError], and nothing is stored: an
// infinite value, a NaN in a vector, a wrong number of values, no event time where a
// column has a MaxAge.
func (s *Store) Put(r Row) (stored bool, err error) {
	at, err := s.layout.check(&r)
	if err != nil {
		return false, err
	}
	return s.put(&r, at), nil
}

// PutBatch stores the rows, one after the other, and returns how many were not late. If
// one of them is wrong, none is stored and the error, which wraps a [*RowError], names it.
func (s *Store) PutBatch(rows []Row) (stored int, err error) {
	for i := range rows {
		if _, err := s.layout.check(&rows[i]); err != nil {
			return 0, fmt.Errorf("rows[%d]: %w", i, err)
		}
	}
	for i := range rows {
		at, _ := nanoOf(rows[i].Time)
		if s.put(&rows[i], at) {
			stored++
		}
	}
	return stored, nil
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

// Stats is what a [Store] has counted since it was made.
type Stats struct {
	Rows  int   // that there are
	Bytes int64 // of rows and index, room for growth included

	Stored  uint64 // writes that took effect
	Late    uint64 // writes refused for a row of later event time
	Deleted uint64

	// Each row that Hydrate was asked for counts as one of these three.
	Fresh   uint64
	Stale   uint64 // some value was older than its column's MaxAge
	Missing uint64 // no such key, or in the future and RefuseFuture is set

	Future uint64 // rows read whose event time was after Now; also in one of the three
}

// Stats returns the counts. They are exact when nothing runs concurrently.
func (s *Store) Stats() Stats {
	st := Stats{Rows: s.Len()}
	for _, t := range *s.tables.Load() {
		st.Bytes += 8 * int64(len(t.index)+len(t.rows))
	}
	for k := range s.shards {
		sh := &s.shards[k]
		st.Stored += sh.stored.Load()
		st.Late += sh.late.Load()
		st.Deleted += sh.removed.Load()
	}
	for i := range s.epochs.stripes {
		c := &s.epochs.stripes[i]
		st.Fresh += c.fresh.Load()
		st.Stale += c.stale.Load()
		st.Missing += c.missing.Load()
		st.Future += c.future.Load()
	}
	return st
}
