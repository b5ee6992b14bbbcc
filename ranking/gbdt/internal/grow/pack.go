package grow

import (
	"fmt"
	"math"
	"slices"

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

// packRows is how many rows are one part of the work. The parts, not the workers, decide in which
// order magnitudes are added up.
const packRows = 1 << 14

// portion is what a part of the rows adds up to.
type portion struct {
	a, h   float64 // magnitudes
	packed int64
}

// bad returns the error of the first of the rows with a gradient that is none; nil if all are.
func bad(grad, hess []float32, rows []int32) error {
	for _, r := range rows {
		if !finite(float64(grad[r])) || !finite(float64(hess[r])) || hess[r] < 0 {
			return &GradientError{Row: r, Grad: grad[r], Hess: hess[r]}
		}
	}
	return nil
}

// magnitudes returns Σ|g| and Σh over the rows; NaN or an infinity if a gradient is none.
func magnitudes(grad, hess []float32, rows []int32) (a, h float64) {
	for _, r := range rows {
		g, w := float64(grad[r]), float64(hess[r])
		if w < 0 {
			return math.NaN(), math.NaN()
		}
		a += math.Abs(g)
		h += w
	}
	return a, h
}

// pack packs the gradients of the rows into g.packed and returns their sum.
func (g *Grower) pack(seed uint64) (int64, error) {
	parts := (len(g.rows) + packRows - 1) / packRows
	g.portions = slices.Grow(g.portions[:0], parts)[:parts]
	g.search.seed = seed
	g.crew.run(parts, g.jobs.measure)
	var a, h float64
	for i := range g.portions {
		a += g.portions[i].a
		h += g.portions[i].h
	}
	if !finite(a) || !finite(h) { // 2^31 float32 do not add up to an infinity
		return 0, bad(g.grad, g.hess, g.rows)
	}
	g.gradUnit, g.hessUnit = units(a, h, len(g.rows))
	g.crew.run(parts, g.jobs.pack)
	var sum int64
	for i := range g.portions {
		sum += g.portions[i].packed
	}
	return sum, nil
}

func part(rows []int32, k int) []int32 { return rows[k*packRows : min((k+1)*packRows, len(rows))] }

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
