package features

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// StoreConfig is what a [Store] is made of. All but View has a default.
type StoreConfig struct {
	// View is what the rows hold; required.
	View View

	// Capacity is how many rows to make room for at once. The default is 0: the store
	// starts small. It grows when it must in either case, a shard at a time.
	Capacity int

	// MaxRows bounds the number of rows. A new row then takes the place of one that is past the TTL, or was not read for
	// long; see [Store]. The default 0 means no bound.
	MaxRows int

	// MaxBytes bounds the memory of rows and index, and with it the number of rows, to as many as fit with what the shards are uneven. A
	// shard that grows needs both its old and its new memory for a moment, and one whose readers are held up takes slots
	// beyond the plan rather than wait for them; Sweep gives those back. The default 0 means no bound.
	MaxBytes int64

	// Shards is how many parts there are, a power of two up to 65536. The default is
	// 64, less in a store that is bounded to few rows. Writers lock a part; while it grows, which copies its rows, other writers of
	// that part wait. Readers never do. A part holds at most 2^32 rows.
	Shards int

	// RefuseFuture makes a row missing whose event time is after the query's Now. By
	// default it is served as fresh: clocks of producers differ. Set it where queries
	// about the past must not look ahead.
	RefuseFuture bool

	// Clock is what writes are judged by: which rows are of the future, and, where there is a bound, which are past their TTL. Reads
	// go by the query's Now. The default is time.Now; set it to what replays a log at another pace.
	Clock func() time.Time

	// Version stands in exposure records. The default is the hash of the view.
	Version string
}

const (
	defaultShards = 64
	maxShards     = 1 << 16
	maxCapacity   = 1 << 31
)

// limit returns how many rows the bounds allow, 0 for any number.
func (c *StoreConfig) limit(l *layout) int64 {
	limit := int64(c.MaxRows)
	if c.MaxBytes > 0 {
		if n := int64(l.rowsWithin(c.MaxBytes, c.Shards)); limit == 0 || n < limit {
			limit = n
		}
	}
	return limit
}

// check fills in the defaults and returns all mistakes.
func (c *StoreConfig) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("features: store: "+format, args...)) }
	if err := c.View.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Capacity < 0 || uint64(c.Capacity) > maxCapacity {
		bad("Capacity is %d; want 0 to %d", c.Capacity, uint64(maxCapacity))
	}
	if c.MaxRows < 0 || uint64(c.MaxRows) > maxCapacity {
		bad("MaxRows is %d; want 1 to %d, or 0 for no bound", c.MaxRows, uint64(maxCapacity))
	}
	if c.Shards < 0 || c.Shards > maxShards || c.Shards&(c.Shards-1) != 0 {
		bad("Shards is %d; want a power of two up to %d (0 means %d)", c.Shards, maxShards, defaultShards)
	}
	if c.MaxBytes < 0 {
		bad("MaxBytes is %d; want > 0, or 0 for no bound", c.MaxBytes)
	}
	if len(errs) == 0 {
		errs = append(errs, c.fill())
	}
	return errors.Join(errs...)
}

// fill fills in the defaults, and checks that the bounds leave room for rows.
func (c *StoreConfig) fill() error {
	view := c.View
	view.Columns = view.Stored()
	l := newLayout(&view)
	if c.Shards == 0 {
		const rowsOfShard = 256 // so that shards are about even
		c.Shards = defaultShards
		for c.Shards > 1 && (c.MaxRows > 0 || c.MaxBytes > 0) && c.limit(l) < int64(rowsOfShard*c.Shards) {
			c.Shards /= 2
		}
	}
	if c.MaxBytes > 0 && c.limit(l) == 0 {
		return fmt.Errorf("features: store: MaxBytes is %d; want at least %d, which is what one row needs with %d shards", c.MaxBytes, l.bytesFor(1, c.Shards), c.Shards)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Version == "" {
		c.Version = fmt.Sprintf("%016x", c.View.Hash())
	}
	return nil
}

// share returns how many slots a shard needs for its part of n keys: those of its rows, and some for rows that are being replaced.
func share(n, shards int) int { return liveShare(n, shards) + 2*retireBatch }

// liveShare returns how many of n keys a shard may get: the mean and four standard deviations, and some more where they are few.
func liveShare(n, shards int) int {
	if shards == 1 {
		return n
	}
	mean := float64(n) / float64(shards)
	return min(n, 8+int(mean+4*math.Sqrt(mean)))
}
