package features

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// shard is the writers' side of one part of a store. Its lock is held by writers alone.
type shard struct {
	mu      sync.Mutex
	live    int        // keys
	deleted int        // entries of the index that were deleted
	used    int        // slots that were ever taken
	hand    int        // where evict looks next
	scan    int        // where it looks for expired rows
	free    []uint32   // slots that can be taken
	retired retirement // slots that readers may look at

	stored, late, early, ahead, removed, evicted, swept atomic.Uint64

	_ [32]byte
}

// table returns the current table of shard k.
func (s *Store) table(k int) *table { return &(*s.tables.Load())[k] }

// swap makes t the table of shard k. The caller holds the shard's lock.
func (s *Store) swap(k int, t *table) {
	s.swapping.Lock()
	defer s.swapping.Unlock()
	next := slices.Clone(*s.tables.Load())
	next[k] = *t
	s.tables.Store(&next)
}

// put stores a row that has been checked, unless a later one is there, or with older one of the same time, as r was written before it.
// Now is the store's clock.
func (s *Store) put(r *Row, at, now int64, older bool) (stored bool) {
	h := hashOf(r.Key)
	k := s.shardOf(h)
	for {
		stored, full := s.tryPut(k, h, r, at, now, older)
		if !full {
			return stored
		}
		s.evictBeside(k, now)
	}
}

// tryPut is put, or returns full when the store is at its bound and shard k has no row to give up.
func (s *Store) tryPut(k int, h uint64, r *Row, at, now int64, older bool) (stored, full bool) {
	sh := &s.shards[k]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.reserve(k)
	t := s.table(k)
	p, old, exists := t.find(h, r.Key, s.layout.stride)
	if exists {
		if there := int64(s.words(t, old)[timeWord]); at < there || older && at == there {
			sh.late.Add(1)
			return false, false
		}
	} else {
		if !s.admit(k, now) {
			return false, true
		}
		p, _, _ = t.find(h, r.Key, s.layout.stride) // evict may have changed the way there
	}
	entry := entryOf(h, sh.take())
	s.layout.encode(s.words(t, entry), r, at)
	was := atomic.LoadUint64(&t.index[p])
	atomic.StoreUint64(&t.index[p], entry|was&readBit) // from here on readers see it
	sh.stored.Add(1)
	switch {
	case exists:
		sh.retired.push(uint32(old), s.epochs.now.Load())
		return true, false
	case was == deletedEntry:
		sh.deleted--
	}
	sh.live++
	return true, false
}

// words returns the row that an entry names.
func (s *Store) words(t *table, entry uint64) []uint64 {
	return s.layout.view(t.row(entry, s.layout.stride))
}

// remove deletes a key.
func (s *Store) remove(key uint64) bool {
	h := hashOf(key)
	k := s.shardOf(h)
	sh := &s.shards[k]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := s.table(k)
	p, _, exists := t.find(h, key, s.layout.stride)
	if exists {
		s.drop(sh, t, p)
		sh.removed.Add(1)
	}
	return exists
}

// drop removes the row whose entry is at p. The caller holds the lock of the shard.
func (s *Store) drop(sh *shard, t *table, p int) {
	slot := uint32(atomic.LoadUint64(&t.index[p]))
	sh.deleted += t.erase(p)
	sh.retired.push(slot, s.epochs.now.Load()) // the epoch after the index: who comes in a later one does not find the slot
	sh.live--
	s.rows.Add(-1)
}

// retireBatch is how many retired slots wait before a writer tries to start an epoch.
const retireBatch = 32

// reserve makes sure that there is a slot to take and an entry to use.
func (s *Store) reserve(k int) {
	sh, t := &s.shards[k], s.table(k)
	have := t.slots(s.layout.stride)
	slots, entries := have, len(t.index)
	if len(sh.free) == 0 {
		full := sh.used == have
		if full || sh.retired.len() >= retireBatch {
			sh.reclaim(&s.epochs)
		}
		if full && len(sh.free) == 0 {
			slots = s.moreSlots(sh, have)
		}
	}
	crowded := 2*(sh.live+sh.deleted+1) > entries
	if crowded {
		entries = entriesFor(sh.live + sh.live/4 + 1) // a quarter, so that deleted entries do not bring us back soon
	}
	if slots > have || crowded {
		s.swap(k, t.grown(slots, entries, s.layout.stride))
		sh.deleted = 0
	}
}

// moreSlots returns how many slots a full shard is to have. A store with a bound waits for readers before it
// goes beyond what it planned with.
func (s *Store) moreSlots(sh *shard, have int) int {
	const tries = 100
	if !s.bounded || have < s.slotLimit {
		if s.bounded {
			return min(grownSlots(have), s.slotLimit)
		}
		return grownSlots(have)
	}
	for range tries {
		runtime.Gosched()
		if sh.reclaim(&s.epochs); len(sh.free) > 0 {
			return have
		}
	}
	return have + retireBatch + have/16
}

// grownSlots returns the next size of a slab: doubled while small, then a quarter more.
func grownSlots(slots int) int {
	if slots < 1024 {
		return max(2*slots, 16)
	}
	return slots + slots/4
}

// reclaim frees the retired slots that no reader can see any more.
func (sh *shard) reclaim(e *epochs) {
	e.advance()
	e.advance()
	for {
		slot, ok := sh.retired.pop(e.now.Load())
		if !ok {
			return
		}
		sh.free = append(sh.free, slot)
	}
}

// take returns a free slot; reserve has made sure that there is one.
func (sh *shard) take() uint32 {
	if n := len(sh.free); n > 0 {
		slot := sh.free[n-1]
		sh.free = sh.free[:n-1]
		return slot
	}
	sh.used++
	return uint32(sh.used - 1)
}
