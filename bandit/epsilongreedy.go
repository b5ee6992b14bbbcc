package bandit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/recsyskit/recsys"
)

// EpsilonGreedy is an explorer that takes the best row that may come at a place, but with
// probability epsilon any row that may come, the best one among them. Its value is
// epsilon, in [0, 1]:
//
//	P(row | picks above) = epsilon/m + (1-epsilon)·[row is the best]   m: the number of admissible rows
//
// Each place tosses its own coin. 0, the zero value, gives the greedy slate with
// propensity 1; 1 is [Uniform].
//
// The best row is the first of the order that is admissible, so ties go by item ID, and
// the utilities themselves play no part. The m rows are those of the window, the first
// [recsys.Depth] rows of the order, by default 4 K: a longer window spreads the same
// epsilon over more and worse rows. A row that comes from below the window, when nothing in
// it may come, is one choice, of propensity 1.
//
// EpsilonGreedy is safe for concurrent use and allocates nothing. A place costs n/64
// steps for a table of n rows.
//
// Source: Watkins, Learning from Delayed Rewards, 1989; Sutton and Barto, Reinforcement
// Learning, 2nd edition, 2018, section 2.2; here with a coin per place, without
// replacement.
type EpsilonGreedy float64

var (
	_ recsys.Explorer  = EpsilonGreedy(0)
	_ recsys.Judge     = EpsilonGreedy(0)
	_ recsys.Validator = EpsilonGreedy(0)
	_ recsys.Versioned = EpsilonGreedy(0)

	_ recsys.ExplorationKinder = EpsilonGreedy(0)
)

// Validate returns an error if epsilon is outside [0, 1].
func (e EpsilonGreedy) Validate() error {
	if !(e >= 0 && e <= 1) {
		return fmt.Errorf("bandit: EpsilonGreedy: epsilon is %v; want 0 (greedy) to 1 (uniform)", float64(e))
	}
	return nil
}

// Exploration returns exact, but deterministic for epsilon 0.
func (e EpsilonGreedy) Exploration() recsys.Exploration {
	if e == 0 {
		return recsys.ExplorationDeterministic
	}
	return recsys.ExplorationExact
}

// Version names the rule and epsilon, for example "epsilon-greedy/1 e=0.1".
func (e EpsilonGreedy) Version() string {
	return "epsilon-greedy/1 e=" + strconv.FormatFloat(float64(e), 'g', -1, 64)
}

// Explore fills s and logs the exact propensities. The error is that of Validate, or
// that of the slate.
func (e EpsilonGreedy) Explore(_ context.Context, q *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	if err := e.Validate(); err != nil {
		return err
	}
	rng := q.Rand()
	for s.Next() {
		m, best := s.Admissible().Count(), s.Best()
		row := e.draw(&rng, s.Admissible(), m, best)
		s.Pick(row, e.propensity(row, m, best))
	}
	return s.Err()
}

// Propensities writes the probability of each place of slate, given those above it; see
// [recsys.Judge]. They are the numbers that Explore logs, to the bit. The error is that
// of Validate, or tells that dst and slate differ in length.
func (e EpsilonGreedy) Propensities(_ context.Context, _ *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if len(dst) != len(slate) {
		return errLengths
	}
	clear(dst)
	for i, row := range slate {
		if !comes(s, c.Len(), row) {
			break
		}
		p := e.propensity(row, s.Admissible().Count(), s.Best())
		if p == 0 {
			break
		}
		dst[i] = p
		s.Pick(row, p)
	}
	return s.Err()
}

// draw returns one of the m admissible rows.
func (e EpsilonGreedy) draw(rng *rand.PCG, admissible recsys.Bits, m int, best int32) int32 {
	if unit(rng.Uint64()) < 1-float64(e) {
		return best
	}
	return nth(admissible, int(below(rng, uint64(m))))
}

// propensity returns the probability of one of m admissible rows. It rounds to 1 for m = 1.
func (e EpsilonGreedy) propensity(row int32, m int, best int32) float64 {
	p := float64(e) / float64(m)
	if row == best {
		p += 1 - float64(e)
	}
	return p
}
