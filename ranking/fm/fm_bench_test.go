package fm_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// wide returns rows of 20 ID columns whose IDs are hashes, few of them frequent.
func wide(n int) *ranking.Dataset {
	d := &ranking.Dataset{Heads: []string{"y"}}
	r := rand.New(rand.NewPCG(1, 1))
	for f := range 20 {
		d.IDColumns = append(d.IDColumns, fmt.Sprint("f", f))
	}
	for range n {
		for range 20 {
			u := r.Float64()
			d.IDs = append(d.IDs, hash.Mix64(uint64(u*u*u*3000)))
		}
		d.Labels = append(d.Labels, float32(r.IntN(2)))
	}
	return d
}

func BenchmarkPredict(b *testing.B) {
	d := wide(20000)
	for _, bits := range []int{0, 18} {
		b.Run(fmt.Sprintf("columns=20/k=8/bits=%d", bits), func(b *testing.B) {
			m := train(b, fm.Config{Factors: 8, Epochs: 1, HashBits: bits}, d)
			var p []float32
			for b.Loop() {
				p, _ = m.Predict(p[:0], d)
			}
			b.ReportMetric(float64(b.N)*20000/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

func BenchmarkTrain(b *testing.B) {
	d := wide(50000)
	const epochs = 10
	for _, cfg := range []fm.Config{{Factors: 8}, {Factors: 32}, {Kind: fm.FFM, Factors: 8}, {Kind: fm.Linear, Optimizer: fm.FTRL}} {
		b.Run(fmt.Sprintf("columns=20/kind=%v/k=%d/optimizer=%v", cfg.Kind, cfg.Factors, cfg.Optimizer), func(b *testing.B) {
			cfg.Epochs, cfg.Workers = epochs, 1
			if cfg.Kind == fm.FFM {
				cfg.Epochs = 1
			}
			for b.Loop() {
				if _, err := fm.Train(context.Background(), cfg, d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*50000*float64(cfg.Epochs)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
