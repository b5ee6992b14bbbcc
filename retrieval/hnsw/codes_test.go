package hnsw_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
)

// gaussian returns a catalogue with independent normal components.
func gaussian(seed uint64, n, dim, queries int) *catalogue {
	c := newCatalogue(seed, n, dim, queries)
	r := rand.New(rand.NewPCG(seed, 2))
	for _, data := range [][]float32{c.vectors.Data, c.queries.Data} {
		for i := range data {
			data[i] = float32(r.NormFloat64())
		}
	}
	return c
}

// scaled returns the catalogue with other queries.
func (c *catalogue) scaled(scale float32) *catalogue {
	s := *c
	s.queries.Data = slices.Clone(c.queries.Data)
	for i := range s.queries.Data {
		s.queries.Data[i] *= scale
	}
	return &s
}

func TestOneLargeVectorCostsNoRecall(t *testing.T) {
	race.SkipSequential(t)
	c := gaussian(41, 12000, 16, 50)
	const large = 1_000_000
	both := *c
	both.items = append(slices.Clone(c.items), large)
	for _, m := range []retrieval.Metric{retrieval.InnerProduct, retrieval.L2} {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 60})
		before, _ := c.recall(t, x, 10, retrieval.SearchOptions{}, all)
		check := func(x *hnsw.Index, what string, size float32) {
			t.Helper()
			got, plan := both.recall(t, x, 10, retrieval.SearchOptions{}, all)
			if plan != "walk" || got < before-0.01 {
				t.Errorf("%v, %s a component of %g: plan %s, recall %.4f; it was %.4f", m, what, size, plan, got, before)
			}
			if err := x.Verify(); err != nil {
				t.Error(err)
			}
		}
		for _, size := range []float32{10, 30, 1000, 1e5} {
			v := make([]float32, 16)
			v[3] = size
			if err := x.Insert(large, v); err != nil {
				t.Fatal(err)
			}
			check(x, "with", size)
			y := new(hnsw.Index)
			if _, err := y.ReadFrom(bytes.NewReader(written(t, x))); err != nil {
				t.Fatal(err)
			}
			check(y, "written with", size)
			if err := x.Delete(large); err != nil {
				t.Fatal(err)
			}
			check(x, "without", size)
		}
	}
}

// Built in, as opposed to inserted.
func TestOneLargeVectorOfMany(t *testing.T) {
	race.SkipSequential(t)
	for _, m := range []retrieval.Metric{retrieval.InnerProduct, retrieval.L2} {
		c := gaussian(42, 12000, 16, 50)
		c.vectors.Row(77)[5] = -1000
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 60})
		if got, plan := c.recall(t, x, 10, retrieval.SearchOptions{}, all); plan != "walk" || got < 0.97 {
			t.Errorf("%v: plan %s, recall %.4f; want a walk with >= 0.97", m, plan, got)
		}
	}
}

// Codes follow the vectors when those become smaller by and by.
func TestVectorsThatShrink(t *testing.T) {
	race.SkipSequential(t)
	const n = 10000
	c := gaussian(43, n, 8, 50)
	x := c.build(t, hnsw.Config{Metric: retrieval.L2, M: 8, EfConstruction: 30})
	before, _ := c.recall(t, x, 10, retrieval.SearchOptions{Effort: 32}, all)
	for i := range c.vectors.Data {
		c.vectors.Data[i] /= 1000
	}
	for range 2 {
		for i, item := range c.items {
			if err := x.Update(item, c.vectors.Row(i)); err != nil {
				t.Fatal(err)
			}
		}
		if testing.Short() {
			break
		}
	}
	c = c.scaled(1. / 1000)
	if got, plan := c.recall(t, x, 10, retrieval.SearchOptions{Effort: 32}, all); plan != "walk" || got < before-0.02 {
		t.Errorf("plan %s, recall %.4f; it was %.4f", plan, got, before)
	}
}

func TestSmallQueriesUnderL2(t *testing.T) {
	race.SkipSequential(t)
	c := gaussian(44, 12000, 16, 50)
	for i := range 100 { // items that nothing is known of
		clear(c.vectors.Row(100 * i))
	}
	for _, large := range []float32{0, 1000} {
		c.vectors.Row(1)[1] = large
		x := c.build(t, hnsw.Config{Metric: retrieval.L2, EfConstruction: 60})
		for _, scale := range []float32{0.1, 1e-3, 1e-5, 1e-6, 1e-20, 1e-42, 0} {
			if got, plan := c.scaled(scale).recall(t, x, 10, retrieval.SearchOptions{}, all); plan != "walk" || got < 0.95 {
				t.Errorf("a component of %g, queries by %g: plan %s, recall %.4f; want a walk with >= 0.95", large, scale, plan, got)
			}
		}
	}
}

// Nothing that is a finite float makes an index that cannot be written and read.
func TestLargestFloats(t *testing.T) {
	for _, m := range metrics {
		c := gaussian(45, 300, 8, 1)
		x := c.build(t, hnsw.Config{Metric: m})
		for i, size := range []float32{2.8e38, 3e38, math.MaxFloat32} {
			v := []float32{1, 2, size, 4, 5, 6, 7, 8}
			if err := x.Insert(recsys.ItemID(1_000_000+i), v); err != nil {
				t.Fatal(err)
			}
			y := new(hnsw.Index)
			if _, err := y.ReadFrom(bytes.NewReader(written(t, x))); err != nil {
				t.Errorf("%v: %v", m, err)
			}
		}
	}
}
