package sasrec_test

import (
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/sasrec"
)

// served is a model of the default architecture over some items, hardly trained.
func served(b *testing.B, items int) *sasrec.Model {
	b.Helper()
	var r retrieval.Records
	for i := range items {
		r.Users, r.Items = append(r.Users, recsys.UserID(i/20)), append(r.Items, recsys.ItemID(i))
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		b.Fatal(err)
	}
	return train(b, in, sasrec.Config{Epochs: 1, Share: -1, Negatives: 16})
}

func BenchmarkAnswer(b *testing.B) {
	m := served(b, 12_000)
	for _, n := range []int{1, 10, 50} {
		var h []recsys.Event
		for i := range n {
			h = append(h, recsys.Event{Item: recsys.ItemID(7 * i), Kind: recsys.Click})
		}
		q := query(recsys.Request{History: h})
		b.Run(fmt.Sprintf("work=user/events=%d", n), func(b *testing.B) {
			var user []float32
			for b.Loop() {
				user, _ = m.UserVector(user[:0], q)
			}
		})
		b.Run(fmt.Sprintf("work=retrieve/events=%d/items=12000", n), func(b *testing.B) {
			for b.Loop() {
				if err := m.Retrieve(b.Context(), q, recsys.NewSink(100)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A step of training by the size of its batch and the number of its negatives.
func BenchmarkTrain(b *testing.B) {
	in := walks(b, 400, 5000, 1)
	for _, negatives := range []int{256, 1024, 5000} {
		b.Run(fmt.Sprintf("negatives=%d", negatives), func(b *testing.B) {
			for b.Loop() {
				train(b, in, sasrec.Config{Negatives: negatives, Epochs: 1, Share: -1, Workers: 1})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.NumRecords()-in.NumUsers()), "ns/event")
		})
	}
}
