package simd_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

var triangleSizes = []int{0, 1, 2, 5, 7, 8, 9, 13, 15, 16, 17, 24, 31, 32, 33, 40, 47, 48, 49, 64, 65, 100, 128, 129, 200, 350}

func TestSyrkIsTheSumOfOuterProducts(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 1))
		for _, d := range triangleSizes {
			for _, n := range []int{0, 1, 3, 70, 321} {
				if d*n > 20000 {
					continue
				}
				ldx, ldc := d+r.IntN(3), d+r.IntN(3)
				x, c := normals(r, n*ldx), normals(r, d*ldc)
				was := append([]float32(nil), c...)
				simd.Syrk(c, ldc, d, x, ldx, n)
				for i := range d {
					for j := range ldc {
						want := float64(was[i*ldc+j])
						size := math.Abs(want)
						if j < i || j >= d {
							if c[i*ldc+j] != was[i*ldc+j] {
								t.Fatalf("d=%d n=%d: wrote element %d, %d", d, n, i, j)
							}
							continue
						}
						for k := range n {
							v := float64(x[k*ldx+i]) * float64(x[k*ldx+j])
							want, size = want+v, size+math.Abs(v)
						}
						closeSum(t, "element", c[i*ldc+j], want, size, n+2)
					}
				}
			}
		}
	})
}

// definite returns a symmetric matrix with eigenvalues of at least 1, rows ld apart, NaN
// below the diagonal, and its values in float64.
func definite(r *rand.Rand, n, ld int) ([]float32, [][]float64) {
	x := normals(r, n*n)
	a, exact := make([]float32, n*ld), make([][]float64, n)
	for i := range n {
		exact[i] = make([]float64, n)
		for j := range ld {
			a[i*ld+j] = float32(math.NaN())
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			s := 0.0
			for k := range n {
				s += float64(x[k*n+i]) * float64(x[k*n+j]) / float64(n)
			}
			if i == j {
				s++
			}
			a[i*ld+j] = float32(s)
			exact[i][j] = float64(a[i*ld+j])
			exact[j][i] = exact[i][j]
		}
	}
	return a, exact
}

// The claims of LAPACK's test program: |A - UᵀU| and |A·x - b| are within n·eps of what
// they are made of (Higham, Accuracy and Stability, theorems 10.3 and 10.4).
func TestCholesky(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(22, 1))
		for _, n := range triangleSizes {
			lda := n + r.IntN(4)
			a, exact := definite(r, n, lda)
			b := normals(r, n)
			x := append([]float32(nil), b...)
			if !simd.Posv(a, lda, x) {
				t.Fatalf("n=%d: not positive definite", n)
			}
			eps := float64(n+10) * 0x1p-23
			for i := range n {
				for j := i; j < n; j++ {
					s := 0.0
					for k := range i + 1 {
						s += float64(a[k*lda+i]) * float64(a[k*lda+j])
					}
					if math.Abs(s-exact[i][j]) > eps*math.Sqrt(exact[i][i]*exact[j][j]) {
						t.Fatalf("n=%d: (UᵀU)[%d,%d] = %v, want %v", n, i, j, s, exact[i][j])
					}
				}
				res, size := -float64(b[i]), math.Abs(float64(b[i]))
				for j := range n {
					v := exact[i][j] * float64(x[j])
					res, size = res+v, size+math.Abs(v)
				}
				if math.Abs(res) > 4*eps*size {
					t.Fatalf("n=%d: residual %d is %v", n, i, res)
				}
				for j := n; j < lda; j++ {
					if v := a[i*lda+j]; v == v {
						t.Fatalf("n=%d: wrote beyond row %d", n, i)
					}
				}
			}
		}
	})
}

func TestCholeskyRefuses(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachTier(t, func(t *testing.T) {
		for _, n := range []int{1, 5, 8, 9, 20, 40} {
			for _, at := range []int{0, n / 2, n - 1} {
				for _, pivot := range []float32{0, -1, nan, inf, -inf} {
					a, _ := definite(rand.New(rand.NewPCG(1, 1)), n, n)
					a[at*n+at] = pivot
					b := make([]float32, n)
					b[0] = 7
					if simd.Posv(a, n, b) || b[0] != 7 {
						t.Errorf("n=%d with %v at %d: accepted, or b changed", n, pivot, at)
					}
				}
			}
		}
	})
}

func TestGemvTHasTheBitsOfAxpy(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(23, 1))
		for _, k := range []int{0, 1, 2, 9, 40} {
			for n := range 140 {
				checkGemvT(t, r, k, n)
			}
			checkGemvT(t, r, k, 2100)
		}
		checkGemvT(t, r, 3000, 17)
	})
}

func checkGemvT(t *testing.T, r *rand.Rand, k, n int) {
	t.Helper()
	lda := n + r.IntN(3)
	a, x, y := normals(r, k*lda), normals(r, k), normals(r, n+1)
	want := append([]float32(nil), y...)
	for i, v := range x {
		simd.Axpy(v, a[i*lda:i*lda+n], want[:n])
	}
	simd.GemvT(y[:n], a, lda, x)
	for j := range y {
		if y[j] != want[j] {
			t.Fatalf("%d × %d: element %d is %v, want %v", k, n, j, y[j], want[j])
		}
	}
}

func TestGemvIsDot(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(24, 1))
		a, x, y := normals(r, 7*20), normals(r, 18), make([]float32, 7)
		simd.Gemv(y, a, 20, x)
		for i := range y {
			if y[i] != simd.Dot(x, a[i*20:i*20+18]) {
				t.Errorf("row %d: %v", i, y[i])
			}
		}
	})
}
