package bandit

import (
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// InverseGap appends to dst the probabilities of inverse gap weighting over rewards that were predicted for
// K actions:
//
//	p[a] = 1 / (K + gamma·(highest - rewards[a]))      for all but the best, which has the rest
//
// The best is the first of several. gamma, >= 0 and finite, is in units of 1/reward: 0 is uniform, a large one greedy. Every
// action has a probability > 0, and the best one at least 1/K. No rewards give nothing. It panics
// if gamma or a reward is not finite, or gamma is below 0.
//
// Source: Foster and Rakhlin, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression
// Oracles", ICML 2020, Algorithm 1 with μ = K (there for losses).
func InverseGap(dst, rewards []float64, gamma float64) []float64 {
	if !(gamma >= 0) || !finite(rewards, []float64{gamma}) {
		panic("bandit: InverseGap: gamma or a reward is not finite, or gamma is below 0")
	}
	n := len(dst)
	dst = append(dst, rewards...)
	inverseGap(dst[n:], gamma)
	return dst
}

// inverseGap turns rewards into probabilities.
func inverseGap(p []float64, gamma float64) {
	if len(p) == 0 {
		return
	}
	best := 0
	for i, r := range p {
		if r > p[best] {
			best = i
		}
	}
	top, rest, k := p[best], 0.0, float64(len(p))
	for i, r := range p {
		if i != best {
			p[i] = max(1/(k+float64(gamma*(top-r))), tiniest)
			rest += p[i]
		}
	}
	p[best] = 1 - rest
}

// tiniest keeps the probability of a gap that is as large as float64 allows above 0.
const tiniest = 0x1p-1000

// SquareCB draws rows by inverse gap weighting ([InverseGap]) of the rewards that a linear regression predicts:
//
//	P(row | picks above) = 1 / (m + γ·(highest - xᵀθ))      γ = Gamma·t^Exponent
//
// among the m rows that may come at a place; the best one has the rest. t is the number of observations so far. The
// propensities are exact. For the rewards of a ranker of your own instead, see [InverseGapWeighting].
//
// Source: Foster and Rakhlin 2020, Algorithm 1; the schedule of γ is that of Vowpal Wabbit's SquareCB: theory
// has √(K·T/regret of the regression), for which √T stands here.
type SquareCB struct {
	Model LinearModel
	// Gamma, >= 0 and finite, scales γ: in units of 1/reward. 0 means 10.
	Gamma float64
	// Exponent, in [0, 1], is how fast γ grows. 0 means 0.5.
	Exponent float64
}

var _ Algorithm = SquareCB{}

// Validate returns an error that names the field that is out of its domain.
func (a SquareCB) Validate() error {
	if !(a.Gamma >= 0) || math.IsInf(a.Gamma, 0) {
		return fieldError("SquareCB.Gamma", a.Gamma, "want a finite number > 0 (0 means 10)")
	}
	if !(a.Exponent >= 0 && a.Exponent <= 1) {
		return fieldError("SquareCB.Exponent", a.Exponent, "want > 0, at most 1 (0 means 0.5)")
	}
	return a.Model.Validate()
}

func (a SquareCB) spec() spec {
	return spec{
		version: version("squarecb/1", "gamma", a.Gamma, "exponent", a.Exponent) + a.Model.version(),
		lo:      -widest, hi: widest,
	}
}

func (a SquareCB) newLearner() learner { return newLinear(a.Model, false) }

func (a SquareCB) choose(v *view) {
	x, gamma, exponent := contextsOf(v), a.Gamma, a.Exponent
	if gamma == 0 {
		gamma = 10
	}
	if exponent == 0 {
		exponent = 0.5
	}
	for i, j := range v.open {
		v.p[i] = x.mean[j]
	}
	inverseGap(v.p, gamma*fmath.Pow(max(v.t, 0), exponent))
}

func (a SquareCB) bind(s *recsys.Schema) (Algorithm, error) {
	m, err := a.Model.bound(s)
	a.Model = m
	return a, err
}

func (a SquareCB) columns() *layout { return a.Model.layout }

func (a SquareCB) context(dst []float64, q *recsys.Query, c *recsys.Candidates, row int32) []float64 {
	return a.Model.layout.append(dst, q, c, row)
}
