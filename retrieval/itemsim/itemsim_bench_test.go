package itemsim_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// large returns a model of n items with 100 weights each.
func large(b *testing.B, n int) *itemsim.Model {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 1))
	ids := make([]recsys.ItemID, n)
	c := &retrieval.CSR{Cols: n, Start: []int64{0}}
	for i := range n {
		ids[i] = recsys.ItemID(i)
		for k := range 100 {
			c.Index = append(c.Index, int32(k*n/100+rnd.IntN(n/100)))
			c.Weight = append(c.Weight, rnd.Float32())
		}
		c.Start = append(c.Start, int64(len(c.Index)))
	}
	m, err := itemsim.New(ids, c, itemsim.Spec{})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func BenchmarkWithItems(b *testing.B) {
	m := large(b, 100_000)
	for _, at := range []string{"known", "last", "between"} {
		u := itemsim.Update{Item: map[string]recsys.ItemID{"known": 500, "last": 1 << 40}[at], ProposedBy: m.Neighbors(nil, 7, 100), Proposes: m.Neighbors(nil, 8, 100)}
		from := m
		if at == "between" {
			var err error
			if from, err = m.WithItems(itemsim.Update{Item: 1 << 40}); err != nil {
				b.Fatal(err)
			}
			u.Item = 1 << 39
		}
		b.Run("item="+at, func(b *testing.B) {
			for b.Loop() {
				if _, err := from.WithItems(u); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScoreItems(b *testing.B) {
	m := large(b, 100_000)
	dst := make([]float32, 500)
	for _, events := range []int{2, 20, 200} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			req := recsys.Request{}
			for i := range events {
				req.History = append(req.History, recsys.Event{Item: recsys.ItemID(i * 37), Kind: recsys.Click})
			}
			q := recsys.NewQuery(&req, nil, "x")
			b.ReportAllocs()
			for b.Loop() {
				m.ScoreItems(context.Background(), q, m.Items()[:500], dst)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(100*events), "ns/weight")
		})
	}
}

func BenchmarkScoreDense(b *testing.B) {
	const n = 20_000
	rnd := rand.New(rand.NewPCG(1, 1))
	w, ids, columns := itemsim.NewDense(n), make([]recsys.ItemID, n), make([]float32, 100*n)
	for i := range ids {
		ids[i] = recsys.ItemID(i)
	}
	for i := range columns {
		columns[i] = rnd.Float32()
	}
	for first := 0; first < n; first += 100 {
		w.SetColumns(first, 100, columns)
	}
	m, err := itemsim.FromDense(ids, w, itemsim.Spec{})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, 500)
	for _, events := range []int{2, 20, 200} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			req := recsys.Request{History: make([]recsys.Event, events)}
			q := recsys.NewQuery(&req, nil, "x")
			b.ReportAllocs()
			for b.Loop() {
				for i := range req.History {
					req.History[i] = recsys.Event{Item: recsys.ItemID(rnd.IntN(n)), Kind: recsys.Click}
				}
				m.ScoreItems(context.Background(), q, ids[:500], dst)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*events), "ns/weight")
		})
	}
}
