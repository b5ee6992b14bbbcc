package ivf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var metrics = []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2}

// clustered returns n vectors around as many as 40 centers, of lengths that differ, and
// their items.
func clustered(seed uint64, n, d int) ([]recsys.ItemID, vector.Matrix) {
	r := rand.New(rand.NewPCG(seed, 99))
	centers := vector.NewMatrix(40, d)
	for i := range centers.Data {
		centers.Data[i] = float32(r.NormFloat64())
	}
	items, m := make([]recsys.ItemID, n), vector.NewMatrix(n, d)
	for i := range items {
		items[i] = recsys.ItemID(7*i + 3)
		c := centers.Row(r.IntN(40))
		length := math.Exp(0.5 * r.NormFloat64())
		for j := range m.Row(i) {
			m.Row(i)[j] = float32(length * (float64(c[j]) + 0.5*r.NormFloat64()))
		}
	}
	return items, m
}

func build(t testing.TB, cfg ivf.Config, items []recsys.ItemID, m vector.Matrix) *ivf.Index {
	t.Helper()
	ix, err := ivf.Build(context.Background(), cfg, items, m)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func written(t testing.TB, ix *ivf.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := ix.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// recall returns the share of the k best that searches find.
func recall(t testing.TB, ix retrieval.Index, oracle retrieval.Index, queries vector.Matrix, k int, opt retrieval.SearchOptions) float64 {
	t.Helper()
	hits, of := 0, 0
	for i := range queries.Rows {
		got, err := ix.Search(nil, queries.Row(i), k, opt)
		if err != nil {
			t.Fatal(err)
		}
		want, err := oracle.Search(nil, queries.Row(i), k, opt)
		if err != nil {
			t.Fatal(err)
		}
		of += len(want)
		for _, n := range got {
			if n.Score >= want[len(want)-1].Score {
				hits++
			}
		}
	}
	return float64(hits) / float64(of)
}

func TestReadingEveryListOfManyIsExact(t *testing.T) {
	race.SkipSequential(t)
	for _, m := range metrics {
		for _, d := range []int{1, 3, 16, 33, 100} {
			items, vectors := clustered(1, 1500, d)
			ix := build(t, ivf.Config{Metric: m}, items, vectors)
			oracle, err := retrievaltest.NewExact(m, items, vectors)
			if err != nil {
				t.Fatal(err)
			}
			_, queries := clustered(2, 20, d)
			for i := range queries.Rows {
				for _, k := range []int{1, 10, 200} {
					got, _ := ix.Search(nil, queries.Row(i), k, retrieval.SearchOptions{Effort: ix.Lists()})
					want, _ := oracle.Search(nil, queries.Row(i), k, retrieval.SearchOptions{})
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("%v, d=%d, k=%d, query %d:\n%v\nwant\n%v", m, d, k, i, got, want)
					}
				}
			}
		}
	}
}

func TestRecallIsWhatIsAskedFor(t *testing.T) {
	race.SkipSequential(t)
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		for _, m := range metrics {
			if testing.Short() && m == retrieval.Cosine {
				continue
			}
			items, vectors := clustered(3, 5000, 32)
			oracle, err := retrievaltest.NewExact(m, items, vectors)
			if err != nil {
				t.Fatal(err)
			}
			ix := build(t, ivf.Config{Metric: m, Codes: codes, Recall: 0.95}, items, vectors)
			queries := mixtures(vectors, 70)
			if got := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{}); got < 0.93 {
				t.Errorf("%v, %v: recall is %.4f; want 0.95 or so", codes, m, got)
			}
			first := vectors
			for name, filter := range map[string]*retrieval.Filter{
				"half":          retrieval.Where(func(i recsys.ItemID) bool { return i%2 == 0 }),
				"tenth":         retrieval.Where(func(i recsys.ItemID) bool { return i%10 == 0 }),
				"hundredth":     retrieval.Where(func(i recsys.ItemID) bool { return i%100 == 0 }),
				"thousandth":    retrieval.Where(func(i recsys.ItemID) bool { return i%1000 == 0 }),
				"one direction": retrieval.Where(func(i recsys.ItemID) bool { return first.Row(int(i-3) / 7)[0] < 0 }),
				"the short":     retrieval.Where(func(i recsys.ItemID) bool { return vector.Dot(first.Row(int(i-3)/7), first.Row(int(i-3)/7)) < 30 }),
			} {
				if got := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{Filter: filter}); got < 0.985 {
					t.Errorf("%v, %v, %s: recall is %.4f; want >= 0.99 or so", codes, m, name, got)
				}
			}
		}
	}
}

// What holds on the queries that Build was given holds on them at least: it adds a standard
// error. All of them are looked at, since there are few.
func TestRecallOfGivenQueriesIsReached(t *testing.T) {
	race.SkipSequential(t)
	items, vectors := clustered(5, 4000, 24)
	oracle, err := retrievaltest.NewExact(retrieval.InnerProduct, items, vectors)
	if err != nil {
		t.Fatal(err)
	}
	queries := mixtures(vectors, 300)
	r := rand.New(rand.NewPCG(4, 4))
	for i := range queries.Data {
		queries.Data[i] += float32(2 * r.NormFloat64()) // unlike what Build would make up
	}
	for _, want := range []float64{0.955, 0.97, 0.99} {
		ix := build(t, ivf.Config{Recall: want, Queries: queries}, items, vectors)
		got := recall(t, ix, oracle, queries, 10, retrieval.SearchOptions{})
		t.Logf("wanted %v, recall %.4f", want, got)
		if got < want || got > (want+2)/3+0.01 {
			t.Errorf("recall is %.4f; want %v and not much more", got, want)
		}
	}
}

// mixtures returns queries between vectors.
func mixtures(vectors vector.Matrix, n int) vector.Matrix {
	r := rand.New(rand.NewPCG(8, 8))
	q := vector.NewMatrix(n, vectors.Dim)
	for i := range n {
		for range 1 + r.IntN(3) {
			w := float32(r.ExpFloat64())
			for j, v := range vectors.Row(r.IntN(vectors.Rows)) {
				q.Row(i)[j] += w * v
			}
		}
	}
	return q
}

func TestTheBytesAreTheSameForAnyWorkers(t *testing.T) {
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		for _, m := range metrics {
			if testing.Short() && m != retrieval.InnerProduct {
				continue
			}
			items, vectors := clustered(4, 1500, 24)
			var first []byte
			for _, workers := range []int{1, 2, 7} {
				ix := build(t, ivf.Config{Metric: m, Codes: codes, Workers: workers, Seed: 5}, items, vectors)
				got := written(t, ix)
				if first == nil {
					first = got
				}
				if !bytes.Equal(got, first) {
					t.Errorf("%v, %v: %d workers make another file", codes, m, workers)
				}
			}
			if other := written(t, build(t, ivf.Config{Metric: m, Codes: codes, Seed: 6}, items, vectors)); bytes.Equal(other, first) {
				t.Errorf("%v, %v: the seed does not matter", codes, m)
			}
		}
	}
}

func TestBadInputIsNamed(t *testing.T) {
	items, vectors := clustered(1, 10, 4)
	nan := vector.From(append([]float32(nil), vectors.Data...), 4)
	nan.Row(7)[2] = float32(math.NaN())
	inf := vector.From(append([]float32(nil), vectors.Data...), 4)
	inf.Row(3)[0] = float32(math.Inf(-1))
	twice := append([]recsys.ItemID(nil), items...)
	twice[8] = twice[2]
	for name, c := range map[string]struct {
		cfg     ivf.Config
		items   []recsys.ItemID
		vectors vector.Matrix
		is      error
		text    string
	}{
		"nan":       {items: items, vectors: nan, is: retrieval.ErrNotFinite, text: "item 52 at row 7 has NaN in column 2"},
		"inf":       {items: items, vectors: inf, is: retrieval.ErrNotFinite, text: "item 24 at row 3 has -Inf in column 0"},
		"twice":     {items: twice, vectors: vectors, is: retrieval.ErrDuplicate, text: "item 17 is at rows 2 and 8"},
		"count":     {items: items[1:], vectors: vectors, text: "9 items for 10 vectors"},
		"no dim":    {vectors: vector.Matrix{}, is: retrieval.ErrDimension, text: "vectors of 0 values"},
		"shape":     {items: items, vectors: vector.Matrix{Rows: 10, Dim: 4, Stride: 3}, text: "Stride"},
		"metric":    {cfg: ivf.Config{Metric: 9}, text: "Config.Metric is Metric(9)"},
		"lists":     {cfg: ivf.Config{Lists: -1}, text: "Config.Lists is -1"},
		"codes":     {cfg: ivf.Config{Codes: 7}, text: "Config.Codes is Codes(7)"},
		"subdim":    {cfg: ivf.Config{SubDim: 9}, text: "Config.SubDim is 9"},
		"rescore":   {cfg: ivf.Config{Rescore: -2}, text: "Config.Rescore is -2"},
		"recall":    {cfg: ivf.Config{Recall: math.NaN()}, text: "Config.Recall is NaN"},
		"steps":     {cfg: ivf.Config{Iterations: -1}, text: "Config.Iterations is -1"},
		"workers":   {cfg: ivf.Config{Workers: -1}, text: "Config.Workers is -1"},
		"queries":   {cfg: ivf.Config{Queries: vector.NewMatrix(2, 5)}, items: items, vectors: vectors, is: retrieval.ErrDimension, text: "Config.Queries"},
		"bad query": {cfg: ivf.Config{Queries: nan}, items: items, vectors: vectors, is: retrieval.ErrNotFinite, text: "Config.Queries"},
		"long":      {cfg: ivf.Config{Codes: ivf.PQ}, vectors: vector.NewMatrix(0, 5000), text: "Config.SubDim"},
	} {
		_, err := ivf.Build(context.Background(), c.cfg, c.items, c.vectors)
		if err == nil || !strings.HasPrefix(err.Error(), "ivf: ") || !strings.Contains(err.Error(), c.text) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v; want %q", name, err, c.text)
		}
	}
}

func TestBuildEndsWithItsContext(t *testing.T) {
	items, vectors := clustered(1, 2000, 16)
	ctx, cancel := context.WithCancel(context.Background())
	for _, stop := range []string{"", "train", "assign", "encode"} {
		cfg := ivf.Config{Progress: func(stage string, done, total int) {
			if stage == stop {
				cancel()
			}
		}}
		if stop == "" {
			cancel()
		}
		if _, err := ivf.Build(ctx, cfg, items, vectors); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at %q: %v", stop, err)
		}
		ctx, cancel = context.WithCancel(context.Background())
	}
	cancel()
}

func TestSearchAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts of allocations differ under the race detector")
	}
	items, vectors := clustered(1, 5000, 32)
	odd := retrieval.Where(func(i recsys.ItemID) bool { return i%2 == 1 })
	rare := retrieval.Where(func(i recsys.ItemID) bool { return i%100 == 1 })
	for _, codes := range []ivf.Codes{ivf.Int8, ivf.PQ} {
		for _, m := range metrics {
			if testing.Short() && m == retrieval.Cosine {
				continue
			}
			ix := build(t, ivf.Config{Metric: m, Codes: codes}, items, vectors)
			dst := make([]retrieval.Neighbor, 0, 10)
			scores := make([]float32, 5)
			vec := make([]float32, 0, 32)
			var stats retrieval.SearchStats
			for name, opt := range map[string]retrieval.SearchOptions{
				"plain": {Stats: &stats}, "effort": {Effort: 50}, "half": {Filter: odd}, "rare": {Filter: rare},
				"exclude": {Exclude: items[:100]}, "allow": {Allow: items[:50]},
			} {
				i := 0
				n := testing.AllocsPerRun(100, func() {
					i++
					dst, _ = ix.Search(dst[:0], vectors.Row(i), 10, opt)
				})
				if n > 0 {
					t.Errorf("%v, %v, %s: %v allocations", codes, m, name, n)
				}
			}
			if n := testing.AllocsPerRun(100, func() {
				if err := ix.Score(scores, vectors.Row(0), items[:5]); err != nil {
					t.Error(err)
				}
				vec, _ = ix.Vector(vec[:0], items[9])
			}); n > 0 {
				t.Errorf("%v, %v: Score and Vector: %v allocations", codes, m, n)
			}
		}
	}
}

func TestRefusedVectorsAreNamed(t *testing.T) {
	items, vectors := clustered(1, 50, 4)
	ix := build(t, ivf.Config{}, items, vectors)
	before := written(t, ix)
	nan, long := []float32{1, 2, 3, float32(math.NaN())}, make([]float32, 5)
	search := func(q []float32) error {
		_, err := ix.Search(nil, q, 1, retrieval.SearchOptions{})
		return err
	}
	for name, c := range map[string]struct {
		err  error
		is   error
		text string
	}{
		"insert":       {ix.Insert(9, nan), retrieval.ErrNotFinite, "ivf: item 9: component 3 is NaN: "},
		"insert long":  {ix.Insert(9, long), retrieval.ErrDimension, "ivf: item 9: a vector of 5 values; want 4: "},
		"insert twice": {ix.Insert(items[3], vectors.Row(0)), retrieval.ErrDuplicate, "ivf: item 24: "},
		"update":       {ix.Update(items[1], []float32{float32(math.Inf(-1)), 0, 0, 0}), retrieval.ErrNotFinite, "ivf: item 10: component 0 is -Inf: "},
		"update none":  {ix.Update(9, vectors.Row(0)), retrieval.ErrNotFound, "ivf: item 9: "},
		"delete none":  {ix.Delete(9), retrieval.ErrNotFound, "ivf: item 9: "},
		"search":       {search(nan), retrieval.ErrNotFinite, "ivf: query: component 3 is NaN: "},
		"search long":  {search(long), retrieval.ErrDimension, "ivf: query: a vector of 5 values; want 4: "},
		"score":        {ix.Score(make([]float32, 1), nan, items[:1]), retrieval.ErrNotFinite, "ivf: query: component 3 is NaN: "},
		"score room":   {ix.Score(make([]float32, 2), vectors.Row(0), items[:3]), retrieval.ErrDimension, "ivf: room for 2 scores of 3 items: "},
	} {
		if !errors.Is(c.err, c.is) || !strings.HasPrefix(c.err.Error(), c.text) {
			t.Errorf("%s: %v; want %q", name, c.err, c.text)
		}
	}
	if !bytes.Equal(written(t, ix), before) {
		t.Error("what was refused has changed the index")
	}
}
