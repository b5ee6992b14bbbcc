package rival_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/rival"
)

func libraries() []rival.BLAS {
	all := []rival.BLAS{rival.Gonum()}
	if b, ok := rival.OpenBLAS(); ok {
		all = append(all, b)
	}
	return all
}

func floats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// close reports the first pair that differs by more than tolerance.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > tolerance {
			t.Errorf("%s[%d] is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// TestRivalsComputeWhatOursIsComparedWith checks that each rival does the work that its
// field says: a comparison with something else would mean nothing.
func TestRivalsComputeWhatOursIsComparedWith(t *testing.T) {
	const n, k = 7, 5
	r := rand.New(rand.NewPCG(1, 0))
	a, b := floats(r, n*n), floats(r, n*n)
	for _, lib := range libraries() {
		t.Run(lib.Name, func(t *testing.T) {
			c, want := make([]float32, n*n), make([]float32, n*n)
			for i := range n {
				for j := range n {
					for p := range n {
						want[i*n+j] += a[i*n+p] * b[p*n+j]
					}
				}
			}
			lib.Gemm(c, a, b, n)
			near(t, "gemm", c, want, 1e-5)

			wide := make([]float32, n*k)
			clear(c)
			for i := range n {
				for j := range k {
					for p := range n {
						wide[i*k+j] += a[i*n+p] * b[j*n+p]
					}
				}
			}
			lib.GemmT(c[:n*k], a, b[:k*n], n, k, n)
			near(t, "gemmT", c[:n*k], wide, 1e-5)

			gram := make([]float32, n*n) // of the first k rows of a, upper triangle
			for i := range n {
				for j := i; j < n; j++ {
					for p := range k {
						gram[i*n+j] += a[p*n+i] * a[p*n+j]
					}
				}
			}
			clear(c)
			lib.Syrk(c, a[:k*n], n, k)
			for i := range n {
				near(t, "syrk", c[i*n+i:(i+1)*n], gram[i*n+i:(i+1)*n], 1e-5)
			}

			definite := make([]float32, n*n)
			for i := range n {
				for j := range n {
					for p := range n {
						definite[i*n+j] += b[i*n+p] * b[j*n+p]
					}
				}
				definite[i*n+i] += n
			}
			solution, x := floats(r, n), make([]float32, n)
			for i := range n {
				for j := range n {
					x[i] += definite[i*n+j] * solution[j]
				}
			}
			lib.Solve(definite, x, n)
			near(t, "solve", x, solution, 1e-4)

			y := []float32{1, 2, 3}
			lib.Axpy(2, []float32{10, 20, 30}, y)
			near(t, "axpy", y, []float32{21, 42, 63}, 0)
		})
	}
}
