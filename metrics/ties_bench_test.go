package metrics_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/recsyskit/recsys/metrics"
)

// BenchmarkTieGroupsAt places 10 relevant items among a catalogue of scores,
// most of them on top (model=good) or anywhere (model=random).
func BenchmarkTieGroupsAt(b *testing.B) {
	const items = 40_000
	for _, model := range []string{"good", "random"} {
		b.Run("items="+strconv.Itoa(items)+"/model="+model, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			scores := make([]float32, items)
			for i := range scores {
				scores[i] = rng.Float32()
			}
			relevant := make([]int32, 10)
			for i := range relevant {
				relevant[i] = rng.Int32N(items)
				if model == "good" {
					scores[relevant[i]] = 0.95 + 0.05*rng.Float32()
				}
			}
			var groups []metrics.TieGroup
			for b.Loop() {
				groups = metrics.TieGroupsAt(groups[:0], scores, relevant)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/items, "ns/item")
		})
	}
}
