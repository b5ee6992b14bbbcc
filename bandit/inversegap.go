package bandit

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/recsyskit/recsys"
)

// InverseGapWeighting is an explorer that draws each place of the slate by the gap of the utilities to the best one. Its value is γ:
//
//	P(row | picks above) = 1 / (m + γ·(highest utility - utility[row]))
//
// for all m rows that may come but the best one, which has the rest. Where utilities are rewards that a model predicts, as a
// calibrated ranker's are, this is SquareCB with that model for an oracle: γ grows with what the model has
// seen. [SquareCB] has a linear model of its own. γ is in units of 1/utility, finite and >= 0; 0 is uniform. Unlike
// under [PlackettLuce] a row that is worse by x has a probability of order 1/x and not exp(-x).
//
// The choice is among the window: the first [recsys.Depth] rows of the order. A utility of -Inf (or NaN) has probability 0 unless
// all have it; rows of utility +Inf share 1/m each, and the rest goes to the first. It is safe for concurrent use and allocates nothing in
// steady state.
//
// Source: Foster and Rakhlin 2020; see [InverseGap].
type InverseGapWeighting float64

var (
	_ recsys.Explorer  = InverseGapWeighting(0)
	_ recsys.Judge     = InverseGapWeighting(0)
	_ recsys.Validator = InverseGapWeighting(0)
	_ recsys.Versioned = InverseGapWeighting(0)
)

// Validate returns an error if γ is not finite and >= 0.
func (g InverseGapWeighting) Validate() error {
	if !(g >= 0) || math.IsInf(float64(g), 1) {
		return fmt.Errorf("bandit: InverseGapWeighting: gamma is %v; want >= 0 and finite, in units of 1/utility", float64(g))
	}
	return nil
}

// Version names the rule and γ, for example "inverse-gap/1 g=50".
func (g InverseGapWeighting) Version() string {
	return "inverse-gap/1 g=" + strconv.FormatFloat(float64(g), 'g', -1, 64)
}

// Explore fills s and logs the exact propensities. The error is that of Validate, of the slate, or wraps ctx.Err().
func (g InverseGapWeighting) Explore(ctx context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	if err := g.Validate(); err != nil {
		return err
	}
	w := g.open(c)
	defer w.close()
	return w.explore(ctx, q, s, w)
}

// Propensities writes the probability of each place of slate, given those above it; see [recsys.Judge]. They are the numbers
// that Explore logs, to the bit. The error is that of Explore, or tells that dst and slate differ in length.
func (g InverseGapWeighting) Propensities(ctx context.Context, _ *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if len(dst) != len(slate) {
		return errLengths
	}
	clear(dst)
	w := g.open(c)
	defer w.close()
	return w.judge(ctx, c, s, slate, dst, w)
}

// gaps is an [InverseGapWeighting] at work on one slate.
type gaps struct {
	places
	gamma   float64
	utility []float32
}

var gapsPool = sync.Pool{New: func() any { return new(gaps) }}

func (g InverseGapWeighting) open(c *recsys.Candidates) *gaps {
	w := gapsPool.Get().(*gaps)
	w.gamma, w.utility = float64(g), c.Utility()
	return w
}

func (w *gaps) close() {
	w.utility = nil
	gapsPool.Put(w)
}

func (w *gaps) chances(*places) {
	best := 0
	for i, row := range w.rows {
		w.p[i] = float64(w.utility[row])
		if math.IsNaN(w.p[i]) {
			w.p[i] = math.Inf(-1)
		}
		if w.p[i] > w.p[best] {
			best = i
		}
	}
	top, rest, k := w.p[best], 0.0, float64(len(w.p))
	for i, u := range w.p {
		if i == best {
			continue
		}
		gap := 0.0
		if u < top {
			gap = top - u
		}
		if w.p[i] = 0; !math.IsInf(gap, 1) {
			w.p[i] = 1 / (k + float64(w.gamma*gap))
		}
		rest += w.p[i]
	}
	w.p[best] = 1 - rest
}

func (w *gaps) picked(*places, int) {}
