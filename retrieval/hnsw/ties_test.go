package hnsw_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// ties returns a catalogue of few distinct vectors, whose items are in no order, with as
// many queries. If whole, values are small whole numbers, so that scores are equal as well.
func ties(seed uint64, n, dim, distinct int, whole bool) *catalogue {
	c := newCatalogue(seed, n, dim, distinct)
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range c.queries.Data {
		c.queries.Data[i] = float32(r.NormFloat64())
		if whole {
			c.queries.Data[i] = float32(r.IntN(5) - 2)
		}
	}
	for i, at := range r.Perm(n) {
		c.items[i] = recsys.ItemID(at)
		copy(c.vectors.Row(i), c.queries.Row(r.IntN(distinct)))
	}
	return c
}

// Where all items that pass are compared, the answer is that of brute force, ties included.
func TestTiesAreOfTheSmallerItems(t *testing.T) {
	race.SkipSequential(t)
	for name, c := range map[string]*catalogue{
		"one vector": ties(51, 300, 4, 1, true),
		"five":       ties(52, 900, 4, 5, true),
		"a hundred":  ties(53, 900, 3, 100, true),
		"on codes":   ties(54, 3000, 4, 5, false),
	} {
		third := retrieval.Where(func(i recsys.ItemID) bool { return i%3 == 0 })
		for _, m := range metrics {
			exact, err := retrievaltest.NewExact(m, c.items, c.vectors)
			if err != nil {
				t.Fatal(err)
			}
			for _, quant := range []hnsw.Quant{hnsw.Int8, hnsw.None} {
				x := c.build(t, hnsw.Config{Metric: m, Quant: quant, EfConstruction: 30, M: 4})
				for _, opt := range []retrieval.SearchOptions{{}, {Filter: third}, {Allow: c.items[:200]}, {Exclude: c.items[:20]}} {
					for i := range min(10, c.queries.Rows) {
						for _, k := range []int{1, 3, 40} {
							want, err := exact.Search(nil, c.queries.Row(i), k, opt)
							if err != nil {
								t.Fatal(err)
							}
							var stats retrieval.SearchStats
							opt.Stats = &stats
							got, err := x.Search(nil, c.queries.Row(i), k, opt)
							if err != nil || stats.Plan == "walk" {
								t.Fatalf("plan is %s; want to compare all: %v", stats.Plan, err)
							}
							if !slices.Equal(got, want) {
								t.Fatalf("%s, %v, %v: the %d best are %v; want %v", name, m, quant, k, got, want)
							}
						}
					}
				}
			}
		}
	}
}

// Under inner product, scans skip blocks of rows of too small norms. Codes of a vector and of
// a query in its direction may have a larger product than their norms.
func TestScansSkipNoEqualVectors(t *testing.T) {
	const each = 400
	for _, large := range []float32{0, 1000} { // which gives each code a unit of its own
		c := ties(56, 20*each, 6, 20, false)
		for i := range c.items { // the smallest of a vector come last
			c.items[i] = recsys.ItemID(len(c.items) - i)
			copy(c.vectors.Row(i), c.queries.Row(i/each))
		}
		if large > 0 {
			c.vectors.Row(0)[3] = large
		}
		x := c.inserted(t, hnsw.Config{EfConstruction: 30, M: 4})
		for i := range c.queries.Rows {
			var stats retrieval.SearchStats
			got, err := x.Search(nil, c.queries.Row(i), 10, retrieval.SearchOptions{Effort: 100, Stats: &stats})
			if err != nil || stats.Plan != "scan" {
				t.Fatalf("plan is %s; want a scan: %v", stats.Plan, err)
			}
			if want := answer(t, x, c.queries.Row(i), c.items, 10); !slices.Equal(got, want) {
				t.Errorf("with a component of %g, query %d: got %v; want %v", large, i, got, want)
			}
		}
	}
}

// A walk may not meet all items of a score. Those that it returns are in order.
func TestAWalkOrdersItsAnswer(t *testing.T) {
	c := ties(55, 12000, 4, 400, true)
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 30, M: 4})
		for i := range 50 {
			var stats retrieval.SearchStats
			got, err := x.Search(nil, c.queries.Row(i), 20, retrieval.SearchOptions{Stats: &stats})
			if err != nil || stats.Plan != "walk" || len(got) != 20 {
				t.Fatalf("%v: %d items, %v, plan %s", m, len(got), err, stats.Plan)
			}
			for j, n := range got[1:] {
				if p := got[j]; n.Score > p.Score || n.Score == p.Score && n.Item <= p.Item {
					t.Errorf("%v: %v comes after %v", m, n, p)
				}
			}
		}
	}
}
