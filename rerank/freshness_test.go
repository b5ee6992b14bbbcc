package rerank_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/rerank"
	"github.com/recsyskit/recsys/rerank/reranktest"
)

// aged is a table of items of the given ages in hours (NaN: unknown) and scores.
func aged(t *testing.T, ages []float64, scores []float32) (*recsys.Candidates, []int32) {
	t.Helper()
	s := schema(t, dim)
	items := make([]recsys.ItemID, len(ages))
	for i := range items {
		items[i] = recsys.ItemID(i + 1)
	}
	c := recsys.NewCandidates(s, items)
	published, age := field(t, s, "published"), field(t, s, "age")
	for i, h := range ages {
		c.Scores()[i] = scores[i]
		if h == h {
			c.Missing(age.Group).Clear(i)
			c.Row(i)[age.Index] = float32(h)
			c.IDColumn(published.Index)[i] = uint64(now.Unix() - int64(h*3600))
		}
	}
	return c, sorted(c)
}

const day = 24 * time.Hour

func TestFreshnessBoostHalvesWithEachHalfLife(t *testing.T) {
	ages := []float64{0, 24, 48, 240, -5, math.NaN()}
	want := []float64{2, 1.5, 1.25, 1 + math.Pow(2, -10), 2, 1}
	for _, f := range []rerank.Freshness{
		{Column: "published", HalfLife: day},
		{Column: "age", Age: true, Unit: time.Hour, HalfLife: day},
	} {
		c, order := aged(t, ages, []float32{1, 1, 1, 1, 1, 1})
		got := reRank(t, f, query(3), c, order)
		for i, u := range c.Utility() {
			require.InDelta(t, want[i], float64(u), 1e-6, "item of age %v, %s", ages[i], f.Version())
		}
		require.Equal(t, []int32{0, 4, 1, 2, 3, 5}, got, "ties by item ID")
	}
}

func TestFreshnessModes(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    rerank.Freshness
		u    float32
		want float64
	}{
		{"factor", rerank.Freshness{Weight: 0.5}, 3, 4.5},
		{"weight 0 means 1", rerank.Freshness{}, 3, 6},
		{"a negative utility rises too", rerank.Freshness{}, -3, -1.5},
		{"zero stays", rerank.Freshness{}, 0, 0},
		{"term", rerank.Freshness{Weight: 0.5, Add: true}, 3, 3.5},
		{"term on a negative utility", rerank.Freshness{Weight: 0.5, Add: true}, -3, -2.5},
		{"minus infinity stays", rerank.Freshness{}, float32(math.Inf(-1)), math.Inf(-1)},
		{"minus infinity stays with a term", rerank.Freshness{Add: true}, float32(math.Inf(-1)), math.Inf(-1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, order := aged(t, []float64{0}, []float32{tc.u})
			tc.f.Column, tc.f.HalfLife = "published", day
			reRank(t, tc.f, query(1), c, order)
			require.Equal(t, float32(tc.want), c.Utility()[0])
		})
	}
}

// The younger of two equal items never stands below the older.
func TestFreshnessNeverPutsTheOlderOfEqualsFirst(t *testing.T) {
	for _, add := range []bool{false, true} {
		for _, u := range []float32{-2, 0, 0.3} {
			c, order := aged(t, []float64{50, 3, 99, 20, 0.5}, []float32{u, u, u, u, u})
			got := reRank(t, rerank.Freshness{Column: "published", HalfLife: day, Add: add}, query(5), c, order)
			if u == 0 && !add {
				require.Equal(t, []int32{0, 1, 2, 3, 4}, got, "a factor cannot move 0")
				continue
			}
			require.Equal(t, []int32{4, 1, 3, 0, 2}, got)
		}
	}
}

func TestFreshnessOfNaN(t *testing.T) {
	c, order := aged(t, []float64{1, 1, 1}, []float32{1, 1, 1})
	age := field(t, c.Schema(), "age")
	c.Row(1)[age.Index] = float32(math.NaN()) // known, but not a number
	c.Utility()[0] = float32(math.NaN())
	got := reRank(t, rerank.Freshness{Column: "age", Age: true, HalfLife: day}, query(3), c, order)
	require.Equal(t, []int32{2, 1, 0}, got, "a NaN utility sorts last, a NaN age has no boost")
	require.Equal(t, float32(1), c.Utility()[1])
}

func TestFreshnessNeedsNow(t *testing.T) {
	c, order := aged(t, []float64{1}, []float32{1})
	q := recsys.NewQuery(&recsys.Request{K: 1}, nil, "test")
	_, err := rerank.Freshness{Column: "published", HalfLife: day}.ReRank(t.Context(), q, c, order)
	require.ErrorContains(t, err, "the request has no Now")
	_, err = rerank.Freshness{Column: "age", Age: true, HalfLife: day}.ReRank(t.Context(), q, c, order)
	require.NoError(t, err)
}

func TestFreshnessConformance(t *testing.T) {
	for _, f := range []rerank.Freshness{
		{Column: "published", HalfLife: day},
		{Column: "age", Age: true, Unit: time.Hour, HalfLife: day, Weight: 0.3, Add: true},
	} {
		t.Run(f.Version(), func(t *testing.T) {
			reranktest.Run(t, func(*testing.T) recsys.ReRanker { return f })
		})
	}
}

func TestFreshnessValidateAndBind(t *testing.T) {
	err := rerank.Freshness{Unit: -1, Weight: -1}.Validate()
	for _, want := range []string{
		"rerank: Freshness.Column is empty; name a float or ID column of items",
		"rerank: Freshness.Unit is -1ns; want > 0 (0 means 1s)",
		"rerank: Freshness.HalfLife is 0s; want > 0",
		"rerank: Freshness.Weight is -1; want a finite number > 0 (0 means 1)",
	} {
		require.ErrorContains(t, err, want)
	}
	for _, w := range []float64{math.NaN(), math.Inf(1)} {
		require.ErrorContains(t, rerank.Freshness{Column: "a", HalfLife: day, Weight: w}.Validate(), "Weight is")
	}
	for column, want := range map[string]string{
		"nothing":   `rerank: Freshness.Column: feature "nothing": no source writes it (float columns: age)`,
		"embedding": `rerank: Freshness.Column: feature "embedding" is a vector; want a float or an ID`,
		"country":   `rerank: Freshness.Column: feature "country" describes the request; want one of items`,
	} {
		_, err := rerank.Freshness{Column: column, HalfLife: day}.Bind(schema(t, dim))
		require.EqualError(t, err, want)
	}
	_, err = rerank.Freshness{Column: "x", HalfLife: day}.ReRank(t.Context(), query(1), recsys.NewCandidates(nil, nil), nil)
	require.ErrorContains(t, err, "Freshness.Column")
	require.Equal(t,
		rerank.Freshness{Column: "a", HalfLife: day}.Version(),
		rerank.Freshness{Column: "a", HalfLife: day, Unit: time.Second, Weight: 1}.Version(), "defaults are spelled out")
}

func TestFreshnessDoesNotAllocate(t *testing.T) {
	c, order := table(t, 300, dim, 1)
	stage := bound[recsys.ReRanker](t, rerank.Freshness{Column: "published", HalfLife: day}, c.Schema())
	q, work, utility := query(20), make([]int32, len(order)), slices.Clone(c.Utility())
	require.Zero(t, testing.AllocsPerRun(50, func() {
		copy(work, order)
		copy(c.Utility(), utility)
		if _, err := stage.ReRank(context.Background(), q, c, work); err != nil {
			t.Fatal(err)
		}
	}))
}
