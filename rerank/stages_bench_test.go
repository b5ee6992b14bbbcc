package rerank_test

import (
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/rerank"
)

// benchStage times a stage on a table of random rows.
func benchStage(b *testing.B, name string, x recsys.ReRanker) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("%s/n=%d/k=50", name, n), func(b *testing.B) {
			c, order := table(b, n, 64, 1)
			stage, q, work := bound(b, x, c.Schema()), query(50), make([]int32, len(order))
			utility := append([]float32(nil), c.Utility()...)
			b.ReportAllocs()
			for b.Loop() {
				copy(work, order)
				copy(c.Utility(), utility)
				if _, err := stage.ReRank(b.Context(), q, c, work); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDPP(b *testing.B) {
	for _, theta := range []float64{1, 0.9, 0.7, 0.5, 0.2, 0} {
		for _, window := range []int{0, 10} {
			benchStage(b, fmt.Sprintf("d=64/theta=%v/window=%d", theta, window),
				rerank.DPP{Theta: theta, Vector: "embedding", Window: window, Depth: 5000})
		}
	}
}
