package features_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/featurestest"
)

// TestStoreReadsAsAPlainOneAtTheEdgesOfTime compares a store with one that computes with time.Time, with rows and Nows at both ends of
// what can be stored, and limits from a nanosecond to the longest duration.
func TestStoreReadsAsAPlainOneAtTheEdgesOfTime(t *testing.T) {
	moments := []time.Time{
		epoch, time.Unix(0, 0), time.Unix(0, -1),
		time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2261, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	}
	limits := []time.Duration{0, 1, 2, time.Microsecond, time.Hour, math.MaxInt64 - 1, math.MaxInt64}
	items := []recsys.ItemID{0, 1, 2}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		limit := func() time.Duration { return limits[r.IntN(len(limits))] }
		view := features.View{
			Name: "test", Age: "age", TTL: limit(), Stale: features.StalePolicy(r.IntN(3)),
			Columns: []features.Column{
				{Name: "a", MaxAge: limit()},
				{Name: "b", Kind: recsys.ID, MaxAge: limit()},
				{Name: "c", Default: new(float32(7))},
				{Name: "d", Kind: recsys.Vector, Dim: 3, MaxAge: limit()},
			},
		}
		s := newStore(t, features.StoreConfig{View: view, Shards: 1, MaxRows: r.IntN(2) * 50, Clock: pinned(moments[len(moments)-1])})
		plain, err := featurestest.NewMemory(view, featurestest.TakesFuture)
		require.NoError(t, err)
		at := moments[r.IntN(len(moments))]
		row := features.Row{Time: at, Floats: []float32{1, float32(math.NaN())}, IDs: []uint64{5}, Vectors: []float32{1, 2, 3}}
		for row.Key = range uint64(2) {
			mustPut(t, s, row)
			_, err := plain.PutBatch(t.Context(), []features.Row{row})
			require.NoError(t, err)
		}
		now := moments[r.IntN(len(moments))]
		if r.IntN(2) == 0 {
			now = at.Add(limit()).Add(time.Duration(r.IntN(3) - 1))
		}
		if year := now.Year(); year < 1678 || year > 2261 {
			continue
		}
		q := recsys.NewQuery(&recsys.Request{K: 1, Now: now}, nil, "test")
		want := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
		require.NoError(t, plain.Hydrate(t.Context(), q, items, want))
		got := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
		require.NoError(t, s.Hydrate(t.Context(), q, items, got))
		for i := range items {
			require.Equal(t, cellsOf(s.Columns(), want, i), cellsOf(s.Columns(), got, i), "seed %d: %v at %v, %v", seed, at, now, view)
		}
		require.Equal(t, []recsys.Bits{want.Missing, want.Stale}, []recsys.Bits{got.Missing, got.Stale}, "seed %d: %v at %v, %v", seed, at, now, view)
		require.Equal(t, bitsOf(want.Age), bitsOf(got.Age), "seed %d: %v at %v", seed, at, now)
	}
}
