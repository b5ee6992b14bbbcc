package window_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/featurestest"
	"github.com/recsyskit/recsys/features/window"
	"github.com/recsyskit/recsys/internal/race"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// served returns a source of a declaration in hours that knows the keys 0 to 3.
func served(t testing.TB, config window.SourceConfig) (*window.Aggregator, *window.Source) {
	t.Helper()
	a, err := window.New(window.Config{Lateness: time.Hour, Aggregates: []window.Aggregate{
		{Name: "n", Windows: []time.Duration{time.Hour, 24 * time.Hour}},
		{Name: "mean", Func: window.Mean, Windows: []time.Duration{time.Hour}},
		{Name: "ids", Func: window.Distinct, Windows: []time.Duration{time.Hour}},
		{Name: "last", Func: window.LastK, K: 2, Ages: true, Windows: []time.Duration{time.Hour}},
		{Name: "trend", Func: window.Decay, HalfLives: []time.Duration{time.Hour}},
	}})
	require.NoError(t, err)
	for key := range uint64(4) {
		for i := range key + 1 {
			a.Add(window.Event{Key: key, Time: epoch.Add(-time.Duration(i) * time.Minute).UnixNano(), ID: 10 + i, Value: float32(i)})
		}
	}
	s, err := window.NewSource(a, config)
	require.NoError(t, err)
	return a, s
}

func TestSourceKeepsTheContract(t *testing.T) {
	for name, scope := range map[string]recsys.Scope{"items": recsys.PerItem, "users": recsys.PerRequest} {
		t.Run(name, func(t *testing.T) {
			suite := featurestest.Config{
				Items: []recsys.ItemID{0, 1, 2, 3}, Unknown: []recsys.ItemID{9, 1 << 50},
				Users: []recsys.UserID{0, 3}, UnknownUsers: []recsys.UserID{9}, Request: recsys.Request{Now: epoch},
			}
			source := func() recsys.FeatureSource {
				_, s := served(t, window.SourceConfig{Scope: scope, Prefix: "p."})
				return s
			}
			featurestest.Run(t, func(*testing.T) recsys.FeatureSource { return source() }, suite)
			t.Run("while events come", func(t *testing.T) {
				a, s := served(t, window.SourceConfig{Scope: scope})
				suite.Write = func(_ recsys.FeatureSource, n int) {
					a.Add(window.Event{Key: uint64(n % 4), Time: epoch.Add(time.Duration(n) * time.Second).UnixNano(), ID: uint64(n)})
				}
				require.Empty(t, featurestest.Check(func() recsys.FeatureSource { return s }, suite))
			})
		})
	}
}

func TestSourceServesWhatReadReads(t *testing.T) {
	a, s := served(t, window.SourceConfig{Prefix: "item."})
	items := []recsys.ItemID{3, 7, 0}
	out := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	q := recsys.NewQuery(&recsys.Request{Now: epoch.Add(30 * time.Minute)}, nil, "f")
	require.NoError(t, s.Hydrate(context.Background(), q, items, out))
	for i, id := range items {
		var row window.Row
		known := a.Read(uint64(id), q.Now.UnixNano(), &row)
		require.Equal(t, !known, out.Missing.Has(i))
		for j, v := range row.Floats {
			if got := out.FloatRow(i)[j]; float32(v) != got && v == v {
				t.Errorf("item %d, column %d is %v; want %v", id, j, got, v)
			}
		}
		for j, v := range row.IDs {
			require.Equal(t, v, out.ID[j][i])
		}
	}
	require.Equal(t, "item.n.1h", s.Columns()[0].Name)
	require.Equal(t, float32(4), out.FloatRow(0)[0])
	require.Equal(t, float32(0), out.FloatRow(1)[0], "an unknown item has had no events")
	require.True(t, math.IsNaN(float64(out.FloatRow(1)[2])), "and no mean")
	require.Len(t, s.Version(), 16)
}

func TestSourceOfAnEarlierNow(t *testing.T) {
	_, s := served(t, window.SourceConfig{})
	_, refusing := served(t, window.SourceConfig{RefuseFuture: true})
	out := recsys.NewBlock(s.Columns(), recsys.PerItem, 1)
	earlier := recsys.NewQuery(&recsys.Request{Now: epoch.Add(-time.Hour)}, nil, "f")
	require.NoError(t, s.Hydrate(context.Background(), earlier, []recsys.ItemID{3}, out))
	require.Equal(t, float32(4), out.FloatRow(0)[0], "as of the newest event")
	require.False(t, out.Missing.Has(0))
	require.NoError(t, refusing.Hydrate(context.Background(), earlier, []recsys.ItemID{3}, out))
	require.True(t, out.Missing.Has(0))
	require.Nil(t, s.FeatureViews())
	undated := recsys.NewQuery(&recsys.Request{}, nil, "f")
	require.NoError(t, refusing.Hydrate(context.Background(), undated, []recsys.ItemID{3}, out))
	require.Equal(t, float32(4), out.FloatRow(0)[0])
	require.False(t, out.Missing.Has(0))
}

func TestSourceHoldsValuesToFloat32(t *testing.T) {
	a, err := window.New(window.Config{Aggregates: []window.Aggregate{{Name: "s", Func: window.Sum, Windows: []time.Duration{time.Hour}}}})
	require.NoError(t, err)
	s, err := window.NewSource(a, window.SourceConfig{})
	require.NoError(t, err)
	for range 3 {
		a.Add(window.Event{Time: 1, Value: -math.MaxFloat32})
	}
	out := recsys.NewBlock(s.Columns(), recsys.PerItem, 1)
	q := recsys.NewQuery(&recsys.Request{Now: time.Unix(1, 0)}, nil, "f")
	require.NoError(t, s.Hydrate(context.Background(), q, []recsys.ItemID{0}, out))
	require.Equal(t, float32(-math.MaxFloat32), out.Float[0])
	require.ErrorContains(t, s.Hydrate(context.Background(), q, []recsys.ItemID{0, 1}, out), "window: block of 1 rows")
	_, err = window.NewSource(a, window.SourceConfig{Scope: 7})
	require.EqualError(t, err, "window: SourceConfig.Scope is 7; want PerItem or PerRequest")
}

func TestReadingAndAddingAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	a, s := served(t, window.SourceConfig{})
	items := []recsys.ItemID{3, 7, 0, 1, 2}
	out := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	q := recsys.NewQuery(&recsys.Request{Now: epoch}, nil, "f")
	ctx := context.Background()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := s.Hydrate(ctx, q, items, out); err != nil {
			t.Fatal(err)
		}
	}))
	at := epoch.UnixNano()
	add := func() {
		at += int64(7 * time.Second)
		a.Add(window.Event{Key: uint64(at % 4), Time: at, ID: uint64(at % 300)})
	}
	for range 20_000 {
		add()
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { // which rounds down
		for range 200 {
			add()
		}
	}))
}

func TestSourceWritesAgesAndItsView(t *testing.T) {
	a, s := served(t, window.SourceConfig{View: "item.recent"})
	require.Equal(t, []recsys.FeatureView{{Name: "item.recent", Hash: a.Hash()}}, s.FeatureViews())
	require.True(t, s.WritesAges())
	out := recsys.NewBlock(s.Columns(), recsys.PerItem, 2)
	items := []recsys.ItemID{3, 9}
	for _, c := range []struct {
		now  time.Time
		want float64
	}{{epoch.Add(90 * time.Second), 90}, {epoch.Add(-time.Second), 0}, {time.Time{}, math.NaN()}} {
		out.Age = []float32{-1, -1}
		q := recsys.NewQuery(&recsys.Request{Now: c.now}, nil, "f")
		require.NoError(t, s.Hydrate(context.Background(), q, items, out))
		require.Equal(t, math.IsNaN(c.want), math.IsNaN(float64(out.Age[0])))
		if c.want == c.want {
			require.EqualValues(t, c.want, out.Age[0])
		}
		require.True(t, math.IsNaN(float64(out.Age[1])), "an unknown key has no age")
	}
}
