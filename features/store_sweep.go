package features

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// sweepChunk is how many entries of an index are looked at under one lock.
const sweepChunk = 512

// sweeper is where the sweep of a store is.
type sweeper struct {
	mu    sync.Mutex
	shard int
	entry int
}

// Sweep removes the rows that are past the view's TTL at now, and returns how many. It also gives memory back: a shard that
// is less than a quarter full moves into a smaller one. A view without TTL has nothing to remove.
//
// Rows past their TTL read as missing whether they were removed or not, so a sweep decides on memory alone; once in a tenth of the TTL is
// plenty. Readers never wait for it; writers of a shard wait while it looks at a few hundred rows, some 10 µs, or compacts the
// shard. A pass over a million rows takes about 0.1 s of one core.
//
// When ctx is done Sweep returns its error, and the next call goes on where this one ended: a context with a deadline makes it as
// incremental as one wishes. Of concurrent calls one works and the others wait for it.
func (s *Store) Sweep(ctx context.Context, now time.Time) (removed int, err error) {
	s.sweeper.mu.Lock()
	defer s.sweeper.mu.Unlock()
	dead := int64(undated)
	if nano, ok := nanoOf(now); ok && nano != undated {
		dead = s.deadline(nano)
	}
	at := &s.sweeper
	for range s.shards {
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return removed, fmt.Errorf("features: sweep: %w", context.Cause(ctx))
			}
			var n int
			n, more = s.sweepSome(at.shard, at.entry, dead)
			removed += n
			at.entry += sweepChunk
		}
		s.compact(at.shard)
		at.shard, at.entry = (at.shard+1)%len(s.shards), 0
	}
	return removed, nil
}

// SweepEvery sweeps by the store's clock, once in each interval, until ctx is done, whose cause it returns. Run it in a goroutine of its
// own. It panics if the interval is not positive, as [time.NewTicker] does.
func (s *Store) SweepEvery(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if _, err := s.Sweep(ctx, s.config.Clock()); err != nil {
				return context.Cause(ctx)
			}
		}
	}
}

// sweepSome removes the expired rows of some entries of shard k, and reports whether there are more entries.
func (s *Store) sweepSome(k, entry int, dead int64) (removed int, more bool) {
	sh := &s.shards[k]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := s.table(k)
	end := min(entry+sweepChunk, len(t.index))
	for p := entry; p < end; p++ {
		e := atomic.LoadUint64(&t.index[p])
		if e > deletedEntry && int64(s.words(t, e)[timeWord]) < dead {
			s.drop(sh, t, p)
			removed++
		}
	}
	sh.swept.Add(uint64(removed))
	return removed, end < len(t.index)
}

// compact moves the rows of shard k into less memory if three quarters of it are unused, or if it is more than the bounds planned with.
// Readers may look at the old table as long as they like.
func (s *Store) compact(k int) {
	sh := &s.shards[k]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := s.table(k)
	have, slots := t.slots(s.layout.stride), max(sh.live+sh.live/2+2*retireBatch, s.minSlots)
	if s.bounded {
		slots = min(slots, s.slotLimit)
	}
	if over := s.bounded && have > s.slotLimit; !over && (4*sh.live >= have || 2*slots > have) {
		return
	}
	s.swap(k, t.compacted(slots, s.entriesFor(slots), s.layout.stride))
	sh.used, sh.deleted, sh.hand, sh.scan = sh.live, 0, 0, 0
	sh.free, sh.retired = nil, retirement{}
}
