package bandit

import (
	"context"

	"github.com/recsyskit/recsys"
)

// Uniform is an explorer that takes any row that may come at a place, each with the same
// probability:
//
//	P(row | picks above) = 1/m   m: the number of admissible rows of the window
//
// It is [EpsilonGreedy] of epsilon 1: the logging policy from which any other one over
// the same window and constraints can be judged, and the costliest one to serve. The
// window is the first [recsys.Depth] rows of the order, by default 4 K.
//
// Uniform is safe for concurrent use and allocates nothing.
type Uniform struct{}

var (
	_ recsys.Explorer  = Uniform{}
	_ recsys.Judge     = Uniform{}
	_ recsys.Versioned = Uniform{}
)

// Version names the rule.
func (Uniform) Version() string { return "uniform/1" }

// Explore fills s and logs the exact propensities. The error is that of the slate.
func (Uniform) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	return EpsilonGreedy(1).Explore(ctx, q, c, s)
}

// Propensities writes the probability of each place of slate, given those above it; see
// [recsys.Judge]. The error tells that dst and slate differ in length.
func (Uniform) Propensities(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	return EpsilonGreedy(1).Propensities(ctx, q, c, s, slate, dst)
}
