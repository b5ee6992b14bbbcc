package bandit

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/recsyskit/recsys"
)

// PlackettLuce is an explorer that draws each place of the slate by softmax of the
// utilities, over the rows that may come there. Its value is the temperature T:
//
//	P(row | picks above) = exp(utility[row]/T) / Σ exp(utility[r]/T) over the admissible r
//
// T is in units of utility and must be finite and > 0: a row that is worse by T is
// drawn e = 2.7 times less often, one that is worse by 10 T 22,000 times. A small T
// gives the order of the re-rankers, a large one a uniform slate. There is no default: 0 is
// an error of [PlackettLuce.Validate]. Without a ranker utilities are those of the merge: by reciprocal ranks one source gives
// 1/61 to the first item and 0.0003 less to the second, so 0.05 is nearly uniform there.
//
// The choice is among the window: the first [recsys.Depth] rows of the order, by default
// 4 K. Rows below it have propensity 0, so T and the depth go together: where exp(-(drop
// of utility over the window)/T) is not small, more rows would be drawn if the window
// were longer. A row that comes from below the window, when nothing in it may come, is
// one choice, of propensity 1.
//
// Propensities are exact under any constraint. Each place takes one fresh uniform number
// and inverts the distribution function over what is admissible then; Gumbel noise that
// is drawn once and sorted gives the same slates only where no constraint re-admits a row.
//
// A utility of -Inf (or NaN) has weight 0: such rows come when nothing else may, with
// equal probability. Rows of utility +Inf share all probability. Utilities may lie as far
// apart as float32 allows; a row more than 300 T below the best admissible one may have
// propensity 0. Propensities are exact to a relative error of 1e-12 for windows of up to
// 100,000 rows.
//
// PlackettLuce is safe for concurrent use and allocates nothing in steady state. A slate
// of K places costs n exponentials and at most K·n additions, fewer where few words of 64
// rows change between places.
//
// Source: Luce, Individual Choice Behavior, 1959; Plackett, "The Analysis of
// Permutations", Applied Statistics 24(2), 1975.
type PlackettLuce float64

var (
	_ recsys.Explorer  = PlackettLuce(0)
	_ recsys.Judge     = PlackettLuce(0)
	_ recsys.Validator = PlackettLuce(0)
	_ recsys.Versioned = PlackettLuce(0)
)

// luces holds the memory of slates that are done; nothing in it outlives a request.
var luces = sync.Pool{New: func() any { return new(luce[float32]) }}

// Validate returns an error if the temperature is not finite and > 0.
func (t PlackettLuce) Validate() error {
	if !(t > 0) || math.IsInf(float64(t), 1) {
		return fmt.Errorf("bandit: PlackettLuce: temperature is %v; want > 0 and finite, in units of utility "+
			"(leave the explorer out for the best slate, use Uniform for a random one)", float64(t))
	}
	return nil
}

// Version names the rule and the temperature, for example "plackett-luce/1 T=0.05".
func (t PlackettLuce) Version() string {
	return "plackett-luce/1 T=" + strconv.FormatFloat(float64(t), 'g', -1, 64)
}

// Explore fills s and logs the exact propensities. The error is that of Validate, or
// that of the slate.
func (t PlackettLuce) Explore(_ context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
	if err := t.Validate(); err != nil {
		return err
	}
	l := t.open(c, s)
	defer release(l)
	rng := q.Rand()
	for s.Next() {
		l.ready(s.Admissible())
		row := l.draw(unit(rng.Uint64()))
		s.Pick(row, l.propensity(row))
	}
	return s.Err()
}

// Propensities writes the probability of each place of slate, given those above it; see
// [recsys.Judge]. They are the numbers that Explore logs, to the bit. The error is that
// of Validate, or tells that dst and slate differ in length.
func (t PlackettLuce) Propensities(_ context.Context, _ *recsys.Query, c *recsys.Candidates, s *recsys.Slate, slate []int32, dst []float64) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if len(dst) != len(slate) {
		return errLengths
	}
	clear(dst)
	l := t.open(c, s)
	defer release(l)
	for i, row := range slate {
		if !comes(s, c.Len(), row) {
			break
		}
		l.ready(s.Admissible())
		p := l.propensity(row)
		if p == 0 {
			break
		}
		dst[i] = p
		s.Pick(row, p)
	}
	return s.Err()
}

func (t PlackettLuce) open(c *recsys.Candidates, s *recsys.Slate) *luce[float32] {
	l := luces.Get().(*luce[float32])
	l.open(c.Utility(), s.Order()[:s.Window()], float64(t))
	return l
}

func release(l *luce[float32]) {
	l.close()
	luces.Put(l)
}

// PlackettLucePropensities appends to dst the probability of each place of slate, given
// those above it, that a Plackett–Luce policy without constraints has over
// all len(utility) rows:
//
//	p[i] = exp(utility[slate[i]]/T) / Σ exp(utility[r]/T) over the r not among slate[:i]
//
// It serves offline work on plain slices: the probability of the slate is the product. A
// row that is out of range or stands twice gets 0, and so do all places below it. The
// arithmetic is that of [PlackettLuce], and so are the rules for infinite utilities; with
// float64 utilities nothing is rounded to float32. It allocates len(utility) floats. The
// error is that of [PlackettLuce.Validate].
func PlackettLucePropensities[F float32 | float64](dst []float64, utility []F, temperature float64, slate []int32) ([]float64, error) {
	if err := PlackettLuce(temperature).Validate(); err != nil {
		return dst, err
	}
	n := len(utility)
	window := make([]int32, n)
	for i := range window {
		window[i] = int32(i)
	}
	admissible := recsys.MakeBits(n)
	admissible.SetFirst(n)
	var l luce[F]
	l.open(utility, window, temperature)
	for i, row := range slate {
		if row < 0 || int(row) >= n || !admissible.Has(int(row)) {
			return append(dst, make([]float64, len(slate)-i)...), nil
		}
		l.ready(admissible)
		p := l.propensity(row)
		dst = append(dst, p)
		if p == 0 {
			return append(dst, make([]float64, len(slate)-i-1)...), nil
		}
		admissible.Clear(int(row))
	}
	return dst, nil
}
