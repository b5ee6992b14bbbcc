package itemknn_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/itemknn"
)

func BenchmarkTrain(b *testing.B) {
	in := random(b, 1, 5000, 10_000, 300_000)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				train(b, in, itemknn.Config{Workers: workers})
			}
			b.ReportMetric(float64(in.Len())*float64(b.N)/b.Elapsed().Seconds(), "interactions/s")
		})
	}
}

func BenchmarkRetrieve(b *testing.B) {
	in := random(b, 1, 5000, 10_000, 300_000)
	for _, keep := range []itemknn.Keep{itemknn.PerTarget, itemknn.PerSource} {
		m := train(b, in, itemknn.Config{Keep: keep})
		for _, events := range []int{2, 20, 200} {
			b.Run(fmt.Sprintf("keep=%v/events=%d", keep, events), func(b *testing.B) {
				req := recsys.Request{}
				for i := range events {
					req.History = append(req.History, recsys.Event{Item: in.Items()[i*30], Kind: recsys.Click})
				}
				p, err := recsys.NewPipeline(recsys.Retrieve("itemknn", m, recsys.Quota(400))).Build()
				if err != nil {
					b.Fatal(err)
				}
				req.ID, req.K = "a", 20
				var res recsys.Result
				b.ReportAllocs()
				for b.Loop() {
					if err := p.RecommendInto(context.Background(), &req, &res); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
