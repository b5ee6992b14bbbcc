package features_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

var storeColumns = []features.Column{
	{Name: "ctr", MaxAge: time.Hour},
	{Name: "price"},
	{Name: "creator", Kind: recsys.ID},
	{Name: "emb", Kind: recsys.Vector, Dim: 2},
	{Name: "tail", Kind: recsys.Vector, Dim: 1},
}

func newStore(t testing.TB, config features.StoreConfig) *features.Store {
	t.Helper()
	s, err := features.NewStore(config)
	require.NoError(t, err)
	return s
}

func storeRow(key uint64, at time.Time) features.Row {
	return features.Row{Key: key, Time: at, Floats: []float32{0.5, 9}, IDs: []uint64{7}, Vectors: []float32{1, 2, 3}}
}

func TestNewStoreReportsEveryMistake(t *testing.T) {
	for name, c := range map[string]struct {
		config features.StoreConfig
		want   []string
	}{
		"all at once": {
			features.StoreConfig{View: features.View{Name: "test", Entity: 4, Stale: 3}, Capacity: -1, MaxRows: -2, MaxBytes: -3, Shards: 3},
			[]string{
				`features: view "test": Entity is 4; want Item, User, UserItem or Context`, "no Columns", "Stale is 3",
				"features: store: Capacity is -1; want 0 to 2147483648", "MaxRows is -2; want 1 to 2147483648, or 0 for no bound",
				"MaxBytes is -3; want > 0, or 0 for no bound", "Shards is 3; want a power of two up to 65536 (0 means 64)",
			},
		},
		"columns": {
			features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}, {Name: "x"}, {Name: "v", Kind: recsys.Vector}}}},
			[]string{`"x"`, `"v": vector of dimension 0; want Dim >= 1`},
		},
		"bytes": {
			features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}}}, MaxBytes: 1000},
			[]string{"features: store: MaxBytes is 1000; want at least 1624, which is what one row needs with 1 shards"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := features.NewStore(c.config)
			require.Error(t, err)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestNewStoreKeepsItsOwnColumns(t *testing.T) {
	d := float32(1)
	columns := []features.Column{{Name: "x", Default: &d}}
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: columns, Entity: features.User}})
	columns[0].Name, d = "y", 2
	require.Equal(t, "x", s.Columns()[0].Name)
	require.Equal(t, float32(1), *s.Columns()[0].Default)
	require.Equal(t, recsys.PerRequest, s.Columns()[0].Scope)
	require.Equal(t, recsys.PerItem, columns[0].Scope, "the caller's columns are not written to")
}

func TestVersionDependsOnColumnsUnlessGiven(t *testing.T) {
	a := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}}}})
	b := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "y"}}}})
	c := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}}}, Shards: 2, Version: "v7"})
	require.Len(t, a.Version(), 16)
	require.NotEqual(t, a.Version(), b.Version())
	require.Equal(t, "v7", c.Version())
}

func TestPutRefusesWrongRowsAndNamesThem(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, c := range map[string]struct {
		change func(*features.Row)
		column string
		want   string
	}{
		"infinite float":  {func(r *features.Row) { r.Floats[1] = inf }, "price", `features: row of key 5: column "price": +Inf; want a finite number, or NaN when it is unknown`},
		"infinite vector": {func(r *features.Row) { r.Vectors[2] = -inf }, "tail", `column "tail": value 0 is -Inf; want finite numbers`},
		"NaN in a vector": {func(r *features.Row) { r.Vectors[1] = nan }, "emb", `column "emb": value 1 is NaN; want finite numbers, or all zeros`},
		"few floats":      {func(r *features.Row) { r.Floats = r.Floats[:1] }, "", `1 floats; want 2, one for each of "ctr", "price"`},
		"many ids":        {func(r *features.Row) { r.IDs = []uint64{1, 2} }, "", `2 ids; want 1, one for each of "creator"`},
		"few vectors":     {func(r *features.Row) { r.Vectors = nil }, "", `0 vector values; want 3, for "emb" (2), "tail" (1)`},
		"no time":         {func(r *features.Row) { r.Time = time.Time{} }, "", `no event time, but column "ctr" has MaxAge 1h0m0s; set Time`},
		"far time":        {func(r *features.Row) { r.Time = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) }, "", `want one in the years 1678 to 2261`},
		"early time":      {func(r *features.Row) { r.Time = time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC) }, "", `want one in the years 1678 to 2261`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}})
			r := storeRow(5, epoch)
			c.change(&r)
			stored, err := s.Put(r)
			require.False(t, stored)
			var rowErr *features.RowError
			require.ErrorAs(t, err, &rowErr)
			require.Equal(t, uint64(5), rowErr.Key)
			require.Equal(t, c.column, rowErr.Column)
			require.ErrorContains(t, err, c.want)
			require.Zero(t, s.Len())

			n, err := s.PutBatch(t.Context(), []features.Row{storeRow(1, epoch), r})
			require.ErrorContains(t, err, "rows[1]: ")
			require.ErrorAs(t, err, &rowErr)
			require.Zero(t, n)
			require.Zero(t, s.Len(), "a batch with a wrong row stores none")
		})
	}
}

func TestLaterEventTimeWins(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}}}})
	put := func(v float32, at time.Time) bool {
		stored, err := s.Put(features.Row{Key: 1, Time: at, Floats: []float32{v}})
		require.NoError(t, err)
		return stored
	}
	value := func() float32 {
		r, ok := s.Get(1)
		require.True(t, ok)
		return r.Floats[0]
	}
	require.True(t, put(1, time.Time{}))
	require.True(t, put(2, time.Time{}), "among undated rows the last one counts")
	require.True(t, put(3, epoch), "a dated row is later than an undated one")
	require.False(t, put(4, time.Time{}))
	require.False(t, put(5, epoch.Add(-time.Nanosecond)))
	require.Equal(t, float32(3), value())
	require.True(t, put(6, epoch), "of two rows with the same event time the last one counts")
	require.True(t, put(7, epoch.Add(time.Nanosecond)))
	require.Equal(t, float32(7), value())

	st := s.Stats()
	require.Equal(t, uint64(2), st.Late)
	require.Equal(t, uint64(5), st.Stored)
	require.Equal(t, 1, st.Rows)

	require.True(t, s.Delete(1))
	require.False(t, s.Delete(1))
	require.Equal(t, uint64(1), s.Stats().Deleted)
	require.True(t, put(8, epoch.Add(-time.Hour)), "a deleted row leaves no event time")
	require.Equal(t, float32(8), value())
}

func TestPutBatchCountsWhatIsNotLate(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}})
	n, err := s.PutBatch(t.Context(), []features.Row{
		storeRow(1, epoch), storeRow(2, epoch), storeRow(1, epoch.Add(-1)), storeRow(1, epoch.Add(1)),
	})
	require.NoError(t, err)
	require.Equal(t, features.Written{Stored: 3, Late: 1}, n)
	require.Equal(t, 2, s.Len())
	n, err = s.PutBatch(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestPutCopiesTheRow(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}})
	r := storeRow(1, epoch)
	_, err := s.Put(r)
	require.NoError(t, err)
	r.Floats[0], r.IDs[0], r.Vectors[0] = 99, 99, 99
	got, ok := s.Get(1)
	require.True(t, ok)
	requireSameRow(t, storeRow(1, epoch), got)
	_, ok = s.Get(2)
	require.False(t, ok)
}

func TestRowTakesValuesByName(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}})
	r, err := s.Row(3, epoch, map[string]any{"ctr": 0.25, "creator": "alice", "emb": []float32{4, 5}})
	require.NoError(t, err)
	requireSameRow(t, features.Row{
		Key: 3, Time: epoch, Floats: []float32{0.25, float32(math.NaN())},
		IDs: []uint64{recsys.HashID("alice")}, Vectors: []float32{4, 5, 0},
	}, r)
	for _, v := range []any{float32(2), 2.0, 2, int64(2)} {
		r, err := s.Row(3, epoch, map[string]any{"price": v})
		require.NoError(t, err)
		require.Equal(t, float32(2), r.Floats[1])
	}
	r, err = s.Row(3, epoch, map[string]any{"price": true, "ctr": false})
	require.NoError(t, err)
	require.Equal(t, []float32{0, 1}, r.Floats)
	for _, v := range []any{uint64(2), 2, recsys.ItemID(2), recsys.UserID(2)} {
		r, err := s.Row(3, epoch, map[string]any{"creator": v})
		require.NoError(t, err)
		require.Equal(t, uint64(2), r.IDs[0])
	}
	for name, c := range map[string]struct {
		values map[string]any
		want   string
	}{
		"unknown column": {map[string]any{"zzz": 1, "ctrr": 1, "ctr": 1}, `column "ctrr": the store has no such column; it has "ctr", "price", "creator", "emb", "tail"`},
		"type":           {map[string]any{"ctr": "high"}, `column "ctr": string high; want a float32, float64, int, int64 or bool`},
		"overflow":       {map[string]any{"ctr": 1e300}, `column "ctr": float64 1e+300; want`},
		"infinite":       {map[string]any{"ctr": math.Inf(1)}, `column "ctr": +Inf; want a finite number`},
		"negative id":    {map[string]any{"creator": -1}, `column "creator": int -1; want a uint64`},
		"long vector":    {map[string]any{"emb": []float32{1, 2, 3}}, `column "emb": []float32 [1 2 3]; want a []float32 of length 2`},
		"short vector":   {map[string]any{"emb": []float32{1}}, `want a []float32 of length 2`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Row(3, epoch, c.values)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestErrorsListAtMostADozenColumns(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: benchmarkColumns()}})
	_, err := s.Put(features.Row{})
	require.ErrorContains(t, err, `"feature_11" and 38 more`)
	require.Equal(t, 12, strings.Count(err.Error(), "feature_"))
}

func TestRangeStopsAndMayWrite(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: 2})
	for key := range uint64(1000) {
		_, err := s.Put(storeRow(key, epoch))
		require.NoError(t, err)
	}
	seen := 0
	for range s.Range {
		if seen++; seen == 10 {
			break
		}
	}
	require.Equal(t, 10, seen)
	for r := range s.Range {
		if r.Key%2 == 0 {
			require.True(t, s.Delete(r.Key))
		}
	}
	require.Equal(t, 500, s.Len())
}

func TestRangeOrderDependsOnRowsAlone(t *testing.T) {
	keys := func(s *features.Store) (out []uint64) {
		for r := range s.Range {
			out = append(out, r.Key)
		}
		return out
	}
	up := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: 4})
	down := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: 4, Capacity: 10_000})
	for i := range uint64(500) {
		up.Put(storeRow(i, epoch))
		down.Put(storeRow(i+1000, epoch))
		down.Put(storeRow(499-i, epoch))
		down.Delete(i + 1000)
	}
	require.Len(t, keys(up), 500)
	require.Equal(t, keys(up), keys(down))
}

func TestCapacityIsRoomForSoManyRows(t *testing.T) {
	for _, shards := range []int{1, 64} {
		s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: shards, Capacity: 20_000})
		room, _ := s.Slots()
		before := s.Stats().Bytes
		for key := range uint64(20_000) {
			_, err := s.Put(storeRow(key, epoch))
			require.NoError(t, err)
		}
		after, _ := s.Slots()
		require.Equal(t, room, after)
		require.Equal(t, before, s.Stats().Bytes)
		require.Less(t, float64(room), 1.6*20_000)
	}
}

// TestDeletedRowsLeaveNoGarbage runs a window of keys over the store: neither rows nor index may grow.
func TestDeletedRowsLeaveNoGarbage(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: 1})
	const window = 300
	var bytes int64
	for key := range uint64(100_000) {
		_, err := s.Put(storeRow(key, epoch))
		require.NoError(t, err)
		if key >= window {
			require.True(t, s.Delete(key-window))
		}
		if key == 5000 {
			bytes = s.Stats().Bytes
		}
	}
	require.Equal(t, window, s.Len())
	require.Equal(t, bytes, s.Stats().Bytes)
}
