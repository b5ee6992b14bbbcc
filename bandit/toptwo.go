package bandit

import (
	"github.com/recsyskit/recsys"
)

// TopTwo is top-two Thompson sampling, which finds the best arm sooner than it earns: the arm of Thompson sampling comes with
// probability Leader, else one that draws again until another arm is the best.
//
//	P(i) = L·p_i + (1-L)·Σ_{j≠i} p_j · p_i/(1-p_j)      p: the probabilities of being the best, L: Leader
//
// It is computed, not drawn, so propensities are exact. Where an arm is the best but for less than 1e-9, the challenger is the
// best of the others.
//
// Source: Russo, "Simple Bayesian Algorithms for Best-Arm Identification", COLT 2016 (Operations Research 68, 2020), section 3.3.
type TopTwo struct {
	// Of is the belief about arms: a [Thompson] or a [GaussianThompson]. Nil means Thompson{}.
	Of Algorithm
	// Leader is in [0, 1]. 0 means 0.5.
	Leader float64
}

var _ Algorithm = TopTwo{}

// Validate returns an error that names the field that is out of its domain.
func (a TopTwo) Validate() error {
	if !(a.Leader >= 0 && a.Leader <= 1) {
		return fieldError("TopTwo.Leader", a.Leader, "want > 0, at most 1 (0 means 0.5)")
	}
	if a.Of == nil {
		return nil
	}
	if _, ok := a.Of.(posterior); !ok {
		return fieldError("TopTwo.Of", a.Of, "want a Thompson or a GaussianThompson")
	}
	return a.Of.Validate()
}

func (a TopTwo) of() posterior {
	if a.Of == nil {
		return Thompson{}
	}
	return a.Of.(posterior)
}

func (a TopTwo) leader() float64 {
	if a.Leader == 0 {
		return 0.5
	}
	return a.Leader
}

func (a TopTwo) spec() spec {
	s := a.of().spec()
	s.class = recsys.ExplorationExact
	s.version = version("top-two/1", "leader", a.leader()) + " of " + s.version
	return s
}

func (a TopTwo) newLearner() learner { return a.of().newLearner() }

func (a TopTwo) choose(v *view) {
	s := best(a.of(), v)
	p, leader := v.p, a.leader()
	sum, certain := 0.0, -1 // Σ p_j/(1-p_j) over the arms of which the other share is not negligible
	for j, x := range p {
		if rest := others(p, j); rest >= 1e-9 {
			sum += x / rest
		} else {
			certain = j
		}
	}
	top := 0.0
	if certain >= 0 {
		top = p[certain]
		s.rest = sized(s.rest, len(p)-1)
		s.open = append(append(s.open[:0], v.open[:certain]...), v.open[certain+1:]...)
		s.Best(s.rest, s.open)
	}
	s.out = sized(s.out, len(p))
	for i, x := range p {
		challenger := float64(x * sum)
		if rest := others(p, i); rest >= 1e-9 {
			challenger -= float64(x * (x / rest))
		}
		if certain >= 0 && i != certain {
			k := i
			if i > certain {
				k--
			}
			challenger += float64(top * s.rest[k])
		}
		s.out[i] = float64(leader*x) + float64((1-leader)*max(challenger, 0))
	}
	copy(p, s.out)
}

// others returns 1 - p[j] as the sum of the others, which loses no digits.
func others(p []float64, j int) float64 {
	if p[j] < 0.5 {
		return 1 - p[j]
	}
	sum := 0.0
	for i, x := range p {
		if i != j {
			sum += x
		}
	}
	return sum
}
