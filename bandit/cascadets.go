package bandit

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// CascadeSampler is cascading Thompson sampling as the paper has it, over plain slices: one draw from the Beta posterior of
// each item's attraction ranks them all. It serves simulations and research. Its lists are a little better than those of
// [Cascade] over [Thompson], which draws anew at each place, so that an uncertain item has several chances to come, and pays with them
// for conditional propensities that are exact.
//
// It is not safe for concurrent use.
//
// Source: Zhong, Cheung and Tan, "Thompson Sampling Algorithms for Cascading Bandits", JMLR 22, 2021, CTS (Beta posteriors).
type CascadeSampler struct {
	alpha, beta []float64
	draw        []float64
	order       []int
}

// NewCascadeSampler returns n >= 1 items with the prior Beta(alpha, beta), both finite and > 0: (1, 1) in the paper.
func NewCascadeSampler(n int, alpha, beta float64) (*CascadeSampler, error) {
	if n < 1 {
		return nil, fmt.Errorf("bandit: NewCascadeSampler: %d items; want at least 1", n)
	}
	if err := firstError(positive("NewCascadeSampler: alpha", 0, alpha), positive("NewCascadeSampler: beta", 0, beta)); err != nil {
		return nil, err
	}
	m := &CascadeSampler{make([]float64, n), make([]float64, n), make([]float64, n), make([]int, n)}
	fill(m.alpha, alpha)
	fill(m.beta, beta)
	return m, nil
}

// List writes the k items of the largest draws into dst, best first, which it returns, longer if need be. Of fewer than k items it has
// all. It allocates nothing once dst has room.
func (m *CascadeSampler) List(dst []int, k int, rng *rand.Rand) []int {
	for i := range m.draw {
		m.draw[i], m.order[i] = drawBeta(rng, m.alpha[i], m.beta[i]), i
	}
	slices.SortFunc(m.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(m.draw[b], m.draw[a]), cmp.Compare(a, b))
	})
	return append(dst[:0], m.order[:max(0, min(k, len(m.order)))]...)
}

// Update learns what became of a list: the user clicked place click, from 0, and saw nothing below it; -1 or less: no click, all was
// seen. It returns an error, and learns nothing, if click is not a place of the list or an item is unknown.
func (m *CascadeSampler) Update(list []int, click int) error {
	if click >= len(list) {
		return fmt.Errorf("bandit: CascadeSampler.Update: click at place %d of a list of %d", click, len(list))
	}
	for _, item := range list {
		if item < 0 || item >= len(m.alpha) {
			return fmt.Errorf("bandit: CascadeSampler.Update: item %d; want 0 to %d", item, len(m.alpha)-1)
		}
	}
	for place, item := range list {
		if place == click {
			m.alpha[item]++
			break
		}
		m.beta[item]++
	}
	return nil
}

// drawBeta returns a Beta(a, b) variable as a ratio of Gamma variables, in logarithms, since small parameters give numbers that
// underflow.
func drawBeta(rng *rand.Rand, a, b float64) float64 {
	x, y := logGamma(rng, a), logGamma(rng, b)
	if x > y {
		return 1 / (1 + math.Exp(y-x))
	}
	return math.Exp(x-y) / (1 + math.Exp(x-y))
}

// logGamma returns the logarithm of a Gamma(a, 1) variable.
//
// Source: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26, 2000; for a < 1 their
// section 6: Gamma(a+1)·U^(1/a).
func logGamma(rng *rand.Rand, a float64) float64 {
	boost := 0.0
	if a < 1 {
		boost = math.Log(unit(rng.Uint64())) / a
		a++
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + float64(c*x)
		if v <= 0 {
			continue
		}
		v = float64(v * v * v)
		if u := unit(rng.Uint64()); math.Log(u) < float64(x*x/2)+float64(d*(1-v+math.Log(v))) {
			return math.Log(d*v) + boost
		}
	}
}
