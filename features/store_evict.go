package features

import "sync/atomic"

// A store with a bound gives a row up for each new one that it takes. Which one is decided by the clock algorithm: a hand
// goes round the index of a shard; it passes rows that were read since it came by last, and takes the
// first that was not. Reading a row sets a bit of its entry, which is in the reader's hands already; it is set once
// between two visits of the hand, so that readers of popular rows write nothing.
//
// Rows that are past their TTL go before: a second hand looks for them, up to evictPeek rows further each time, so that it has seen
// all rows when an eighth as many were evicted.
// Where everything is read all the time the hand would go a full round, with writers waiting: after evictLooks rows it takes the
// one with the oldest event time of those.
//
// Source: Corbató, "A paging experiment with the Multics system", in: In Honor of P. M. Morse, MIT Press, 1969.
const (
	evictLooks = 32
	evictPeek  = 8
)

// admit counts a new row of shard k and makes room for it, or returns false when the shard has no row to give up.
// The caller holds the lock of the shard.
func (s *Store) admit(k int, now int64) bool {
	if n := s.rows.Add(1); !s.bounded || n <= s.limit && s.shards[k].live < s.liveLimit {
		return true
	}
	if s.evict(k, now) {
		return true
	}
	s.rows.Add(-1)
	return false
}

// evictBeside makes room in some shard after k, none of which the caller has locked.
func (s *Store) evictBeside(k int, now int64) {
	for i := 1; i < len(s.shards) && s.rows.Load() >= s.limit; i++ {
		next := (k + i) % len(s.shards)
		sh := &s.shards[next]
		sh.mu.Lock()
		done := s.evict(next, now)
		sh.mu.Unlock()
		if done {
			return
		}
	}
}

// evict removes a row of shard k, if there is one. The caller holds the lock of the shard.
func (s *Store) evict(k int, now int64) bool {
	sh, t := &s.shards[k], s.table(k)
	if sh.live == 0 {
		return false
	}
	p, expired := s.expired(sh, t, s.deadline(now))
	if !expired {
		p = s.victim(sh, t)
	}
	s.drop(sh, t, p)
	sh.evicted.Add(1)
	return true
}

// victim moves the hand to a row to give up, and past it.
func (s *Store) victim(sh *shard, t *table) (p int) {
	mask := len(t.index) - 1
	oldest, first := 0, int64(0)
	for looks := 0; looks < evictLooks; {
		p = sh.hand & mask
		sh.hand = p + 1
		e := atomic.LoadUint64(&t.index[p])
		if e <= deletedEntry {
			continue
		}
		if e&readBit == 0 {
			return p
		}
		atomic.StoreUint64(&t.index[p], e&^readBit) // a reader who marks it right now is lost
		if at := int64(s.words(t, e)[timeWord]); looks == 0 || at < first {
			oldest, first = p, at
		}
		looks++
	}
	return oldest
}

// expired moves the second hand, to a row that is past its TTL if it meets one soon.
func (s *Store) expired(sh *shard, t *table, dead int64) (p int, ok bool) {
	if dead == undated {
		return 0, false
	}
	mask := len(t.index) - 1
	for looks := 0; looks < evictPeek; {
		p = sh.scan & mask
		sh.scan = p + 1
		if e := atomic.LoadUint64(&t.index[p]); e > deletedEntry {
			if int64(s.words(t, e)[timeWord]) < dead {
				return p, true
			}
			looks++
		}
	}
	return 0, false
}

// deadline returns the event time before which a row is past its TTL; by an impossible clock none is.
func (s *Store) deadline(now int64) int64 {
	if s.layout.ttl == 0 || now == impossible {
		return undated
	}
	return before(now, s.layout.ttl)
}

// rowsWithin returns for how many rows a store with so many shards needs at most the given bytes, 0 if for none.
func (l *layout) rowsWithin(bytes int64, shards int) int {
	low, high := 0, int(min(bytes/8/int64(l.stride), maxCapacity)) // low fits, high does not, or is the answer
	for low < high {
		mid := low + (high-low+1)/2
		if l.bytesFor(mid, shards) <= bytes {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// entriesFor returns the size of the index of a shard with so many slots: no more than the bounds planned with.
func (s *Store) entriesFor(slots int) int {
	n := entriesFor(slots)
	if s.bounded {
		n = min(n, mostEntries(s.liveLimit))
	}
	return n
}

// mostEntries returns how large the index of a shard grows that holds up to so many rows.
func mostEntries(live int) int { return entriesFor(live + live/4 + 1) }

// bytesFor returns the memory of a store with so many shards that is bounded to a number of rows.
func (l *layout) bytesFor(rows, shards int) int64 {
	live := liveShare(rows, shards)
	return 8 * int64(shards) * int64(share(rows, shards)*l.stride+mostEntries(live))
}
