package als_test

import (
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/als"
)

func BenchmarkFoldInUser(b *testing.B) {
	in := random(b, 1, 2000, 3000, 40_000, true)
	for _, d := range []int{64, 256} {
		m := train(b, in, als.Config{Factors: d, Epochs: 1})
		for _, n := range []int{10, 100, 1000} {
			items := make([]recsys.ItemID, n)
			for k := range items {
				items[k] = recsys.ItemID(10 * (k * 17 % 3000))
			}
			b.Run(fmt.Sprintf("d=%d/interactions=%d", d, n), func(b *testing.B) {
				dst := make([]float32, 0, d)
				for b.Loop() {
					if _, err := m.FoldInUser(dst, items, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkEpoch(b *testing.B) {
	in := random(b, 1, 6000, 4000, 400_000, true)
	for _, d := range []int{64, 256} {
		for _, solver := range []als.Solver{als.Exact, als.ConjugateGradient, als.Blocks} {
			b.Run(fmt.Sprintf("d=%d/solver=%v", d, solver), func(b *testing.B) {
				for b.Loop() {
					train(b, in, als.Config{Factors: d, Epochs: 1, Solver: solver, Workers: 1})
				}
			})
		}
	}
}
