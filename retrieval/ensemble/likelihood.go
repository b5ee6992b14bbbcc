package ensemble

import (
	"context"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/fmath"
)

const (
	ascents    = 100  // steps of the likelihood, at most
	shortest   = 1e-9 // step that is worth trying, in units of the first
	negligible = 1e-6 // gain, as a share, with which the ascent ends
)

// likely returns the weights >= 0 under which the answers are most probable, where an item of the
// pool is the answer with probability exp(Σ weight × score) / Σ over the pool: the conditional
// logit of McFadden (Frontiers in Econometrics, 1974), each case counting alike. The logarithm is
// concave in the weights. It is climbed along its gradient, projected to weights >= 0, the step
// growing while it succeeds and halved when not, from equal weights whose sum is 1.
func (s *search) likely(ctx context.Context) []float64 {
	S := len(s.usable)
	w, usable := make([]float64, S), 0.0
	for j, can := range s.usable {
		if can {
			w[j] = 1
			usable++
		}
	}
	for j := range w {
		w[j] /= usable
	}
	gradient, next, ahead := make([]float64, S), make([]float64, S), make([]float64, S)
	value, step := s.logLikelihood(w, gradient), 1.0
	for n := 0; n < ascents && step > shortest && ctx.Err() == nil; {
		for j := range w {
			next[j] = 0
			if s.usable[j] {
				next[j] = max(0, w[j]+float64(step*gradient[j]))
			}
		}
		x := s.logLikelihood(next, ahead)
		if !(x > value) {
			step /= 2
			continue
		}
		done := x-value <= negligible*math.Abs(value)
		w, next, gradient, ahead, value = next, w, ahead, gradient, x
		if done {
			break
		}
		step *= 1.5
		n++
	}
	if slices.Max(w) == 0 { // nothing tells the answers from the rest
		for j, can := range s.usable {
			if can {
				w[j] = 1
			}
		}
	}
	return w
}

// logLikelihood returns the mean over the cases of the mean logarithm of the probability of an
// answer, and fills the gradient.
func (s *search) logLikelihood(w, gradient []float64) float64 {
	S := len(w)
	parts := make([]float64, len(s.cases)*(S+1)) // by case: value, gradient
	s.parallel(len(s.cases), func(from, to int) {
		var p []float64
		for k := from; k < to; k++ {
			t := &s.tables[s.cases[k]]
			if len(t.relevant) > 0 {
				p = t.logLikelihood(w, p, parts[k*(S+1):(k+1)*(S+1)])
			}
		}
	})
	clear(gradient)
	value, n := 0.0, float64(len(s.cases))
	for ; len(parts) > 0; parts = parts[S+1:] { // in one order for any number of workers
		value += parts[0]
		for j := range gradient {
			gradient[j] += parts[1+j]
		}
	}
	for j := range gradient {
		gradient[j] /= n
	}
	return value / n
}

// logLikelihood writes the value of one case and its gradient to out. p is memory, which it
// returns for the next case.
func (t *table) logLikelihood(w, p, out []float64) []float64 {
	p = slices.Grow(p[:0], t.rows)[:t.rows]
	clear(p)
	for j, x := range w {
		if x != 0 {
			for k, y := range t.column(j) {
				p[k] += float64(x * float64(y))
			}
		}
	}
	answered := 0.0
	for _, at := range t.relevant {
		answered += p[at]
	}
	top, sum := slices.Max(p), 0.0
	for k := range p {
		p[k] = fmath.Exp(p[k] - top)
		sum += p[k]
	}
	each, found := 1/float64(t.answers), float64(len(t.relevant))
	out[0] = each * (answered - float64(found*(top+fmath.Log(sum))))
	for j := range w {
		expected, column := 0.0, t.column(j)
		for k, y := range column {
			expected += float64(p[k] * float64(y))
		}
		slope := -found * expected / sum
		for _, at := range t.relevant {
			slope += float64(column[at])
		}
		out[1+j] = each * slope
	}
	return p
}
