package hnsw_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
)

const benchItems = 20_000

func BenchmarkBuild(b *testing.B) {
	c := newCatalogue(51, benchItems, 64, 1)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				if _, err := hnsw.Build(context.Background(), hnsw.Config{Workers: workers}, c.items, c.vectors); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchItems, "ns/item")
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	c := newCatalogue(51, benchItems, 64, 100)
	for _, m := range metrics {
		for _, quant := range []hnsw.Quant{hnsw.Int8, hnsw.None} {
			x := c.build(b, hnsw.Config{Metric: m, Quant: quant})
			for _, effort := range []int{16, 64} {
				opt := retrieval.SearchOptions{Effort: effort}
				recall, _ := c.recall(b, x, 10, opt, all)
				b.Run(fmt.Sprintf("metric=%v/quant=%v/effort=%d", m, quant, effort), func(b *testing.B) {
					var dst []retrieval.Neighbor
					for i := 0; b.Loop(); i++ {
						dst, _ = x.Search(dst[:0], c.queries.Row(i%c.queries.Rows), 10, opt)
					}
					b.ReportMetric(recall, "recall@10")
				})
			}
		}
	}
}

func BenchmarkInsert(b *testing.B) {
	c := newCatalogue(51, 2*benchItems, 64, 1)
	x := c.half().build(b, hnsw.Config{})
	for i := 0; b.Loop(); i++ {
		if err := x.Insert(recsys.ItemID(1_000_000+i), c.vectors.Row(benchItems+i%benchItems)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	c := newCatalogue(51, 2*benchItems, 64, 1)
	x := c.half().build(b, hnsw.Config{})
	for i := 0; b.Loop(); i++ {
		if err := x.Update(c.items[i%benchItems], c.vectors.Row(i%(2*benchItems))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDelete(b *testing.B) {
	c := newCatalogue(51, benchItems, 4, 1)
	cfg := hnsw.Config{Metric: retrieval.L2, M: 4, EfConstruction: 4}
	x, i := c.build(b, cfg), 0
	for b.Loop() {
		if i == len(c.items) {
			b.StopTimer()
			x, i = c.build(b, cfg), 0
			b.StartTimer()
		}
		if err := x.Delete(c.items[i]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
