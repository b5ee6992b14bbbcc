package profile_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func read(t *testing.T, h retrieval.History, req recsys.Request) []profile.Entry {
	t.Helper()
	r, err := profile.New(h)
	require.NoError(t, err)
	items, err := itemindex.New([]recsys.ItemID{10, 20, 30, 40, 50})
	require.NoError(t, err)
	return r.Read(nil, recsys.NewQuery(&req, nil, "test"), &items)
}

func click(item recsys.ItemID, hours int) recsys.Event {
	return recsys.Event{Item: item, Kind: recsys.Click, Time: noon.Add(-time.Duration(hours) * time.Hour)}
}

func TestReadByConfiguration(t *testing.T) {
	type entries = []profile.Entry
	nan := float32(math.NaN())
	tests := []struct {
		name    string
		history retrieval.History
		req     recsys.Request
		want    entries
	}{
		{
			"sorted, unknown items left out",
			retrieval.History{},
			recsys.Request{History: []recsys.Event{click(40, 9), click(99, 5), click(10, 1)}},
			entries{{0, 1}, {3, 1}},
		},
		{
			"repeats add up",
			retrieval.History{},
			recsys.Request{History: []recsys.Event{click(20, 9), click(10, 5), click(20, 1)}},
			entries{{0, 1}, {1, 2}},
		},
		{
			"decay by position, unknown items take their place",
			retrieval.History{Decay: 0.5},
			recsys.Request{History: []recsys.Event{click(10, 9), click(99, 9), click(20, 9), click(10, 9)}},
			entries{{0, 1 + 0.125}, {1, 0.5}},
		},
		{
			"last",
			retrieval.History{Last: 2},
			recsys.Request{History: []recsys.Event{click(10, 9), click(99, 5), click(30, 1)}},
			entries{{2, 1}},
		},
		{
			"half-life from now",
			retrieval.History{HalfLife: 10 * time.Hour},
			recsys.Request{Now: noon, History: []recsys.Event{click(10, 20), click(20, 10), {Item: 30}, click(40, -5)}},
			entries{{0, 0.25}, {1, 0.5}, {2, 1}, {3, 1}},
		},
		{
			"half-life from the newest event without a now",
			retrieval.History{HalfLife: 10 * time.Hour},
			recsys.Request{History: []recsys.Event{click(10, 30), click(20, 20)}},
			entries{{0, 0.5}, {1, 1}},
		},
		{
			"kinds by default",
			retrieval.History{},
			recsys.Request{History: []recsys.Event{{Item: 10, Kind: recsys.Dislike}, {Item: 20, Kind: recsys.Skip}, {Item: 30, Kind: recsys.Hide}, {Item: 40, Kind: recsys.Purchase}, {Item: 50}}},
			entries{{3, 1}, {4, 1}},
		},
		{
			"kinds as given",
			retrieval.History{Kinds: map[recsys.EventKind]float64{recsys.Purchase: 5, recsys.Impression: 0, recsys.Skip: 0.5}},
			recsys.Request{History: []recsys.Event{{Item: 10, Kind: recsys.Purchase}, {Item: 20}, {Item: 30, Kind: recsys.Skip}, {Item: 40, Kind: 200}}},
			entries{{0, 5}, {2, 0.5}, {3, 1}},
		},
		{
			"values",
			retrieval.History{Values: true},
			recsys.Request{History: []recsys.Event{{Item: 10, Value: 3}, {Item: 20, Value: nan}, {Item: 30, Value: -2}, {Item: 40, Value: float32(math.Inf(1))}, {Item: 50}}},
			entries{{0, 3}, {1, 1}, {2, 1}, {3, 1}, {4, 1}},
		},
		{
			"values do not count by default",
			retrieval.History{},
			recsys.Request{History: []recsys.Event{{Item: 10, Value: 3}}},
			entries{{0, 1}},
		},
		{
			"anchors stand in for an empty history",
			retrieval.History{},
			recsys.Request{Items: []recsys.ItemID{50, 99, 20}},
			entries{{1, 1}, {4, 1}},
		},
		{
			"anchors stand in for a history that does not count",
			retrieval.History{},
			recsys.Request{Items: []recsys.ItemID{50}, History: []recsys.Event{{Item: 99}, {Item: 10, Kind: recsys.Hide}}},
			entries{{4, 1}},
		},
		{
			"a history goes before anchors",
			retrieval.History{},
			recsys.Request{Items: []recsys.ItemID{50}, History: []recsys.Event{click(10, 1)}},
			entries{{0, 1}},
		},
		{
			"anchors preferred",
			retrieval.History{PreferAnchors: true},
			recsys.Request{Items: []recsys.ItemID{50}, History: []recsys.Event{click(10, 1)}},
			entries{{4, 1}},
		},
		{
			"anchors preferred, but none there",
			retrieval.History{PreferAnchors: true},
			recsys.Request{History: []recsys.Event{click(10, 1)}},
			entries{{0, 1}},
		},
		{"nothing", retrieval.History{}, recsys.Request{}, nil},
		{
			"a weight beyond float32 is the largest",
			retrieval.History{Values: true, Kinds: map[recsys.EventKind]float64{recsys.Click: math.MaxFloat32}},
			recsys.Request{History: []recsys.Event{{Item: 10, Kind: recsys.Click, Value: 100}, {Item: 10, Kind: recsys.Click, Value: 100}}},
			entries{{0, math.MaxFloat32}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, read(t, tt.history, tt.req))
		})
	}
}

func TestErrorsNameEveryField(t *testing.T) {
	_, err := profile.New(retrieval.History{
		Last: -1, Decay: 1.5, HalfLife: -1,
		Kinds: map[recsys.EventKind]float64{recsys.Click: -1, recsys.Save: math.NaN()},
	})
	for _, want := range []string{
		"retrieval: History.Last is -1; want >= 0", "History.Decay is 1.5; want", "History.HalfLife is -1ns",
		"History.Kinds[click] is -1", "History.Kinds[save] is NaN",
	} {
		require.ErrorContains(t, err, want)
	}
	for _, decay := range []float64{math.NaN(), math.Inf(1), -0.5} {
		_, err := profile.New(retrieval.History{Decay: decay})
		require.Error(t, err)
	}
}

func TestReadReusesMemory(t *testing.T) {
	r, err := profile.New(retrieval.History{Decay: 0.9, HalfLife: time.Hour})
	require.NoError(t, err)
	items, err := itemindex.New([]recsys.ItemID{1, 2, 3})
	require.NoError(t, err)
	q := recsys.NewQuery(&recsys.Request{History: []recsys.Event{click(3, 3), click(1, 2), click(3, 1)}}, nil, "test")
	dst := r.Read(nil, q, &items)
	require.Zero(t, testing.AllocsPerRun(50, func() { dst = r.Read(dst, q, &items) }))
}

func TestOldHistoriesKeepTheirProportions(t *testing.T) {
	r, err := profile.New(retrieval.History{HalfLife: time.Hour})
	require.NoError(t, err)
	weights := func(hours int) (out []float64) {
		q := recsys.NewQuery(&recsys.Request{Now: noon.Add(time.Duration(hours) * time.Hour), History: []recsys.Event{
			{Item: 1, Time: noon.Add(-3 * time.Hour)}, {Item: 2, Time: noon}, {Item: 3, Kind: recsys.Hide, Time: noon.Add(time.Hour)},
		}}, nil, "test")
		r.Each(q, func(_ recsys.ItemID, w float32) { out = append(out, float64(w)) })
		return out
	}
	for _, hours := range []int{0, 31, 32, 33, 150, 100_000} {
		got := weights(hours)
		require.Len(t, got, 2, "after %d hours", hours)
		require.InEpsilon(t, 8, got[0]/got[1], 1e-5, "after %d hours", hours)
		require.InEpsilon(t, math.Exp2(-float64(min(hours, 32))), got[0], 1e-5, "after %d hours", hours)
	}
}
