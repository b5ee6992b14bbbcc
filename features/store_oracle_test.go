package features_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/race"
)

var epoch = time.Unix(1_700_000_000, 0).UTC()

// oracle is the store as one would write it first: a map of rows.
type oracle struct {
	columns []features.Column
	config  features.StoreConfig
	rows    map[uint64]features.Row
	late    uint64
}

func (o *oracle) put(r features.Row) bool {
	if old, ok := o.rows[r.Key]; ok && r.Time.Before(old.Time) {
		o.late++
		return false
	}
	r.Floats, r.IDs, r.Vectors = slices.Clone(r.Floats), slices.Clone(r.IDs), slices.Clone(r.Vectors)
	o.rows[r.Key] = r
	return true
}

// cell is one value of a block: floats by their bits, so that NaN equals NaN.
type cell = any

// hydrate returns the cells of a row column by column, and its bits.
func (o *oracle) hydrate(key uint64, now time.Time) (cells []cell, missing, stale bool) {
	r, ok := o.rows[key]
	if ok && (o.config.RefuseFuture && r.Time.After(now) || o.gone(r, now)) {
		ok = false
	}
	if ok {
		for i := range o.columns {
			stale = stale || o.expired(i, r, now)
		}
	}
	missing = !ok || stale && o.config.View.Stale == features.DropStale
	floats, ids, vectors := 0, 0, 0
	for i, c := range o.columns {
		drop := missing || o.config.View.Stale == features.DefaultStale && o.expired(i, r, now)
		switch c.Kind {
		case recsys.Float:
			v := float32(math.NaN())
			if !drop {
				v = r.Floats[floats]
			}
			if v != v && c.Default != nil {
				v = *c.Default
			}
			cells = append(cells, math.Float32bits(v))
			floats++
		case recsys.ID:
			v := uint64(0)
			if !drop {
				v = r.IDs[ids]
			}
			cells = append(cells, v)
			ids++
		case recsys.Vector:
			for k := range c.Dim {
				v := float32(0)
				if !drop {
					v = r.Vectors[vectors+k]
				}
				cells = append(cells, math.Float32bits(v))
			}
			vectors += c.Dim
		}
	}
	if o.config.View.Age != "" {
		cells = append(cells, math.Float32bits(age(r, missing, now)))
	}
	return cells, missing, stale
}

// gone reports whether a row is past the TTL.
func (o *oracle) gone(r features.Row, now time.Time) bool {
	ttl := o.config.View.TTL
	return ttl > 0 && now.Sub(r.Time) > ttl
}

// age returns the age of a row in seconds, NaN if it is missing.
func age(r features.Row, missing bool, now time.Time) float32 {
	if missing {
		return float32(math.NaN())
	}
	return float32(now.Sub(r.Time).Seconds())
}

func (o *oracle) expired(column int, r features.Row, now time.Time) bool {
	age := o.columns[column].MaxAge
	return age > 0 && now.Sub(r.Time) > age
}

// cellsOf reads a row of a block as the oracle writes it.
func cellsOf(columns []features.Column, b *recsys.Block, i int) (cells []cell) {
	floats, ids, vectors := 0, 0, 0
	for _, c := range columns {
		switch c.Kind {
		case recsys.Float:
			cells = append(cells, math.Float32bits(b.FloatRow(i)[floats]))
			floats++
		case recsys.ID:
			cells = append(cells, b.ID[ids][i])
			ids++
		case recsys.Vector:
			for _, v := range b.VectorAt(vectors, i) {
				cells = append(cells, math.Float32bits(v))
			}
			vectors++
		}
	}
	return cells
}

var oracleLayouts = map[string][]features.Column{
	"one float": {{Name: "a"}},
	"one id":    {{Name: "a", Kind: recsys.ID}},
	"mixed": {
		{Name: "ctr", MaxAge: time.Minute},
		{Name: "emb", Kind: recsys.Vector, Dim: 3, MaxAge: 2 * time.Minute},
		{Name: "creator", Kind: recsys.ID, MaxAge: time.Hour},
		{Name: "price", Default: new(float32(7))},
		{Name: "topic", Kind: recsys.ID},
		{Name: "tail", Kind: recsys.Vector, Dim: 1},
		{Name: "age", MaxAge: 90 * time.Second, Default: new(float32(-1))},
	},
	"wide": wideColumns(),
}

func wideColumns() []features.Column {
	columns := benchmarkColumns()
	columns[7].MaxAge = time.Minute
	return columns
}

// TestStoreEqualsMapUnderRandomOperations puts, deletes and reads at random, so that
// tables grow, slots are used again and writes are late, and compares each answer
// with the oracle's.
func TestStoreEqualsMapUnderRandomOperations(t *testing.T) {
	for name, columns := range oracleLayouts {
		for i, config := range []features.StoreConfig{
			{Shards: 1},
			{Shards: 1, View: features.View{Stale: features.DefaultStale, TTL: 100 * time.Second}, Capacity: 100},
			{Shards: 4, View: features.View{Stale: features.DropStale, Age: "how old"}, RefuseFuture: true},
			{Capacity: 3000, RefuseFuture: true, View: features.View{Stale: features.DefaultStale, TTL: 3 * time.Minute, Age: "how old"}},
		} {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				config.View.Name, config.View.Columns = "test", columns
				checkAgainstOracle(t, config, uint64(i)+1)
			})
		}
	}
}

func checkAgainstOracle(t *testing.T, config features.StoreConfig, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	s, err := features.NewStore(config)
	require.NoError(t, err)
	o := &oracle{columns: config.View.Columns, config: config, rows: map[uint64]features.Row{}}
	key := func() uint64 {
		if rng.IntN(10) == 0 {
			return ^uint64(0) - rng.Uint64N(20) // as item IDs that are hashes
		}
		return rng.Uint64N(700)
	}
	rounds := 60
	if race.Enabled {
		rounds = 15
	}
	for range rounds {
		if ttl := config.View.TTL; ttl > 0 && rng.IntN(4) == 0 {
			now := epoch.Add(time.Duration(rng.IntN(350)) * time.Second)
			n := len(o.rows)
			maps.DeleteFunc(o.rows, func(_ uint64, r features.Row) bool { return o.gone(r, now) })
			removed, err := s.Sweep(t.Context(), now)
			require.NoError(t, err)
			require.Equal(t, n-len(o.rows), removed)
		}
		for range rng.IntN(200) {
			if rng.IntN(5) == 0 {
				k := key()
				_, there := o.rows[k]
				delete(o.rows, k)
				require.Equal(t, there, s.Delete(k))
				continue
			}
			r := randomRow(rng, config.View.Columns, key())
			stored, err := s.Put(r)
			require.NoError(t, err)
			require.Equal(t, o.put(r), stored)
		}
		require.Equal(t, len(o.rows), s.Len())
		compareReads(t, rng, s, o, key)
	}
	got := map[uint64]features.Row{}
	for r := range s.Range {
		require.NotContains(t, got, r.Key)
		r.Floats, r.IDs, r.Vectors = slices.Clone(r.Floats), slices.Clone(r.IDs), slices.Clone(r.Vectors)
		got[r.Key] = r
	}
	require.Len(t, got, len(o.rows))
	for k, want := range o.rows {
		requireSameRow(t, want, got[k])
	}
	require.Equal(t, o.late, s.Stats().Late)
}

func randomRow(rng *rand.Rand, columns []features.Column, key uint64) features.Row {
	r := features.Row{Key: key, Time: epoch.Add(time.Duration(rng.IntN(300)) * time.Second)}
	for _, c := range columns {
		switch c.Kind {
		case recsys.Float:
			v := rng.Float32()
			if rng.IntN(8) == 0 {
				v = float32(math.NaN())
			}
			r.Floats = append(r.Floats, v)
		case recsys.ID:
			r.IDs = append(r.IDs, rng.Uint64())
		case recsys.Vector:
			for range c.Dim {
				r.Vectors = append(r.Vectors, rng.Float32()-0.5)
			}
		}
	}
	return r
}

// compareReads hydrates batches of adversarial sizes into blocks full of poison.
func compareReads(t *testing.T, rng *rand.Rand, s *features.Store, o *oracle, key func() uint64) {
	for _, n := range []int{0, 1, 63, 64, 65, 130} {
		items := make([]recsys.ItemID, n)
		for i := range items {
			items[i] = recsys.ItemID(key())
		}
		now := epoch.Add(time.Duration(rng.IntN(600)) * time.Second)
		before := s.Stats()
		b := hydrated(t, s, &recsys.Request{K: 1, Now: now, Seed: rng.Uint64()}, items)
		var missing, stale, expired, future uint64
		for i, id := range items {
			cells, miss, old := o.hydrate(uint64(id), now)
			got := cellsOf(s.Columns(), b, i)
			if !slices.Equal(cells, got) || miss != b.Missing.Has(i) || old != b.Stale.Has(i) {
				t.Fatalf("item %d at %v: %v, missing %v, stale %v; want %v, %v, %v",
					id, now, got, b.Missing.Has(i), b.Stale.Has(i), cells, miss, old)
			}
			r, there := o.rows[uint64(id)]
			switch {
			case old:
				stale++
			case miss:
				missing++
			}
			if there && r.Time.After(now) {
				future++
			}
			if there && o.gone(r, now) {
				expired++
			}
		}
		after := s.Stats()
		require.Equal(t, stale, after.Stale-before.Stale)
		require.Equal(t, missing, after.Missing-before.Missing)
		require.Equal(t, future, after.Future-before.Future)
		require.Equal(t, expired, after.Expired-before.Expired)
		require.Equal(t, uint64(n)-missing-stale, after.Fresh-before.Fresh)
	}
}

// hydrated returns what the source writes into a block full of poison.
func hydrated(t testing.TB, s recsys.FeatureSource, req *recsys.Request, items []recsys.ItemID) *recsys.Block {
	t.Helper()
	scope, rows := recsys.PerItem, len(items)
	if items == nil {
		scope, rows = recsys.PerRequest, 1
	}
	b := recsys.NewBlock(s.Columns(), scope, rows)
	for i := range b.Float {
		b.Float[i] = -12345
	}
	for j := range b.ID {
		for i := range b.ID[j] {
			b.ID[j][i] = 12345
		}
	}
	for j := range b.Vector {
		for i := range b.Vector[j] {
			b.Vector[j][i] = -12345
		}
	}
	require.NoError(t, s.Hydrate(t.Context(), recsys.NewQuery(req, nil, "test"), items, b))
	return b
}

func requireSameRow(t *testing.T, want, got features.Row) {
	t.Helper()
	require.Equal(t, want.Key, got.Key)
	require.True(t, want.Time.Equal(got.Time), "time of %d: %v, want %v", want.Key, got.Time, want.Time)
	require.Equal(t, bitsOf(want.Floats), bitsOf(got.Floats))
	require.Equal(t, append([]uint64{}, want.IDs...), append([]uint64{}, got.IDs...))
	require.Equal(t, bitsOf(want.Vectors), bitsOf(got.Vectors))
}

func bitsOf(v []float32) []uint32 {
	out := make([]uint32, len(v))
	for i := range v {
		out[i] = math.Float32bits(v[i])
	}
	return out
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 11)) }
