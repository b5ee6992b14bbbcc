package bandit

import (
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// UCB1 takes the row whose arm has the highest upper confidence bound:
//
//	mean + √(C·ln t / n)      n: observations of the arm, t: of the segment
//
// An arm without observations comes before all others. Rows of equal bound share the probability, and the logged
// propensity is 1/ties; apart from ties the policy does not explore by chance, so its log has no support for another
// policy: its propensities are deterministic. While feedback is late the bounds stand still, and so do the choices.
//
// Rewards are of [0, 1]. Source: Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002, figure 1.
type UCB1 struct {
	// C is the width of the bound, finite and >= 0. 0 means 2, as in the paper.
	C float64
	// Decay, in (0, 1], is the factor by which the weight of an observation shrinks with each later one of its
	// segment. 0 means 1: no decay. Source: Garivier and Moulines, ALT 2011 (discounted UCB), section 2.
	Decay float64
}

var _ Algorithm = UCB1{}

// Validate returns an error that names the field that is out of its domain.
func (a UCB1) Validate() error {
	if !(a.C >= 0) || math.IsInf(a.C, 0) {
		return fieldError("UCB1.C", a.C, "want a finite number > 0 (0 means 2)")
	}
	return checkDecay("UCB1.Decay", a.Decay)
}

func (a UCB1) spec() spec {
	return spec{version: version("ucb1/1", "c", a.width(), "decay", a.Decay), class: recsys.ExplorationDeterministic, hi: 1}
}

func (a UCB1) width() float64 {
	if a.C == 0 {
		return 2
	}
	return a.C
}

func (a UCB1) newLearner() learner { return newTally(orOne(a.Decay), 0) }

func (a UCB1) choose(v *view) {
	numerator := float64(a.width() * logAbove1(v.t))
	for i, j := range v.open {
		v.p[i] = math.Inf(1)
		if n := v.n[j]; n > 0 {
			v.p[i] = v.s[j]/n + math.Sqrt(numerator/n)
		}
	}
	v.best()
}

// logAbove1 returns ln x, at least 0.
func logAbove1(x float64) float64 {
	if x <= 1 {
		return 0
	}
	return fmath.Log(x)
}

// best turns v.p from indexes into chances: the highest one has all, ties share.
func (v *view) best() {
	highest := math.Inf(-1)
	for _, x := range v.p {
		highest = max(highest, x)
	}
	for i, x := range v.p {
		v.p[i] = 0
		if x == highest {
			v.p[i] = 1
		}
	}
}
