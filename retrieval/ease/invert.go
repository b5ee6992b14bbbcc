package ease

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/internal/simd"
)

// errIndefinite says that a pivot is not positive, or not finite.
var errIndefinite = errors.New("the regularised Gram matrix is not positive definite in float32: a larger Config.Regularization, or weights nearer to 1, are needed")

// invert replaces a positive definite matrix A by -A⁻¹. It sweeps one tile of the diagonal
// after the other: with the pivot S = A_kk = UᵀU, and R_j the tiles of row k,
//
//	A_ij -= (U⁻ᵀR_i)ᵀ (U⁻ᵀR_j),  A_kj = S⁻¹ R_j,  A_kk = -S⁻¹
//
// which keeps the matrix symmetric, so that half of it suffices, and leaves -A⁻¹ when all are
// swept. It takes n³ multiplications and additions, as many as a Cholesky factor and its
// inverse, all but a few of them in products of tiles. The order of all sums is fixed but for
// what the tier of the kernels decides: the result does not depend on workers.
//
// Source: the sweep operator, Goodnight, The American Statistician 1979; its blocks are those
// of Gauss-Jordan elimination, which is stable without pivoting where A is positive definite
// (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 14.4).
func (s *symmetric) invert(ctx context.Context, workers int, progress func(done, all int)) error {
	w := newSweep(s, workers)
	for k := range s.tiles {
		if !w.pivot(k) {
			return errIndefinite
		}
		err := parallel.Each(ctx, workers, s.tiles, func(worker, j int) {
			if j != k {
				w.panel(worker, k, j)
			}
		})
		if err == nil {
			err = parallel.Each(ctx, workers, len(w.order), func(_, p int) {
				if i, j := w.order[p][0], w.order[p][1]; i != k && j != k {
					simd.GemmTN(s.tile(i, j), s.side, w.y[i], s.side, s.side, &w.packed[j], true)
				}
			})
		}
		if err != nil {
			return fmt.Errorf("block %d of %d: %w", k+1, s.tiles, err)
		}
		if progress != nil {
			progress(k+1, s.tiles)
		}
	}
	return nil
}

// sweep is the memory of an inversion.
type sweep struct {
	*symmetric
	order  [][2]int    // the tiles, column by column, so that a packed factor serves many
	y      [][]float32 // -U⁻ᵀR_j
	packed []simd.Packed
	spare  []simd.Packed // of each worker
	u, v   []float32     // U and its inverse
	vt     simd.Packed   // U⁻ᵀ
}

func newSweep(s *symmetric, workers int) *sweep {
	w := &sweep{symmetric: s, packed: make([]simd.Packed, s.tiles), spare: make([]simd.Packed, workers)}
	for j := range s.tiles {
		for i := range j + 1 {
			w.order = append(w.order, [2]int{i, j})
		}
	}
	size := s.side * s.side
	all := make([]float32, s.tiles*size)
	for j := range s.tiles {
		w.y = append(w.y, all[j*size:(j+1)*size])
	}
	w.u, w.v = make([]float32, size), make([]float32, size)
	return w
}

// pivot factors tile k of the diagonal and replaces it. It reports whether it is positive
// definite.
func (w *sweep) pivot(k int) bool {
	d := w.tile(k, k)
	copy(w.u, d)
	if !simd.Potrf(w.u, w.side, w.side) {
		return false
	}
	w.invertFactor()
	w.vt.PackT(w.v, w.side, w.side, w.side)
	simd.Gemm(d, w.side, w.v, w.side, w.side, &w.vt, false)
	simd.Scale(-1, d)
	return true
}

// invertFactor fills v with the inverse of the upper triangular u, the last row first:
// U V = I says that row i of V is what is left of row i of I, less those below it times row i
// of U, over the diagonal.
func (w *sweep) invertFactor() {
	n := w.side
	clear(w.v)
	minus := make([]float32, n)
	for i := n - 1; i >= 0; i-- {
		row := w.v[i*n : (i+1)*n]
		row[i] = 1
		copy(minus[i+1:], w.u[i*n+i+1:(i+1)*n])
		simd.Scale(-1, minus[i+1:])
		if i+1 < n {
			simd.GemvT(row[i+1:], w.v[(i+1)*n+i+1:], n, minus[i+1:])
		}
		simd.Scale(1/w.u[i*n+i], row[i:])
	}
}

// panel computes y and packed of tile j in row k, and replaces that tile.
func (w *sweep) panel(worker, k, j int) {
	n, y, spare := w.side, w.y[j], &w.spare[worker]
	var tile []float32
	if j > k {
		tile = w.tile(k, j)
		spare.Pack(tile, n, n, n)
	} else {
		tile = w.tile(j, k)
		spare.PackT(tile, n, n, n)
	}
	simd.GemmTN(y, n, w.v, n, n, spare, false)
	w.packed[j].Pack(y, n, n, n)
	if j > k {
		simd.Gemm(tile, n, w.v, n, n, &w.packed[j], false)
	} else {
		simd.GemmTN(tile, n, y, n, n, &w.vt, false)
	}
	simd.Scale(-1, y)
}
