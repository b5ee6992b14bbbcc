package features_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/race"
)

func at(now time.Time) *recsys.Request { return &recsys.Request{K: 1, Now: now} }

// TestStalePolicies reads a row on both sides of each column's MaxAge.
func TestStalePolicies(t *testing.T) {
	columns := []features.Column{
		{Name: "young", MaxAge: time.Minute, Default: new(float32(-1))},
		{Name: "id", Kind: recsys.ID, MaxAge: time.Minute},
		{Name: "vec", Kind: recsys.Vector, Dim: 2, MaxAge: time.Hour},
		{Name: "old", MaxAge: time.Hour},
		{Name: "ever"},
	}
	row := features.Row{Key: 1, Time: epoch, Floats: []float32{10, 20, 30}, IDs: []uint64{40}, Vectors: []float32{50, 60}}
	nan := float32(math.NaN())
	served := row
	young := features.Row{Floats: []float32{-1, 20, 30}, IDs: []uint64{0}, Vectors: []float32{50, 60}}
	ever := features.Row{Floats: []float32{-1, nan, 30}, IDs: []uint64{0}, Vectors: []float32{0, 0}}
	none := features.Row{Floats: []float32{-1, nan, nan}, IDs: []uint64{0}, Vectors: []float32{0, 0}}
	for _, c := range []struct {
		name           string
		policy         features.StalePolicy
		age            time.Duration
		want           features.Row
		stale, missing bool
	}{
		{"serve at MaxAge", features.ServeStale, time.Minute, served, false, false},
		{"serve past MaxAge", features.ServeStale, time.Minute + 1, served, true, false},
		{"default at MaxAge", features.DefaultStale, time.Minute, served, false, false},
		{"default past the smaller MaxAge", features.DefaultStale, time.Minute + 1, young, true, false},
		{"default at the larger MaxAge", features.DefaultStale, time.Hour, young, true, false},
		{"default past both", features.DefaultStale, time.Hour + 1, ever, true, false},
		{"drop at MaxAge", features.DropStale, time.Minute, served, false, false},
		{"drop past MaxAge", features.DropStale, time.Minute + 1, none, true, true},
		{"future", features.DropStale, -time.Hour, served, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: columns, Stale: c.policy}})
			_, err := s.Put(row)
			require.NoError(t, err)
			b := hydrated(t, s, at(epoch.Add(c.age)), []recsys.ItemID{1})
			require.Equal(t, bitsOf(c.want.Floats), bitsOf(b.FloatRow(0)))
			require.Equal(t, c.want.IDs[0], b.ID[0][0])
			require.Equal(t, c.want.Vectors, b.VectorAt(0, 0))
			require.Equal(t, c.stale, b.Stale.Has(0))
			require.Equal(t, c.missing, b.Missing.Has(0))
			st := s.Stats()
			require.Equal(t, c.stale, st.Stale == 1)
			require.Equal(t, !c.stale, st.Fresh == 1)
			require.Zero(t, st.Missing)
		})
	}
}

func TestFutureRowsAreFreshUnlessRefused(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, RefuseFuture: refuse})
		_, err := s.Put(storeRow(1, epoch))
		require.NoError(t, err)
		b := hydrated(t, s, at(epoch), []recsys.ItemID{1})
		require.False(t, b.Missing.Has(0), "an event at Now is not in the future")
		require.Zero(t, s.Stats().Future)
		b = hydrated(t, s, at(epoch.Add(-1)), []recsys.ItemID{1})
		require.Equal(t, refuse, b.Missing.Has(0))
		require.False(t, b.Stale.Has(0))
		require.Equal(t, refuse, b.FloatRow(0)[0] != 0.5)
		require.Equal(t, uint64(1), s.Stats().Future)
	}
}

func TestQueryWithoutNowFindsNothingStaleOrInTheFuture(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns, Stale: features.DropStale}, RefuseFuture: true})
	_, err := s.Put(storeRow(1, epoch))
	require.NoError(t, err)
	b := hydrated(t, s, at(time.Time{}), []recsys.ItemID{1})
	require.False(t, b.Missing.Has(0))
	require.False(t, b.Stale.Has(0))
}

func TestNowBeyondTheRangeOfEventTimes(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}})
	_, err := s.Put(storeRow(1, epoch))
	require.NoError(t, err)
	b := hydrated(t, s, at(time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)), []recsys.ItemID{1})
	require.True(t, b.Stale.Has(0))
	b = hydrated(t, s, at(time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)), []recsys.ItemID{1})
	require.False(t, b.Stale.Has(0))
	require.Equal(t, uint64(1), s.Stats().Future)
}

func TestMissingFloatBecomesItsDefault(t *testing.T) {
	nan := float32(math.NaN())
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "a"}, {Name: "b", Default: new(float32(3))}}}})
	_, err := s.Put(features.Row{Key: 1, Floats: []float32{nan, nan}})
	require.NoError(t, err)
	b := hydrated(t, s, at(epoch), []recsys.ItemID{1, 2})
	require.Equal(t, bitsOf([]float32{nan, 3}), bitsOf(b.FloatRow(0)))
	require.False(t, b.Missing.Has(0), "the row is known, one value of it is not")
	require.Equal(t, bitsOf([]float32{nan, 3}), bitsOf(b.FloatRow(1)))
	require.True(t, b.Missing.Has(1))
	r, _ := s.Get(1)
	require.True(t, r.Floats[1] != r.Floats[1], "Get gives the row as it was put")
}

func TestUserStoreReadsTheQuerysUser(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Entity: features.User, Columns: storeColumns}})
	_, err := s.Put(storeRow(0, epoch))
	require.NoError(t, err)
	req := at(epoch)
	b := hydrated(t, s, req, nil)
	require.Equal(t, []float32{0.5, 9}, b.FloatRow(0))
	require.False(t, b.Missing.Has(0))
	req.User = 1
	b = hydrated(t, s, req, nil)
	require.True(t, b.Missing.Has(0))
}

func TestHydrateRefusesABlockOfOtherColumns(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}})
	q := recsys.NewQuery(at(epoch), nil, "test")
	for name, b := range map[string]*recsys.Block{
		"rows":    recsys.NewBlock(storeColumns, recsys.PerItem, 2),
		"floats":  recsys.NewBlock(storeColumns[1:], recsys.PerItem, 1),
		"vectors": recsys.NewBlock(storeColumns[:4], recsys.PerItem, 1),
		"dim":     recsys.NewBlock(append([]features.Column{{Name: "emb", Kind: recsys.Vector, Dim: 3}, storeColumns[4]}, storeColumns[:3]...), recsys.PerItem, 1),
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, s.Hydrate(t.Context(), q, []recsys.ItemID{1}, b), "features: block of ")
		})
	}
}

// inverseMix64 undoes hash.Mix64, so that tests can choose hashes.
func inverseMix64(x uint64) uint64 {
	unshift := func(x uint64, s uint) uint64 {
		for y := x; ; {
			next := x ^ y>>s
			if next == y {
				return y
			}
			y = next
		}
	}
	inverse := func(a uint64) uint64 { // of an odd number, modulo 2^64, by Newton's iteration
		y := a
		for range 6 {
			y *= 2 - a*y
		}
		return y
	}
	x = unshift(x, 31)
	x = unshift(x*inverse(0x94d049bb133111eb), 27)
	return unshift(x*inverse(0xbf58476d1ce4e5b9), 30)
}

// TestKeysWithTheSameTagAreToldApart reads keys whose hashes agree in the upper half and
// in the place where probing begins: all that the index knows of a key.
func TestKeysWithTheSameTagAreToldApart(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: []features.Column{{Name: "x"}}}, Shards: 1})
	var keys []recsys.ItemID
	for i := range uint64(200) {
		key := inverseMix64(0xabcdef01<<32 | i<<20)
		require.Equal(t, uint64(0xabcdef01<<32|i<<20), hash.Mix64(key))
		keys = append(keys, recsys.ItemID(key))
	}
	put := func(i int, v float32) {
		_, err := s.Put(features.Row{Key: uint64(keys[i]), Floats: []float32{v}})
		require.NoError(t, err)
	}
	for i := range 100 {
		put(i, float32(i))
	}
	for i := 0; i < 100; i += 3 {
		require.True(t, s.Delete(uint64(keys[i])))
	}
	for i := 0; i < 100; i += 6 {
		put(i, float32(1000+i))
	}
	b := hydrated(t, s, at(epoch), keys)
	for i := range keys {
		switch {
		case i >= 100 || i%3 == 0 && i%6 != 0:
			require.True(t, b.Missing.Has(i), "key %d is not there", i)
		case i%6 == 0:
			require.Equal(t, float32(1000+i), b.FloatRow(i)[0])
		default:
			require.Equal(t, float32(i), b.FloatRow(i)[0])
		}
	}
}

func TestHydrateAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	items := make([]recsys.ItemID, 500)
	for name, columns := range oracleLayouts {
		for _, policy := range []features.StalePolicy{features.ServeStale, features.DefaultStale, features.DropStale} {
			s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: columns, Stale: policy}})
			for i := range items {
				items[i] = recsys.ItemID(i)
				if i%3 != 0 {
					r := randomRow(newRand(uint64(i)), columns, uint64(i))
					_, err := s.Put(r)
					require.NoError(t, err)
				}
			}
			q := recsys.NewQuery(at(epoch.Add(3*time.Minute)), nil, "test")
			b := recsys.NewBlock(columns, recsys.PerItem, len(items))
			require.Zero(t, testing.AllocsPerRun(100, func() {
				if err := s.Hydrate(t.Context(), q, items, b); err != nil {
					panic(err)
				}
			}), "%s, policy %d", name, policy)
		}
	}
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns, Entity: features.User}})
	_, err := s.Put(storeRow(0, epoch))
	require.NoError(t, err)
	q := recsys.NewQuery(at(epoch), nil, "test")
	b := recsys.NewBlock(s.Columns(), recsys.PerRequest, 1)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := s.Hydrate(t.Context(), q, nil, b); err != nil {
			panic(err)
		}
	}))
}

func TestReplacingRowsAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}, Shards: 2})
	r := storeRow(0, epoch)
	put := func() {
		for key := range uint64(100) {
			r.Key = key
			if _, err := s.Put(r); err != nil {
				panic(err)
			}
		}
	}
	for range 10 {
		put()
	}
	require.Zero(t, testing.AllocsPerRun(100, put))
}

// TestEveryWidthIsCopied reads rows of every shape that the copying of bytes distinguishes.
func TestEveryWidthIsCopied(t *testing.T) {
	race.SkipSequential(t)
	rng := newRand(9)
	for width := range 40 {
		var columns []features.Column
		for j := range width {
			columns = append(columns, features.Column{Name: string(rune('A' + j))})
		}
		switch width % 3 {
		case 0:
			columns = append(columns, features.Column{Name: "v", Kind: recsys.Vector, Dim: width + 1}, features.Column{Name: "w", Kind: recsys.Vector, Dim: 37})
		case 1:
			columns = append(columns, features.Column{Name: "id", Kind: recsys.ID})
		}
		config := features.StoreConfig{View: features.View{Name: "test", Columns: columns}, Shards: 2}
		s := newStore(t, config)
		o := &oracle{columns: columns, config: config, rows: map[uint64]features.Row{}}
		var items []recsys.ItemID
		for key := range uint64(150) {
			items = append(items, recsys.ItemID(rng.Uint64N(200)))
			r := randomRow(rng, columns, key)
			mustPut(t, s, r)
			o.put(r)
		}
		for _, n := range []int{1, 2, 63, 64, 65, 127, 128, 129, 150} {
			b := hydrated(t, s, at(epoch), items[:n])
			for i, id := range items[:n] {
				cells, miss, _ := o.hydrate(uint64(id), epoch)
				require.Equal(t, cells, cellsOf(columns, b, i), "width %d, row %d of %d", width, i, n)
				require.Equal(t, miss, b.Missing.Has(i))
			}
		}
	}
}

// TestShortBlocksAreRefused hands over blocks whose slices do not hold what they say.
func TestShortBlocksAreRefused(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: storeColumns}})
	items := []recsys.ItemID{1, 2, 3}
	for name, spoil := range map[string]func(b *recsys.Block){
		"floats":  func(b *recsys.Block) { b.Float = b.Float[:len(b.Float)-1] },
		"stride":  func(b *recsys.Block) { b.Stride = 1 },
		"ids":     func(b *recsys.Block) { b.ID[0] = b.ID[0][:2] },
		"vectors": func(b *recsys.Block) { b.Vector[1] = b.Vector[1][:2] },
		"dims":    func(b *recsys.Block) { b.Dims = b.Dims[:1] },
		"missing": func(b *recsys.Block) { b.Missing = nil },
		"stale":   func(b *recsys.Block) { b.Stale = nil },
		"ages":    func(b *recsys.Block) { b.Age = make([]float32, 2) },
		"rows":    func(b *recsys.Block) { b.Rows = 4 },
	} {
		b := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
		q := recsys.NewQuery(at(epoch), nil, "test")
		require.NoError(t, s.Hydrate(t.Context(), q, items, b), name)
		spoil(b)
		require.ErrorContains(t, s.Hydrate(t.Context(), q, items, b), "features: block of", name)
	}
}
