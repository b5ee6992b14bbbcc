package features

import (
	"fmt"
	"sync/atomic"
)

// Stride returns the words from one row of the store to the next.
func (s *Store) Stride() int { return s.layout.stride }

// Reading registers a reader and returns what ends it.
func (s *Store) Reading() (done func()) {
	stripe := s.epochs.stripe(1)
	epoch := s.epochs.enter(stripe)
	return func() { s.epochs.leave(stripe, epoch) }
}

// Slots returns how many slots all shards have room for, and how many were ever taken.
func (s *Store) Slots() (room, used int) {
	for k := range s.shards {
		sh := &s.shards[k]
		sh.mu.Lock()
		room += s.table(k).slots(s.layout.stride)
		used += sh.used
		sh.mu.Unlock()
	}
	return room, used
}

// Layouts of the index, for tests that make keys collide.
const (
	EmptyEntry   = emptyEntry
	DeletedEntry = deletedEntry
)

// WhileWritersWait runs f while the lock of every shard is held.
func (s *Store) WhileWritersWait(f func()) {
	for k := range s.shards {
		s.shards[k].mu.Lock()
		defer s.shards[k].mu.Unlock()
	}
	f()
}

// Check returns an error unless what the writers of each shard know agrees with its table.
func (s *Store) Check() error {
	rows := 0
	for k := range s.shards {
		sh, t := &s.shards[k], s.table(k)
		sh.mu.Lock()
		live, deleted := 0, 0
		for i := range t.index {
			switch e := atomic.LoadUint64(&t.index[i]); {
			case e > deletedEntry:
				live++
				key := *t.row(e, s.layout.stride)
				if p, _, ok := t.find(hashOf(key), key, s.layout.stride); !ok || p != i {
					sh.mu.Unlock()
					return fmt.Errorf("shard %d: key %d is at %d and found at %d, %v", k, key, i, p, ok)
				}
			case e == deletedEntry:
				deleted++
			}
		}
		slots := live + len(sh.free) + sh.retired.len()
		sh.mu.Unlock()
		if live != sh.live || deleted != sh.deleted || slots != sh.used {
			return fmt.Errorf("shard %d: %d rows, %d deleted entries, %d slots; it knows of %d, %d and %d", k, live, deleted, slots, sh.live, sh.deleted, sh.used)
		}
		rows += live
	}
	if rows != s.Len() {
		return fmt.Errorf("%d rows; Len is %d", rows, s.Len())
	}
	return nil
}

// FoundTooLate deletes a key, which takes a while as the list of retired slots must grow, while one reader after the other
// looks for it. It returns an error if a reader found the slot in a later epoch than it was retired in.
func (s *Store) FoundTooLate(key uint64) error {
	h := hashOf(key)
	k := s.shardOf(h)
	sh := &s.shards[k]
	sh.retired.slots = make([]retiredSlot, 1<<20)
	for i := range sh.retired.slots {
		sh.retired.slots[i].epoch = 1 << 62
	}
	go s.Delete(key)
	stripe := s.epochs.stripe(0)
	for latest := uint64(0); ; {
		s.epochs.advance()
		epoch := s.epochs.enter(stripe)
		t := s.table(k)
		_, _, ok := t.find(h, key, s.layout.stride)
		s.epochs.leave(stripe, epoch)
		if ok {
			latest = epoch
			continue
		}
		sh.mu.Lock()
		defer sh.mu.Unlock()
		if last := sh.retired.slots[len(sh.retired.slots)-1]; last.epoch < latest {
			return fmt.Errorf("slot %d was retired in epoch %d, and found in epoch %d", last.slot, last.epoch, latest)
		}
		return nil
	}
}
