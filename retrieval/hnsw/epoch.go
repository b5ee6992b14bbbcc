package hnsw

import "sync/atomic"

// shards spreads the counters of epochs, so that searches on several processors do not
// fight for one cache line.
const shards = 16

// epochs tells a writer when no search can hold a row any more that the graph has lost.
//
// A search counts itself into the current epoch. The epoch moves on when nobody is left
// in the one before. What is lost in epoch e can be reused when the epoch is e+2: the
// searches of e are gone then, and those of e+1 began later.
//
// Source: Fraser, "Practical lock-freedom", 2004, section 5.2.3.
type epochs struct {
	now     atomic.Uint64
	readers [shards]struct {
		count [2]atomic.Int64
		_     [48]byte
	}
}

// enter counts a reader in and returns the counter to be lowered when it leaves.
func (p *epochs) enter(shard uint32) *atomic.Int64 {
	for {
		e := p.now.Load()
		c := &p.readers[shard%shards].count[e&1]
		c.Add(1)
		if p.now.Load() == e {
			return c
		}
		c.Add(-1)
	}
}

// advance moves to the next epoch if it can, and returns the current one. Only the writer
// calls it.
func (p *epochs) advance() uint64 {
	e := p.now.Load()
	for i := range p.readers {
		if p.readers[i].count[(e+1)&1].Load() != 0 {
			return e
		}
	}
	p.now.Store(e + 1)
	return e + 1
}
