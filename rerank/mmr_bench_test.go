package rerank_test

import (
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/rerank"
)

func BenchmarkMMR(b *testing.B) {
	for _, data := range []string{"random", "clusters", "attributes"} {
		for _, lambda := range []float64{1, 0.9, 0.7, 0.5, 0.2, 0} {
			b.Run(fmt.Sprintf("data=%s/n=1000/d=64/k=50/lambda=%v", data, lambda), func(b *testing.B) {
				c, order := table(b, 1000, 64, 1)
				m := rerank.MMR{Lambda: lambda, Vector: "embedding"}
				switch data {
				case "clusters": // 20 directions with little noise, as topics have
					f := field(b, c.Schema(), "embedding")
					for i := 20; i < c.Len(); i++ {
						v, centre := c.Vector(f.Index, i), c.Vector(f.Index, i%20)
						for j := range v {
							v[j] = centre[j] + float32(0.3*v[j])
						}
					}
				case "attributes":
					m.Vector, m.Attributes = "", []string{"creator", "category"}
				}
				stage, q, work := bound[recsys.ReRanker](b, m, c.Schema()), query(50), make([]int32, len(order))
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
}

// BenchmarkSelectMMR counts the similarities that the bounds save: the naive loop takes n·k.
func BenchmarkSelectMMR(b *testing.B) {
	for _, lambda := range []float64{0.9, 0.5, 0} {
		b.Run(fmt.Sprintf("n=1000/d=64/k=50/lambda=%v", lambda), func(b *testing.B) {
			c, order := table(b, 1000, 64, 1)
			data, d := c.Vectors(0)
			cosine, err := rerank.Cosine(data, d)
			if err != nil {
				b.Fatal(err)
			}
			rel := make([]float32, len(order))
			for i, row := range order {
				rel[i] = c.Utility()[row]
			}
			calls := 0
			sim := func(i, j int) float32 { calls++; return cosine(int(order[i]), int(order[j])) }
			for b.Loop() {
				if _, _, err := rerank.SelectMMR(rel, sim, float32(lambda), 50); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(calls)/float64(b.N)/50_000, "sims/n·k")
		})
	}
}

func BenchmarkFreshness(b *testing.B) {
	c, order := table(b, 1000, 8, 1)
	stage := bound[recsys.ReRanker](b, rerank.Freshness{Column: "published", HalfLife: 24 * 3600e9}, c.Schema())
	q, work := query(50), make([]int32, len(order))
	utility := append([]float32(nil), c.Utility()...)
	b.ReportAllocs()
	for b.Loop() {
		copy(work, order)
		copy(c.Utility(), utility)
		if _, err := stage.ReRank(b.Context(), q, c, work); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkConstraints fills a whole slate greedily: 50 of 1,000 rows.
func BenchmarkConstraints(b *testing.B) {
	for _, bench := range []struct {
		name        string
		constraints []recsys.Constraint
	}{
		{"none", nil},
		{"MaxPer=1", []recsys.Constraint{rerank.MaxPer("creator", 1)}},
		{"MaxPer=3", []recsys.Constraint{rerank.MaxPer("creator", 3)}},
		{"Deny", []recsys.Constraint{rerank.Deny{Attribute: "category", Values: []uint64{3}}}},
		{"Require", []recsys.Constraint{rerank.Require("category", 20, 1)}},
		{"Spread=1", []recsys.Constraint{rerank.Spread("creator", 1)}},
		{"Spread=3", []recsys.Constraint{rerank.Spread("creator", 3)}},
		{"ExposureFloor", []recsys.Constraint{rerank.ExposureFloor{Attribute: "category", Values: []uint64{1}, Share: 0.5, ByPosition: true}}},
		{"MaxPer=2+Deny", []recsys.Constraint{
			rerank.MaxPer("creator", 2), rerank.Deny{Attribute: "category", Values: []uint64{3}},
		}},
		{"MaxPer=3+Spread=2", []recsys.Constraint{rerank.MaxPer("creator", 3), rerank.Spread("category", 2)}},
	} {
		b.Run(bench.name+"/n=1000/k=50", func(b *testing.B) {
			c, order := table(b, 1000, 8, 1)
			var stages []recsys.Constraint
			for _, x := range bench.constraints {
				stages = append(stages, bound(b, x, c.Schema()))
			}
			c.Constrain(stages...)
			b.ReportAllocs()
			for b.Loop() {
				s := c.Slate(50, order)
				for s.Next() {
					s.Pick(s.Best(), 1)
				}
				if len(s.Rows()) != 50 {
					b.Fatal(len(s.Rows()))
				}
			}
		})
	}
}
