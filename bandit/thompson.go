package bandit

import (
	"math"
)

// Thompson is Thompson sampling for rewards of [0, 1]: at each place every arm that may come draws a value from what is believed of its
// mean reward, and the row of the highest comes. The belief is a Beta distribution:
//
//	α = Alpha + Σ reward,   β = Beta + n - Σ reward      over the n observations of the arm
//
// An arm without feedback has the prior Beta(Alpha, Beta). No value is really drawn: the policy computes the probability of
// each arm to have the highest, see [BestBeta], and draws from that. So the logged propensity is exact, to about 1e-10. Values are
// drawn afresh at each place, which makes the propensities of a slate the conditional ones.
//
// With Decay below 1 old observations fade, and an arm that is not shown drifts back to the prior: for rewards that
// change (discounted Thompson sampling).
//
// A place costs a few multiplications per arm and node of the quadrature, about 150 nodes; the nodes are prepared once for a slate.
//
// Source: Thompson, Biometrika 25, 1933; Agrawal and Goyal, "Analysis of Thompson Sampling for the Multi-armed Bandit
// Problem", COLT 2012, algorithm 1, here with fractional rewards as they are instead of by a coin; Raj and Kalyani, "Taming Non-stationary
// Bandits: A Bayesian Approach", 2017, algorithm 1 (decay).
type Thompson struct {
	// Alpha and Beta, finite and >= 0, are the prior: as if Alpha rewards of 1 and Beta of 0 had been seen. 0 means 1.
	Alpha, Beta float64
	// Decay, in (0, 1], is the factor by which the weight of an observation shrinks with each later one of its
	// segment. 0 means 1: no decay.
	Decay float64
}

var _ posterior = Thompson{}

// posterior is an algorithm that believes something of each arm and can tell which is the best.
type posterior interface {
	Algorithm
	// believe prepares the solver for the rows of v.
	believe(v *view) *solver
}

// Validate returns an error that names the field that is out of its domain.
func (a Thompson) Validate() error {
	for _, x := range []struct {
		field string
		value float64
	}{{"Thompson.Alpha", a.Alpha}, {"Thompson.Beta", a.Beta}} {
		if !(x.value >= 0) || x.value > 1e15 {
			return fieldError(x.field, x.value, "want a number > 0, at most 1e15 (0 means 1)")
		}
	}
	return checkDecay("Thompson.Decay", a.Decay)
}

func (a Thompson) spec() spec {
	return spec{version: version("thompson/1", "alpha", orOne(a.Alpha), "beta", orOne(a.Beta), "decay", a.Decay), hi: 1}
}

func (a Thompson) newLearner() learner { return newTally(orOne(a.Decay), 0) }

func (a Thompson) believe(v *view) *solver {
	s := solverOf(v)
	alpha, beta := orOne(a.Alpha), orOne(a.Beta)
	for j, n := range v.n {
		s.a[j], s.b[j] = alpha+max(v.s[j], 0), beta+max(n-v.s[j], 0)
	}
	s.Beta(s.a, s.b)
	return s
}

func (a Thompson) choose(v *view) { best(a, v) }

// best writes the probabilities of being the best.
func best[P posterior](a P, v *view) *solver {
	s, ok := v.own.(*solver)
	if v.fresh || !ok {
		s = a.believe(v)
	}
	s.Best(v.p, v.open)
	return s
}

// GaussianThompson is [Thompson] for rewards of any size: the belief about the mean reward of an arm is normal.
//
//	precision = 1/SD² + n/Noise²,   mean = (Mean/SD² + Σ reward/Noise²) / precision
//
// n and the sum are of the observations of the arm. An arm without feedback has the prior N(Mean, SD²).
//
// Source: Russo, Van Roy, Kazerouni, Osband and Wen, "A Tutorial on Thompson Sampling", 2018, section 4 (conjugate updates of
// normal rewards of known variance); see [BestNormal].
type GaussianThompson struct {
	// Mean and SD are the prior, finite; SD is >= 0, and 0 means 1.
	Mean, SD float64
	// Noise is the standard deviation of a reward around the arm's mean, finite and >= 0. 0 means 1. Too small a
	// value makes the policy certain too soon.
	Noise float64
	// Decay, in (0, 1], is the factor by which the weight of an observation shrinks with each later one of its
	// segment. 0 means 1: no decay.
	Decay float64
}

var _ posterior = GaussianThompson{}

// Validate returns an error that names the field that is out of its domain.
func (a GaussianThompson) Validate() error {
	if !(math.Abs(a.Mean) <= 1e100) {
		return fieldError("GaussianThompson.Mean", a.Mean, "want a number of at most 1e100")
	}
	for _, x := range []struct {
		field string
		value float64
	}{{"GaussianThompson.SD", a.SD}, {"GaussianThompson.Noise", a.Noise}} {
		if !(x.value == 0 || x.value >= 1e-100 && x.value <= 1e100) {
			return fieldError(x.field, x.value, "want a number of [1e-100, 1e100] (0 means 1)")
		}
	}
	return checkDecay("GaussianThompson.Decay", a.Decay)
}

func (a GaussianThompson) spec() spec {
	return spec{
		version: version("gaussian-thompson/1", "mean", a.Mean, "sd", orOne(a.SD), "noise", orOne(a.Noise), "decay", a.Decay),
		lo:      -widest, hi: widest,
	}
}

func (a GaussianThompson) newLearner() learner { return newTally(orOne(a.Decay), 0) }

func (a GaussianThompson) believe(v *view) *solver {
	s := solverOf(v)
	for j, n := range v.n {
		s.a[j], s.b[j] = a.belief(n, v.s[j])
	}
	s.Normal(s.a, s.b)
	return s
}

// belief returns mean and standard deviation after n observations of sum s.
func (a GaussianThompson) belief(n, s float64) (mean, sd float64) {
	noise := orOne(a.Noise)
	ratio := noise / orOne(a.SD)
	weight := float64(ratio * ratio) // of the prior, in observations
	n = max(n, 0)
	return (float64(weight*a.Mean) + s) / (weight + n), noise / math.Sqrt(weight+n)
}

func (a GaussianThompson) choose(v *view) { best(a, v) }
