package main

import (
	"sync"

	"github.com/recsyskit/recsys"
)

// fade is the weight of an event against the one after it in [tally].recent.
const fade = 0.8

// tally counts the values of the attribute in a history: the packages that a file uses.
type tally struct {
	count  []float32 // by value of the attribute
	recent []float32 // the same, an event counting fade^(events after it)
	values []uint64  // those that occur, in order of first occurrence
	n      int       // events
	weight float32   // sum of recent
}

// tallies makes tallies and keeps their memory.
type tallies struct {
	d    *data
	pool sync.Pool
}

func newTallies(d *data) *tallies {
	t := &tallies{d: d}
	t.pool.New = func() any {
		return &tally{count: make([]float32, len(d.makers)), recent: make([]float32, len(d.makers))}
	}
	return t
}

// of counts a history. The tally goes back with put.
func (t *tallies) of(history []recsys.Event) *tally {
	x := t.pool.Get().(*tally)
	weight := float32(1)
	for i := len(history) - 1; i >= 0; i-- {
		maker := t.d.items[history[i].Item].maker
		if x.count[maker] == 0 {
			x.values = append(x.values, maker)
		}
		x.count[maker]++
		x.recent[maker] += weight
		x.weight += weight
		weight *= fade
	}
	x.n = len(history)
	return x
}

func (t *tallies) put(x *tally) {
	for _, v := range x.values {
		x.count[v], x.recent[v] = 0, 0
	}
	x.values, x.n, x.weight = x.values[:0], 0, 0
	t.pool.Put(x)
}
