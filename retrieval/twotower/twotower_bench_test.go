package twotower_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/twotower"
)

// wide returns interactions of 2,000 users with 50 of 10,000 items each.
func wide(b *testing.B) *retrieval.Interactions {
	rng := rand.New(rand.NewPCG(1, 1))
	var r retrieval.Records
	for u := range 2000 {
		for range 50 {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(rng.IntN(10_000)))
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		b.Fatal(err)
	}
	return in
}

// The user tower at serving: a history of 50 events.
func BenchmarkUserVector(b *testing.B) {
	in := wide(b)
	for name, cfg := range map[string]twotower.Config{
		"plain":             {},
		"hidden=128":        {Hidden: []int{128}},
		"pooling=attention": {Pooling: twotower.Attention},
	} {
		cfg.Epochs = 1
		m := train(b, in, cfg)
		b.Run(name, func(b *testing.B) {
			q := recsys.NewQuery(&recsys.Request{User: 7, History: in.History(7)}, nil, "bench")
			var dst []float32
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = m.UserVector(dst[:0], q)
			}
		})
	}
}

func BenchmarkTrain(b *testing.B) {
	in := wide(b)
	for _, batch := range []int{256, 1024} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			for b.Loop() {
				train(b, in, twotower.Config{Batch: batch, Epochs: 1, Workers: 1})
			}
			b.ReportMetric(float64(b.N*in.Len())/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
