package rerank

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// Exhausted is the gain below which [SelectDPP] takes an item for one that the chosen items
// span: a kernel of rank r has no more than r items that are not. Of an item whose own entry is so large that rounding leaves more than
// that, 1e-14 of the entry is the bound; in float32, 1e-5 of it.
const Exhausted = 1e-10

// leastOf returns what must be left of an item for it to count: least, or what rounding may leave of its own kernel entry.
func leastOf[F float32 | float64](least, self F) F {
	rounding := F(1e-14)
	if _, ok := any(self).(float32); ok {
		rounding = 1e-5
	}
	return max(least, rounding*self)
}

// SelectDPP returns up to k items chosen one by one so that the determinant of the kernel over
// them grows the most: the greedy maximum a posteriori set of a determinantal point process.
//
//	argmax_i det(L_{S ∪ i}) / det(L_S)
//
// kernel(i, j) must be symmetric, pure and positive semi-definite over 0 ≤ i, j < n; see [QualityKernel]. Of an
// item the gain is the ratio at which it was chosen, so that the log-determinant of the first t items is the sum of the logs of
// their gains. Ties go to the smallest index. Selection ends early when no item has a gain of
// [Exhausted], since the kernel over more items would be singular. k > n is n, k <= 0 none.
//
// window > 0 makes it a sliding window: items compete with the window-1 items chosen last instead of all, so that
// a long list stays diverse everywhere and its length is not bounded by the rank; gains are ratios
// given those. 1 is the order of kernel(i, i), and 0 and window > k look at all.
//
// It is an error if window < 0, if kernel(i, i) is negative or not finite, or if kernel(i, j) of a pair that was looked at is not finite.
//
// The Cholesky factor of the chosen items grows by a row a step, which makes it O(n·k²) and 1.5·n·k
// calls of kernel at most. Since gains only fall, an item whose last known gain is not the best needs no new
// one: where that spares most of them, as it does if quality outweighs the rest, they are not computed. With a window it is O(n·k·window²). Memory is O(n·k) or O(n·window).
//
// Source: Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process to Improve
// Recommendation Diversity", NeurIPS 2018, algorithm 1, and section 4 for the window.
func SelectDPP[F float32 | float64](n int, kernel func(i, j int) F, k, window int) (order []int32, gains []F, err error) {
	if window < 0 {
		return nil, nil, fmt.Errorf("rerank: SelectDPP: window is %d; want >= 0 (0 looks at all that is chosen)", window)
	}
	finite := func(i, j int) F {
		x := kernel(i, j)
		if x-x != 0 && err == nil { // NaN or infinite
			err = notFinite(i, j, x)
		}
		return x
	}
	k = max(0, min(k, n))
	entries := func(dst []F, p int) {
		for i := range dst {
			x := kernel(p, i)
			if x-x != 0 && err == nil { // NaN or infinite
				err = notFinite(p, i, x)
			}
			dst[i] = x
		}
	}
	var x growing[F]
	if window == 0 || window >= k {
		d := &determinantal[F]{dot: dot[F]}
		d.similarities = func(dst []F, i, from int) {
			for s := range dst {
				dst[s] = finite(int(d.picks[from+s]), i) // one row of a matrix for many items
			}
		}
		d.reset(k, Exhausted)
		d.c = make([]F, 0, max(0, n)*k)
		x = &bounded[F]{determinantal: d, entries: entries}
	} else {
		d := &sliding[F]{similarities: entries, gemvT: addRows[F], divide: divide[F]}
		d.reset(window-1, n, Exhausted)
		x = d
	}
	for i := range n {
		self := finite(i, i)
		if self < 0 {
			return nil, nil, fmt.Errorf("rerank: SelectDPP: kernel(%d, %d) is %v; want a number >= 0", i, i, self)
		}
		x.add(0, self)
	}
	if order, gains = grow(x, n, k); err != nil {
		return nil, nil, err
	}
	return order, gains, nil
}

func notFinite[F float32 | float64](i, j int, x F) error {
	return fmt.Errorf("rerank: SelectDPP: kernel(%d, %d) is %v; want a finite number", i, j, x)
}

// growing is the state of a selection by determinants.
type growing[F float32 | float64] interface {
	add(base, self F)
	best(rows []int32, open recsys.Bits) (at int, rest F)
	pick(i int)
}

// grow takes up to k of n items and returns what was left of each.
func grow[F float32 | float64](x growing[F], n, k int) (order []int32, gains []F) {
	rows, open := sequence(max(n, 0)), recsys.MakeBits(max(n, 0))
	open.SetFirst(max(n, 0))
	for range k {
		at, gain := x.best(rows, open)
		if at < 0 {
			break
		}
		order, gains = append(order, int32(at)), append(gains, gain)
		if len(order) < k {
			x.pick(at)
			open.Clear(at)
		}
	}
	return order, gains
}

// QualityKernel returns the kernel that weighs relevance against diversity for [SelectDPP]:
//
//	L(i, j) = exp(alpha·rel[i]) · exp(alpha·rel[j]) · similarity(i, j)
//
// similarity must be symmetric and positive semi-definite, such as [Cosine], or (1 + cosine)/2, which counts opposite
// items as unlike instead of as alike. alpha >= 0 weighs relevance: 0 looks at similarity alone. With
// alpha = θ/(2(1-θ)) the log-determinant is, but for a factor, θ·Σ rel + (1-θ)·log det(similarity).
// It is an error if alpha is negative or exp(alpha·rel[i]) not a finite number.
//
// Source: Chen, Zhang and Zhou, NeurIPS 2018, section 5, equations 10 to 12.
func QualityKernel[F float32 | float64](rel []F, similarity func(i, j int) F, alpha F) (func(i, j int) F, error) {
	if !(alpha >= 0) {
		return nil, fmt.Errorf("rerank: QualityKernel: alpha is %v; want a number >= 0", alpha)
	}
	quality := make([]F, len(rel))
	for i, x := range rel {
		q := F(math.Exp(float64(alpha * x)))
		if !(float64(q*q) <= math.MaxFloat64) || math.IsInf(float64(q*q), 0) {
			return nil, fmt.Errorf("rerank: QualityKernel: exp(alpha·rel[%d]) is %v with alpha %v and rel %v; want a finite number", i, q, alpha, x)
		}
		quality[i] = q
	}
	return func(i, j int) F { return quality[i] * quality[j] * similarity(i, j) }, nil
}

// determinantal is the state of a greedy selection by determinants. Items are numbered in the order
// in which they were added.
//
// Item i has the row c of the Cholesky factor that it would have, known as far as the picks that it was compared
// with, and rest, what the picks leave of its own kernel entry. rest never grows, so the score by it
// at the time of an item's last look is an upper bound of its score now.
type determinantal[F float32 | float64] struct {
	similarities func(dst []F, i, from int) // kernel entries of item i with picks[from:]
	dot          func(a, b []F) F
	score        func(base, rest F) F // of an item, not falling with rest; nil: rest itself

	stride  int // picks at most
	least   F   // a smaller rest is none
	floor   []F // least of each item
	base    []F // of the items, for score
	rest    []F
	bound   []F
	c       []F // items x stride
	seen    []int32
	picks   []int32
	pivot   []F // of each pick: 1 over its own entry of the factor
	near    []F // stride
	entered int // kernel entries with picks that were asked for
}

// reset empties the state. There will be at most picks picks.
func (m *determinantal[F]) reset(picks int, least F) {
	m.stride, m.least = picks, least
	m.base, m.rest, m.bound, m.seen = m.base[:0], m.rest[:0], m.bound[:0], m.seen[:0]
	m.c, m.picks, m.pivot, m.floor = m.c[:0], m.picks[:0], m.pivot[:0], m.floor[:0]
	m.near = resize(m.near, picks)
	m.entered = 0
}

// add appends an item with its kernel entry beside itself.
func (m *determinantal[F]) add(base, self F) {
	m.base, m.rest, m.seen = append(m.base, base), append(m.rest, self), append(m.seen, 0)
	m.floor = append(m.floor, leastOf(m.least, self))
	m.bound = append(m.bound, m.value(len(m.bound)))
	if n := len(m.rest) * m.stride; n <= cap(m.c) {
		m.c = m.c[:n]
	} else {
		m.c = append(m.c, make([]F, m.stride)...)
	}
}

// value returns the score of an item by what is left of it, -Inf if that is nothing.
func (m *determinantal[F]) value(i int) F {
	switch {
	case !(m.rest[i] >= m.floor[i]):
		return F(math.Inf(-1))
	case m.score == nil:
		return m.rest[i]
	}
	return m.score(m.base[i], m.rest[i])
}

// best returns the item of the highest score among those whose row is open, the first of several, and what is
// left of it; -1 if nothing is left of any. Item i stands in row rows[i].
func (m *determinantal[F]) best(rows []int32, open recsys.Bits) (at int, rest F) {
	// Looking first at what may be the best makes the bar high for the others.
	first, top := -1, F(math.Inf(-1))
	for i, bound := range m.bound {
		if bound > top && open.Has(int(rows[i])) {
			first, top = i, bound
		}
	}
	if first < 0 {
		return -1, 0
	}
	at, top = first, m.look(first)
	for i, bound := range m.bound {
		if bound < top || bound == top && i >= at || !open.Has(int(rows[i])) {
			continue
		}
		if score := m.look(i); score > top || score == top && i < at {
			at, top = i, score
		}
	}
	if math.IsInf(float64(top), -1) {
		return -1, 0
	}
	return at, m.rest[at]
}

// look brings an item up to date with all picks and returns its score.
func (m *determinantal[F]) look(i int) F {
	from := int(m.seen[i])
	if from == len(m.picks) {
		return m.bound[i]
	}
	near := m.near[:len(m.picks)-from]
	m.entered += len(near)
	m.similarities(near, i, from)
	c, rest := m.c[i*m.stride:(i+1)*m.stride], m.rest[i]
	for t, x := range near {
		s := from + t
		p := int(m.picks[s]) * m.stride
		e := (x - m.dot(m.c[p:p+s], c[:s])) * m.pivot[s]
		c[s] = e
		rest -= F(e * e)
	}
	m.rest[i], m.seen[i] = rest, int32(len(m.picks))
	m.bound[i] = m.value(i)
	return m.bound[i]
}

// pick makes item i one of those that others are compared with, unless nothing is left of it.
func (m *determinantal[F]) pick(i int) {
	if m.look(i); m.rest[i] >= m.floor[i] && len(m.picks) < m.stride {
		m.picks = append(m.picks, int32(i))
		m.pivot = append(m.pivot, 1/F(math.Sqrt(float64(m.rest[i]))))
	}
}
