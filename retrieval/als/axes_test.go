package als_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/retrieval/als"
)

// symmetric returns a matrix of a kind.
func symmetric(kind string, n int) []float64 {
	rng := rand.New(rand.NewPCG(uint64(n), 5))
	a := make([]float64, n*n)
	switch kind {
	case "zero":
	case "diagonal":
		for i := range n {
			a[i*n+i] = float64((i * 7) % 5)
		}
	case "random":
		for i := range n {
			for j := range i + 1 {
				a[i*n+j] = rng.NormFloat64()
				a[j*n+i] = a[i*n+j]
			}
		}
	case "rank-2", "wide", "wider", "huge":
		for k := range map[string]int{"rank-2": 2, "wide": n, "wider": n, "huge": n}[kind] {
			scale := 1.0
			switch kind {
			case "wide":
				scale = math.Pow(10, -12*float64(k)/float64(n))
			case "wider":
				scale = math.Pow(10, -300*float64(k)/float64(n))
			case "huge":
				scale = 1e60
			}
			v := make([]float64, n)
			for i := range v {
				v[i] = rng.NormFloat64()
			}
			for i := range n {
				for j := range n {
					a[i*n+j] += scale * v[i] * v[j]
				}
			}
		}
	}
	return a
}

func TestPrincipalAxesAreEigenvectors(t *testing.T) {
	for _, kind := range []string{"zero", "diagonal", "random", "rank-2", "wide", "wider", "huge"} {
		for _, n := range []int{1, 2, 3, 4, 7, 8, 33, 130} {
			name := fmt.Sprintf("%s n=%d", kind, n)
			a := symmetric(kind, n)
			norm := 0.0
			for _, x := range a {
				norm = max(norm, math.Abs(x))
			}
			values, vectors := als.PrincipalAxes(symmetric(kind, n), n, 1)
			other, same := als.PrincipalAxes(symmetric(kind, n), n, 3)
			require.Equal(t, values, other, "%s: workers", name)
			require.Equal(t, vectors, same, "%s: workers", name)
			residual, skew := 0.0, 0.0
			for i := range n {
				v := vectors[i*n : (i+1)*n]
				if i > 0 {
					require.LessOrEqual(t, values[i], values[i-1], name)
				}
				for j := range n {
					sum, product := 0.0, 0.0
					for k, x := range v {
						sum += a[j*n+k] * x
						product += x * vectors[j*n+k]
					}
					if i == j {
						product--
					}
					residual, skew = max(residual, math.Abs(sum-values[i]*v[j])), max(skew, math.Abs(product))
				}
			}
			require.LessOrEqual(t, residual, 1e-13*float64(n)*norm, "%s: A v = λ v", name)
			require.LessOrEqual(t, skew, 1e-13*float64(n), "%s: vectors are orthonormal", name)
			require.False(t, math.IsNaN(residual+skew), name)
		}
	}
}

func BenchmarkPrincipalAxes(b *testing.B) {
	for _, n := range []int{64, 128, 256, 512} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				als.PrincipalAxes(symmetric("random", n), n, 1)
			}
		})
	}
}
