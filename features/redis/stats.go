package redis

import (
	"errors"
	"fmt"
)

// ValueError says that something under a key of the view is not a row of it. It is read as missing and counted.
type ValueError struct {
	View string
	Key  uint64
	Name string // the key in Redis
	Size int    // bytes of the value
	Err  error  // wraps ErrVersion or ErrForeign
}

// Error names the view, the key and the reason.
func (e *ValueError) Error() string {
	return fmt.Sprintf("redis: view %q: key %q, %d bytes: %v", e.View, e.Name, e.Size, e.Err)
}

// Unwrap returns the reason.
func (e *ValueError) Unwrap() error { return e.Err }

// bad counts and reports a value that is no row.
func (c *core) bad(key uint64, text string, err error) {
	if errors.Is(err, ErrVersion) {
		c.counts.version.Add(1)
	} else {
		c.counts.foreign.Add(1)
	}
	if c.config.Report != nil {
		names, _ := c.space.append(nil, nil, []uint64{key})
		c.config.Report(&ValueError{View: c.view.Name, Key: key, Name: names[0], Size: len(text), Err: err})
	}
}

// Stats is what a [Store] has counted since it was opened.
type Stats struct {
	// Each row that Hydrate was asked for, and that Redis answered for, counts as one of these.
	Fresh   uint64
	Stale   uint64 // some value was older than its column's MaxAge
	Expired uint64 // older than the TTL, and so missing
	Missing uint64 // no such key, or one of the next two

	Foreign uint64 // values that are no rows, see ErrForeign
	Version uint64 // rows of another version of the view, see ErrVersion
	Future  uint64 // rows read whose event time was after Now; also in Fresh or Stale

	FailedReads  uint64 // calls of Hydrate and Lookup that returned an error
	FailedWrites uint64 // calls of PutBatch and Delete that returned an error of the connection

	Stored   uint64 // writes that took effect
	Late     uint64 // refused for a row of later event time
	Ahead    uint64 // refused for an event time beyond View.Future
	Refused  uint64 // refused by Redis: its memory is full, or something else lies under the key
	Replaced uint64 // of Stored: took the place of a row of another version

	Near   NearStats
	Reads  BreakerStats
	Writes BreakerStats
}

// NearStats is what the near-cache has counted.
type NearStats struct {
	Hits   uint64 // rows served from the process
	Misses uint64 // rows asked for
	Joined uint64 // rows that another call was asking for already

	Invalidated uint64 // copies dropped because the key has changed
	Evicted     uint64 // copies dropped to make room
	Flushed     uint64 // times that all copies were dropped: a connection broke

	Rows  int
	Bytes int64
}

// HitRate returns the share of rows that were served without asking for them, 0 when none was.
func (n NearStats) HitRate() float64 {
	all := n.Hits + n.Misses + n.Joined
	if all == 0 {
		return 0
	}
	return float64(n.Hits+n.Joined) / float64(all)
}

// BreakerStats is what a circuit breaker has counted, and its state.
type BreakerStats struct {
	State   BreakerState
	Opened  uint64 // times that it opened, after a failed probe too
	Refused uint64 // calls that did not go to Redis
	Probes  uint64
}

func (b *breaker) stats() BreakerStats {
	return BreakerStats{State: b.state(), Opened: b.opened.Load(), Refused: b.refused.Load(), Probes: b.probes.Load()}
}

// Stats returns the counts. They are exact when nothing runs concurrently.
func (s *Store) Stats() Stats {
	c := &s.counts
	st := Stats{
		Fresh: c.fresh.Load(), Stale: c.stale.Load(), Expired: c.expired.Load(), Missing: c.missing.Load(),
		Foreign: c.foreign.Load(), Version: c.version.Load(), Future: c.future.Load(),
		FailedReads: c.failedReads.Load(), FailedWrites: c.failedWrites.Load(),
		Stored: c.stored.Load(), Late: c.late.Load(), Ahead: c.ahead.Load(), Refused: c.refused.Load(), Replaced: c.replaced.Load(),
		Reads: s.reads.breaker.stats(), Writes: s.writes.breaker.stats(),
	}
	if s.near != nil {
		st.Near = s.near.stats()
	}
	return st
}

func (n *near) stats() NearStats {
	st := NearStats{
		Hits: n.hits.Load(), Misses: n.misses.Load(), Joined: n.joined.Load(),
		Invalidated: n.invalidated.Load(), Evicted: n.evicted.Load(), Flushed: n.flushed.Load(),
	}
	st.Rows, st.Bytes = n.size()
	return st
}
