package simd

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
)

// Adam is a step of gradient descent with moments. Each operation is rounded once, so that
// the bits are the same on every tier.
//
// Source: Kingma and Ba, ICLR 2015, algorithm 1; decay as in Loshchilov and Hutter, ICLR
// 2019 (AdamW), algorithm 2.
type Adam struct {
	Rate         float32 // step size, > 0
	Beta1, Beta2 float32 // decay of the moments, in [0, 1)
	Epsilon      float32 // added to the root, > 0
	Decay        float32 // decoupled weight decay, >= 0; 0 means none
}

// Step computes, for step t = 1, 2, … and every i,
//
//	m[i] = Beta1·m[i] + (1-Beta1)·g[i]
//	v[i] = Beta2·v[i] + (1-Beta2)·g[i]²
//	w[i] = (1 - Rate·Decay)·w[i] - Rate·m̂ / (√v̂ + Epsilon)
//
// with m̂ = m[i] / (1-Beta1^t) and v̂ = v[i] / (1-Beta2^t). Weights w, gradient g and
// moments m and v, zero before the first step, are of one length, else it panics, as it
// does if t < 1. g is left alone. The hyper-parameters are not checked.
func (a Adam) Step(w, g, m, v []float32, t int) {
	s := a.At(t)
	s.Apply(w, g, m, v)
}

// AdamStep is one step of [Adam] with its constants computed: they cost more than the step
// of a short row of weights.
type AdamStep struct{ c [8]float32 }

// At returns step t = 1, 2, …. It panics if t < 1.
func (a Adam) At(t int) AdamStep {
	if t < 1 {
		panic("simd: step is not positive")
	}
	c1 := 1 - fmath.Pow(float64(a.Beta1), float64(t))
	c2 := 1 - fmath.Pow(float64(a.Beta2), float64(t))
	return AdamStep{[8]float32{
		a.Beta1, 1 - a.Beta1, a.Beta2, 1 - a.Beta2,
		float32(1 / math.Sqrt(c2)), a.Epsilon, float32(float64(a.Rate) / c1),
		float32(1 - float64(float64(a.Rate)*float64(a.Decay))),
	}}
}

// Apply does what [Adam.Step] does. It panics if the lengths differ.
func (s *AdamStep) Apply(w, g, m, v []float32) {
	if len(g) != len(w) || len(m) != len(w) || len(v) != len(w) {
		panic(errLengths)
	}
	adamStep(w, g, m, v, &s.c)
}

// AdaGrad is a step of gradient descent whose rate falls with the squares seen. Each
// operation is rounded once, so that the bits are the same on every tier.
//
// Source: Duchi, Hazan and Singer, JMLR 12 (2011), the diagonal form of figure 1.
type AdaGrad struct {
	Rate    float32 // step size, > 0
	Epsilon float32 // added to the root, > 0
}

// Step computes, for every i,
//
//	s[i] += g[i]²
//	w[i] -= Rate·g[i] / (√s[i] + Epsilon)
//
// Weights w, gradient g and sums s, zero before the first step unless an initial value
// is wanted, are of one length, else it panics. g is left alone.
func (a AdaGrad) Step(w, g, s []float32) {
	if len(g) != len(w) || len(s) != len(w) {
		panic(errLengths)
	}
	adaGradStep(w, g, s, &[2]float32{a.Rate, a.Epsilon})
}
