package nn

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
)

// ReLU replaces the negative elements of x by 0.
func ReLU(x []float32) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

// ReLUBackward turns dy, the gradient of y = ReLU(x), into that of x. At 0 it is 0.
func ReLUBackward(dy, y []float32) {
	dy = dy[:len(y)]
	for i, v := range y {
		if !(v > 0) {
			dy[i] = 0
		}
	}
}

// GELU computes y[i] = x[i] Φ(x[i]), where Φ is the distribution function of the normal
// distribution, with an absolute error below 1e-6 |x[i]|. y may be x.
//
// Source: Hendrycks and Gimpel, arXiv 1606.08415, the exact form.
func GELU(y, x []float32) {
	var p, e [gelus]float32
	for len(x) > 0 {
		n := min(len(x), gelus)
		normal(p[:n], e[:n], x[:n])
		for i, v := range x[:n] {
			y[i] = v * p[i]
		}
		x, y = x[n:], y[n:]
	}
}

// GELUBackward turns dy, the gradient of GELU(x), into that of x:
//
//	dx = dy (Φ(x) + x φ(x))
func GELUBackward(dy, x []float32) {
	const density = 0.3989422804014327 // 1/sqrt(2π)
	var p, e [gelus]float32
	for len(x) > 0 {
		n := min(len(x), gelus)
		normal(p[:n], e[:n], x[:n])
		for i, v := range x[:n] {
			dy[i] *= p[i] + float32(v*float32(density*e[i]))
		}
		x, dy = x[n:], dy[n:]
	}
}

// gelus is how many elements are computed at a time, on the stack.
const gelus = 256

// normal writes Φ(x) to p and e**(-x²/2) to e.
//
// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, whose absolute
// error is below 1.5e-7.
func normal(p, e, x []float32) {
	for i, v := range x {
		e[i] = float32(v*v) * -0.5
	}
	simd.Exp(e, e)
	for i, v := range x {
		z := float32(math.Abs(float64(v))) * (1 / math.Sqrt2)
		t := 1 / (1 + float32(0.3275911*z))
		poly := float32(1.061405429*t) - 1.453152027
		poly = float32(poly*t) + 1.421413741
		poly = float32(poly*t) - 0.284496736
		poly = float32(poly*t) + 0.254829592
		tail := 0.5 * float32(float32(poly*t)*e[i]) // Φ(-|x|)
		if v > 0 {
			tail = 1 - tail
		}
		p[i] = tail
	}
}
