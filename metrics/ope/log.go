package ope

import (
	"fmt"
	"math"
)

// Float is the type of the numbers of a [Log]. All sums are made in float64.
type Float interface{ float32 | float64 }

// Log is a log of n decisions with what the target policy would have done, in plain slices.
// Tables are row-major: the numbers of context c stand at [c*Actions, (c+1)*Actions). The log
// belongs to the caller and is only read.
type Log[F Float] struct {
	// Actions is the number of actions A.
	Actions int
	// Reward, Action and Propensity have one entry per decision: what was earned, the action
	// taken, in [0, A), and the probability p with which the logging policy took it, in (0, 1].
	Reward     []F
	Action     []int32
	Propensity []F
	// Target holds the target policy π(a|x), a row of A probabilities per context, which sum to 1.
	Target []F
	// Model holds the reward model q̂(x, a), as Target does; nil if there is none. Rows of the
	// log that the model was fitted to make DR too sure of itself: see [CrossFit].
	Model []F
	// Context is the context of each decision, a row of the tables, so that equal contexts stand
	// there once. nil means that decision i has row i.
	Context []int32
	// Logger holds the logging policy as Target does, if it is known in full; nil if not. With
	// it, mass that the target policy puts on actions of probability 0 is found exactly. Weights
	// are by Propensity, with which it is not compared.
	Logger []F
	// Weight holds importance weights, >= 0, that take the place of π(a|x)/p, such as those of
	// [MarginalWeights]. Support is then no matter of actions and is not checked, but for what
	// the mean weight tells. Replay and balanced estimators refuse it. nil means none.
	Weight []F
	// Stratum is the number of the logging policy of each decision, in [0, 65536), for
	// WeightedIPS and WeightedDR; Average is the probability of its action under the mixture
	// of all logging policies, for BalancedIPS and BalancedDR. nil if there is one logger.
	Stratum []int32
	Average []F
	// Deterministic says that the logging policy chose without chance. Evaluate refuses such a
	// log with [ErrDeterministic].
	Deterministic bool
}

// Row is one logged decision, reduced to what estimators need, for [Accumulator.Add].
type Row struct {
	Reward     float64 // r, finite
	Propensity float64 // p, the probability with which the action was logged, in (0, 1]
	Target     float64 // π(a|x) of the logged action, in [0, 1]
	// Model is q̂(x, a) of the logged action and Direct is Σ_a π(a|x)·q̂(x, a), for estimators
	// with a reward model.
	Model, Direct float64
	// Unsupported is the mass that the target policy puts on actions that the logging policy
	// could not take here, in [0, 1].
	Unsupported float64
	// Average and Stratum are as in [Log], for several loggers; 0 for one.
	Average float64
	Stratum int
}

// maxStrata bounds the number of loggers, and with it the memory that a wrong number takes.
const maxStrata = 1 << 16

// sumTolerance is how far the probabilities of a row may be from a sum of 1. The direct method
// divides by the sum.
const sumTolerance = 1e-3

// contexts returns the number of rows of the tables.
func (l *Log[F]) contexts() int {
	if l.Context == nil {
		return len(l.Reward)
	}
	if l.Actions <= 0 {
		return 0
	}
	return len(l.Target) / l.Actions
}

// check returns an error if the shapes of the log do not agree, or if an estimator needs what
// is not there. It costs no pass over the rows.
func (l *Log[F]) check(estimators []Estimator) error {
	n := len(l.Reward)
	if n == 0 {
		return ErrEmpty
	}
	if l.Deterministic {
		return ErrDeterministic
	}
	if l.Actions < 1 || l.Actions > math.MaxInt32 {
		return &FieldError{"Log.Actions", fmt.Sprint(l.Actions), "at least 1"}
	}
	table := l.contexts() * l.Actions
	lengths := []struct {
		field     string
		got, want int
		optional  bool
	}{
		{"Log.Action", len(l.Action), n, false},
		{"Log.Propensity", len(l.Propensity), n, false},
		{"Log.Context", len(l.Context), n, l.Context == nil},
		{"Log.Target", len(l.Target), table, false},
		{"Log.Model", len(l.Model), table, l.Model == nil},
		{"Log.Logger", len(l.Logger), table, l.Logger == nil},
		{"Log.Weight", len(l.Weight), n, l.Weight == nil},
		{"Log.Stratum", len(l.Stratum), n, l.Stratum == nil},
		{"Log.Average", len(l.Average), n, l.Average == nil},
	}
	for _, f := range lengths {
		if !f.optional && f.got != f.want {
			return &FieldError{f.field, fmt.Sprintf("of length %d", f.got), fmt.Sprintf("of length %d (%d decisions, %d actions)", f.want, n, l.Actions)}
		}
	}
	for _, e := range estimators {
		if err := e.check(); err != nil {
			return err
		}
		switch {
		case e.model && l.Model == nil:
			return &FieldError{"Log.Model", "nil", "a reward model, for " + e.name}
		case e.mixed && l.Average == nil:
			return &FieldError{"Log.Average", "nil", "the propensities of the mixture, for " + e.name}
		case l.Weight != nil && (e.mixed || e.shape == matching):
			return &FieldError{"Log.Weight", "set", "nil, for " + e.name + ", which has weights of its own"}
		case e.strata && l.Stratum == nil:
			return &FieldError{"Log.Stratum", "nil", "the logger of each decision, for " + e.name}
		}
	}
	return nil
}
