package ivf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// benchSet returns vectors that are clustered, and queries between them.
func benchSet(n, dim int) (items []recsys.ItemID, base, queries vector.Matrix) {
	items, base = clustered(41, n, dim)
	return items, base, mixtures(base, 500)
}

// forBench runs a benchmark for each kind of codes, over an index of 100,000 vectors of 64
// dimensions.
func forBench(b *testing.B, run func(b *testing.B, ix *ivf.Index, items []recsys.ItemID, base, queries vector.Matrix)) {
	items, base, queries := benchSet(100_000, 64)
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		ix := build(b, ivf.Config{Metric: retrieval.Cosine, Codes: codes}, items, base)
		b.Run("codes="+codes.String(), func(b *testing.B) { run(b, ix, items, base, queries) })
	}
}

func benchSearch(b *testing.B, ix *ivf.Index, queries vector.Matrix, opt retrieval.SearchOptions) {
	var dst []retrieval.Neighbor
	var stats retrieval.SearchStats
	scored, rescored, i := 0, 0, 0
	opt.Stats = &stats
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = ix.Search(dst[:0], queries.Row(i%queries.Rows), 10, opt); err != nil {
			b.Fatal(err)
		}
		scored, rescored = scored+stats.Scored, rescored+stats.Rescored
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "qps")
	b.ReportMetric(float64(scored)/float64(i), "scored/op")
	b.ReportMetric(float64(rescored)/float64(i), "rescored/op")
}

func BenchmarkSearch(b *testing.B) {
	forBench(b, func(b *testing.B, ix *ivf.Index, _ []recsys.ItemID, _, queries vector.Matrix) {
		for _, effort := range []int{0, 1, 8, 64} {
			b.Run(fmt.Sprintf("effort=%d", effort), func(b *testing.B) {
				benchSearch(b, ix, queries, retrieval.SearchOptions{Effort: effort})
			})
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	forBench(b, func(b *testing.B, ix *ivf.Index, _ []recsys.ItemID, _, queries vector.Matrix) {
		for _, share := range []int{2, 10, 100, 1000} {
			filter := retrieval.Where(func(item recsys.ItemID) bool { return int(item)/7%share == 0 })
			b.Run(fmt.Sprintf("one-in=%d", share), func(b *testing.B) {
				benchSearch(b, ix, queries, retrieval.SearchOptions{Filter: filter})
			})
		}
	})
}

// BenchmarkChange replaces vectors by others and takes items out and in again, a step for
// each item.
func BenchmarkChange(b *testing.B) {
	forBench(b, func(b *testing.B, ix *ivf.Index, items []recsys.ItemID, base, _ vector.Matrix) {
		order := rand.New(rand.NewPCG(1, 1)).Perm(len(items))
		b.Run("do=update", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p := order[i%len(order)]
				if err := ix.Update(items[p], base.Row(order[(i+1)%len(order)])); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("do=replace", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p := order[i%len(order)]
				if err := ix.Delete(items[p]); err != nil {
					b.Fatal(err)
				}
				if err := ix.Insert(items[p], base.Row(p)); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkBuild(b *testing.B) {
	items, base, _ := benchSet(20_000, 64)
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		b.Run("codes="+codes.String(), func(b *testing.B) {
			for b.Loop() {
				if _, err := ivf.Build(context.Background(), ivf.Config{Metric: retrieval.Cosine, Codes: codes, Workers: 1}, items, base); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(items))*float64(b.N)/b.Elapsed().Seconds(), "items/s")
		})
	}
}
