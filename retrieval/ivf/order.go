package ivf

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// order hands out lists, the most promising first, equal promises by number. It looks
// closely only at as many as are asked for.
type order struct {
	coarse *coarse
	query  []float32
	length float64

	promise []float32 // of the lists in keys
	dots    []float32 // products of those with the query; L2: squared distances
	keys    []uint64  // sorted up to sorted
	sorted  int
	next    int
	whole   bool // keys holds all lists

	ids    []uint32
	values []float32
	ints   []int32
}

// reset starts with the lists of a query, of which about the first few will be asked for.
// coded is the query.
//
// Promises are guessed from codes, and those of about twice as many lists as are asked for
// are computed. A list in the first m promises at least as much as the m-th of the maxima
// of groups of lists, so that all lists below that are left out.
func (o *order) reset(c *coarse, q []float32, coded *coded, length float64, few int) {
	n := c.centroids.Rows
	o.coarse, o.query, o.length = c, q, length
	o.promise, o.dots = grow(o.promise, n), grow(o.dots, n)
	o.sorted, o.next = 0, 0
	wide := few + few/2 + 8
	size := 32 // of a group
	for size > 4 && 2*wide*size > n {
		size /= 2
	}
	groups := (n + size - 1) / size
	if o.whole = 2*wide > groups; o.whole {
		o.all()
		return
	}
	o.keys, o.ints = grow(o.keys, n), grow(o.ints, n)
	c.guess(o.promise, o.ints, coded, length)
	maxima := o.keys[:groups]
	for i := range maxima {
		maxima[i] = topk.Key(simd.Max(o.promise[i*size:min((i+1)*size, n)]), int32(i))
	}
	floor := topk.Score(topk.Best(maxima, wide)[wide-1])
	o.ids, o.values = grow(o.ids, n+16), grow(o.values, n+16)
	kept := simd.SelectAbove(o.ids, o.values, o.promise, math.Nextafter32(floor, float32(math.Inf(-1))), 0)
	c.settle(o.promise, o.dots, q, length, o.ids[:kept], o.values)
	o.keys = o.keys[:kept]
	for i, id := range o.ids[:kept] {
		o.keys[i] = topk.Key(o.promise[id], int32(id))
	}
}

// all makes keys of all lists.
func (o *order) all() {
	o.coarse.promises(o.promise, o.dots, o.query, o.length)
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
