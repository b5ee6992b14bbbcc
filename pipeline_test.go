package recsys_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

// ranked proposes the given items, best first.
func ranked(ids ...recsys.ItemID) recsys.Retriever {
	return recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i, id := range ids {
			if !out.Add(id, float32(len(ids)-i)) {
				break
			}
		}
		return nil
	})
}

func failing(err error) recsys.Retriever {
	return recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		out.Add(99, 1) // what a failed source proposed does not count
		return err
	})
}

// byColumn scores by the first float column.
var byColumn = recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		out.Score[i] = c.Row(i)[c.Schema().RequestWidth()]
	}
	return nil
})

// values writes one float column from a map; other items are missing.
func values(name string, by map[recsys.ItemID]float32) recsys.FeatureSource {
	return recsys.FeatureFunc{Cols: []recsys.Column{{Name: name}}, Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i, id := range items {
			if v, ok := by[id]; ok {
				out.FloatRow(i)[0] = v
			} else {
				out.Miss(i)
			}
		}
		return nil
	}}
}

func build(t testing.TB, opts ...recsys.Option) *recsys.Pipeline {
	t.Helper()
	p, err := recsys.NewPipeline(opts...).Build()
	require.NoError(t, err)
	return p
}

func recommend(t testing.TB, p *recsys.Pipeline, req *recsys.Request) *recsys.Result {
	t.Helper()
	res, err := p.Recommend(t.Context(), req)
	require.NoError(t, err)
	return res
}

func items(res *recsys.Result) []recsys.ItemID {
	ids := []recsys.ItemID{}
	for _, x := range res.Items {
		ids = append(ids, x.ID)
	}
	return ids
}

type ids = []recsys.ItemID

func TestFunnelRunsInOrderWhateverTheOrderOfOptions(t *testing.T) {
	var ran []string
	note := func(s string) { ran = append(ran, s) }
	p := build(t,
		recsys.Explore(recsys.ExplorerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
			note("explore")
			for s.Next() {
				s.Pick(s.Best(), 1)
			}
			return nil
		})),
		recsys.Log(recsys.ExposureSinkFunc(func(context.Context, *recsys.Exposure) error { note("log"); return nil })),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, out recsys.Scores) error {
			note("rank")
			clear(out.Score)
			return nil
		})),
		recsys.FilterBy(recsys.FilterFunc(func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Bits) error {
			note("filter")
			return nil
		})),
		recsys.ReRank(recsys.ReRankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, order []int32) ([]int32, error) {
			note("rerank")
			return order, nil
		})),
		recsys.Observe(recsys.ObserverFunc(func(*recsys.Query, *recsys.Candidates, *recsys.Result) { note("observe") })),
		recsys.Features(recsys.FeatureFunc{
			Cols: []recsys.Column{{Name: "u", Scope: recsys.PerRequest}, {Name: "i"}},
			Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, _ *recsys.Block) error {
				if items == nil {
					note("request row")
				} else {
					note("hydrate")
				}
				return nil
			},
		}),
		recsys.Retrieve("a", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			note("retrieve")
			out.Add(1, 1)
			return nil
		})),
	)
	recommend(t, p, &recsys.Request{K: 1})
	require.Equal(t, []string{"request row", "retrieve", "hydrate", "filter", "rank", "rerank", "explore", "log", "observe"}, ran)
}

func TestMergeKeepsEachItemOnceWithItsSources(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3)), recsys.Retrieve("b", ranked(3, 4, 3)))
	res := recommend(t, p, &recsys.Request{K: 10})
	require.Equal(t, ids{3, 1, 2, 4}, items(res), "3 is of both; 2 and 4 tie at rank 2 and break by ID")
	require.Equal(t, uint64(0b11), res.Items[0].Sources)
	require.Equal(t, uint64(0b01), res.Items[1].Sources)
	require.Equal(t, 4, res.Trace.Merged)
}

func TestExcludeAndAllowTakeNoQuota(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4, 5), recsys.Quota(2)))
	res := recommend(t, p, &recsys.Request{K: 5, Exclude: ids{1, 2, 2}})
	require.Equal(t, ids{3, 4}, items(res))
	require.Equal(t, 2, res.Trace.Excluded)
	require.Equal(t, ids{5}, items(recommend(t, p, &recsys.Request{K: 5, Allow: ids{5, 7}})))
	require.Equal(t, ids{3}, items(recommend(t, p, &recsys.Request{K: 5, Allow: ids{3, 4}, Exclude: ids{4}})))
}

func TestRequestsThatCannotBeServedSayWhy(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1)))
	for name, c := range map[string]struct {
		req  *recsys.Request
		want error
		part string
	}{
		"nil":           {nil, recsys.ErrRequest, "request is nil"},
		"K 0":           {&recsys.Request{}, recsys.ErrRequest, "K is 0; want >= 1"},
		"K negative":    {&recsys.Request{K: -3}, recsys.ErrRequest, "K is -3"},
		"all excluded":  {&recsys.Request{K: 1, Exclude: ids{1}}, recsys.ErrNoCandidates, ""},
		"nothing known": {&recsys.Request{K: 1, Allow: ids{7}}, recsys.ErrNoCandidates, ""},
	} {
		res, err := p.Recommend(t.Context(), c.req)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.part, name)
		require.NotNil(t, res, name)
		require.Empty(t, res.Items, name)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Recommend(done, &recsys.Request{K: 1})
	require.ErrorIs(t, err, context.Canceled)
}

func TestFailedSourceIsReportedAndItsProposalsDoNotCount(t *testing.T) {
	boom := errors.New("boom")
	p := build(t, recsys.Retrieve("bad", failing(boom)), recsys.Retrieve("good", ranked(1)))
	res := recommend(t, p, &recsys.Request{K: 3})
	require.Equal(t, ids{1}, items(res))
	require.Len(t, res.Degraded, 1)
	require.Equal(t, "retrieve/bad", res.Degraded[0].Stage)
	require.Equal(t, recsys.ReasonError, res.Degraded[0].Reason)
	require.ErrorIs(t, res.Degraded[0].Err, boom)

	p = build(t, recsys.Retrieve("bad", failing(boom), recsys.Required()), recsys.Retrieve("good", ranked(1)))
	res, err := p.Recommend(t.Context(), &recsys.Request{K: 3})
	var stage *recsys.StageError
	require.ErrorAs(t, err, &stage)
	require.Equal(t, "retrieve/bad", stage.Stage)
	require.ErrorIs(t, err, boom)
	require.Empty(t, res.Items)

	p = build(t, recsys.Retrieve("bad", failing(boom)))
	_, err = p.Recommend(t.Context(), &recsys.Request{K: 3})
	require.ErrorIs(t, err, recsys.ErrNoCandidates)
	require.ErrorIs(t, err, boom, "an empty answer carries what led to it")
}

func TestFallbackSourceServesWhenOthersFailOrFallShort(t *testing.T) {
	calls := 0
	popular := recsys.RetrieverFunc(func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
		calls++
		return ranked(7, 8, 9).Retrieve(ctx, q, out)
	})
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Retrieve("popular", popular, recsys.AsFallback()))
	require.Equal(t, ids{1, 2}, items(recommend(t, p, &recsys.Request{K: 2})))
	require.Zero(t, calls)
	res := recommend(t, p, &recsys.Request{K: 3})
	require.Equal(t, 1, calls)
	require.Equal(t, ids{1, 7, 2}, items(res))
	require.Equal(t, recsys.ReasonFallback, res.Degraded[0].Reason)

	p = build(t, recsys.Retrieve("bad", failing(errors.New("down"))), recsys.Retrieve("a", ranked(1)), recsys.Retrieve("popular", popular, recsys.AsFallback()))
	res = recommend(t, p, &recsys.Request{K: 1})
	require.Equal(t, 2, calls)
	require.Equal(t, ids{1}, items(res))
	require.Equal(t, []string{"retrieve/bad", "retrieve/popular"}, []string{res.Degraded[0].Stage, res.Degraded[1].Stage})
}

func TestPanicOfAStageIsItsError(t *testing.T) {
	boom := func() { panic("boom") }
	sources := []recsys.Option{recsys.Retrieve("a", ranked(1, 2))}
	for stage, opt := range map[string]recsys.Option{
		"retrieve/x": recsys.Retrieve("x", recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { boom(); return nil })),
		"features/x": recsys.Features(recsys.FeatureFunc{Cols: []recsys.Column{{Name: "f"}}, Func: func(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error { boom(); return nil }}, recsys.Name("x")),
		"filter/x":   recsys.FilterBy(recsys.FilterFunc(func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Bits) error { boom(); return nil }), recsys.Name("x"), recsys.Optional()),
		"rank/x":     recsys.Rank(recsys.RankerFunc(func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error { boom(); return nil }), recsys.Name("x")),
		"rerank/x": recsys.ReRank(recsys.ReRankerFunc(func(context.Context, *recsys.Query, *recsys.Candidates, []int32) ([]int32, error) {
			boom()
			return nil, nil
		}), recsys.Name("x")),
		"explore/x": recsys.Explore(recsys.ExplorerFunc(func(context.Context, *recsys.Query, *recsys.Candidates, *recsys.Slate) error { boom(); return nil }), recsys.Name("x")),
		"log/x":     recsys.Log(recsys.ExposureSinkFunc(func(context.Context, *recsys.Exposure) error { boom(); return nil }), recsys.Name("x")),
		"observe":   recsys.Observe(recsys.ObserverFunc(func(*recsys.Query, *recsys.Candidates, *recsys.Result) { boom() })),
	} {
		res := recommend(t, build(t, append(slices.Clone(sources), opt)...), &recsys.Request{K: 2})
		require.Equal(t, ids{1, 2}, items(res), stage)
		require.Len(t, res.Degraded, 1, stage)
		require.Equal(t, stage, res.Degraded[0].Stage)
		require.Equal(t, recsys.ReasonPanic, res.Degraded[0].Reason, stage)
		var p *recsys.PanicError
		require.ErrorAs(t, res.Degraded[0].Err, &p)
		require.Contains(t, string(p.Stack), "TestPanicOfAStageIsItsError")
	}
}

func TestFilterAndConstraintFailClosed(t *testing.T) {
	down := errors.New("policy store is down")
	f := recsys.FilterFunc(func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Bits) error { return down })
	_, err := build(t, recsys.Retrieve("a", ranked(1)), recsys.FilterBy(f, recsys.Name("policy"))).Recommend(t.Context(), &recsys.Request{K: 1})
	require.ErrorIs(t, err, down)
	require.ErrorContains(t, err, "filter/policy")

	c := recsys.ConstraintFunc(func(*recsys.Candidates, int, []int32, recsys.Bits) { panic(down) })
	for _, more := range [][]recsys.Option{nil, {recsys.Explore(greedy)}} {
		p := build(t, append(more, recsys.Retrieve("a", ranked(1)), recsys.Constrain(c, recsys.Name("deny")))...)
		res, err := p.Recommend(t.Context(), &recsys.Request{K: 1})
		require.ErrorIs(t, err, down)
		require.ErrorContains(t, err, "constrain/deny")
		require.Empty(t, res.Items)
	}
}

func TestFailedFeaturesAreMissingWithDefaults(t *testing.T) {
	half := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "x"}, {Name: "y", Default: new(float32(0.5))}, {Name: "c", Kind: recsys.ID}, {Name: "v", Kind: recsys.Vector, Dim: 2}},
		Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			out.FloatRow(0)[0], out.FloatRow(0)[1], out.ID[0][0], out.VectorAt(0, 0)[1] = 1, 2, 3, 4
			return errors.New("connection lost")
		},
	}
	seen := false
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Features(half, recsys.Name("store")),
		recsys.Observe(recsys.ObserverFunc(func(_ *recsys.Query, c *recsys.Candidates, _ *recsys.Result) {
			seen = true
			f, _ := c.Schema().Field("x")
			require.Equal(t, 2, c.Missing(f.Group).Count())
			require.True(t, math.IsNaN(float64(c.Row(0)[0])))
			require.Equal(t, float32(0.5), c.Row(0)[1])
			require.Equal(t, []uint64{0, 0}, c.IDColumn(0))
			require.Equal(t, []float32{0, 0}, c.Vector(0, 0))
		})))
	res := recommend(t, p, &recsys.Request{K: 2})
	require.True(t, seen)
	require.Equal(t, "features/store", res.Degraded[0].Stage)
}

// A source that leaves cells alone must not show what an earlier request had there.
func TestCellsThatNobodyWroteHoldDefaults(t *testing.T) {
	n := 0
	lazy := recsys.FeatureFunc{Cols: []recsys.Column{{Name: "x"}}, Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		if n++; n == 1 {
			for i := range items {
				out.FloatRow(i)[0] = 42
			}
		}
		return nil
	}}
	var got float32
	p := build(t, recsys.Retrieve("a", ranked(1)), recsys.Features(lazy), recsys.Observe(recsys.ObserverFunc(func(_ *recsys.Query, c *recsys.Candidates, _ *recsys.Result) { got = c.Row(0)[0] })))
	recommend(t, p, &recsys.Request{K: 1})
	require.Equal(t, float32(42), got)
	recommend(t, p, &recsys.Request{K: 1})
	require.True(t, math.IsNaN(float64(got)), "got %v", got)
}

func TestRequestRowReachesSourcesAndEveryRow(t *testing.T) {
	user := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "age", Scope: recsys.PerRequest}, {Name: "city", Kind: recsys.ID, Scope: recsys.PerRequest}, {Name: "emb", Kind: recsys.Vector, Dim: 2, Scope: recsys.PerRequest}},
		Func: func(_ context.Context, q *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			if q.User == 0 {
				out.Miss(0)
				return nil
			}
			out.FloatRow(0)[0], out.ID[0][0] = 33, 7
			copy(out.VectorAt(0, 0), []float32{1, 2})
			return nil
		},
	}
	var emb []float32
	src := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		emb = append(emb[:0], q.Vector(0)...)
		out.Add(1, 1)
		out.Add(2, 1)
		return nil
	})
	var c2 [2][]float32
	var city []uint64
	var missing int
	p := build(t, recsys.Retrieve("a", src), recsys.Features(values("price", map[recsys.ItemID]float32{1: 5, 2: 6})), recsys.Features(user),
		recsys.Context(recsys.Column{Name: "hour"}),
		recsys.Observe(recsys.ObserverFunc(func(_ *recsys.Query, c *recsys.Candidates, _ *recsys.Result) {
			c2 = [2][]float32{slices.Clone(c.Row(0)), slices.Clone(c.Row(1))}
			city = slices.Clone(c.IDColumn(0))
			f, _ := c.Schema().Field("age")
			missing = c.Missing(f.Group).Count()
		})))
	hour, err := p.Context(map[string]any{"hour": 9})
	require.NoError(t, err)
	recommend(t, p, &recsys.Request{K: 2, User: 5, Context: hour})
	require.Equal(t, []float32{1, 2}, emb)
	require.Equal(t, [2][]float32{{9, 33, 5}, {9, 33, 6}}, c2, "request columns stand first")
	require.Equal(t, []uint64{7, 7}, city)
	require.Zero(t, missing)
	recommend(t, p, &recsys.Request{K: 2})
	require.Equal(t, 2, missing)
	require.Equal(t, []float32{0, 0}, emb)
	require.True(t, math.IsNaN(float64(c2[0][0])) && math.IsNaN(float64(c2[0][1])))
}

func TestContextNamesWhatIsWrong(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1)), recsys.Features(columns(recsys.Column{Name: "price"})),
		recsys.Context(recsys.Column{Name: "hour"}, recsys.Column{Name: "city", Kind: recsys.ID}, recsys.Column{Name: "v", Kind: recsys.Vector, Dim: 2}))
	_, err := p.Context(map[string]any{"hour": "nine", "city": -1, "v": []float32{1}, "price": 3, "day": 1})
	for _, part := range []string{
		`context "hour": cannot use string as float`, `context "city": cannot use int as id`, `context "v": vector of length 1; want 2`,
		`context "price": no such context column`, `context "day": no such context column`,
	} {
		require.ErrorContains(t, err, part)
	}
	require.ErrorIs(t, err, recsys.ErrRequest)
	_, err = p.Context(map[string]any{"hour": math.Inf(1)})
	require.ErrorContains(t, err, "not finite")

	other := build(t, recsys.Retrieve("a", ranked(1)), recsys.Context(recsys.Column{Name: "hour"}))
	ctx, err := other.Context(map[string]any{"hour": 1.5})
	require.NoError(t, err)
	_, err = p.Recommend(t.Context(), &recsys.Request{K: 1, Context: ctx})
	require.ErrorIs(t, err, recsys.ErrRequest)
	require.ErrorContains(t, err, "made for other context columns")
}

func TestNaNScoresSortLastAndAreCounted(t *testing.T) {
	nan := float32(math.NaN())
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4)), recsys.Features(values("x", map[recsys.ItemID]float32{1: nan, 2: -5, 3: nan, 4: float32(math.Inf(-1))})), recsys.Rank(byColumn))
	res := recommend(t, p, &recsys.Request{K: 4})
	require.Equal(t, ids{2, 4, 1, 3}, items(res))
	require.Equal(t, 2, res.Trace.NaN)
	require.Equal(t, []recsys.Degradation{{Stage: "rank", Reason: recsys.ReasonNaN, Count: 2}}, res.Degraded)
	require.True(t, math.IsInf(float64(res.Items[3].Utility), -1))
}

func TestFailedRankerLeavesTheMergeOrderOrItsFallback(t *testing.T) {
	bad := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, out recsys.Scores) error {
		out.Score[0] = 1e9 // half done
		return errors.New("model is gone")
	})
	src := recsys.Retrieve("a", ranked(3, 2, 1))
	res := recommend(t, build(t, src, recsys.Rank(bad, recsys.Name("m"))), &recsys.Request{K: 3})
	require.Equal(t, ids{3, 2, 1}, items(res))
	require.Equal(t, "rank/m", res.Degraded[0].Stage)

	backup := recsys.Rank(byColumn, recsys.Name("backup"), recsys.AsFallback())
	feats := recsys.Features(values("x", map[recsys.ItemID]float32{1: 3, 2: 2, 3: 1}))
	res = recommend(t, build(t, src, feats, recsys.Rank(bad, recsys.Name("m")), backup), &recsys.Request{K: 3})
	require.Equal(t, ids{1, 2, 3}, items(res))
	require.Equal(t, recsys.ReasonFallback, res.Degraded[1].Reason)

	res = recommend(t, build(t, src, feats, recsys.Rank(keepMerge, recsys.Name("m")), backup), &recsys.Request{K: 3})
	require.Equal(t, ids{3, 2, 1}, items(res), "the fallback is not asked when the ranker serves")
	require.Empty(t, res.Degraded)
}

var keepMerge = recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	copy(out.Score, c.MergeScores())
	return nil
})

// headRanker writes one head from a map.
type headRanker struct {
	head string
	by   map[recsys.ItemID]float32
	err  error
}

func (h headRanker) Heads() []string { return []string{h.head} }

func (h headRanker) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i, id := range c.IDs() {
		out.Score[i], out.Heads[i*out.Stride] = h.by[id], h.by[id]
	}
	return h.err
}

func TestObjectiveReadsItsHeadsInItsOwnOrder(t *testing.T) {
	click := headRanker{"click", map[recsys.ItemID]float32{1: 1, 2: 2, 3: 3}, nil}
	buy := headRanker{"buy", map[recsys.ItemID]float32{1: 30, 2: 20, 3: 10}, nil}
	like := headRanker{"like", map[recsys.ItemID]float32{1: 500, 2: 700, 3: 600}, nil}
	src := recsys.Retrieve("a", ranked(1, 2, 3))
	both := sumObjective{"buy", "click"}
	for _, c := range []struct {
		objective sumObjective
		want      []float32
	}{
		{both, []float32{31, 22, 13}},
		{sumObjective{"click", "buy", "like"}, []float32{531, 722, 613}},
		{sumObjective{"like"}, []float32{500, 700, 600}},
	} {
		res := recommend(t, build(t, src, recsys.Rank(click, recsys.Name("c")), recsys.Rank(buy, recsys.Name("b")), recsys.Rank(like, recsys.Name("l")), recsys.Score(c.objective)), &recsys.Request{K: 3})
		for _, item := range res.Items {
			require.Equal(t, c.want[item.ID-1], item.Score, c.objective)
		}
	}
	// A head whose ranker failed is unknown: the score of the last ranker that served counts.
	buy.err = errors.New("down")
	res := recommend(t, build(t, src, recsys.Rank(click, recsys.Name("c")), recsys.Rank(buy, recsys.Name("b")), recsys.Score(both, recsys.Name("o"))), &recsys.Request{K: 3})
	require.Equal(t, ids{3, 2, 1}, items(res))
	require.Equal(t, []string{"rank/b", "score/o"}, []string{res.Degraded[0].Stage, res.Degraded[1].Stage})
	require.ErrorContains(t, res.Degraded[1].Err, `head "buy"`)
}

func TestReRankerThatInventsOrDoublesRowsIsRefused(t *testing.T) {
	for name, f := range map[string]recsys.ReRankerFunc{
		"doubles": func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, o []int32) ([]int32, error) {
			return []int32{o[0], o[0]}, nil
		},
		"invents": func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, o []int32) ([]int32, error) {
			return []int32{77}, nil
		},
	} {
		res := recommend(t, build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.ReRank(f, recsys.Name(name))), &recsys.Request{K: 2})
		require.Equal(t, ids{1, 2}, items(res))
		require.Len(t, res.Degraded, 1)
		require.Equal(t, "rerank/"+name, res.Degraded[0].Stage)
	}
	short := recsys.ReRankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, o []int32) ([]int32, error) {
		return o[1:], nil
	})
	res := recommend(t, build(t, recsys.Retrieve("a", ranked(1, 2, 3)), recsys.ReRank(short)), &recsys.Request{K: 3})
	require.Equal(t, ids{2, 3}, items(res), "a re-ranker may shorten")
}

func TestExplorerThatBreaksItsContractIsReplacedByTheGreedySlate(t *testing.T) {
	for name, f := range map[string]recsys.ExplorerFunc{
		"stops early": func(context.Context, *recsys.Query, *recsys.Candidates, *recsys.Slate) error { return nil },
		"picks twice": func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
			s.Next()
			s.Pick(0, 1)
			s.Next()
			s.Pick(0, 1)
			return nil
		},
		"propensity 0": func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
			s.Next()
			s.Pick(0, 0)
			return nil
		},
		"propensity NaN": func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
			s.Next()
			s.Pick(0, math.NaN())
			return nil
		},
		"invents a row": func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
			s.Next()
			s.Pick(70, 1)
			return nil
		},
		"never asks Next": func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
			s.Pick(0, 1)
			return nil
		},
		"fails": func(context.Context, *recsys.Query, *recsys.Candidates, *recsys.Slate) error { return errors.New("no") },
	} {
		res := recommend(t, build(t, recsys.Retrieve("a", ranked(5, 6, 7)), recsys.Explore(f, recsys.Name("e"))), &recsys.Request{K: 2})
		require.Equal(t, ids{5, 6}, items(res), name)
		require.Len(t, res.Degraded, 1, name)
		require.Equal(t, "explore/e", res.Degraded[0].Stage, name)
		require.Equal(t, float64(1), res.Items[0].Propensity, name)
	}
}

func TestMaxCandidatesKeepsTheBestOfTheMerge(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4)), recsys.Retrieve("b", ranked(4, 3)), recsys.MaxCandidates(2))
	res := recommend(t, p, &recsys.Request{K: 4, Explain: true})
	require.ElementsMatch(t, ids{3, 4}, items(res))
	why, _, err := res.WhyNot(1)
	require.NoError(t, err)
	require.Equal(t, recsys.CutByQuota, why)
}

func TestSeedAndClockAreResolvedOnceAndRecorded(t *testing.T) {
	now := time.Unix(1_700_000_000, 5).UTC()
	var q recsys.Query
	src := recsys.RetrieverFunc(func(_ context.Context, in *recsys.Query, out *recsys.Sink) error {
		q.Now, q.Seed = in.Now, in.Seed
		out.Add(1, 1)
		return nil
	})
	p := build(t, recsys.Retrieve("a", src), recsys.Clock(func() time.Time { return now }))
	res := recommend(t, p, &recsys.Request{ID: "x", K: 1})
	require.Equal(t, now, res.Now)
	require.Equal(t, now, q.Now)
	require.Equal(t, res.Seed, q.Seed)
	require.NotZero(t, res.Seed)
	require.Equal(t, res.Seed, recommend(t, p, &recsys.Request{ID: "x", K: 1}).Seed, "the seed is a hash of the ID")
	require.NotEqual(t, res.Seed, recommend(t, p, &recsys.Request{ID: "y", K: 1}).Seed)
	require.Equal(t, uint64(9), recommend(t, p, &recsys.Request{ID: "y", K: 1, Seed: 9}).Seed)
	a, b := recommend(t, p, &recsys.Request{User: 1, K: 1}), recommend(t, p, &recsys.Request{User: 2, K: 1})
	require.NotEqual(t, a.Seed, b.Seed, "without an ID users differ")
	require.NotEmpty(t, a.ID)
	back := recommend(t, p, &recsys.Request{ID: "z", K: 1, Now: now.Add(-time.Hour)})
	require.Equal(t, now.Add(-time.Hour), back.Now, "a clock that goes back is the request's own business")
}

func TestStagesDrawFromTheirOwnStreams(t *testing.T) {
	draw := func(into *uint64) recsys.Retriever {
		return recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
			r := q.Rand()
			*into = r.Uint64()
			out.Add(1, 1)
			return nil
		})
	}
	var a, b, alone uint64
	p := build(t, recsys.Retrieve("a", draw(&a)), recsys.Retrieve("b", draw(&b)))
	recommend(t, p, &recsys.Request{ID: "x", K: 1})
	require.NotEqual(t, a, b)
	recommend(t, build(t, recsys.Retrieve("b", draw(&alone))), &recsys.Request{ID: "x", K: 1})
	require.Equal(t, b, alone, "a stage's stream does not depend on its neighbours")
}

func TestExplainTellsWhereEachItemEnded(t *testing.T) {
	noOdd := recsys.FilterFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, keep recsys.Bits) error {
		for i, id := range c.IDs() {
			if id == 5 {
				keep.Clear(i)
			}
		}
		return nil
	})
	bar2 := recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, _ []int32, ok recsys.Bits) {
		for i, id := range c.IDs() {
			if id == 2 {
				ok.Clear(i)
			}
		}
	})
	dropLast := recsys.ReRankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, o []int32) ([]int32, error) {
		return o[:len(o)-1], nil
	})
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4, 5, 6, 7), recsys.Quota(6)), recsys.FilterBy(noOdd, recsys.Name("odd")),
		recsys.ReRank(dropLast, recsys.Name("drop")), recsys.Constrain(bar2, recsys.Name("bar")))
	res := recommend(t, p, &recsys.Request{K: 2, Exclude: ids{9}, Explain: true})
	require.Equal(t, ids{1, 3}, items(res))
	for item, want := range map[recsys.ItemID][2]string{
		1: {"served", ""}, 2: {"constrained", "constrain/bar"}, 4: {"outranked", ""}, 5: {"filtered", "filter/odd"},
		6: {"re-ranked", "rerank/drop"}, 7: {"cut by quota", ""}, 8: {"not proposed", ""}, 9: {"excluded", ""},
	} {
		why, stage, err := res.WhyNot(item)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{string(why), stage}, "item %d", item)
	}
	e, err := res.Explain(3)
	require.NoError(t, err)
	require.Equal(t, []recsys.SourceTrace{{Source: "a", Rank: 2, Score: 5}}, e.Sources)
	require.Equal(t, []int{2, 2}, e.Positions)
	require.Equal(t, 1, e.Place)
	require.Contains(t, e.String(), "item 3: served at place 1")

	_, err = recommend(t, p, &recsys.Request{K: 2}).Explain(1)
	require.ErrorIs(t, err, recsys.ErrNotTraced)

	last := recsys.ExplorerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
		for s.Next() {
			worst := int32(-1)
			for _, row := range s.Order()[:s.Window()] {
				if s.Admissible().Has(int(row)) {
					worst = row
				}
			}
			s.Pick(worst, 1)
		}
		return nil
	})
	p = build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4)), recsys.Explore(last, recsys.Name("last")), recsys.Depth(3))
	res = recommend(t, p, &recsys.Request{K: 1, Explain: true})
	require.Equal(t, ids{3}, items(res))
	why, stage, _ := res.WhyNot(1)
	require.Equal(t, [2]string{"not explored", "explore/last"}, [2]string{string(why), stage})
	why, _, _ = res.WhyNot(4)
	require.Equal(t, recsys.Outranked, why)
}

func TestTenThousandPlaces(t *testing.T) {
	many := make(ids, 20_000)
	for i := range many {
		many[i] = recsys.ItemID(i)
	}
	odd := recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, slate []int32, ok recsys.Bits) {
		if len(slate) == 0 {
			for i, id := range c.IDs() {
				if id%2 == 0 {
					ok.Clear(i)
				}
			}
		}
	})
	src := recsys.Retrieve("a", ranked(many...), recsys.Quota(20_000))
	require.Len(t, recommend(t, build(t, src), &recsys.Request{K: 10_000}).Items, 10_000)
	res := recommend(t, build(t, src, recsys.Constrain(hereditary{odd})), &recsys.Request{K: 10_000})
	require.Len(t, res.Items, 10_000)
	require.Equal(t, recsys.ItemID(19_999), res.Items[9_999].ID)
	require.Len(t, recommend(t, build(t, src), &recsys.Request{K: 50_000}).Items, 20_000, "K > n gives all there are")
}

type hereditary struct{ recsys.Constraint }

func (hereditary) Hereditary() bool { return true }

func TestConcurrentRequestsDoNotMix(t *testing.T) {
	p := build(t, recsys.Retrieve("a", recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		for i := range 100 {
			out.Add(recsys.ItemID(uint64(q.User)*1000+uint64(i)), float32(i))
		}
		return nil
	})), recsys.Features(recsys.FeatureFunc{Cols: []recsys.Column{{Name: "x"}}, Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		for i, id := range items {
			out.FloatRow(i)[0] = float32(id % 1000)
		}
		return nil
	}}), recsys.Rank(byColumn))
	var wg sync.WaitGroup
	for u := range 8 {
		wg.Go(func() {
			res := new(recsys.Result)
			for n := range 200 {
				k := 1 + n%30
				if err := p.RecommendInto(context.Background(), &recsys.Request{User: recsys.UserID(u), K: k, Explain: n%7 == 0}, res); err != nil {
					t.Error(err)
					return
				}
				for i, item := range res.Items {
					if want := recsys.ItemID(u*1000 + 99 - i); len(res.Items) != k || item.ID != want {
						t.Errorf("user %d: place %d of %d is %d; want %d", u, i, len(res.Items), item.ID, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestTraceNamesAllStagesInFunnelOrder(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1)), recsys.Features(columns(recsys.Column{Name: "x"}), recsys.Name("f")), recsys.FilterBy(keepAll, recsys.Name("k")),
		recsys.Rank(keepMerge, recsys.Name("m")), recsys.ReRank(keepOrder, recsys.Name("r")), recsys.Log(discard))
	res := recommend(t, p, &recsys.Request{K: 1})
	require.Equal(t, "retrieve/a merge features/f filter/k rank/m rerank/r select log", strings.Join(p.Stages(), " "))
	for _, s := range res.Trace.Stages {
		require.True(t, s.Ran, s.Name)
	}
	require.Positive(t, res.Trace.Total)
}

// student counts what it learns.
type student struct {
	recsys.Explorer
	learned int
	err     error
}

func (s *student) Learn(_ context.Context, f []recsys.Feedback) error {
	s.learned += len(f)
	return s.err
}

func TestLearnReachesEveryLearner(t *testing.T) {
	e := &student{Explorer: uniform{}}
	p := build(t, recsys.Retrieve("a", ranked(1)), recsys.Explore(e, recsys.Name("e")))
	require.NoError(t, p.Learn(t.Context(), make([]recsys.Feedback, 3)))
	require.Equal(t, 3, e.learned)
	e.err = errors.New("full")
	require.ErrorContains(t, p.Learn(t.Context(), nil), "explore/e: full")
}

func TestObserversSeeFailedRequests(t *testing.T) {
	var seen []error
	var rows []int
	see := recsys.Observe(recsys.ObserverFunc(func(_ *recsys.Query, c *recsys.Candidates, r *recsys.Result) {
		seen, rows = append(seen, r.Err), append(rows, c.Len())
		if r.Trace.Total <= 0 {
			t.Error("Total is not set")
		}
	}))
	down := errors.New("down")
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), see, recsys.FilterBy(recsys.FilterFunc(func(_ context.Context, q *recsys.Query, _ *recsys.Candidates, _ recsys.Bits) error {
		if q.User == 1 {
			return down
		}
		return nil
	})))
	recommend(t, p, &recsys.Request{K: 1})
	_, err := p.Recommend(t.Context(), &recsys.Request{K: 1, User: 1})
	require.ErrorIs(t, err, down)
	_, err = p.Recommend(t.Context(), &recsys.Request{K: 1, Exclude: ids{1, 2}})
	require.ErrorIs(t, err, recsys.ErrNoCandidates)
	require.Len(t, seen, 3)
	require.NoError(t, seen[0])
	require.ErrorIs(t, seen[1], down)
	require.ErrorIs(t, seen[2], recsys.ErrNoCandidates)
	require.Equal(t, []int{2, 2, 0}, rows)
}
