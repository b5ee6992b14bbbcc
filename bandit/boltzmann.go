package bandit

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
)

// Boltzmann draws arms by softmax of their mean rewards:
//
//	P(arm | picks above) = exp(mean/T) / Σ exp(mean/T) over the arms that may come      T: Temperature
//
// An arm without feedback has the mean Prior. T is in units of reward. [PlackettLuce] is the same rule
// over the utilities of the pipeline, without learning. A fixed temperature never settles: an arm that is worse by T keeps 1/e of the
// best one's chance.
//
// Source: Sutton and Barto, Reinforcement Learning, 2nd edition, 2018, section 2.8, equation 2.11, with means for
// preferences; Cesa-Bianchi et al., "Boltzmann Exploration Done Right", NeurIPS 2017, equation 1.
type Boltzmann struct {
	// Temperature is finite and >= 0. 0 means 0.1.
	Temperature float64
	// Prior is the mean reward of an arm without feedback, finite.
	Prior float64
	// Decay, in (0, 1], is the factor by which the weight of an observation shrinks with each later one of its
	// segment. 0 means 1: no decay.
	Decay float64
}

var _ Algorithm = Boltzmann{}

// Validate returns an error that names the field that is out of its domain.
func (a Boltzmann) Validate() error {
	switch {
	case !(a.Temperature >= 0) || math.IsInf(a.Temperature, 0):
		return fieldError("Boltzmann.Temperature", a.Temperature, "want a finite number > 0, in units of reward (0 means 0.1)")
	case !finite([]float64{a.Prior}):
		return fieldError("Boltzmann.Prior", a.Prior, "want a finite number")
	}
	return checkDecay("Boltzmann.Decay", a.Decay)
}

func (a Boltzmann) temperature() float64 {
	if a.Temperature == 0 {
		return 0.1
	}
	return a.Temperature
}

func (a Boltzmann) spec() spec {
	return spec{
		version: version("boltzmann/1", "t", a.temperature(), "prior", a.Prior, "decay", a.Decay),
		lo:      -widest, hi: widest,
	}
}

func (a Boltzmann) newLearner() learner { return newTally(orOne(a.Decay), 0) }

func (a Boltzmann) choose(v *view) {
	for i, j := range v.open {
		v.p[i] = a.Prior
		if v.n[j] > 0 {
			v.p[i] = v.s[j] / v.n[j]
		}
	}
	softmax(v.p, 1/a.temperature())
}

// softmax replaces x by exp(lambda·x), scaled to sum to 1.
func softmax(x []float64, lambda float64) {
	if len(x) == 0 {
		return
	}
	top := x[0] // of the largest product
	for _, v := range x {
		if lambda > 0 && v > top || lambda < 0 && v < top {
			top = v
		}
	}
	sum := 0.0
	for i, v := range x {
		x[i] = 1
		if v != top && lambda != 0 {
			x[i] = fmath.Exp(float64(lambda * (v - top)))
		}
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}
