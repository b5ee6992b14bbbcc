package hnsw_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// newTwins returns normal vectors of which a share is the same few, at random places.
func newTwins(seed uint64, n, dim, queries int, share float64, few vector.Matrix) *catalogue {
	r := rand.New(rand.NewPCG(seed, 2))
	c := &catalogue{vectors: vector.NewMatrix(n, dim), queries: vector.NewMatrix(queries, dim)}
	for i := range n {
		c.items = append(c.items, recsys.ItemID(5*i+1))
		for j := range dim {
			c.vectors.Row(i)[j] = float32(r.NormFloat64())
		}
		if r.Float64() < share {
			copy(c.vectors.Row(i), few.Row(r.IntN(few.Rows)))
		}
	}
	for i := range c.queries.Data {
		c.queries.Data[i] = float32(r.NormFloat64())
	}
	return c
}

// normal returns n normal vectors.
func normal(seed uint64, n, dim int) vector.Matrix {
	return newTwins(seed, n, dim, 0, 0, vector.Matrix{}).vectors
}

// one returns one vector, near the middle of normal ones.
func one(dim int) vector.Matrix {
	m := vector.NewMatrix(1, dim)
	m.Row(0)[2] = 1
	return m
}

// inserted returns an index of the items to which all but the first were added one by one.
func (c *catalogue) inserted(t testing.TB, cfg hnsw.Config) *hnsw.Index {
	t.Helper()
	x, err := hnsw.New(cfg, c.items[:1], c.vectors.Slice(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range c.items[1:] {
		if err := x.Insert(item, c.vectors.Row(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// answer returns the k best items by the index's own scores of all.
func answer(t testing.TB, x retrieval.Index, q []float32, items []recsys.ItemID, k int) []retrieval.Neighbor {
	t.Helper()
	scores := make([]float32, len(items))
	if err := x.Score(scores, q, items); err != nil {
		t.Fatal(err)
	}
	best := make([]retrieval.Neighbor, len(items))
	for i, item := range items {
		best[i] = retrieval.Neighbor{Item: item, Score: scores[i]}
	}
	slices.SortFunc(best, func(a, b retrieval.Neighbor) int {
		switch {
		case a.Score > b.Score || a.Score == b.Score && a.Item < b.Item:
			return -1
		}
		return 1
	})
	return best[:min(k, len(best))]
}

// Zero vectors are what a factorisation gives items without events, equal ones what a model
// of texts gives equal texts. Recall counts items, not scores: of equal vectors the smallest
// IDs are the answer.
func TestEqualVectorsCostNoRecall(t *testing.T) {
	race.SkipSequential(t)
	const dim = 16
	zero := vector.NewMatrix(1, dim)
	for _, test := range []struct {
		name   string
		metric retrieval.Metric
		share  float64
		few    vector.Matrix
		want   float64
	}{
		{"2 of 5 are zero", retrieval.InnerProduct, 0.4, zero, 0.995},
		{"9 of 10 are zero", retrieval.InnerProduct, 0.9, zero, 0.995},
		{"1 of 5 are one", retrieval.L2, 0.2, one(dim), 0.99},
		{"half are one", retrieval.Cosine, 0.5, one(dim), 0.995},
		{"all are of 100", retrieval.L2, 1, normal(3, 100, dim), 1},
		{"all are of 100", retrieval.InnerProduct, 1, normal(3, 100, dim), 1},
	} {
		if race.Enabled && test.metric != retrieval.InnerProduct {
			continue // it would take a minute
		}
		c := newTwins(1, 10_500, dim, 100, test.share, test.few)
		for how, build := range map[string]func(testing.TB, hnsw.Config) *hnsw.Index{"build": c.build, "inserts": c.inserted} {
			if how == "inserts" {
				if testing.Short() || race.Enabled {
					continue
				}
			}
			x := build(t, hnsw.Config{Metric: test.metric, EfConstruction: 60})
			hits := 0
			for i := range c.queries.Rows {
				var stats retrieval.SearchStats
				got, err := x.Search(nil, c.queries.Row(i), 10, retrieval.SearchOptions{Stats: &stats})
				if err != nil || stats.Plan != "walk" {
					t.Fatalf("plan %q, %v; want a walk", stats.Plan, err)
				}
				for _, n := range answer(t, x, c.queries.Row(i), c.items, 10) {
					if slices.Contains(got, n) {
						hits++
					}
				}
			}
			recall := float64(hits) / float64(10*c.queries.Rows)
			t.Logf("%v, %s, %s: recall %.4f", test.metric, test.name, how, recall)
			if recall < test.want {
				t.Errorf("%v, %s, %s: recall is %.4f; want >= %v", test.metric, test.name, how, recall, test.want)
			}
			if n := x.Unreachable(); n > 0 {
				t.Errorf("%v, %s, %s: %d items cannot be reached", test.metric, test.name, how, n)
			}
			if err := x.Verify(); err != nil {
				t.Errorf("%v, %s, %s: %v", test.metric, test.name, how, err)
			}
		}
	}
}

// A filter for new items leaves those without events, and a few others.
func TestFilterOfZeroVectorsAndFewOthers(t *testing.T) {
	race.SkipSequential(t)
	c := newTwins(11, 12_000, 16, 60, 0.4, vector.NewMatrix(1, 16))
	x := c.build(t, hnsw.Config{EfConstruction: 60})
	zero := make(map[recsys.ItemID]bool)
	for i, item := range c.items {
		zero[item] = !slices.ContainsFunc(c.vectors.Row(i), func(v float32) bool { return v != 0 })
	}
	for _, of := range []recsys.ItemID{2, 20, 100} {
		pass := func(item recsys.ItemID) bool { return zero[item] || item%of == 1 }
		got, plan := c.recall(t, x, 10, retrieval.SearchOptions{Filter: retrieval.Where(pass)}, pass)
		if got < 0.99 {
			t.Errorf("1 of %d others: recall is %.4f (%s); want >= 0.99", of, got, plan)
		}
	}
}

func TestAllOfManyEqualVectorsAreFound(t *testing.T) {
	race.SkipSequential(t)
	const copies = 60
	c := newTwins(2, 10_000, 8, 0, 1, normal(4, 10_000/copies, 8))
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 60})
		for i := range 20 {
			q := c.vectors.Row(i)
			want := answer(t, x, q, c.items, copies)
			var stats retrieval.SearchStats
			got, err := x.Search(nil, q, copies, retrieval.SearchOptions{Stats: &stats})
			if err != nil || stats.Plan != "walk" {
				t.Fatalf("plan %q, %v; want a walk", stats.Plan, err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, query %d: got %v; want %v", m, i, got, want)
			}
			odd := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 1 })
			got, err = x.Search(nil, q, 10, retrieval.SearchOptions{Filter: odd})
			want = slices.DeleteFunc(answer(t, x, q, c.items, 2*copies), func(n retrieval.Neighbor) bool { return n.Item%2 == 0 })
			if err != nil || !slices.Equal(got, want[:10]) {
				t.Errorf("%v, query %d of odd items: got %v, %v; want %v", m, i, got, err, want[:10])
			}
		}
	}
}

// Every item that leaves is the one of its vector that the graph holds, or one behind it.
func TestEqualVectorsComeAndGo(t *testing.T) {
	race.SkipSequential(t)
	const n, dim = 3000, 6
	few := normal(5, 12, dim)
	for _, m := range metrics {
		c := newTwins(6, n, dim, 0, 0.9, few)
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 40})
		r := rand.New(rand.NewPCG(7, uint64(m)))
		items, next := slices.Clone(c.items), recsys.ItemID(2)
		walks := 0
		for round := range 6 {
			for range 500 {
				at := r.IntN(len(items))
				if r.IntN(2) == 0 {
					at = r.IntN(min(40, len(items))) // the first of a chain, mostly
				}
				vec := few.Row(r.IntN(few.Rows))
				if r.IntN(4) == 0 {
					vec = c.vectors.Row(r.IntN(n))
				}
				var err error
				switch r.IntN(3) {
				case 0:
					err = x.Delete(items[at])
					items = slices.Delete(items, at, at+1)
				case 1:
					err = x.Update(items[at], vec)
				case 2:
					err = x.Insert(next, vec)
					items = append(items, next)
					next += 5
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := x.Verify(); err != nil {
				t.Fatalf("%v, round %d: %v", m, round, err)
			}
			if round == 3 {
				var err error
				if x, err = reread(x); err != nil {
					t.Fatalf("%v: %v", m, err)
				}
			}
			if counted, are := x.Followers(); counted != are {
				t.Errorf("%v, round %d: %d followers are counted; want %d", m, round, counted, are)
			}
			for i := range few.Rows {
				var stats retrieval.SearchStats
				got, err := x.Search(nil, few.Row(i), 10, retrieval.SearchOptions{Effort: 10, Stats: &stats})
				if stats.Plan == "walk" {
					walks++
				}
				if want := answer(t, x, few.Row(i), items, 10); err != nil || !slices.Equal(got, want) {
					t.Errorf("%v, round %d, vector %d: got %v, %v; want %v", m, round, i, got, err, want)
				}
			}
		}
		if n := x.Unreachable(); n > 0 || walks < 12 {
			t.Errorf("%v: %d items cannot be reached, %d walks; want none and 12", m, n, walks)
		}
	}
}

func reread(x *hnsw.Index) (*hnsw.Index, error) {
	var b bytes.Buffer
	if _, err := x.WriteTo(&b); err != nil {
		return nil, err
	}
	y := new(hnsw.Index)
	_, err := y.ReadFrom(&b)
	return y, err
}

func TestItemsOfOneVectorLeaveInTurn(t *testing.T) {
	race.SkipSequential(t)
	const n = 1200
	c := newTwins(8, n, 4, 1, 1, one(4))
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m})
		for i, item := range c.items[:n-1] {
			if err := x.Delete(item); err != nil {
				t.Fatal(err)
			}
			if i%7 == 0 { // which pays for adopting and sweeping
				if err := x.Update(c.items[n-1], c.queries.Row(0)); err != nil {
					t.Fatal(err)
				}
			}
			k := min(5, n-2-i)
			got, err := x.Search(nil, c.vectors.Row(0), k, retrieval.SearchOptions{Effort: 1, Exclude: c.items[n-1:]})
			if err != nil || len(got) != k || k > 0 && got[0].Item != c.items[i+1] {
				t.Fatalf("%v: after %d have left: %v, %v; want %d from item %d on", m, i+1, got, err, k, c.items[i+1])
			}
		}
	}
}

func TestEqualVectorsGiveOneFile(t *testing.T) {
	c := newTwins(9, 4000, 8, 0, 0.7, normal(9, 30, 8))
	for _, m := range metrics {
		want := written(t, c.build(t, hnsw.Config{Metric: m, Workers: 1, EfConstruction: 40}))
		if got := written(t, c.build(t, hnsw.Config{Metric: m, Workers: 5, EfConstruction: 40})); !bytes.Equal(got, want) {
			t.Errorf("%v: 5 workers build another index than 1", m)
		}
		y := new(hnsw.Index)
		if _, err := y.ReadFrom(bytes.NewReader(want)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(written(t, y), want) {
			t.Errorf("%v: a file that was read is written otherwise", m)
		}
	}
}

// An item with one of the smallest IDs of its vector is in every answer, wherever in a chain
// it is put meanwhile.
func TestNoSearchMissesAnItemThatMovesAmongEqualOnes(t *testing.T) {
	c := newTwins(10, 20_000, 4, 0, 1, normal(10, 40, 4))
	for _, m := range []retrieval.Metric{retrieval.Cosine, retrieval.L2} {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 40})
		item, vec := c.items[0], slices.Clone(c.vectors.Row(0))
		done := make(chan struct{})
		var wg sync.WaitGroup
		var walks atomic.Int64
		for range 2 {
			wg.Go(func() {
				for searches := 0; ; searches++ {
					select {
					case <-done:
						return
					default:
					}
					var stats retrieval.SearchStats
					got, err := x.Search(nil, vec, 12, retrieval.SearchOptions{Effort: 12, Stats: &stats})
					if stats.Plan == "walk" {
						walks.Add(1)
					}
					if err != nil || len(got) != 12 || got[0].Item != item {
						t.Errorf("%v: search %d: %s, %v, %v; want item %d first", m, searches, stats.Plan, got, err, item)
						return
					}
					for i := range got[1:] {
						if got[i].Item == got[i+1].Item {
							t.Errorf("%v: %v has an item twice", m, got)
							return
						}
					}
				}
			})
		}
		for i := range 1500 {
			if err := x.Update(item, vec); err != nil {
				t.Fatal(err)
			}
			other := c.items[1+i%(len(c.items)-1)]
			if err := x.Update(other, c.vectors.Row((7*i)%len(c.items))); err != nil {
				t.Fatal(err)
			}
		}
		close(done)
		wg.Wait()
		if walks.Load() == 0 {
			t.Errorf("%v: no search was a walk; the test is void", m)
		}
	}
}
