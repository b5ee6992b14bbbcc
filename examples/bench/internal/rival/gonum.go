package rival

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Gonum returns gonum's kernels. It has no Cholesky factor of float32: Solve converts to
// float64, outside of what a user of float64 would pay, so the conversion is part of its
// time; it is a hundredth of it at n = 128.
func Gonum() BLAS {
	var wide []float64
	var x64 []float64
	return BLAS{
		Name: "gonum",
		Gemm: func(c, a, b []float32, n int) {
			blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, general(a, n, n), general(b, n, n), 0, general(c, n, n))
		},
		GemmT: func(c, a, b []float32, m, n, k int) {
			blas32.Gemm(blas.NoTrans, blas.Trans, 1, general(a, m, k), general(b, n, k), 0, general(c, m, n))
		},
		Solve: func(a, x []float32, n int) {
			if len(wide) != n*n {
				wide, x64 = make([]float64, n*n), make([]float64, n)
			}
			for i, v := range a {
				wide[i] = float64(v)
			}
			for i, v := range x {
				x64[i] = float64(v)
			}
			factor, ok := lapack64.Potrf(blas64.Symmetric{N: n, Stride: n, Data: wide, Uplo: blas.Lower})
			if !ok {
				panic("rival: matrix is not positive definite")
			}
			lapack64.Potrs(factor, blas64.General{Rows: n, Cols: 1, Stride: 1, Data: x64})
			for i, v := range x64 {
				x[i] = float32(v)
			}
		},
		Syrk: func(c, a []float32, n, k int) {
			blas32.Syrk(blas.Trans, 1, general(a, k, n), 1, blas32.Symmetric{N: n, Stride: n, Data: c, Uplo: blas.Upper})
		},
		Axpy: func(alpha float32, x, y []float32) {
			blas32.Axpy(alpha, blas32.Vector{N: len(x), Inc: 1, Data: x}, blas32.Vector{N: len(y), Inc: 1, Data: y})
		},
	}
}

func general(data []float32, rows, cols int) blas32.General {
	return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: data}
}
