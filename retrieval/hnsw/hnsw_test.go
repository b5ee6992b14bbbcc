package hnsw_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var metrics = []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2}

// catalogue is a set of vectors in clusters, with norms that differ as those of popular
// and unpopular items do, and queries that are mixtures of items.
type catalogue struct {
	items   []recsys.ItemID
	vectors vector.Matrix
	queries vector.Matrix
}

func newCatalogue(seed uint64, n, dim, queries int) *catalogue {
	r := rand.New(rand.NewPCG(seed, 1))
	c := &catalogue{items: make([]recsys.ItemID, n), vectors: vector.NewMatrix(n, dim), queries: vector.NewMatrix(queries, dim)}
	clusters := vector.NewMatrix(max(1, n/50), dim)
	for i := range clusters.Data {
		clusters.Data[i] = float32(r.NormFloat64())
	}
	for i := range n {
		c.items[i] = recsys.ItemID(3*i + 7)
		v, center := c.vectors.Row(i), clusters.Row(r.IntN(clusters.Rows))
		for j := range v {
			v[j] = center[j] + 0.6*float32(r.NormFloat64())
		}
		vector.Normalize(v)
		norm := float32(math.Exp(0.4 * r.NormFloat64()))
		for j := range v {
			v[j] *= norm
		}
	}
	for i := range queries {
		q := c.queries.Row(i)
		for range 3 {
			for j, x := range c.vectors.Row(r.IntN(n)) {
				q[j] += x * float32(r.Float64())
			}
		}
	}
	return c
}

func (c *catalogue) build(t testing.TB, cfg hnsw.Config) *hnsw.Index {
	t.Helper()
	x, err := hnsw.Build(context.Background(), cfg, c.items, c.vectors)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// truth returns the score of the k-th best item that passes, by the index's own scores of
// all items, and how many there are up to k.
func truth(t testing.TB, x retrieval.Index, q []float32, items []recsys.ItemID, k int, pass func(recsys.ItemID) bool) (kth float32, n int) {
	t.Helper()
	scores := make([]float32, len(items))
	if err := x.Score(scores, q, items); err != nil {
		t.Fatal(err)
	}
	var best []float32
	for i, s := range scores {
		if s != s || !pass(items[i]) || len(best) == k && s <= best[k-1] {
			continue
		}
		at := len(best)
		for at > 0 && best[at-1] < s {
			at--
		}
		if len(best) < k {
			best = append(best, 0)
		}
		copy(best[at+1:], best[at:])
		best[at] = s
	}
	if len(best) == 0 {
		return 0, 0
	}
	return best[len(best)-1], len(best)
}

func all(recsys.ItemID) bool { return true }

// recall returns the share of the k best that searches find, and the plan of the last.
func (c *catalogue) recall(t testing.TB, x retrieval.Index, k int, opt retrieval.SearchOptions, pass func(recsys.ItemID) bool) (float64, string) {
	t.Helper()
	hits, of := 0, 0
	var stats retrieval.SearchStats
	opt.Stats = &stats
	for i := range c.queries.Rows {
		q := c.queries.Row(i)
		got, err := x.Search(nil, q, k, opt)
		if err != nil {
			t.Fatal(err)
		}
		kth, n := truth(t, x, q, c.items, k, pass)
		of += n
		for _, g := range got {
			if !pass(g.Item) {
				t.Fatalf("query %d finds item %d, which does not pass", i, g.Item)
			}
			if g.Score >= kth {
				hits++
			}
		}
	}
	return float64(hits) / float64(max(of, 1)), stats.Plan
}

func TestRecallOfAWalk(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(1, 12000, 24, 200)
	// The bounds are a point below what was measured.
	want := map[retrieval.Metric]float64{retrieval.InnerProduct: 0.97, retrieval.Cosine: 0.97, retrieval.L2: 0.97}
	for _, m := range metrics {
		for _, quant := range []hnsw.Quant{hnsw.Int8, hnsw.None} {
			x := c.build(t, hnsw.Config{Metric: m, Quant: quant, EfConstruction: 100})
			for _, effort := range []int{16, 64} {
				got, plan := c.recall(t, x, 10, retrieval.SearchOptions{Effort: effort}, all)
				t.Logf("%v %v: effort %d, plan %s, recall %.4f", m, quant, effort, plan, got)
				if plan != "walk" {
					t.Errorf("%v, %v: plan is %q; want a walk", m, quant, plan)
				}
				if effort == 64 && got < want[m] {
					t.Errorf("%v, %v: recall is %.4f; want >= %v", m, quant, got, want[m])
				}
			}
		}
	}
}

func written(t testing.TB, x *hnsw.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := x.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBuildDoesNotDependOnWorkers(t *testing.T) {
	n := 3000
	if race.Enabled {
		n = 1000
	}
	c := newCatalogue(2, n, 20, 1)
	for _, m := range metrics {
		want := written(t, c.build(t, hnsw.Config{Metric: m, Workers: 1, EfConstruction: 60}))
		for _, workers := range []int{2, 7} {
			if !bytes.Equal(written(t, c.build(t, hnsw.Config{Metric: m, Workers: workers, EfConstruction: 60})), want) {
				t.Errorf("%v: %d workers build another index than 1", m, workers)
			}
		}
	}
}

func TestSeedChangesTheGraph(t *testing.T) {
	c := newCatalogue(2, 500, 20, 1)
	a, b := c.build(t, hnsw.Config{}), c.build(t, hnsw.Config{Seed: 1})
	if bytes.Equal(written(t, a), written(t, b)) {
		t.Error("two seeds give one index")
	}
}

func TestEveryItemCanBeReached(t *testing.T) {
	race.SkipSequential(t)
	same := newCatalogue(4, 1500, 8, 1)
	for i := range same.vectors.Rows {
		copy(same.vectors.Row(i), same.vectors.Row(i%3))
	}
	zero := newCatalogue(4, 1500, 8, 1)
	clear(zero.vectors.Data[:700*8])
	skewed := newCatalogue(5, 6000, 16, 1)
	for i := range skewed.vectors.Rows {
		scale := float32(math.Exp2(-float64(i%20) / 2))
		for j := range skewed.vectors.Row(i) {
			skewed.vectors.Row(i)[j] *= scale
		}
	}
	for name, c := range map[string]*catalogue{"clusters": newCatalogue(3, 6000, 16, 1), "three vectors": same, "zeros": zero, "norms over 2^10": skewed} {
		for _, m := range metrics {
			x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 80})
			if n := x.Unreachable(); n > 0 {
				t.Errorf("%s, %v: %d of %d items cannot be reached", name, m, n, x.Len())
			}
		}
	}
}

func TestFilteredRecallNeedsNoTuning(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(6, 20000, 24, 60)
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 100})
		for _, share := range []float64{0.95, 0.5, 0.1, 0.01, 0.001} {
			pass := func(item recsys.ItemID) bool {
				return float64(uint32(item)*2654435761) < share*(1<<32)
			}
			got, plan := c.recall(t, x, 10, retrieval.SearchOptions{Filter: retrieval.Where(pass)}, pass)
			t.Logf("%v, %v allowed: plan %s, recall %.4f", m, share, plan, got)
			if got < 0.99 {
				t.Errorf("%v, %v allowed: recall is %.4f; want >= 0.99", m, share, got)
			}
		}
	}
}

func TestFilteredWalk(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(6, 60000, 8, 60)
	x := c.build(t, hnsw.Config{Metric: retrieval.Cosine, M: 8, EfConstruction: 60})
	pass := func(item recsys.ItemID) bool { return item%10 != 0 }
	got, plan := c.recall(t, x, 10, retrieval.SearchOptions{Filter: retrieval.Where(pass)}, pass)
	if plan != "walk" || got < 0.99 {
		t.Errorf("plan %s, recall %.4f; want a walk with >= 0.99", plan, got)
	}
}

// The items nearest to a query are those that a user has seen most likely.
func TestExcludingTheNearestCostsNoRecall(t *testing.T) {
	race.SkipSequential(t)
	c := newCatalogue(7, 12000, 16, 60)
	x := c.build(t, hnsw.Config{EfConstruction: 60})
	hits, of := 0, 0
	for i := range c.queries.Rows {
		q := c.queries.Row(i)
		first, err := x.Search(nil, q, 40, retrieval.SearchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var exclude []recsys.ItemID
		for _, n := range first {
			exclude = append(exclude, n.Item)
		}
		pass := func(item recsys.ItemID) bool { return !slices.Contains(exclude, item) }
		got, err := x.Search(nil, q, 10, retrieval.SearchOptions{Exclude: exclude})
		if err != nil || len(got) != 10 {
			t.Fatalf("query %d: %d items, %v", i, len(got), err)
		}
		kth, _ := truth(t, x, q, c.items, 10, pass)
		for _, n := range got {
			if !pass(n.Item) {
				t.Fatalf("query %d finds item %d, which is excluded", i, n.Item)
			}
			if of++; n.Score >= kth {
				hits++
			}
		}
	}
	if recall := float64(hits) / float64(of); recall < 0.98 {
		t.Errorf("recall is %.4f; want >= 0.98", recall)
	}
}

func TestSearchAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	c := newCatalogue(8, 12000, 32, 10)
	for _, m := range metrics {
		x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 40})
		half := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
		options := []retrieval.SearchOptions{{}, {Effort: 32}, {Filter: half}, {Allow: c.items[:300]}, {Exclude: c.items[:100]}}
		dst := make([]retrieval.Neighbor, 0, 10)
		scores := make([]float32, 100)
		for i, opt := range options {
			if got := testing.AllocsPerRun(20, func() {
				for j := range c.queries.Rows {
					dst, _ = x.Search(dst[:0], c.queries.Row(j), 10, opt)
				}
				_ = x.Score(scores, c.queries.Row(0), c.items[:100])
			}); got != 0 {
				t.Errorf("%v, options %d: %v allocations", m, i, got)
			}
		}
	}
}

func TestBuildStopsWithItsContext(t *testing.T) {
	c := newCatalogue(9, 3000, 8, 1)
	ctx, cancel := context.WithCancel(context.Background())
	last := 0
	_, err := hnsw.Build(ctx, hnsw.Config{Progress: func(done, all int) {
		if done <= last || all != 3000 {
			t.Errorf("progress is %d of %d after %d", done, all, last)
		}
		if last = done; done > 1000 {
			cancel()
		}
	}}, c.items, c.vectors)
	if !errors.Is(err, context.Canceled) || last == 3000 {
		t.Errorf("after %d items: %v; want context.Canceled", last, err)
	}
	x := c.build(t, hnsw.Config{})
	if err := x.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Compact: %v; want context.Canceled", err)
	}
	if x.Len() != 3000 || x.Verify() != nil {
		t.Errorf("after Compact was stopped: %d items, %v", x.Len(), x.Verify())
	}
}

func TestMistakesAreNamed(t *testing.T) {
	c := newCatalogue(10, 4, 3, 1)
	nan := newCatalogue(10, 4, 3, 1)
	nan.vectors.Row(2)[1] = float32(math.NaN())
	twice := newCatalogue(10, 4, 3, 1)
	twice.items[3] = twice.items[1]
	for name, test := range map[string]struct {
		cfg     hnsw.Config
		items   []recsys.ItemID
		vectors vector.Matrix
		is      error
		says    string
	}{
		"metric":    {cfg: hnsw.Config{Metric: 9}, says: "Config.Metric is Metric(9)"},
		"quant":     {cfg: hnsw.Config{Quant: 7}, says: "Config.Quant is Quant(7); want int8 or none"},
		"m":         {cfg: hnsw.Config{M: 1}, says: "Config.M is 1; want 2 to 128"},
		"ef":        {cfg: hnsw.Config{EfConstruction: -1}, says: "Config.EfConstruction is -1"},
		"effort":    {cfg: hnsw.Config{Effort: 1 << 20}, says: "Config.Effort is 1048576"},
		"rescore":   {cfg: hnsw.Config{Rescore: -2}, says: "Config.Rescore is -2; want >= 0"},
		"workers":   {cfg: hnsw.Config{Workers: -3}, says: "Config.Workers is -3; want >= 0"},
		"items":     {items: c.items[:3], vectors: c.vectors, says: "3 items with 4 vectors"},
		"dimension": {vectors: vector.Matrix{}, is: retrieval.ErrDimension, says: "dimension 0"},
		"not a number": {
			items: nan.items, vectors: nan.vectors, is: retrieval.ErrNotFinite, says: "item 13: vector: row 2 has NaN in column 1",
		},
		"duplicate": {items: twice.items, vectors: twice.vectors, is: retrieval.ErrDuplicate, says: "item 10 is at rows 1 and 3"},
	} {
		_, err := hnsw.New(test.cfg, test.items, test.vectors)
		if err == nil || !strings.HasPrefix(err.Error(), "hnsw: ") || !strings.Contains(err.Error(), test.says) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: error is %v; want one that says %q and wraps %v", name, err, test.says, test.is)
		}
	}
}

func TestScoreNamesADstOfAnotherLength(t *testing.T) {
	c := newCatalogue(12, 4, 3, 1)
	x := c.build(t, hnsw.Config{})
	for _, n := range []int{0, 3, 5} {
		if err := x.Score(make([]float32, n), c.queries.Row(0), c.items); !errors.Is(err, retrieval.ErrDimension) {
			t.Errorf("dst of length %d for 4 items: %v; want ErrDimension", n, err)
		}
	}
}

func TestExtremeVectors(t *testing.T) {
	const n = 200
	for _, m := range metrics {
		for _, scale := range []float32{1e-44, 1e-30, 1e18} {
			c := newCatalogue(11, n, 5, 3)
			for i := range c.vectors.Data {
				c.vectors.Data[i] *= scale
			}
			x := c.build(t, hnsw.Config{Metric: m})
			for i := range c.queries.Rows {
				got, err := x.Search(nil, c.queries.Row(i), n, retrieval.SearchOptions{})
				if err != nil || len(got) != n {
					t.Errorf("%v, scale %g: %d of %d items, %v", m, scale, len(got), n, err)
				}
			}
		}
	}
}
