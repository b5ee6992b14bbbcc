package bandit

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
)

// triangle holds W, the inverse of the lower Cholesky factor L of a symmetric positive
// definite matrix A = L·Lᵀ, so that A⁻¹ = Wᵀ·W and Wᵀz has the covariance A⁻¹ for z of
// independent standard normals. The memory is reused.
type triangle struct {
	n     int
	lower []float64 // L, row-major
	cols  []float64 // column i of W in row i, from its element i on
}

// factor factors the matrix of n rows in tiles. It reports whether it is positive
// definite to working precision.
func (f *triangle) factor(tiles []float64, n int) bool {
	f.n = n
	if cap(f.lower) < n*n {
		f.lower, f.cols = make([]float64, n*n), make([]float64, n*n)
	}
	f.lower, f.cols = f.lower[:n*n], f.cols[:n*n]
	l := f.lower
	for i := range n {
		row := l[i*n : i*n+n]
		for j := range i + 1 {
			s := tiles[simd.SymIndex(i, j)] - simd.Dot64(row[:j], l[j*n:j*n+j])
			if j < i {
				row[j] = s / l[j*n+j]
				continue
			}
			if !(s > 0) || math.IsInf(s, 1) {
				return false
			}
			row[i] = math.Sqrt(s)
		}
	}
	for i := range n {
		w := f.cols[i*n : i*n+n]
		clear(w[:i])
		w[i] = 1 / l[i*n+i]
		for k := i + 1; k < n; k++ {
			w[k] = -simd.Dot64(l[k*n+i:k*n+k], w[i:k]) / l[k*n+k]
		}
	}
	return true
}

// inverse writes A⁻¹ to tiles.
func (f *triangle) inverse(tiles []float64) {
	n := f.n
	for i := range n {
		for j := range i + 1 {
			tiles[simd.SymIndex(i, j)] = simd.Dot64(f.cols[i*n+i:i*n+n], f.cols[j*n+i:j*n+n])
		}
	}
	simd.SymMirror(tiles)
}

// shift computes dst = Wᵀz.
func (f *triangle) shift(dst, z []float64) {
	n := f.n
	for i := range n {
		dst[i] = simd.Dot64(f.cols[i*n+i:i*n+n], z[i:n])
	}
}

// project computes dst = W·x, so that the product of two projections is xᵀA⁻¹y. x has n elements or more.
func (f *triangle) project(dst, x []float64) {
	n := f.n
	clear(dst[:n])
	for i, v := range x[:n] {
		if v != 0 {
			simd.Axpy64(v, f.cols[i*n+i:i*n+n], dst[i:n])
		}
	}
}
