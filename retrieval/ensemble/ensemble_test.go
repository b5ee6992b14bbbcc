package ensemble_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval/ensemble"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// list proposes fixed items with fixed scores, and scores no others.
type list []struct {
	item  recsys.ItemID
	score float32
}

func (l list) Retrieve(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	for _, x := range l {
		if !out.Add(x.item, x.score) {
			break
		}
	}
	return nil
}

// scorer is a list that scores its items, also those beyond its quota.
type scorer struct{ list }

func (s scorer) ScoreItems(_ context.Context, _ *recsys.Query, items []recsys.ItemID, dst []float32) error {
	for i, id := range items {
		dst[i] = 0
		for _, x := range s.list {
			if x.item == id {
				dst[i] = x.score
			}
		}
	}
	return nil
}

func blend(t testing.TB, sources ...ensemble.Source) *ensemble.Ensemble {
	t.Helper()
	e, err := ensemble.New(sources...)
	require.NoError(t, err)
	return e
}

func retrieve(t testing.TB, r recsys.Retriever, req recsys.Request, n int) ([]recsys.ItemID, []float32) {
	t.Helper()
	out := recsys.NewSink(n)
	require.NoError(t, r.Retrieve(t.Context(), recsys.NewQuery(&req, nil, "x"), out))
	return out.Items()
}

var (
	left  = list{{1, 10}, {2, 8}, {3, 3}, {4, 1}}
	right = list{{3, 0.5}, {5, 0.25}, {1, 0.125}}
)

// The pool is 1, 2 and 3 of the left source and 3 and 5 of the right one.
func TestBlendByHand(t *testing.T) {
	e := blend(t,
		ensemble.Source{Name: "left", Retriever: scorer{left}, Quota: 3, Weight: 1},
		ensemble.Source{Name: "right", Retriever: scorer{right}, Quota: 2, Weight: 0.5},
	)
	deviation := func(x ...float64) float64 {
		mean, square := 0.0, 0.0
		for _, v := range x {
			mean += v / float64(len(x))
		}
		for _, v := range x {
			square += (v - mean) * (v - mean) / float64(len(x))
		}
		return math.Sqrt(square)
	}
	a := deviation(10, 8, 3, 0)         // of left for 1, 2, 3, 5
	b := deviation(0.125, 0, 0.5, 0.25) // of right
	want := map[recsys.ItemID]float64{
		1: 10/a + 0.5*0.125/b, 2: 8 / a, 3: 3/a + 0.5*0.5/b, 5: 0.5 * 0.25 / b,
	}
	ids, scores := retrieve(t, e, recsys.Request{}, 10)
	require.Len(t, ids, 4)
	for i, id := range ids {
		require.InDelta(t, want[id], scores[i], 1e-5, "item %d", id)
	}
	require.True(t, slices.IsSortedFunc(scores, func(a, b float32) int { return int(math.Copysign(1, float64(b-a))) }))

	// Item 4 is beyond the quota, 9 unknown.
	dst := make([]float32, 3)
	require.NoError(t, e.ScoreItems(t.Context(), recsys.NewQuery(&recsys.Request{}, nil, "x"), []recsys.ItemID{4, 9, 5}, dst))
	require.InDelta(t, 1/a, dst[0], 1e-5)
	require.Zero(t, dst[1])
	require.InDelta(t, want[5], dst[2], 1e-5)
}

// A source that cannot score counts from the last of its list up.
func TestASourceThatOnlyLists(t *testing.T) {
	e := blend(t,
		ensemble.Source{Name: "left", Retriever: left, Quota: 3, Weight: 1},
		ensemble.Source{Name: "right", Retriever: right, Quota: 2},
	)
	ids, scores := retrieve(t, e, recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{1, 2, 3, 5}, ids)
	require.InDelta(t, 7./5, scores[0]/scores[1], 1e-5, "10-3 and 8-3")
	require.Zero(t, scores[2])
	require.Zero(t, scores[3])
}

func TestExcludedItemsTakeNoQuota(t *testing.T) {
	e := blend(t, ensemble.Source{Name: "left", Retriever: scorer{left}, Quota: 2, Weight: 1})
	ids, _ := retrieve(t, e, recsys.Request{Exclude: []recsys.ItemID{1, 2}}, 10)
	require.Equal(t, []recsys.ItemID{3, 4}, ids)
	ids, _ = retrieve(t, e, recsys.Request{Allow: []recsys.ItemID{2, 4}}, 10)
	require.Equal(t, []recsys.ItemID{2, 4}, ids)
}

// With a quota of 0 a source only scores.
func TestASourceWithoutQuotaOnlyScores(t *testing.T) {
	e := blend(t,
		ensemble.Source{Name: "left", Retriever: left, Quota: 4},
		ensemble.Source{Name: "right", Retriever: scorer{right}, Weight: 1},
	)
	ids, _ := retrieve(t, e, recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{3, 1, 2, 4}, ids)
}

func TestScoresThatAreNoNumbers(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	odd := list{{7, inf}, {6, math.MaxFloat32}, {5, 2}, {4, -math.MaxFloat32}, {3, -inf}, {2, nan}, {1, nan}}
	for _, r := range []recsys.Retriever{odd, scorer{odd}} {
		e := blend(t, ensemble.Source{Name: "odd", Retriever: r, Quota: 9, Weight: 1e30})
		ids, scores := retrieve(t, e, recsys.Request{}, 10)
		require.Len(t, ids, 7)
		for i, x := range scores {
			require.Zero(t, x-x, "score %d is %v", i, x)
		}
		require.ElementsMatch(t, []recsys.ItemID{6, 7}, ids[:2])
		require.Equal(t, recsys.ItemID(5), ids[2])
	}
	flat := list{{9, 5}, {8, 5}}
	ids, scores := retrieve(t, blend(t, ensemble.Source{Name: "flat", Retriever: scorer{flat}, Quota: 9, Weight: 2}), recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{8, 9}, ids, "ties by item")
	require.Equal(t, []float32{2, 2}, scores)
}

func TestHugeWeightsGiveNumbers(t *testing.T) {
	e := blend(t,
		ensemble.Source{Name: "up", Retriever: scorer{list{{1, 1e30}, {2, 1}}}, Quota: 2, Weight: math.MaxFloat32},
		ensemble.Source{Name: "down", Retriever: scorer{list{{2, 5}, {1, -1e30}}}, Quota: 2, Weight: math.MaxFloat32},
	)
	ids, scores := retrieve(t, e, recsys.Request{}, 9)
	require.Len(t, ids, 2)
	for _, x := range scores {
		require.True(t, x-x == 0, "%v", scores)
	}
}

// The sources are asked one after the other, and most do not look at the context.
func TestCancellationStopsBetweenSources(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	stops := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		asked++
		cancel()
		out.Add(1, 1)
		return nil
	})
	e := blend(t, ensemble.Source{Name: "first", Retriever: stops, Quota: 2, Weight: 1}, ensemble.Source{Name: "second", Retriever: stops, Quota: 2, Weight: 1})
	err := e.Retrieve(ctx, recsys.NewQuery(&recsys.Request{}, nil, "test"), recsys.NewSink(9))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, `"second"`)
	require.Equal(t, 1, asked)
}

func TestNewNamesEverySourceThatIsNotValid(t *testing.T) {
	_, err := ensemble.New(
		ensemble.Source{Retriever: left, Quota: 1},
		ensemble.Source{Name: "a", Retriever: left, Quota: -1},
		ensemble.Source{Name: "a", Quota: 2_000_000, Weight: math.NaN()},
		ensemble.Source{Name: "b", Retriever: left, Weight: math.Inf(1)},
	)
	for _, want := range []string{
		`source 0 (""): the name is empty`, `source 1 ("a"): Quota is -1; want 0 to 1000000`,
		`source 2 ("a"): another source has this name`, `source 2 ("a"): Retriever is nil`, "Quota is 2000000", "Weight is NaN",
		`source 3 ("b"): Weight is +Inf`,
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = ensemble.New()
	require.ErrorContains(t, err, "no sources")
	_, err = ensemble.New(ensemble.Source{Name: "a", Retriever: left, Weight: 1})
	require.ErrorContains(t, err, "no source has a quota")
}

func TestAFailingSourceIsNamed(t *testing.T) {
	failing := errors.New("no connection")
	e := blend(t,
		ensemble.Source{Name: "left", Retriever: left, Quota: 4, Weight: 1},
		ensemble.Source{Name: "search", Retriever: recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return failing }), Quota: 1},
	)
	q := recsys.NewQuery(&recsys.Request{}, nil, "x")
	out := recsys.NewSink(5)
	err := e.Retrieve(t.Context(), q, out)
	require.ErrorIs(t, err, failing)
	require.ErrorContains(t, err, `"search"`)
	require.Equal(t, 5, out.Room())
	require.ErrorIs(t, e.ScoreItems(t.Context(), q, []recsys.ItemID{1}, make([]float32, 1)), failing)
}

// columned reads a column, so that it must be bound.
type columned struct{ bound bool }

func (c columned) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	if _, ok := s.Field("age"); !ok {
		return nil, errors.New("no column age")
	}
	return columned{true}, nil
}

func (c columned) Retrieve(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	if !c.bound {
		return errors.New("not bound")
	}
	out.Add(1, 1)
	return nil
}

func (c columned) Validate() error { return nil }

func TestSourcesAreBound(t *testing.T) {
	e := blend(t, ensemble.Source{Name: "c", Retriever: columned{}, Quota: 1, Weight: 1})
	_, err := recsys.NewPipeline(recsys.Retrieve("blend", e)).Build()
	require.ErrorContains(t, err, `source "c": no column age`)
	p, err := recsys.NewPipeline(
		recsys.Retrieve("blend", e),
		recsys.Context(recsys.Column{Name: "age", Kind: recsys.Float}),
	).Build()
	require.NoError(t, err)
	res, err := p.Recommend(t.Context(), &recsys.Request{K: 1})
	require.NoError(t, err)
	require.Equal(t, recsys.ItemID(1), res.Items[0].ID)
}

func TestOptionsGiveThePipelineTheSourcesThemselves(t *testing.T) {
	e := blend(t,
		ensemble.Source{Name: "left", Retriever: left, Quota: 3, Weight: 1},
		ensemble.Source{Name: "right", Retriever: right, Quota: 2},
		ensemble.Source{Name: "scorer", Retriever: scorer{right}, Weight: 1},
	)
	p, err := recsys.NewPipeline(e.Options()...).Build()
	require.NoError(t, err)
	require.Equal(t, "retrieve/left retrieve/right", strings.Join(p.Stages()[:2], " "))
	res, err := p.Recommend(t.Context(), &recsys.Request{K: 9})
	require.NoError(t, err)
	require.Len(t, res.Items, 4)
	require.Equal(t, recsys.ItemID(1), res.Items[0].ID)
	require.Equal(t, map[string]int{"left": 3, "right": 2, "scorer": 0}, e.Quotas())
	require.Equal(t, map[string]float64{"left": 1, "right": 0, "scorer": 1}, e.Weights())
}

func TestConformance(t *testing.T) {
	requests := []recsys.Request{{User: 1}, {User: 7, History: []recsys.Event{{Item: 3}}}}
	suite := retrievaltest.Suite{Requests: requests, Empty: func() recsys.Retriever {
		return blend(t, ensemble.Source{Name: "a", Retriever: scorer{}, Quota: 5, Weight: 1})
	}}
	suite.Run(t, func(t *testing.T) recsys.Retriever {
		return blend(t,
			ensemble.Source{Name: "a", Retriever: finds(1, 2, 1, even), Quota: 30, Weight: 1},
			ensemble.Source{Name: "b", Retriever: finds(3, 2, 100, odd), Quota: 20, Weight: 0.3},
			ensemble.Source{Name: "c", Retriever: listOnly{finds(5, 1, 1, all)}, Quota: 10, Weight: 0.1},
		)
	})
	suite.Run(t, func(t *testing.T) recsys.Retriever {
		return learn(t, ensemble.Config{Budget: 60}, plantedCases(50),
			ensemble.Source{Name: "a", Retriever: finds(1, 2, 1, even)},
			ensemble.Source{Name: "b", Retriever: finds(3, 2, 100, odd)},
		)
	})
}

func TestRetrieveAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	e := blend(t,
		ensemble.Source{Name: "left", Retriever: scorer{left}, Quota: 3, Weight: 1},
		ensemble.Source{Name: "right", Retriever: right, Quota: 2, Weight: 0.5},
	)
	q := recsys.NewQuery(&recsys.Request{Exclude: []recsys.ItemID{2}}, nil, "x")
	out, dst := new(recsys.Sink), make([]float32, 2)
	require.Zero(t, testing.AllocsPerRun(200, func() {
		out.Open(q, 10)
		if err := e.Retrieve(t.Context(), q, out); err != nil {
			t.Error(err)
		}
		if err := e.ScoreItems(t.Context(), q, []recsys.ItemID{5, 9}, dst); err != nil {
			t.Error(err)
		}
	}))
}
