package rerank

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
)

// directions holds the vectors of items, each brought to length 1, one after the other, and gives entries of the
// kernel half·(1 + cosine). It knows nothing of the diagonal.
type directions struct {
	dim   int
	half  float32
	unit  []float32
	level []float32 // half for each item
}

func (v *directions) reset(dim int, half float32) {
	v.dim, v.half, v.unit, v.level = dim, half, v.unit[:0], v.level[:0]
}

// add appends the vector of an item, which inverse brings to length 1; if inverse is 0 it has no direction.
func (v *directions) add(vector []float32, inverse float32) {
	v.unit, v.level = append(v.unit, vector...), append(v.level, v.half)
	last := v.of(len(v.level) - 1)
	if inverse == 0 { // the elements may be anything
		clear(last)
		return
	}
	simd.Scale(inverse, last)
}

// of returns the vector of an item.
func (v *directions) of(i int) []float32 { return v.unit[i*v.dim : (i+1)*v.dim] }

// entries fills dst with the entries of all items with item p.
func (v *directions) entries(dst []float32, p int) {
	simd.DotBatch(dst, v.of(p), v.unit, v.dim)
	simd.Scale(v.half, dst)
	simd.Add(dst, v.level)
}

// entry returns the entry of items i and p.
func (v *directions) entry(i, p int) float32 {
	return float32(v.half*simd.Dot(v.of(i), v.of(p))) + v.half
}

// weights weigh what is left of items by their relevance.
type weights struct {
	weight []float32
	gain   []float32
}

// best returns the item of the largest weight times rest among those whose row is open, the first of several; -1 if less than least
// is left of all. Item i stands in row rows[i].
func (w *weights) best(rest []float32, least float32, rows []int32, open recsys.Bits) int {
	w.gain = append(w.gain[:0], rest...)
	simd.Mul(w.gain, w.weight)
	for range 8 { // few rows are closed, as a rule
		i := simd.ArgMax(w.gain)
		if i < 0 || w.gain[i] <= 0 {
			return -1
		}
		if rest[i] >= least && open.Has(int(rows[i])) {
			return i
		}
		w.gain[i] = -1
	}
	at, top := -1, float32(0)
	for i, gain := range w.gain {
		if gain > top && rest[i] >= least && open.Has(int(rows[i])) {
			at, top = i, gain
		}
	}
	return at
}

// columns is the state of a greedy selection by determinants that brings all items up to date at every pick, in
// passes over memory. Items are numbered in the order in which they were added to its directions.
//
// It does what determinantal does. Bounds pay only where relevance weighs so much that most items are never looked at: on random
// vectors that is from a theta of 0.95 on (BenchmarkDPP); at 0.8 half of all items are looked at in every step, and one by one
// that takes several times as long.
type columns struct {
	*directions
	stride int // items at most
	least  float32

	rest   []float32 // what the picks leave of an item, -1 for a pick
	c      []float32 // row q: the entries of all items of the Cholesky factor for pick q
	picks  []int32
	pivot  []float32 // of each pick: 1 over its own entry of the factor
	factor []float32
	square []float32
}

// reset empties the state. There will be at most items items.
func (m *columns) reset(items int, least float32) {
	m.stride, m.least = items, least
	m.rest, m.c, m.picks, m.pivot = m.rest[:0], m.c[:0], m.picks[:0], m.pivot[:0]
}

// add appends an item whose direction is there already.
func (m *columns) add() {
	i := len(m.rest)
	m.rest = append(m.rest, 1)
	for q, p := range m.picks { // an item that comes later catches up
		sum := m.entry(i, int(p))
		for r := range q {
			sum -= float32(m.c[r*m.stride+int(p)] * m.c[r*m.stride+i])
		}
		e := sum * m.pivot[q]
		m.c[q*m.stride+i] = e
		m.rest[i] -= float32(e * e)
	}
}

// pick makes item i one of those that others are compared with, unless nothing is left of it.
func (m *columns) pick(i int) {
	left := m.rest[i]
	m.rest[i] = -1
	if !(left >= m.least) {
		return
	}
	q, n := len(m.picks), len(m.rest)
	m.c = slices.Grow(m.c, m.stride)[:(q+1)*m.stride]
	row := m.c[q*m.stride : q*m.stride+n]
	m.entries(row, i)
	m.factor = resize(m.factor, q)
	for r := range m.factor {
		m.factor[r] = -m.c[r*m.stride+i]
	}
	simd.GemvT(row, m.c, m.stride, m.factor)
	pivot := 1 / float32(math.Sqrt(float64(left)))
	simd.Scale(pivot, row)
	m.square = subSquares(m.rest, row, m.square)
	m.picks, m.pivot = append(m.picks, int32(i)), append(m.pivot, pivot)
	m.rest[i] = -1
}

// subSquares subtracts the squares of x from rest. It returns the memory that it worked in.
func subSquares(rest, x, work []float32) []float32 {
	work = append(work[:0], x...)
	simd.Mul(work, x)
	simd.Sub(rest, work)
	return work
}
