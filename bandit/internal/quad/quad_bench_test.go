package quad_test

import (
	"fmt"
	"testing"

	"github.com/recsyskit/recsys/bandit/internal/quad"
)

// n is the weight of the evidence about an arm, the prior included.
func BenchmarkBestBeta(b *testing.B) {
	for _, k := range []int{2, 10, 100, 500} {
		for _, n := range []float64{2, 500, 1e6} {
			b.Run(fmt.Sprintf("K=%d/n=%g", k, n), func(b *testing.B) {
				var s quad.Solver
				alpha, beta, open, dst := make([]float64, k), make([]float64, k), all(k), make([]float64, k)
				for i := range alpha {
					x := 0.5
					if n > 2 {
						x = 0.1 + 0.1*float64(i%10)/10
					}
					alpha[i], beta[i] = n*x, n*(1-x)
				}
				b.ReportAllocs()
				for b.Loop() {
					s.Beta(alpha, beta)
					s.Best(dst, open)
				}
			})
		}
	}
}
