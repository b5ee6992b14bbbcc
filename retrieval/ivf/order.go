package ivf

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// order hands out lists, the most promising first, equal promises by number. It sorts
// only as many as are asked for.
type order struct {
	promise []float32
	keys    []uint64 // sorted up to sorted
	sorted  int
	next    int
	whole   bool // keys holds all lists

	ids    []uint32
	values []float32
}

const orderGroup = 32

// reset starts with the promises of all lists, of which about the first few will be asked
// for.
//
// A list in the first few promises at least as much as the few-th of the maxima of groups
// of lists, so that all lists below that are left out.
func (o *order) reset(few int) {
	n := len(o.promise)
	o.sorted, o.next = 0, 0
	groups := (n + orderGroup - 1) / orderGroup
	if o.whole = few > groups/2; o.whole {
		o.all()
		return
	}
	o.keys = grow(o.keys, n)
	maxima := o.keys[:groups]
	for i := range maxima {
		group := o.promise[i*orderGroup : min((i+1)*orderGroup, n)]
		top := group[0]
		for _, v := range group {
			if v > top {
				top = v
			}
		}
		maxima[i] = topk.Key(top, int32(i))
	}
	floor := topk.Score(topk.Best(maxima, few)[few-1])
	o.ids, o.values = grow(o.ids, n+16), grow(o.values, n+16)
	kept := simd.SelectAbove(o.ids, o.values, o.promise, math.Nextafter32(floor, float32(math.Inf(-1))), 0)
	o.keys = o.keys[:kept]
	for i := range o.keys {
		o.keys[i] = topk.Key(o.values[i], int32(o.ids[i]))
	}
}

// all makes keys of all lists.
func (o *order) all() {
	o.keys = grow(o.keys, len(o.promise))
	for i, v := range o.promise {
		o.keys[i] = topk.Key(v, int32(i))
	}
	o.whole, o.sorted = true, 0
}

// take returns the next list; ok is false after the last.
func (o *order) take() (list uint32, ok bool) {
	if o.next == o.sorted {
		if o.next == len(o.keys) && !o.whole {
			o.all()
			o.sorted = len(topk.Best(o.keys, o.next)) // those that were taken
		}
		if o.next == len(o.keys) {
			return 0, false
		}
		o.sorted += len(topk.Best(o.keys[o.sorted:], max(16, o.sorted)))
	}
	key := o.keys[o.next]
	o.next++
	return uint32(topk.Position(key)), true
}
