package bandit

import (
	"math"

	"github.com/recsyskit/recsys"
)

// SlidingUCB is [UCB1] over the last Window observations of the segment, for rewards that change:
//
//	mean + √(C·ln min(t, Window) / n)      n, mean: of the arm's observations in the window
//
// An arm without observations in the window comes before all others. What [UCB1] says of ties, propensities and late
// feedback holds here too. A correction of an observation that has left the window changes nothing. Rewards are of [0, 1].
//
// Source: Garivier and Moulines, "On Upper-Confidence Bound Policies for Switching Bandit Problems", ALT 2011, section 2
// (SW-UCB, with B = 1 and ξ = C).
type SlidingUCB struct {
	// Window is the number of observations, >= 0. 0 means 1,000.
	Window int
	// C is the width of the bound, finite and >= 0. 0 means 0.6, as in the paper's experiments.
	C float64
}

var _ Algorithm = SlidingUCB{}

// Validate returns an error that names the field that is out of its domain.
func (a SlidingUCB) Validate() error {
	if a.Window < 0 || a.Window > 1<<30 {
		return fieldError("SlidingUCB.Window", a.Window, "want 0 to 2^30 (0 means 1000)")
	}
	if !(a.C >= 0) || math.IsInf(a.C, 0) {
		return fieldError("SlidingUCB.C", a.C, "want a finite number > 0 (0 means 0.6)")
	}
	return nil
}

func (a SlidingUCB) defaults() (window int, c float64) {
	if a.Window == 0 {
		a.Window = 1000
	}
	if a.C == 0 {
		a.C = 0.6
	}
	return a.Window, a.C
}

func (a SlidingUCB) spec() spec {
	window, c := a.defaults()
	return spec{version: version("sliding-ucb/1", "window", float64(window), "c", c), class: recsys.ExplorationDeterministic, hi: 1}
}

func (a SlidingUCB) newLearner() learner {
	window, _ := a.defaults()
	return newTally(1, window)
}

func (a SlidingUCB) choose(v *view) {
	_, c := a.defaults()
	numerator := float64(c * logAbove1(v.t)) // t counts what is in the window
	for i, j := range v.open {
		v.p[i] = math.Inf(1)
		if n := v.n[j]; n > 0 {
			v.p[i] = v.s[j]/n + math.Sqrt(numerator/n)
		}
	}
	v.best()
}
