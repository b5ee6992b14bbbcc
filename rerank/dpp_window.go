package rerank

import (
	"math"

	"github.com/recsyskit/recsys"
)

// sliding is the state of a greedy selection by determinants given the last few picks. Items are
// numbered in the order in which they were added.
//
// When a pick leaves the window, what is left of an item can grow, so there are no bounds. Each step
// factors the window anew, for all items at once: row r of c holds their entries of the
// Cholesky factor for the pick r of the window. What the factor has for the picks themselves stands in their columns.
// Rotating the oldest pick out of the factor would cost O(window) instead of O(window²) a step and
// item, but let errors add up along the list; windows are small.
type sliding[F float32 | float64] struct {
	similarities func(dst []F, p int) // kernel entries of all items with item p
	entry        func(i, p int) F     // kernel entry of two items; may be nil if all items come before the picks
	gemvT        func(y, a []F, lda int, x []F)
	score        func(base, rest F) F                               // as in determinantal
	divide       func(rest, c []F, pivot F)                         // c[i] /= √pivot; rest[i] -= c[i]²
	first        func(rest []F, rows []int32, open recsys.Bits) int // if not nil: the item of the highest score

	width  int // of the window, without the item to choose
	stride int // items at most
	least  F
	floor  []F // least of each item
	base   []F
	bound  []F // score of an item that keeps all of itself
	self   []F // kernel entries of the items with themselves
	near   []F // ring of width rows: kernel entries with a pick
	c      []F // width rows
	rest   []F
	factor []F // width
	picks  []int32
	stale  bool // rest does not know of the last pick
}

// reset empties the state. There will be at most items items.
func (m *sliding[F]) reset(width, items int, least F) {
	m.width, m.stride, m.least = width, items, least
	m.base, m.self, m.rest, m.bound, m.picks = m.base[:0], m.self[:0], m.rest[:0], m.bound[:0], m.picks[:0]
	m.floor = m.floor[:0]
	m.near, m.c, m.factor = resize(m.near, width*items), resize(m.c, width*items), resize(m.factor, width)
	m.stale = false
}

// add appends an item with its kernel entry beside itself.
func (m *sliding[F]) add(base, self F) {
	i := len(m.self)
	m.base, m.self, m.rest = append(m.base, base), append(m.self, self), append(m.rest, self)
	m.floor = append(m.floor, leastOf(m.least, self))
	m.bound = append(m.bound, m.value(i))
	for t := max(0, len(m.picks)-m.width); t < len(m.picks); t++ {
		m.row(t)[i] = m.entry(i, int(m.picks[t]))
	}
	m.stale = true
}

// value returns the score of an item by what is left of it, -Inf if that is nothing.
func (m *sliding[F]) value(i int) F {
	switch {
	case !(m.rest[i] >= m.floor[i]):
		return F(math.Inf(-1))
	case m.score == nil:
		return m.rest[i]
	}
	return m.score(m.base[i], m.rest[i])
}

// window returns the picks that count, oldest first.
func (m *sliding[F]) window() []int32 { return m.picks[max(0, len(m.picks)-m.width):] }

// row returns the kernel entries of all items with pick t, counted from the first of all.
func (m *sliding[F]) row(t int) []F {
	at := t % m.width * m.stride
	return m.near[at : at+len(m.self)]
}

// pick moves the window on by item i. An item of which nothing is left moves it too, so that what leaves the window can come again.
func (m *sliding[F]) pick(i int) {
	if m.width == 0 {
		return
	}
	m.picks = append(m.picks, int32(i))
	m.similarities(m.row(len(m.picks)-1), i)
	m.stale = true
}

// update factors the window.
func (m *sliding[F]) update() {
	if !m.stale {
		return
	}
	m.stale = false
	n := len(m.self)
	copy(m.rest, m.self)
	w := m.window()
	first := len(m.picks) - len(w)
	for r, p := range w {
		c := m.c[r*m.stride : r*m.stride+n]
		copy(c, m.row(first+r))
		factor := m.factor[:r]
		for q := range factor {
			factor[q] = -m.c[q*m.stride+int(p)]
		}
		m.gemvT(c, m.c, m.stride, factor)
		pivot := m.rest[p]
		if !(pivot >= m.floor[p]) { // the picks before span it
			clear(c)
			continue
		}
		m.divide(m.rest, c, pivot)
	}
}

// divide is the loop for [sliding].
func divide[F float32 | float64](rest, c []F, pivot F) {
	scale := 1 / F(math.Sqrt(float64(pivot)))
	for i, x := range c {
		x *= scale
		c[i] = x
		rest[i] -= F(x * x)
	}
}

// best returns the item of the highest score among those whose row is open, the first of several, and what is
// left of it; -1 if nothing is left of any. Item i stands in row rows[i].
func (m *sliding[F]) best(rows []int32, open recsys.Bits) (at int, rest F) {
	m.update()
	if m.first != nil {
		if at = m.first(m.rest, rows, open); at >= 0 {
			rest = m.rest[at]
		}
		return at, rest
	}
	at, top := -1, F(math.Inf(-1))
	for i, bound := range m.bound {
		if bound <= top || !open.Has(int(rows[i])) {
			continue
		}
		if score := m.value(i); score > top {
			at, top = i, score
		}
	}
	if at < 0 {
		return -1, 0
	}
	return at, m.rest[at]
}
