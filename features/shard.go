package features

import (
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
	free    []uint32   // slots that can be taken
	retired retirement // slots that readers may look at

	stored, late, removed atomic.Uint64

	_ [16]byte
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

// put stores a row that has been checked, unless a later one is there.
func (s *Store) put(r *Row, at int64) (stored bool) {
	h := hashOf(r.Key)
	k := s.shardOf(h)
	sh := &s.shards[k]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.reserve(k)
	t := s.table(k)
	p, old, exists := t.find(h, r.Key, s.layout.stride)
	if exists && at < int64(s.words(t, old)[timeWord]) {
		sh.late.Add(1)
		return false
	}
	entry := entryOf(h, sh.take())
	s.layout.encode(s.words(t, entry), r, at)
	was := t.index[p]
	atomic.StoreUint64(&t.index[p], entry) // from here on readers see it
	sh.stored.Add(1)
	switch {
	case exists:
		sh.retired.push(uint32(old), s.epochs.now.Load())
		return true
	case was == deletedEntry:
		sh.deleted--
	}
	sh.live++
	s.rows.Add(1)
	return true
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
	p, old, exists := t.find(h, key, s.layout.stride)
	if !exists {
		return false
	}
	atomic.StoreUint64(&t.index[p], deletedEntry)
	sh.retired.push(uint32(old), s.epochs.now.Load())
	sh.live--
	sh.deleted++
	sh.removed.Add(1)
	s.rows.Add(-1)
	return true
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
			slots = grownSlots(have)
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
