package rerank

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// SelectMMR returns k items chosen one by one by maximal marginal relevance, and the
// score at which each was chosen:
//
//	argmax_i  lambda·rel[i] - (1-lambda)·max_{j chosen} sim(i, j)
//
// with 0 for the maximum while nothing is chosen. Ties go to the smallest index. rel holds the relevance
// of each item; sim must be symmetric and pure, and a NaN of it counts as 0. For the balance that
// lambda means, both should be on one scale, such as [0, 1]. lambda = 1 is the order of relevance;
// lambda = 0 takes the first item and then whatever is least similar to what was taken.
//
// Fewer than k items give all of them, k <= 0 none. It is an error if lambda is outside
// [0, 1] or a relevance is not finite.
//
// It calls sim at most n·k times, and usually far less often: a score can only fall as
// more is chosen, so an item whose last known score is not the best needs no new one.
//
// Source: Carbonell and Goldstein, SIGIR 1998, section 2.
func SelectMMR[F float32 | float64](
	rel []F, sim func(i, j int) F, lambda F, k int,
) (order []int32, scores []F, err error) {
	if !(lambda >= 0 && lambda <= 1) {
		return nil, nil, fmt.Errorf("rerank: SelectMMR: lambda is %v; want a number in [0, 1]", lambda)
	}
	for i, x := range rel {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return nil, nil, fmt.Errorf("rerank: SelectMMR: rel[%d] is %v; want a finite number", i, x)
		}
	}
	m := marginal[F]{sim: func(i, j int32) F { return sim(int(i), int(j)) }}
	m.reset(lambda, F(math.Inf(-1)))
	rows := make([]int32, len(rel))
	open := recsys.MakeBits(len(rel))
	open.SetFirst(len(rel))
	for i, x := range rel {
		rows[i] = int32(i)
		m.add(x)
	}
	for range min(k, len(rel)) {
		i, score := m.best(rows, open)
		m.pick(i)
		open.Clear(i)
		order, scores = append(order, int32(i)), append(scores, score)
	}
	return order, scores, nil
}

// Cosine returns the cosine similarity between rows of vectors, which is row-major with
// dim numbers per row: a function for [SelectMMR]. Results lie in [-1, 1]; that of a row with itself is exactly 1, but a row of
// zeros, and one whose length is not a finite number, has similarity 0 to all. It is an
// error if dim < 1 or len(vectors) is not a multiple of dim. The function reads vectors when it is called.
func Cosine[F float32 | float64](vectors []F, dim int) (func(i, j int) F, error) {
	if dim < 1 || len(vectors)%dim != 0 {
		return nil, fmt.Errorf("rerank: Cosine: %d numbers are no rows of dimension %d", len(vectors), dim)
	}
	inverse := make([]F, len(vectors)/dim)
	for i := range inverse {
		inverse[i] = inverseNorm(vectors[i*dim : (i+1)*dim])
	}
	return func(i, j int) F {
		if i == j && inverse[i] != 0 {
			return 1
		}
		return cosine(vectors[i*dim:(i+1)*dim], vectors[j*dim:(j+1)*dim], inverse[i], inverse[j])
	}, nil
}

// marginal is the state of a selection by maximal marginal relevance. Items are
// numbered in the order in which they were added.
//
// The largest similarity to what was picked never falls, so the score at the time of
// an item's last look is an upper bound of its score now. Only an item whose
// bound beats the best score so far is looked at again.
type marginal[F float32 | float64] struct {
	sim  func(i, j int32) F
	rest F // 1 - lambda
	rate F // lambda
	low  F // no similarity is smaller

	relevance []F // lambda times the relevance
	near      []F // largest similarity to the picks looked at
	bound     []F // relevance - rest·near: at least the score
	seen      []int32
	picks     []int32
}

// reset empties the state. low is a lower bound of all similarities, or -Inf.
func (m *marginal[F]) reset(lambda, low F) {
	m.rate, m.rest, m.low = lambda, 1-lambda, low
	m.relevance, m.near, m.bound = m.relevance[:0], m.near[:0], m.bound[:0]
	m.seen, m.picks = m.seen[:0], m.picks[:0]
}

// add appends an item.
func (m *marginal[F]) add(rel F) {
	x := m.rate * rel
	m.relevance, m.bound = append(m.relevance, x), append(m.bound, x)
	m.near, m.seen = append(m.near, m.low), append(m.seen, 0)
	if len(m.picks) > 0 {
		m.bound[len(m.bound)-1] = m.score(len(m.bound) - 1)
	}
}

// score returns what the item's score is if nothing is nearer to it than near.
func (m *marginal[F]) score(i int) F {
	if m.rest == 0 { // 0 times an unknown similarity of -Inf would be NaN
		return m.relevance[i]
	}
	return m.relevance[i] - F(m.rest*m.near[i])
}

// pick makes item i one of those that others are compared with.
func (m *marginal[F]) pick(i int) {
	m.picks = append(m.picks, int32(i))
	if len(m.picks) > 1 {
		return
	}
	// The bounds were scores beside nothing, where the similarity counts as 0.
	for j := range m.bound {
		m.bound[j] = m.score(j)
	}
}

// best returns the item of the highest score among those whose row is open, the first
// of several, and -1 if none is open. Item i stands in row rows[i].
func (m *marginal[F]) best(rows []int32, open recsys.Bits) (at int, top F) {
	at = -1
	for i, bound := range m.bound {
		if at >= 0 && bound <= top || !open.Has(int(rows[i])) {
			continue
		}
		if score, exact := m.look(i, at >= 0, top); exact && (at < 0 || score > top) {
			at, top = i, score
		}
	}
	return at, top
}

// look brings the bound of item i up to date, or as far as needed to see that it does not beat top.
func (m *marginal[F]) look(i int, beat bool, top F) (score F, exact bool) {
	if m.rest == 0 {
		return m.bound[i], true
	}
	near, seen := m.near[i], int(m.seen[i])
	for ; seen < len(m.picks); seen++ {
		if s := m.sim(int32(i), m.picks[seen]); s > near {
			near = s
		} else if s != s && near < 0 {
			near = 0
		}
		if beat && m.relevance[i]-F(m.rest*near) <= top {
			seen++
			break
		}
	}
	m.near[i], m.seen[i] = near, int32(seen)
	if len(m.picks) > 0 {
		m.bound[i] = m.score(i)
	}
	return m.bound[i], seen == len(m.picks)
}

// inverseNorm returns 1 over the length of v, 0 when that is not a number to work with.
func inverseNorm[F float32 | float64](v []F) F { return inverseOf(dot(v, v)) }

// inverseOf returns 1 over the root of a sum of squares, 0 when that is not a number to work with.
func inverseOf[F float32 | float64](square F) F {
	if inverse := F(1 / math.Sqrt(float64(square))); inverse*inverse*square > 0.5 {
		return inverse
	}
	return 0
}

// cosine returns the cosine similarity of two vectors whose inverse lengths are known.
func cosine[F float32 | float64](a, b []F, inverseA, inverseB F) F {
	if inverseA == 0 || inverseB == 0 {
		return 0
	}
	return max(-1, min(1, dot(a, b)*inverseA*inverseB))
}

// dot returns the inner product. Four sums hide the latency of the additions; their
// order is fixed, and each product is rounded before it is added, so that the bits are the same everywhere.
func dot[F float32 | float64](a, b []F) F {
	b = b[:len(a)]
	var s0, s1, s2, s3 F
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s0 += F(x[0] * y[0])
		s1 += F(x[1] * y[1])
		s2 += F(x[2] * y[2])
		s3 += F(x[3] * y[3])
	}
	for ; i < len(a); i++ {
		s0 += F(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}
