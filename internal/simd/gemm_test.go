package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// gemmSizes are m, k and n around the sizes of tiles, panels and blocks.
var gemmSizes = [][3]int{
	{0, 3, 4},
	{3, 0, 4},
	{3, 4, 0},
	{1, 1, 1},
	{2, 3, 5},
	{14, 8, 32},
	{15, 7, 33},
	{13, 9, 31},
	{6, 5, 16},
	{7, 5, 17},
	{29, 64, 48},
	{5, 321, 40},
	{113, 33, 65},
	{3, 641, 15},
	{4, 2, 16},
	{12, 31, 64},
	{10, 3, 1},
	{28, 5, 96},
}

// A sum of k products of standard normals is off by k·2^-24 of the sum of their sizes at most.
func closeSum(t *testing.T, what string, got float32, want, size float64, k int) {
	t.Helper()
	if tol := float64(k+3) * 0x1p-24 * size; !(math.Abs(float64(got)-want) <= tol) {
		t.Fatalf("%s = %v, want %v ± %.2g", what, got, want, tol)
	}
}

func TestGemmIsTheTripleLoop(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		var b simd.Packed
		for _, size := range gemmSizes {
			m, k, n := size[0], size[1], size[2]
			for _, pad := range []int{0, 3} {
				lda, ldb, ldc := k+pad, n+pad, n+pad
				x, y := normals(r, m*lda), normals(r, k*ldb)
				for _, add := range []bool{false, true} {
					c := normals(r, m*ldc)
					was := append([]float32(nil), c...)
					b.Pack(y, ldb, k, n)
					simd.Gemm(c, ldc, x, lda, m, &b, add)
					for i := range m {
						for j := range ldc {
							want, size := 0.0, 0.0
							if add || j >= n {
								want = float64(was[i*ldc+j])
								size = math.Abs(want)
							}
							for p := 0; p < k && j < n; p++ {
								v := float64(x[i*lda+p]) * float64(y[p*ldb+j])
								want, size = want+v, size+math.Abs(v)
							}
							closeSum(t, fmt.Sprintf("%d×%d×%d pad %d add %v: c[%d,%d]", m, k, n, pad, add, i, j), c[i*ldc+j], want, size, k)
						}
					}
				}
			}
		}
	})
}

// The transposed forms compute what the plain one does on transposed copies.
func TestGemmTransposed(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, size := range gemmSizes {
			m, k, n := size[0], size[1], size[2]
			x, y := normals(r, m*k), normals(r, k*n)
			want, got := make([]float32, m*n), make([]float32, m*n)
			var plain, turned simd.Packed
			plain.Pack(y, n, k, n)
			turned.PackT(transpose(y, k, n), k, n, k)
			simd.Gemm(want, n, x, k, m, &plain, false)
			simd.GemmTN(got, n, transpose(x, m, k), m, m, &turned, false)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%d×%d×%d: element %d is %v, want %v", m, k, n, i, got[i], want[i])
				}
			}
		}
	})
}

func transpose(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}
