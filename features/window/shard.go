package window

import (
	"math"
	"sync"

	"github.com/recsyskit/recsys/internal/hash"
)

// shardCount is how many parts an aggregator has. Each has a lock, so that readers and
// the writer meet in one of sixteen.
const shardCount = 16

// shard holds a part of the keys: an index with open addressing over slots of records.
type shard struct {
	mu      sync.RWMutex
	index   []uint64 // upper half of the hash, then slot + 1; 0 is empty
	live    int
	records pool
	queues  []classes // of each track
	tables  []classes // of each set
	hand    uint32    // the next slot that the sweep looks at
	work    pruning

	accepted, forgotten, evicted uint64

	_ [64]byte
}

func (s *shard) init(p *plan) {
	s.index = make([]uint64, 8)
	s.records = newPool((p.words + 7) / 8 * 8) // whole cache lines
	s.queues = make([]classes, len(p.tracks))
	for i := range s.queues {
		s.queues[i].stride = p.tracks[i].stride
	}
	s.tables = make([]classes, len(p.sets))
	for i := range s.tables {
		s.tables[i].stride = 1
	}
}

func hashOf(key uint64) uint64 { return hash.Mix64(key) }

// find returns the record of a key, nil if there is none.
func (s *shard) find(h, key uint64) []uint64 {
	mask := uint64(len(s.index) - 1)
	for p := h & mask; ; p = (p + 1) & mask {
		e := s.index[p]
		if e == 0 {
			return nil
		}
		if e>>32 == h>>32 {
			if rec := s.records.at(uint32(e) - 1); rec[recKey] == key {
				return rec
			}
		}
	}
}

// insert returns a fresh record for a key that has none.
func (s *shard) insert(p *plan, h, key uint64) []uint64 {
	if 2*(s.live+1) > len(s.index) {
		s.grow()
	}
	slot := s.records.take()
	s.enter(h, uint64(slot)+1)
	s.live++
	rec := s.records.at(slot)
	p.blank(rec, key)
	return rec
}

// blank makes rec the record of a key of which nothing is known.
func (p *plan) blank(rec []uint64, key uint64) {
	clear(rec)
	empty := int64(never)
	rec[recKey], rec[recNewest] = key, uint64(empty)
	for i := range p.tracks {
		rec[p.tracks[i].at+trackRef] = noRef
	}
	for i := range p.decays {
		p.decays[i].reset(rec)
	}
	for i := range p.sets {
		rec[p.sets[i].at+setRef] = noRef
	}
}

// release gives back what a record refers to.
func (s *shard) release(p *plan, rec []uint64) {
	for i := range p.tracks {
		if ref := rec[p.tracks[i].at+trackRef]; ref != noRef {
			s.queues[i].give(ref)
		}
	}
	for i := range p.sets {
		if ref := rec[p.sets[i].at+setRef]; ref != noRef {
			s.tables[i].give(ref)
		}
	}
}

func (s *shard) enter(h, slot uint64) {
	mask := uint64(len(s.index) - 1)
	p := h & mask
	for s.index[p] != 0 {
		p = (p + 1) & mask
	}
	s.index[p] = h>>32<<32 | slot
}

func (s *shard) grow() {
	old := s.index
	s.index = make([]uint64, 2*len(old))
	for _, e := range old {
		if e != 0 {
			s.enter(hashOf(s.records.at(uint32(e) - 1)[recKey]), e&math.MaxUint32)
		}
	}
}

// remove drops the key of a slot and gives back what it has.
func (s *shard) remove(p *plan, slot uint32) {
	rec := s.records.at(slot)
	h := hashOf(rec[recKey])
	mask := uint64(len(s.index) - 1)
	at := h & mask
	for uint32(s.index[at]) != slot+1 {
		at = (at + 1) & mask
	}
	for next := at; ; { // close the gap: Knuth, TAOCP 3, 6.4, algorithm R
		next = (next + 1) & mask
		e := s.index[next]
		if e == 0 {
			break
		}
		home := hashOf(s.records.at(uint32(e) - 1)[recKey]) & mask
		if (next-home)&mask >= (next-at)&mask {
			s.index[at], at = e, next
		}
	}
	s.index[at] = 0
	s.release(p, rec)
	empty := int64(never)
	rec[recNewest] = uint64(empty)
	s.records.give(slot)
	s.live--
}

// sweepSlots is how many slots are looked at for each new key, so that at most a
// third as many idle keys wait as there are live ones.
const sweepSlots = 4

// sweep looks at the next slots and forgets keys whose newest event is before the limit.
func (s *shard) sweep(p *plan, limit int64, slots int) {
	for range min(slots, int(s.records.used)) {
		if s.hand >= s.records.used {
			s.hand = 0
		}
		rec := s.records.at(s.hand)
		if int64(rec[recNewest]) != never && p.idle(rec, limit) {
			s.remove(p, s.hand)
			s.forgotten++
		}
		s.hand++
	}
}

// idle reports whether a key had its newest event before the limit, and nobody waits for
// its last row.
func (p *plan) idle(rec []uint64, limit int64) bool {
	return int64(rec[recNewest]) < limit && (!p.config.Changes || int64(rec[recDue]) == math.MaxInt64)
}

// evictSample is among how many keys the most idle one is evicted.
const evictSample = 8

// evict drops the most idle of the next few keys.
func (s *shard) evict(p *plan) {
	victim, oldest, seen := uint32(0), int64(math.MaxInt64), 0
	for range s.records.used {
		if s.hand >= s.records.used {
			s.hand = 0
		}
		if newest := int64(s.records.at(s.hand)[recNewest]); newest != never {
			if seen++; newest < oldest {
				victim, oldest = s.hand, newest
			}
		}
		if s.hand++; seen == evictSample {
			break
		}
	}
	if seen > 0 {
		s.remove(p, victim)
		s.evicted++
	}
}

func (s *shard) bytes() int64 {
	n := int64(len(s.index))*8 + s.records.bytes()
	for i := range s.queues {
		n += s.queues[i].bytes()
	}
	for i := range s.tables {
		n += s.tables[i].bytes()
	}
	return n
}
