package bandit

import (
	"math"
	"sync"

	"github.com/recsyskit/recsys/internal/simd"
)

// triangle holds W, the inverse of the lower Cholesky factor L of a symmetric positive
// definite matrix A = L·Lᵀ, so that A⁻¹ = Wᵀ·W and Wᵀz has the covariance A⁻¹ for z of
// independent standard normals. The memory is reused.
type triangle struct {
	n      int
	stride int       // of the rows, which are padded with zeros: n rounded up to a multiple of 8
	lower  []float64 // L, row-major
	cols   []float64 // column i of W in row i, from its element i on
}

// factor factors the matrix of n rows in tiles. It reports whether it is positive
// definite to working precision.
//
// Products are of whole groups of 8 elements, which are what the kernel is quick at: what is beyond an end is 0 in one of the two.
func (f *triangle) factor(tiles []float64, n int) bool {
	f.n, f.stride = n, simd.SymPadded(n)
	w := f.stride
	f.lower, f.cols = sized(f.lower, n*w), sized(f.cols, n*w)
	clear(f.lower)
	clear(f.cols)
	l := f.lower
	for i := range n {
		row := l[i*w : i*w+w]
		for j := range i + 1 {
			end := simd.SymPadded(j)
			s := tiles[simd.SymIndex(i, j)] - simd.Dot64(row[:end], l[j*w:j*w+end])
			if j < i {
				row[j] = s / l[j*w+j]
				continue
			}
			if !(s > 0) || math.IsInf(s, 1) {
				return false
			}
			row[i] = math.Sqrt(s)
		}
	}
	for i := range n {
		start, col := i&^7, f.cols[i*w:i*w+w]
		col[i] = 1 / l[i*w+i]
		for k := i + 1; k < n; k++ {
			end := simd.SymPadded(k)
			col[k] = -simd.Dot64(l[k*w+start:k*w+end], col[start:end]) / l[k*w+k]
		}
	}
	return true
}

// inverse writes A⁻¹ to tiles.
func (f *triangle) inverse(tiles []float64) {
	w := f.stride
	for i := range f.n {
		start := i &^ 7
		for j := range i + 1 {
			tiles[simd.SymIndex(i, j)] = simd.Dot64(f.cols[i*w+start:(i+1)*w], f.cols[j*w+start:(j+1)*w])
		}
	}
	simd.SymMirror(tiles)
}

// shift computes dst = Wᵀz, both of n elements.
func (f *triangle) shift(dst, z []float64) {
	w := f.stride
	for i := range f.n {
		dst[i] = simd.Dot64(f.cols[i*w+i:i*w+f.n], z[i:f.n])
	}
}

// triangles holds memory; nothing in it outlives a call.
var triangles = sync.Pool{New: func() any { return new(triangle) }}
