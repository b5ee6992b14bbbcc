package hnsw

import (
	"math"
	"math/bits"
	"sort"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
)

const (
	scanBlock = 192  // rows compared in one call
	scanRoom  = 16   // entries of the pool for rows that change meanwhile
	scanFloat = 1024 // up to so many rows, codes are not worth their rounding
)

// scan fills the pool with the best of all rows that pass: the exact ones when it compares
// float vectors, else, on codes, so many that the exact ones are among them. There is room
// for some more.
func (sc *scratch) scan(s *store, q []float32, k, passing, room int) {
	w := &sc.walker
	w.query.set(s, q, passing <= scanFloat)
	keep := k
	if w.query.coded {
		keep = 4*k + 64
	}
	w.reserve(min(keep, passing)+room, scanBlock+64)
	if list := sc.list; sc.listed {
		for from := 0; from < len(list); from += scanBlock {
			n := copy(w.fresh, list[from:min(from+scanBlock, len(list))])
			w.offer(n)
		}
		return
	}
	slope, rest := float32(0), float32(0)
	if s.metric == retrieval.InnerProduct {
		slope, rest = w.query.bound()
	}
	skip := float32(math.Inf(-1)) // a product that cannot be among the best
	n := 0
	selection := sc.gate.Selection()
	words := (s.rows.Limit() + 63) / 64
	for word := range min(words, s.capacity/64) {
		if s.tops != nil && slope*math.Float32frombits(atomic.LoadUint32(&s.tops[word]))+rest < skip {
			continue
		}
		set := ^uint64(0)
		if selection != nil {
			set = 0
			if word < len(selection.Bits()) {
				set = selection.Bits()[word]
			}
		}
		for ; set != 0; set &= set - 1 {
			row := uint32(word<<6 + bits.TrailingZeros64(set))
			if selection == nil && (int(row) >= s.rows.Limit() || !s.live(row)) || !sc.gate.Pass(row) {
				continue
			}
			w.fresh[n] = row
			n++
		}
		if n >= scanBlock {
			w.offer(n)
			n = 0
			skip = w.cut()
		}
	}
	w.offer(n)
}

// offer compares the first n fresh rows and offers them to the pool, in which equal keys
// stand by item. Equal vectors have equal keys, on codes as well.
func (w *walker) offer(n int) {
	w.walked += n
	w.query.keys(w.keys, w.fresh[:n])
	for i, key := range w.keys[:n] {
		e, last := makeEntry(key, w.fresh[i]), len(w.pool)-1
		if len(w.pool) < cap(w.pool) {
			w.pool = w.pool[:last+2]
		} else if key < keyOf(w.pool[last]) || !w.before(e, w.pool[last]) {
			continue
		} else {
			last--
		}
		at := sort.Search(last+1, func(i int) bool { return w.before(e, w.pool[i]) })
		copy(w.pool[at+1:], w.pool[at:])
		w.pool[at] = e
	}
}

// before reports whether entry a is better than b, or as good with the smaller item.
func (w *walker) before(a, b entry) bool {
	if keyOf(a) != keyOf(b) {
		return keyOf(a) > keyOf(b)
	}
	rows := w.query.rows
	return rows.Item(rowOf(a)) < rows.Item(rowOf(b))
}

// cut returns the product that a row must reach to come into the pool.
func (w *walker) cut() float32 {
	if len(w.pool) < cap(w.pool) {
		return float32(math.Inf(-1))
	}
	key := keyOf(w.pool[len(w.pool)-1])
	if !w.query.coded {
		return keyFloat(key)
	}
	return w.query.keyProduct(key)
}
