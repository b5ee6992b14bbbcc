package asof_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/recsyskit/recsys/features/asof"
)

// A join of 100,000 rows of 1,000 entities to 10,000 labels, in order and not.
func BenchmarkJoin(b *testing.B) {
	for _, sorted := range []bool{true, false} {
		b.Run(fmt.Sprintf("sorted=%v", sorted), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table := stats()
				table.Rows, table.Sorted, table.Arrival = many(100_000, 1000), sorted, true
				j, err := asof.New(asof.Config{Labels: asof.Labels{Rows: manyLabels(10_000, 10), Keys: []string{"item"}, Sorted: sorted}, Tables: []asof.Table{table}})
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range j.All(context.Background()) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/row")
		})
	}
}

// Draws from a million items of which 50 are excluded.
func BenchmarkDraw(b *testing.B) {
	for _, alpha := range []float64{0, 0.75} {
		b.Run(fmt.Sprintf("alpha=%v", alpha), func(b *testing.B) {
			cfg := catalogue(1_000_000, 1)
			cfg.Alpha, cfg.Draws = alpha, 100
			s, err := asof.NewSampler(cfg)
			if err != nil {
				b.Fatal(err)
			}
			var dst []asof.Negative
			number := uint64(0)
			for b.Loop() {
				dst = s.Draw(dst[:0], number, cfg.Items[:50])
				number++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/draw")
		})
	}
}
