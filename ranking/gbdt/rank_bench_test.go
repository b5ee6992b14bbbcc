package gbdt_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/gbdt"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// BenchmarkRank ranks through a bound model: columns found, IDs turned into categories, link applied.
func BenchmarkRank(b *testing.B) {
	for _, categorical := range []int{0, 8} {
		for _, rows := range []int{1, 500} {
			b.Run(fmt.Sprintf("categorical=%d/rows=%d", categorical, rows), func(b *testing.B) {
				s := shape{features: 28, categorical: categorical, rounds: 100, leaves: 31, link: tree.Sigmoid}
				m := s.model(b, 1, true)
				benchmarkRank(b, m, m, s.rows(rand.New(rand.NewPCG(1, 2)), rows))
			})
		}
	}
}

// BenchmarkCascade scores a fifth of the rounds on all rows, the rest on half of them.
func BenchmarkCascade(b *testing.B) {
	for _, keep := range []float64{1, 0.5} {
		b.Run(fmt.Sprintf("keep=%v", keep), func(b *testing.B) {
			s := shape{features: 28, rounds: 500, leaves: 31, link: tree.Sigmoid}
			m := s.model(b, 1, true)
			c, err := gbdt.NewCascade(m, gbdt.CascadeConfig{Rounds: 100, Keep: keep})
			if err != nil {
				b.Fatal(err)
			}
			benchmarkRank(b, m, c, s.rows(rand.New(rand.NewPCG(1, 2)), 500))
		})
	}
}

func benchmarkRank(b *testing.B, m *gbdt.Model, r recsys.Ranker, rows []float64) {
	schema := schemaOf(b, columnsOf(m)...)
	bound, c := bind(b, r, schema), table(schema, dataset(m, rows))
	out, ctx := recsys.NewScores(c.Len(), len(m.Heads())), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := bound.Rank(ctx, nil, c, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.Len()), "ns/candidate")
}
