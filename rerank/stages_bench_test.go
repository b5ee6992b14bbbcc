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
			q := recsys.NewQuery(&recsys.Request{K: 50, Now: now, Seed: 1}, c.Schema(), "test")
			stage, work := bound(b, x, c.Schema()), make([]int32, len(order))
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

func BenchmarkXQuAD(b *testing.B) {
	for _, lambda := range []float64{0.1, 0.5, 0.9} {
		benchStage(b, fmt.Sprintf("aspects=64/lambda=%v", lambda), rerank.XQuAD{Lambda: lambda, Aspects: "embedding", Depth: 5000})
	}
}

// BenchmarkCalibration has genres, of which an item has few, and a wish for them.
func BenchmarkCalibration(b *testing.B) {
	for _, genres := range []int{5, 20, 64} {
		for _, lambda := range []float64{0.1, 0.5, 0.9, 1} {
			for _, n := range []int{1000, 5000} {
				b.Run(fmt.Sprintf("genres=%d/lambda=%v/n=%d/k=50", genres, lambda, n), func(b *testing.B) {
					c, order := table(b, n, genres, 1)
					f := field(b, c.Schema(), "embedding")
					for i := range n {
						v := c.Vector(f.Index, i)
						clear(v)
						v[i%genres], v[i*7%genres] = 0.7, 0.3
					}
					q := recsys.NewQuery(&recsys.Request{K: 50, Now: now, Seed: 1}, c.Schema(), "test")
					for i := range genres {
						q.Vector(field(b, c.Schema(), "user").Index)[i] = float32(i % 4)
					}
					stage := bound[recsys.ReRanker](b, rerank.Calibration{Lambda: lambda, Shares: "embedding", Wanted: "user", Depth: 5000}, c.Schema())
					work, utility := make([]int32, len(order)), append([]float32(nil), c.Utility()...)
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
	}
}

func BenchmarkGroups(b *testing.B) {
	benchStage(b, "Fair", rerank.Fair{Attribute: "category", Values: []uint64{3}, Share: 0.6})
	benchStage(b, "Interleave", rerank.Interleave{
		Attribute: "category", Slots: []rerank.Slot{{Value: 0, Share: 3}, {Value: 1, Share: 2}, {Value: 2, Share: 1}}, Rest: 1,
	})
	ledger, err := rerank.NewExposureLedger("creator", nil) // a group for every four rows
	if err != nil {
		b.Fatal(err)
	}
	benchStage(b, "ExposureParity", rerank.ExposureParity{Ledger: ledger, Lambda: 0.3, Depth: 5000})
	benchStage(b, "LongTail", rerank.LongTail{Lambda: 0.3, Popularity: "age", Head: 50, Tail: 0.5, Smooth: true, Depth: 5000})
}

// BenchmarkAdjustFairAlpha is what the first list of each length costs.
func BenchmarkAdjustFairAlpha(b *testing.B) {
	for _, k := range []int{10, 50, 200, 1000} {
		b.Run(fmt.Sprintf("k=%d", k), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := rerank.AdjustFairAlpha(k, 0.4, 0.1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
