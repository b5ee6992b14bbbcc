package nearest_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

const dim = 8

var metrics = []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2}

// index returns an exact index of the items 1 to n.
func index(t testing.TB, m retrieval.Metric, n int) *retrievaltest.Exact {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	vectors := vector.NewMatrix(n, dim)
	for i := range vectors.Data {
		vectors.Data[i] = float32(rng.NormFloat64())
	}
	items := make([]recsys.ItemID, n)
	for i := range items {
		items[i] = recsys.ItemID(i + 1)
	}
	x, err := retrievaltest.NewExact(m, items, vectors)
	require.NoError(t, err)
	return x
}

func source(t testing.TB, ix retrieval.Index, cfg nearest.Config) *nearest.Retriever {
	t.Helper()
	r, err := nearest.New(ix, cfg)
	require.NoError(t, err)
	return r
}

// userVector is a vector for a user, the same at each call.
func userVector(dst []float32, user recsys.UserID, n int) []float32 {
	rng := rand.New(rand.NewPCG(uint64(user), 9))
	for range n {
		dst = append(dst, float32(rng.NormFloat64()))
	}
	return dst
}

func fromUser(n int) func([]float32, *recsys.Query) ([]float32, error) {
	return func(dst []float32, q *recsys.Query) ([]float32, error) {
		if q.User > 100 {
			return dst, nil
		}
		return userVector(dst, q.User, n), nil
	}
}

func columns(n int) []recsys.Column {
	return []recsys.Column{{Name: "age", Scope: recsys.PerRequest}, {Name: "user", Kind: recsys.Vector, Dim: n, Scope: recsys.PerRequest}}
}

func fill(n int) func(q *recsys.Query, row *recsys.Block) {
	return func(q *recsys.Query, row *recsys.Block) {
		row.Float[0] = 1
		if q.User > 100 {
			row.Miss(0)
			return
		}
		copy(row.Vector[0], userVector(nil, q.User, n))
	}
}

func TestConformance(t *testing.T) {
	for _, m := range metrics {
		for name, c := range map[string]struct {
			cfg   nearest.Config
			suite retrievaltest.Suite
		}{
			"history":         {},
			"decayed history": {cfg: nearest.Config{History: retrieval.History{Last: 2, Decay: 0.5, PreferAnchors: true}}},
			"column":          {cfg: nearest.Config{Column: "user"}, suite: retrievaltest.Suite{Columns: columns(dim), Fill: fill(dim)}},
			"three vectors":   {cfg: nearest.Config{Column: "user", Balanced: true}, suite: retrievaltest.Suite{Columns: columns(3 * dim), Fill: fill(3 * dim)}},
			"function":        {cfg: nearest.Config{Vectors: fromUser(dim)}},
			"two vectors":     {cfg: nearest.Config{Vectors: fromUser(2 * dim)}},
			"filter":          {cfg: nearest.Config{Filter: evenForEven}},
		} {
			t.Run(m.String()+"/"+name, func(t *testing.T) {
				c.suite.Empty = func() recsys.Retriever { return source(t, index(t, m, 0), c.cfg) }
				c.suite.Run(t, func(t *testing.T) recsys.Retriever { return source(t, index(t, m, 300), c.cfg) })
			})
		}
	}
}

var even = retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })

func evenForEven(q *recsys.Query) *retrieval.Filter {
	if q.User%2 == 0 {
		return even
	}
	return nil
}

// ask returns what a source proposes.
func ask(t testing.TB, r recsys.Retriever, req recsys.Request, n int) []retrieval.Neighbor {
	t.Helper()
	out := recsys.NewSink(n)
	require.NoError(t, r.Retrieve(context.Background(), recsys.NewQuery(&req, nil, "test"), out))
	items, scores := out.Items()
	var list []retrieval.Neighbor
	for i, item := range items {
		list = append(list, retrieval.Neighbor{Item: item, Score: scores[i]})
	}
	return list
}

func TestRetrieveIsASearchWithTheVectorOfTheUser(t *testing.T) {
	for _, m := range metrics {
		ix := index(t, m, 200)
		r := source(t, ix, nearest.Config{Vectors: fromUser(dim), Filter: evenForEven})
		for user := range recsys.UserID(10) {
			req := recsys.Request{User: user, Exclude: []recsys.ItemID{4, 9, 500}}
			opt := retrieval.SearchOptions{Exclude: req.Exclude, Filter: evenForEven(recsys.NewQuery(&req, nil, ""))}
			if user > 5 {
				req.Allow = []recsys.ItemID{1, 2, 3, 4, 5, 6, 7, 8, 600}
				opt.Allow = req.Allow
			}
			want, err := ix.Search(nil, userVector(nil, user, dim), 20, opt)
			require.NoError(t, err)
			require.Equal(t, want, ask(t, r, req, 20))
		}
		require.Empty(t, ask(t, r, recsys.Request{User: 101}, 20), "a user without a vector")
	}
}

func TestAHistoryIsTheSumOfItsItems(t *testing.T) {
	for _, m := range metrics {
		ix := index(t, m, 50)
		r := source(t, ix, nearest.Config{History: retrieval.History{Decay: 0.5}})
		q, v := make([]float32, dim), []float32(nil)
		for _, x := range []struct {
			item   recsys.ItemID
			weight float32
		}{{7, 0.25}, {8, 0.5}, {9, 1}} {
			v, _ = ix.Vector(v[:0], x.item)
			for j := range v {
				if m == retrieval.L2 {
					x := x.weight / 1.75
					q[j] += float32(x * v[j])
				} else {
					q[j] += float32(x.weight * v[j])
				}
			}
		}
		want, err := ix.Search(nil, q, 10, retrieval.SearchOptions{})
		require.NoError(t, err)
		got := ask(t, r, recsys.Request{History: []recsys.Event{{Item: 7}, {Item: 8}, {Item: 9}}, Items: []recsys.ItemID{3}}, 10)
		require.Len(t, got, 10)
		for i := range want {
			require.Equal(t, want[i].Item, got[i].Item, m)
			require.InDelta(t, want[i].Score, got[i].Score, 1e-5, m)
		}
	}
}

func TestAnchorsGiveItemsLikeThemButNotThemselves(t *testing.T) {
	ix := index(t, retrieval.Cosine, 50)
	r := source(t, ix, nearest.Config{History: retrieval.History{PreferAnchors: true}})
	v, _ := ix.Vector(nil, 7)
	want, err := ix.Search(nil, v, 11, retrieval.SearchOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 7, want[0].Item)
	got := ask(t, r, recsys.Request{Items: []recsys.ItemID{7}, History: []recsys.Event{{Item: 3}}, Exclude: []recsys.ItemID{want[1].Item}}, 9)
	require.Equal(t, want[2:], got)
	// A history is no anchor: what it holds may come again, unless it is excluded.
	got = ask(t, r, recsys.Request{History: []recsys.Event{{Item: 7}}}, 5)
	require.EqualValues(t, 7, got[0].Item)
}

func TestHugeWeightsAreNoInfinity(t *testing.T) {
	r := source(t, index(t, retrieval.Cosine, 50), nearest.Config{History: retrieval.History{Values: true}})
	ordinary := ask(t, r, recsys.Request{History: []recsys.Event{{Item: 7, Value: 1}, {Item: 8, Value: 1}}}, 10)
	huge := ask(t, r, recsys.Request{History: []recsys.Event{{Item: 7, Value: math.MaxFloat32}, {Item: 8, Value: math.MaxFloat32}}}, 10)
	for i := range ordinary {
		require.Equal(t, ordinary[i].Item, huge[i].Item)
	}
}

func TestZeroIsNoVectorUnlessDistancesCount(t *testing.T) {
	for _, m := range metrics {
		r := source(t, index(t, m, 50), nearest.Config{Vectors: func(dst []float32, _ *recsys.Query) ([]float32, error) {
			return append(dst, make([]float32, 2*dim)...), nil
		}})
		got := ask(t, r, recsys.Request{}, 5)
		if m == retrieval.L2 {
			require.Len(t, got, 5)
		} else {
			require.Empty(t, got)
		}
		scores := []float32{7, 7}
		require.NoError(t, r.ScoreItems(context.Background(), recsys.NewQuery(&recsys.Request{}, nil, ""), []recsys.ItemID{1, 999}, scores))
		require.Zero(t, scores[1])
		require.Equal(t, m == retrieval.L2, scores[0] != 0)
	}
}

// features writes a user vector of n values, as a source of the pipeline.
func features(n int) recsys.Option {
	return recsys.Features(recsys.FeatureFunc{Cols: columns(n), Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		if items == nil {
			fill(n)(q, out)
		}
		return nil
	}})
}

func TestBuildChecksTheColumn(t *testing.T) {
	ix := index(t, retrieval.InnerProduct, 50)
	build := func(column string, n int) error {
		_, err := recsys.NewPipeline(features(n), recsys.Retrieve("near", source(t, ix, nearest.Config{Column: column}))).Build()
		return err
	}
	require.NoError(t, build("user", dim))
	require.NoError(t, build("user", 3*dim))
	err := build("user", dim+1)
	require.ErrorIs(t, err, retrieval.ErrDimension)
	require.ErrorContains(t, err, `column "user" has dimension 9, the index 8`)
	require.ErrorContains(t, err, "near")
	var missing *recsys.ColumnError
	require.ErrorAs(t, build("usr", dim), &missing)
	require.ErrorAs(t, build("age", dim), &missing)
	items, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "text", Kind: recsys.Vector, Dim: dim, Scope: recsys.PerItem}}})
	require.NoError(t, err)
	_, err = source(t, ix, nearest.Config{Column: "text"}).Bind(items)
	require.ErrorContains(t, err, "one of items")
	unbound := source(t, ix, nearest.Config{Column: "user"}).Retrieve(t.Context(), recsys.NewQuery(&recsys.Request{}, nil, ""), recsys.NewSink(1))
	require.ErrorContains(t, unbound, "not bound")
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	_, err := nearest.New(nil, nearest.Config{})
	require.ErrorContains(t, err, "the index is nil")
	_, err = nearest.New(index(t, retrieval.L2, 3), nearest.Config{
		Column: "user", Vectors: fromUser(dim), Effort: -3, History: retrieval.History{Last: -1},
	})
	for _, want := range []string{`Config.Column is "user" and Config.Vectors is set`, "Config.Effort is -3", "History.Last is -1"} {
		require.ErrorContains(t, err, want)
	}
}

func TestErrorsOfTheVectorAreErrorsOfTheStage(t *testing.T) {
	ix := index(t, retrieval.InnerProduct, 30)
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		vector func([]float32, *recsys.Query) ([]float32, error)
		want   error
	}{
		"function":  {func(dst []float32, _ *recsys.Query) ([]float32, error) { return dst, boom }, boom},
		"dimension": {fromUser(dim + 3), retrieval.ErrDimension},
		"not finite": {func(dst []float32, _ *recsys.Query) ([]float32, error) {
			return append(dst, slices.Repeat([]float32{float32(math.Inf(1))}, dim)...), nil
		}, retrieval.ErrNotFinite},
	} {
		r := source(t, ix, nearest.Config{Vectors: c.vector})
		q := recsys.NewQuery(&recsys.Request{User: 1}, nil, "")
		require.ErrorIs(t, r.Retrieve(t.Context(), q, recsys.NewSink(3)), c.want, name)
		require.ErrorIs(t, r.ScoreItems(t.Context(), q, []recsys.ItemID{1}, make([]float32, 1)), c.want, name)
	}
}

// owned is an index over a file.
type owned struct {
	*retrievaltest.Exact
	closed  int
	version string
}

func (o *owned) Close() error    { o.closed++; return nil }
func (o *owned) Version() string { return o.version }

func TestCloseClosesAnOwnedIndex(t *testing.T) {
	for _, own := range []bool{false, true} {
		ix := &owned{Exact: index(t, retrieval.L2, 30)}
		p, err := recsys.NewPipeline(recsys.Retrieve("near", source(t, ix, nearest.Config{Owned: own}))).Build()
		require.NoError(t, err)
		live := recsys.NewLive(p)
		next, err := recsys.NewPipeline(recsys.Retrieve("near", source(t, index(t, retrieval.L2, 20), nearest.Config{}))).Build()
		require.NoError(t, err)
		require.NoError(t, live.Swap(t.Context(), next))
		require.Equal(t, own, ix.closed == 1)
	}
}

func TestVersionNamesIndexAndConfiguration(t *testing.T) {
	ix := &owned{Exact: index(t, retrieval.L2, 30), version: "one"}
	seen := map[string]bool{}
	for _, cfg := range []nearest.Config{{}, {Effort: 3}, {Column: "user"}, {Balanced: true}, {History: retrieval.History{Last: 2}}} {
		v := source(t, ix, cfg).Version()
		require.Len(t, v, 16)
		require.Equal(t, v, source(t, ix, cfg).Version())
		require.False(t, seen[v], "two configurations with one version")
		seen[v] = true
	}
	ix.version = "two"
	require.False(t, seen[source(t, ix, nearest.Config{}).Version()])

	bare := func(version string) string {
		return source(t, index(t, retrieval.L2, 3), nearest.Config{Version: version}).Version()
	}
	require.Empty(t, bare(""), "nothing says what is searched")
	require.Len(t, bare("model-7"), 16)
	require.NotEqual(t, bare("model-7"), bare("model-8"))
	both := map[string]bool{bare("two"): true}
	for _, version := range []string{"", "model-7", "model-8"} {
		both[source(t, ix, nearest.Config{Version: version}).Version()] = true
	}
	require.Len(t, both, 4, "either version counts")
}

func TestErrorsNameEveryField(t *testing.T) {
	_, err := nearest.New(nil, nearest.Config{Column: "user", Vectors: fromUser(1), Effort: -1})
	for _, want := range []string{"nearest: the index is nil", "nearest: Config.Column is", "nearest: Config.Effort is -1"} {
		require.ErrorContains(t, err, want)
	}
}

// indexes are those of this module, by name, of the vectors of an exact one.
var indexes = map[string]func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix) (retrieval.Index, error){
	"exact": func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix) (retrieval.Index, error) {
		return retrievaltest.NewExact(m, items, vectors)
	},
	"flat": func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix) (retrieval.Index, error) {
		return flat.New(flat.Config{Metric: m}, items, vectors)
	},
	"hnsw": func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix) (retrieval.Index, error) {
		return hnsw.Build(context.Background(), hnsw.Config{Metric: m}, items, vectors)
	},
	"ivf": func(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix) (retrieval.Index, error) {
		return ivf.Build(context.Background(), ivf.Config{Metric: m}, items, vectors)
	},
}

// of returns an index of the vectors of x.
func of(t testing.TB, name string, x retrieval.Index) retrieval.Index {
	t.Helper()
	var items []recsys.ItemID
	var data []float32
	for item := recsys.ItemID(1); int(item) <= x.Len(); item++ {
		items = append(items, item)
		data, _ = x.Vector(data, item)
	}
	ix, err := indexes[name](x.Metric(), items, vector.From(data, dim))
	require.NoError(t, err)
	return ix
}

func TestConformanceOverEachIndex(t *testing.T) {
	for name := range indexes {
		for _, m := range metrics {
			t.Run(name+"/"+m.String(), func(t *testing.T) {
				retrievaltest.Run(t, func(t *testing.T) recsys.Retriever { return source(t, of(t, name, index(t, m, 300)), nearest.Config{}) })
			})
		}
	}
}

func TestRetrieveAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop what they hold at random under the race detector")
	}
	for name := range indexes {
		ix := of(t, name, index(t, retrieval.Cosine, 1000))
		for what, cfg := range map[string]nearest.Config{
			"history": {History: retrieval.History{Decay: 0.9}}, "two vectors": {Vectors: fixed(2 * dim), Balanced: true, Filter: evenForEven},
		} {
			t.Run(name+"/"+what, func(t *testing.T) { allocatesNothing(t, source(t, ix, cfg)) })
		}
	}
}

func allocatesNothing(t *testing.T, r *nearest.Retriever) {
	p, err := recsys.NewPipeline(recsys.Retrieve("near", r, recsys.Quota(50))).Build()
	require.NoError(t, err)
	req := recsys.Request{ID: "a", User: 2, K: 20, History: []recsys.Event{{Item: 3}, {Item: 5}}, Exclude: []recsys.ItemID{3, 5}, Now: time.Unix(1, 0)}
	q := recsys.NewQuery(&req, nil, "")
	var res recsys.Result
	items, scores := []recsys.ItemID{1, 2, 999}, make([]float32, 3)
	f := func() {
		if err := errors.Join(r.ScoreItems(context.Background(), q, items, scores), p.RecommendInto(context.Background(), &req, &res)); err != nil {
			t.Fatal(err)
		}
	}
	for range 30 {
		f()
	}
	require.Len(t, res.Items, 20)
	if n := testing.AllocsPerRun(100, f); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// fixed is fromUser without a random source.
func fixed(n int) func([]float32, *recsys.Query) ([]float32, error) {
	v := userVector(nil, 1, n)
	return func(dst []float32, _ *recsys.Query) ([]float32, error) { return append(dst, v...), nil }
}
