package rerank

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
)

// columns is the state of a greedy selection by determinants that brings all items up to date at every pick, in
// passes over memory. Items are numbered in the order in which they were added.
//
// It does what determinantal does. Bounds pay only where relevance weighs so much that most items are never looked at: on random
// vectors that is from a theta of 0.95 on (BenchmarkDPP); at 0.8 half of all items are looked at in every step, and one by one
// that takes several times as long.
type columns struct {
	dim    int
	stride int     // items at most
	half   float32 // kernel entries are half·(1 + cosine), those of items with themselves 1
	least  float32

	unit   []float32 // the vectors, each of length 1 or 0
	level  []float32 // half for each item
	weight []float32 // what relevance makes of rest
	rest   []float32 // what the picks leave of an item, -1 for a pick
	c      []float32 // row q: the entries of all items of the Cholesky factor for pick q
	picks  []int32
	pivot  []float32 // of each pick: 1 over its own entry of the factor
	factor []float32
	gain   []float32
	square []float32
}

// reset empties the state. There will be at most items items.
func (m *columns) reset(dim, items int, half, least float32) {
	m.dim, m.stride, m.half, m.least = dim, items, half, least
	m.unit, m.level, m.weight, m.rest = m.unit[:0], m.level[:0], m.weight[:0], m.rest[:0]
	m.c, m.picks, m.pivot = m.c[:0], m.picks[:0], m.pivot[:0]
}

// vector returns the vector of an item.
func (m *columns) vector(i int) []float32 { return m.unit[i*m.dim : (i+1)*m.dim] }

// add appends an item with its vector, which inverse brings to length 1. If that is 0 it has no direction. Its weight must follow.
func (m *columns) add(vector []float32, inverse float32) {
	i := len(m.rest)
	m.unit = append(m.unit, vector...)
	if inverse == 0 { // the elements may be anything
		clear(m.vector(i))
	} else {
		simd.Scale(inverse, m.vector(i))
	}
	m.level, m.rest, m.weight = append(m.level, m.half), append(m.rest, 1), append(m.weight, 1)
	for q, p := range m.picks { // an item that comes later catches up
		sum := m.half + float32(m.half*simd.Dot(m.vector(i), m.vector(int(p))))
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
	simd.DotBatch(row, m.vector(i), m.unit, m.dim)
	simd.Scale(m.half, row)
	simd.Add(row, m.level)
	m.factor = resize(m.factor, q)
	for r := range m.factor {
		m.factor[r] = -m.c[r*m.stride+i]
	}
	simd.GemvT(row, m.c, m.stride, m.factor)
	pivot := 1 / float32(math.Sqrt(float64(left)))
	simd.Scale(pivot, row)
	m.square = append(m.square[:0], row...)
	simd.Mul(m.square, row)
	simd.Sub(m.rest, m.square)
	m.picks, m.pivot = append(m.picks, int32(i)), append(m.pivot, pivot)
	m.rest[i] = -1
}

// best returns the item of the largest weight times rest among those whose row is open, the first of several; -1 if nothing is
// left of any. Item i stands in row rows[i].
func (m *columns) best(rows []int32, open recsys.Bits) int {
	m.gain = append(m.gain[:0], m.rest...)
	simd.Mul(m.gain, m.weight)
	for range 8 { // few rows are closed, as a rule
		i := simd.ArgMax(m.gain)
		if i < 0 || m.gain[i] <= 0 {
			return -1
		}
		if m.rest[i] >= m.least && open.Has(int(rows[i])) {
			return i
		}
		m.gain[i] = -1
	}
	at, top := -1, float32(0)
	for i, gain := range m.gain {
		if gain > top && m.rest[i] >= m.least && open.Has(int(rows[i])) {
			at, top = i, gain
		}
	}
	return at
}
