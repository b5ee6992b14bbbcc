package bandit

import (
	"errors"
	"fmt"
)

// Arms is an [Algorithm] over arms, without a pipeline, slates, feedback that waits or locks: what a [Policy] holds of one
// segment. It serves simulations and research.
//
//	arms, err := bandit.NewArms(bandit.UCB1{})
//	p := arms.Probabilities(nil, []uint64{0, 1, 2})
//	err = arms.Update(bandit.Outcome{Arm: 1, Reward: 1, Propensity: p[1], Choices: len(p)})
//
// It is not safe for concurrent use. Its methods allocate nothing once all arms are known.
type Arms struct {
	alg  Algorithm
	spec spec
	l    learner
	v    view
	p    []float64 // of Draw
}

// Outcome is what one choice of an arm brought.
type Outcome struct {
	Arm    uint64
	Reward float64

	// Propensity is the probability that the arm was chosen, and Choices the number of arms that could have
	// been. Only [EXP3] reads them.
	Propensity float64
	Choices    int

	// Place is that of the arm in a list, from 0. Only [Cascade] reads it.
	Place int
}

// NewArms returns arms that are all cold. Algorithms that read features are an error, as is one that is not valid.
func NewArms(alg Algorithm) (*Arms, error) {
	if alg == nil {
		return nil, errors.New("bandit: NewArms: algorithm is nil")
	}
	if err := alg.Validate(); err != nil {
		return nil, err
	}
	if _, reads := alg.(contextual); reads {
		return nil, fmt.Errorf("bandit: NewArms: %T reads features", alg)
	}
	return &Arms{alg: alg, spec: alg.spec(), l: alg.newLearner()}, nil
}

// Probabilities writes the probability of each of arms, which are distinct, into dst, which it returns, longer if need be. They
// sum to 1. No arms give an empty dst.
func (a *Arms) Probabilities(dst []float64, arms []uint64) []float64 {
	v := &a.v
	dst = sized(dst, len(arms))
	if len(arms) < 2 {
		for i := range dst {
			dst[i] = 1
		}
		return dst
	}
	a.look(arms)
	v.chances()
	a.alg.choose(v)
	v.normalize()
	copy(dst, v.p)
	return dst
}

// Update learns an outcome. A reward that is not finite or outside the algorithm's domain is a [*FeedbackError], and
// so is, for [EXP3], a propensity outside (0, 1].
func (a *Arms) Update(o Outcome) error {
	if !(o.Reward >= a.spec.lo && o.Reward <= a.spec.hi) {
		return &FeedbackError{Field: "Reward", Value: o.Reward, Reason: a.spec.domain()}
	}
	if a.spec.weighted && (!(o.Propensity > 0 && o.Propensity <= 1) || o.Choices < 1) {
		return &FeedbackError{Field: "Propensity", Value: o.Propensity, Reason: fmt.Sprintf("want a number of (0, 1] among %d choices", o.Choices)}
	}
	a.l.add(&outcome{arm: o.Arm, count: 1, reward: o.Reward, propensity: o.Propensity, choices: o.Choices, place: o.Place})
	return nil
}

// Forget makes arms cold.
func (a *Arms) Forget(arms ...uint64) {
	for _, x := range arms {
		a.l.forget(x)
	}
}

// Pick returns the index of the arm at the fraction u, in (0, 1), of p, which sums to 1: the inverse of the distribution
// function. Its probability is above 0, unless all are 0. p must not be empty.
func Pick(p []float64, u float64) int { return drawn(p, u) }
