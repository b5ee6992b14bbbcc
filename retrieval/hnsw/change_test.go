package hnsw_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// half returns the first half of a catalogue.
func (c *catalogue) half() *catalogue {
	n := c.vectors.Rows / 2
	return &catalogue{items: c.items[:n:n], vectors: c.vectors.Slice(0, n), queries: c.queries}
}

func TestInsertWhileSearching(t *testing.T) {
	n := 4000
	if race.Enabled {
		n = 1500
	}
	c := newCatalogue(21, n, 16, 10)
	for _, m := range []retrieval.Metric{retrieval.Cosine, retrieval.L2} {
		x := c.half().build(t, hnsw.Config{Metric: m, EfConstruction: 80})
		var over atomic.Bool
		var searches sync.WaitGroup
		for s := range 2 {
			searches.Go(func() {
				r := rand.New(rand.NewPCG(uint64(s), 1))
				var dst []retrieval.Neighbor
				for !over.Load() {
					i := r.IntN(n / 2)
					var err error
					dst, err = x.Search(dst[:0], c.vectors.Row(i), 5, retrieval.SearchOptions{Effort: 8})
					if err != nil || len(dst) != 5 {
						t.Errorf("%d items, %v", len(dst), err)
						return
					}
				}
			})
		}
		for i := n / 2; i < n; i++ {
			if err := x.Insert(c.items[i], c.vectors.Row(i)); err != nil {
				t.Fatal(err)
			}
		}
		over.Store(true)
		searches.Wait()
		c.finds(t, x, 0.999)
	}
}

// finds checks that the share of items that a search for their vectors finds first is at
// least want.
func (c *catalogue) finds(t *testing.T, x *hnsw.Index, want float64) {
	t.Helper()
	found := 0
	var dst []retrieval.Neighbor
	for i, item := range c.items {
		var err error
		if dst, err = x.Search(dst[:0], c.vectors.Row(i), 1, retrieval.SearchOptions{Effort: 26}); err != nil {
			t.Fatal(err)
		}
		if len(dst) == 1 && dst[0].Item == item {
			found++
		}
	}
	if got := float64(found) / float64(len(c.items)); got < want {
		t.Errorf("%v: %d of %d items are found by their own vectors; want a share of %v", x.Metric(), found, len(c.items), want)
	}
}

func TestRecallAfterThreeTurnovers(t *testing.T) {
	race.SkipSequential(t)
	const n = 12000
	c := newCatalogue(22, n, 12, 100)
	opt := retrieval.SearchOptions{Effort: 32}
	may := map[retrieval.Metric]float64{retrieval.InnerProduct: 0.015, retrieval.Cosine: 0.003, retrieval.L2: 0.003}
	for _, m := range metrics {
		if testing.Short() && m != retrieval.InnerProduct {
			continue
		}
		x := c.half().build(t, hnsw.Config{Metric: m, M: 8, EfConstruction: 50})
		r := rand.New(rand.NewPCG(5, 5))
		live, out := r.Perm(n/2), r.Perm(n/2)
		for i := range out {
			out[i] += n / 2
		}
		for range 3 * n / 2 {
			i, j := r.IntN(len(live)), r.IntN(len(out))
			if err := errors.Join(x.Delete(c.items[live[i]]), x.Insert(c.items[out[j]], c.vectors.Row(out[j]))); err != nil {
				t.Fatal(err)
			}
			live[i], out[j] = out[j], live[i]
		}
		after, plan := c.recall(t, x, 10, opt, all)
		if plan != "walk" {
			t.Fatalf("plan is %s; want a walk", plan)
		}
		if err := x.Verify(); err != nil {
			t.Error(err)
		}
		if rows := x.Limit(); rows > n/2+n/4 {
			t.Errorf("%v: %d rows for %d items", m, rows, n/2)
		}
		written(t, x)
		if n := x.Unreachable(); n > 0 {
			t.Errorf("%v: once written, %d items cannot be reached", m, n)
		}
		if err := x.Compact(context.Background()); err != nil {
			t.Fatal(err)
		}
		fresh, _ := c.recall(t, x, 10, opt, all)
		t.Logf("%v: recall after changes %.4f, after Compact %.4f", m, after, fresh)
		if after < fresh-may[m] {
			t.Errorf("%v: recall after changes is %.4f; after Compact, %.4f", m, after, fresh)
		}
		if n := x.Unreachable(); n > 0 {
			t.Errorf("%v: after Compact %d items cannot be reached", m, n)
		}
	}
}

func TestHalfDeleted(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(23, 12000, 12, 60)
	odd := func(item recsys.ItemID) bool { return (item-7)%6 == 3 }
	opt := retrieval.SearchOptions{Effort: 16}
	// Unlinked, walks compare fewer rows than in what is built anew: the bound is what was
	// measured at equal effort.
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, M: 8, EfConstruction: 50})
		for i, item := range c.items {
			if i%2 == 0 {
				if err := x.Delete(item); err != nil {
					t.Fatal(err)
				}
			}
		}
		linked, plan := c.recall(t, x, 10, opt, odd)
		if plan != "walk" {
			t.Errorf("%v: plan is %q; want a walk", m, plan)
		}
		written(t, x) // unlinks
		if err := x.Verify(); err != nil {
			t.Error(err)
		}
		if n := x.Unreachable(); n > 0 {
			t.Errorf("%v: once written, %d items cannot be reached", m, n)
		}
		if n := x.LinksToDead(); n > 0 {
			t.Errorf("%v: once written, %d links lead to deleted items", m, n)
		}
		unlinked, plan := c.recall(t, x, 10, opt, odd)
		if plan != "walk" {
			t.Errorf("%v: plan is %q once unlinked; want a walk", m, plan)
		}
		if err := x.Compact(context.Background()); err != nil {
			t.Fatal(err)
		}
		fresh, _ := c.recall(t, x, 10, opt, odd)
		t.Logf("%v: recall with half deleted %.4f, unlinked %.4f, built anew %.4f", m, linked, unlinked, fresh)
		if linked < fresh || unlinked < fresh-0.04 {
			t.Errorf("%v: recall with half deleted is %.4f, unlinked %.4f; built anew, %.4f", m, linked, unlinked, fresh)
		}
	}
}

func TestRowsAreUsedAgain(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(24, 1000, 8, 1)
	x := c.build(t, hnsw.Config{EfConstruction: 20})
	for range 10 {
		for i, item := range c.items {
			if err := x.Update(item, c.vectors.Row((i+1)%1000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if x.Limit() > 1300 || x.Len() != 1000 {
		t.Errorf("%d rows for %d items after ten updates of each", x.Limit(), x.Len())
	}
}

func TestAllDeletedThenInserted(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(25, 800, 8, 5)
	for _, m := range metrics {
		x := c.half().build(t, hnsw.Config{Metric: m})
		for round := range 3 {
			for _, item := range c.items[:400] {
				if err := x.Delete(item); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := x.Search(nil, c.queries.Row(0), 5, retrieval.SearchOptions{}); err != nil || len(got) != 0 {
				t.Errorf("%v: an empty index finds %v, %v", m, got, err)
			}
			if round == 1 {
				written(t, x)
			}
			for i, item := range c.items[:400] {
				if err := x.Insert(item, c.vectors.Row(i)); err != nil {
					t.Fatal(err)
				}
			}
			if got, _ := c.half().recall(t, x, 10, retrieval.SearchOptions{Effort: 1}, all); got < 0.99 {
				t.Errorf("%v: recall is %.4f", m, got)
			}
			written(t, x)
			if n := x.Unreachable(); n > 0 {
				t.Errorf("%v: %d items cannot be reached", m, n)
			}
		}
	}
}

// Vectors that exceed what codes reached to at first are not cut off.
func TestInsertOfLargerVectors(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(26, 2000, 8, 20)
	for i := 500; i < 2000; i++ {
		for j := range c.vectors.Row(i) {
			c.vectors.Row(i)[j] *= float32(1 + i/100)
		}
	}
	x, err := hnsw.New(hnsw.Config{}, nil, vector.Matrix{Dim: 8, Stride: 8})
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range c.items {
		if err := x.Insert(item, c.vectors.Row(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := c.recall(t, x, 10, retrieval.SearchOptions{Effort: 10}, all); got < 0.93 {
		t.Errorf("recall is %.4f; want >= 0.93", got)
	}
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
}

// A file has no links to rows of deleted items, so that a later item may take such a row at
// once.
func TestDeletedRowsOfAFileAreUsedAgain(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(27, 6000, 12, 60)
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 60})
		for _, item := range c.items[:2000] {
			if err := x.Delete(item); err != nil {
				t.Fatal(err)
			}
		}
		if x.LinksToDead() == 0 {
			t.Fatalf("%v: nothing leads to a deleted item; the test is void", m)
		}
		path := filepath.Join(t.TempDir(), "index")
		if err := x.Save(path); err != nil {
			t.Fatal(err)
		}
		y, err := hnsw.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := y.LinksToDead(); n > 0 {
			t.Errorf("%v: %d links lead to deleted items once opened", m, n)
		}
		kept := &catalogue{items: c.items[2000:], vectors: c.vectors.Slice(2000, 6000), queries: c.queries}
		opt := retrieval.SearchOptions{Effort: 20}
		before, plan := kept.recall(t, y, 10, opt, all)
		if want := 0.90; plan != "walk" || before < want {
			t.Errorf("%v: recall once opened is %.4f (%s); want >= %v", m, before, plan, want)
		}
		for i, item := range c.items[:2000] {
			if err := y.Insert(item, c.vectors.Row(i)); err != nil {
				t.Fatal(err)
			}
		}
		if y.Limit() != 6000 {
			t.Errorf("%v: %d rows for 6000 items", m, y.Limit())
		}
		after, plan := c.recall(t, y, 10, opt, all)
		if want := 0.90; plan != "walk" || after < want {
			t.Errorf("%v: recall with all items again is %.4f (%s); want >= %v", m, after, plan, want)
		}
		t.Logf("%v: recall once opened %.4f, with all items again %.4f", m, before, after)
		if err := errors.Join(y.Verify(), y.Close()); err != nil {
			t.Error(err)
		}
	}
}

// However many rows are dead, an insert repairs the links of a bounded number of rows.
func TestSweepsAreBounded(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(28, 4000, 8, 1)
	x := c.half().build(t, hnsw.Config{EfConstruction: 40})
	for _, item := range c.items[:1500] {
		if err := x.Delete(item); err != nil {
			t.Fatal(err)
		}
	}
	before := x.LinksToDead()
	for i := 2000; i < 4000; i++ {
		if err := x.Insert(c.items[i], c.vectors.Row(i)); err != nil {
			t.Fatal(err)
		}
		now := x.LinksToDead()
		if lost := before - now; lost > 40*32 { // rows looked at and linked anew, each with 32 links
			t.Fatalf("insert %d takes %d links away", i-2000, lost)
		}
		before = now
	}
	if before > 0 {
		t.Errorf("after 2000 inserts, %d links still lead to 1500 deleted items", before)
	}
}
