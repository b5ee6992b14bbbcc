package loss

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
)

// logistic is the log loss of labels 0 and 1, without a branch and with vector sigmoids.
//
// With q = sigmoid(s) for a negative and sigmoid(-s) for a positive the gradient is q or -q and the hessian q
// (1-q); so q, rounded to float32, is as exact for rows that are almost certain as for others.
type logistic struct {
	*pointwise
	signed []float32 // weights, negative for positives; 0 for rows that do not count
}

var _ Objective = (*logistic)(nil)

func newLogistic(o *pointwise) *logistic {
	l := &logistic{pointwise: o, signed: make([]float32, len(o.Labels))}
	for i, y := range o.Labels {
		if o.known(i) {
			l.signed[i] = clamp(o.weightOf(i)) * (1 - 2*y)
		}
	}
	return l
}

const signBit = 1 << 31

func (o *logistic) Gradients(_ int, score []float64, grad, hess []float32) {
	o.overRows(len(o.Labels), func(from, to int) {
		s, w, q := score[from:to], o.signed[from:to], grad[from:to]
		for i := range q {
			q[i] = math.Float32frombits(math.Float32bits(float32(s[i])) ^ math.Float32bits(w[i])&signBit)
		}
		simd.Sigmoid(q, q)
		h := hess[from:to]
		for i, p := range q {
			g := w[i] * p
			q[i], h[i] = g, math.Float32frombits(math.Float32bits(g)&^signBit)*(1-p)
		}
	})
}
