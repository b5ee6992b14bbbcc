package bandit

import (
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// KLUCB takes the row whose arm has the highest upper confidence bound by Kullback–Leibler divergence, see
// [KLUCBIndex], with the bound ln t + C·ln ln t:
//
//	max q such that n·kl(mean, q) <= ln t + C·ln ln t      n: observations of the arm, t: of the segment
//
// It is tighter than [UCB1], most of all for means near 0, as click rates are. What is said there of arms without
// observations, ties, propensities and late feedback holds here too. Rewards are of [0, 1].
//
// Source: Garivier and Cappé, "The KL-UCB Algorithm for Bounded Stochastic Bandits and Beyond", COLT 2011, algorithm 1, where C = 3 is what
// the theorem takes, and 0 what is recommended in practice (section 4).
type KLUCB struct {
	// C is finite and >= 0.
	C float64
	// Decay, in (0, 1], is the factor by which the weight of an observation shrinks with each later one of its
	// segment. 0 means 1: no decay.
	Decay float64
}

var _ Algorithm = KLUCB{}

// Validate returns an error that names the field that is out of its domain.
func (a KLUCB) Validate() error {
	if !(a.C >= 0) || math.IsInf(a.C, 0) {
		return fieldError("KLUCB.C", a.C, "want a finite number >= 0")
	}
	return checkDecay("KLUCB.Decay", a.Decay)
}

func (a KLUCB) spec() spec {
	return spec{version: version("kl-ucb/1", "c", a.C, "decay", a.Decay), class: recsys.ExplorationDeterministic, hi: 1}
}

func (a KLUCB) newLearner() learner { return newTally(orOne(a.Decay), 0) }

func (a KLUCB) choose(v *view) {
	if v.fresh {
		bound := logAbove1(v.t)
		if a.C > 0 {
			bound += float64(a.C * logAbove1(bound))
		}
		v.index = sized(v.index, len(v.arms))
		for j, n := range v.n {
			v.index[j] = math.Inf(1)
			if n > 0 {
				v.index[j] = KLUCBIndex(v.s[j]/n, n, bound)
			}
		}
	}
	for i, j := range v.open {
		v.p[i] = v.index[j]
	}
	v.best()
}

// KLUCBIndex returns the largest q of [mean, 1] with n·kl(mean, q) <= bound, where kl is the divergence between Bernoulli
// variables:
//
//	kl(p, q) = p·ln(p/q) + (1-p)·ln((1-p)/(1-q))
//
// mean is held within [0, 1]. n > 0 is the weight of the observations. The result is exact to about 1e-12 of itself. A bound that
// is not > 0 gives mean.
func KLUCBIndex(mean, n, bound float64) float64 {
	p := min(max(mean, 0), 1)
	limit := bound / n
	if p == 1 || !(limit > 0) {
		return p
	}
	// The divergence is convex and grows. Newton's steps from above stay above; Pinsker's inequality gives
	// a place above, and a step that leaves the bracket is halved instead.
	low, high := p, 1.0
	q := min(p+math.Sqrt(limit/2), (p+1)/2)
	for range 100 {
		excess := bernoulliKL(p, q) - limit
		if excess > 0 {
			high = q
		} else {
			low = q
		}
		next := q - excess*q*(1-q)/(q-p)
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-q) <= 1e-14*q {
			return next
		}
		q = next
	}
	return q
}

func bernoulliKL(p, q float64) float64 {
	kl := 0.0
	if p > 0 {
		kl = float64(p * fmath.Log(p/q))
	}
	if p < 1 {
		kl += float64((1 - p) * fmath.Log((1-p)/(1-q)))
	}
	return kl
}
