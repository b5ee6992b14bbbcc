package grow

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/hash"
)

// A packed number holds the gradient of a row, or a sum of gradients, in its upper 32 bits, signed, and
// the hessian in its lower 32, unsigned, both in units.
//
// The units make overflow impossible. With A = Σ|g| over n rows and the unit u = A/(2^31-1-n),
// rounding moves |g|/u up to the next integer at most, so Σ|q| < A/u + n = 2^31-1: the sum over any set
// of rows stays within 32 bits signed. In the same way Σq of the hessians stays below 2^32-1,
// so that no carry ever leaves the lower half. (slack is more than the rounding of A can be
// wrong by.) Whatever is less than a sum of all rows can be added and subtracted freely.
const slack = 1 - 1e-6

func gradOf(p int64) int64 { return p >> 32 }
func hessOf(p int64) int64 { return int64(uint32(p)) }

// units returns the units of gradients and hessians over n rows whose magnitudes have the sums
// a and h.
func units(a, h float64, n int) (grad, hess float64) {
	grad = a / ((math.MaxInt32 - float64(n)) * slack)
	hess = h / ((math.MaxUint32 - float64(n)) * slack)
	// Sums of zero, or so small that a unit would underflow, are zeros in units of 1.
	if !(grad > math.SmallestNonzeroFloat32) {
		grad = 1
	}
	if !(hess > math.SmallestNonzeroFloat32) {
		hess = 1
	}
	return grad, hess
}

// GradientError names a gradient that no tree can be grown from.
type GradientError struct {
	Row        int32
	Grad, Hess float32
}

func (e *GradientError) Error() string {
	return fmt.Sprintf("grow: row %d has gradient %v and hessian %v; want finite numbers, the hessian >= 0", e.Row, e.Grad, e.Hess)
}

// magnitudes returns Σ|g| and Σh over the rows.
func magnitudes(grad, hess []float32, rows []int32) (a, h float64, err error) {
	for _, r := range rows {
		g, w := float64(grad[r]), float64(hess[r])
		a += math.Abs(g)
		h += w
		if w < 0 {
			return 0, 0, &GradientError{Row: r, Grad: grad[r], Hess: hess[r]}
		}
	}
	if finite(a) && finite(h) {
		return a, h, nil
	}
	for _, r := range rows {
		if !finite(float64(grad[r])) || !finite(float64(hess[r])) {
			return 0, 0, &GradientError{Row: r, Grad: grad[r], Hess: hess[r]}
		}
	}
	return a, h, nil // 2^31 float32 do not add up to infinity
}

func finite(x float64) bool { return x-x == 0 }

// pack writes the packed numbers of the rows and returns their sum.
func pack(dst []int64, grad, hess []float32, rows []int32, gradUnit, hessUnit float64, seed uint64) int64 {
	perGrad, perHess := 1/gradUnit, 1/hessUnit
	const low = 1<<32 - 1
	var sum int64
	for _, r := range rows {
		u := hash.Mix64(seed ^ uint64(r)*0x9e3779b97f4a7c15)
		g := floor(float64(float64(grad[r])*perGrad) + float64(float64(u>>32)*0x1p-32))
		h := int64(float64(float64(hess[r])*perHess) + float64(float64(u&low)*0x1p-32))
		p := g<<32 + h
		dst[r] = p
		sum += p
	}
	return sum
}

// floor rounds x, which is within 32 bits, down.
func floor(x float64) int64 { return int64(x+0x1p33) - 1<<33 }
