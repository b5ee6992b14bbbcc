package features_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/race"
)

// pinned is a clock that stands still.
func pinned(at time.Time) func() time.Time { return func() time.Time { return at } }

var oneFloat = []features.Column{{Name: "x"}}

func floatRow(key uint64, at time.Time, v float32) features.Row {
	return features.Row{Key: key, Time: at, Floats: []float32{v}}
}

func mustPut(t testing.TB, s *features.Store, r features.Row) bool {
	t.Helper()
	stored, err := s.Put(r)
	require.NoError(t, err)
	return stored
}

// TestBoundedStoreEqualsMapButForEvictedRows puts, deletes, reads and sweeps at random. What is there
// equals what the map has; what is not there was counted as evicted.
func TestBoundedStoreEqualsMapButForEvictedRows(t *testing.T) {
	for i, config := range []features.StoreConfig{
		{Shards: 1, MaxRows: 1},
		{Shards: 1, MaxRows: 50},
		{Shards: 64, MaxRows: 3},
		{Shards: 8, MaxRows: 60, View: features.View{TTL: 2 * time.Minute}},
		{Shards: 2, MaxBytes: 16_000, View: features.View{TTL: 4 * time.Minute}},
		{MaxRows: 100, Capacity: 100},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			config.View.Name, config.View.Columns, config.Clock = "test", oracleLayouts["mixed"], pinned(epoch.Add(5*time.Minute))
			checkBoundedAgainstMap(t, config, uint64(i))
		})
	}
}

func checkBoundedAgainstMap(t *testing.T, config features.StoreConfig, seed uint64) {
	rng := newRand(seed)
	s := newStore(t, config)
	rows := map[uint64]features.Row{}
	lost := uint64(0)
	settle := func() { // forgets what was evicted
		for k := range rows {
			if _, ok := s.Get(k); !ok {
				delete(rows, k)
				lost++
			}
		}
	}
	rounds := 800
	if race.Enabled {
		rounds = 300
	}
	for round := range rounds {
		key := rng.Uint64N(1000)
		switch op := rng.IntN(20); {
		case op == 0:
			_, there := rows[key]
			require.Equal(t, there, s.Delete(key))
			delete(rows, key)
		case op == 1 && config.View.TTL > 0 && round%10 == 0:
			now := epoch.Add(time.Duration(rng.IntN(400)) * time.Second)
			n := 0
			for k, r := range rows {
				if now.Sub(r.Time) > config.View.TTL {
					delete(rows, k)
					n++
				}
			}
			removed, err := s.Sweep(t.Context(), now)
			require.NoError(t, err)
			require.Equal(t, n, removed)
		case op < 6:
			items := make([]recsys.ItemID, 70)
			for i := range items {
				items[i] = recsys.ItemID(rng.Uint64N(1000))
			}
			now := epoch.Add(100 * time.Second)
			b := hydrated(t, s, at(now), items)
			o := &oracle{columns: config.View.Columns, config: config, rows: rows}
			for i, id := range items {
				cells, miss, old := o.hydrate(uint64(id), now)
				require.Equal(t, cells, cellsOf(s.Columns(), b, i))
				require.Equal(t, []bool{miss, old}, []bool{b.Missing.Has(i), b.Stale.Has(i)})
			}
		default:
			r := randomRow(rng, config.View.Columns, key)
			old, there := rows[key]
			stored := mustPut(t, s, r)
			require.Equal(t, !there || !r.Time.Before(old.Time), stored)
			if stored {
				rows[key] = r
				_, ok := s.Get(key)
				require.True(t, ok, "a row that was just stored is there")
			}
		}
		settle()
		require.Equal(t, len(rows), s.Len())
		require.Equal(t, lost, s.Stats().Evicted)
		if config.MaxRows > 0 {
			require.LessOrEqual(t, s.Len(), config.MaxRows)
		}
	}
	require.NotZero(t, lost)
	require.NoError(t, s.Check())
	if config.MaxBytes > 0 {
		require.LessOrEqual(t, s.Stats().Bytes, config.MaxBytes)
	}
	for k, want := range rows {
		got, ok := s.Get(k)
		require.True(t, ok)
		requireSameRow(t, want, got)
	}
}

// TestBoundsAreUsedInFull shows that a bound is no excuse for keeping much less.
func TestBoundsAreUsedInFull(t *testing.T) {
	race.SkipSequential(t)
	for name, config := range map[string]features.StoreConfig{
		"rows":      {MaxRows: 10_000},
		"one shard": {MaxRows: 1000, Shards: 1},
		"few":       {MaxRows: 2},
		"bytes":     {MaxBytes: 1 << 20},
		"both":      {MaxBytes: 1 << 20, MaxRows: 5000},
	} {
		t.Run(name, func(t *testing.T) {
			config.View = features.View{Name: "test", Columns: benchmarkColumns()[:10]}
			s := newStore(t, config)
			r := features.Row{Time: epoch, Floats: make([]float32, 10)}
			for r.Key = range 60_000 {
				mustPut(t, s, r)
			}
			if config.MaxRows > 0 {
				require.LessOrEqual(t, s.Len(), config.MaxRows)
			}
			st := s.Stats()
			if config.MaxBytes == 0 || config.MaxRows > 0 {
				require.Equal(t, config.MaxRows, st.Rows)
			} else {
				require.LessOrEqual(t, st.Bytes, config.MaxBytes)
				require.Greater(t, st.Bytes, config.MaxBytes*6/10, "an index doubles in size, so that not every number of bytes can be reached")
			}
			require.EqualValues(t, 60_000-st.Rows, st.Evicted)
			require.NoError(t, s.Check())
		})
	}
}

// TestMaxBytesHoldsHoweverRowsCome fills stores that start with room for all, that start empty, and that are read from a snapshot.
func TestMaxBytesHoldsHoweverRowsCome(t *testing.T) {
	for _, limit := range []int64{20_000, 50_000, 100_000, 300_000} {
		for _, shards := range []int{4, 64} {
			for _, columns := range []int{1, 10, 50} {
				for _, capacity := range []int{0, 1 << 20} {
					config := features.StoreConfig{
						View:     features.View{Name: "test", Columns: benchmarkColumns()[:columns]},
						MaxBytes: limit, Shards: shards, Capacity: capacity,
					}
					s, err := features.NewStore(config)
					if err != nil {
						continue // not a single row would fit
					}
					r := features.Row{Time: epoch, Floats: make([]float32, columns)}
					for r.Key = range uint64(2 * limit / 64) {
						mustPut(t, s, r)
					}
					what := fmt.Sprintf("%d bytes, %d shards, %d columns, room for %d", limit, shards, columns, capacity)
					require.LessOrEqual(t, s.Stats().Bytes, limit, what)
					restored := newStore(t, config)
					var file bytes.Buffer
					_, err = s.WriteTo(&file)
					require.NoError(t, err)
					_, err = restored.ReadFrom(&file)
					require.NoError(t, err)
					require.Equal(t, s.Len(), restored.Len(), what)
					require.LessOrEqual(t, restored.Stats().Bytes, limit, "restored: "+what)
					require.NoError(t, restored.Check())
				}
			}
		}
	}
}

// TestRowsInUseSurviveAFlood reads some rows while many others are written that nobody reads.
func TestRowsInUseSurviveAFlood(t *testing.T) {
	const bound, popular = 2000, 400
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}, MaxRows: bound})
	items := make([]recsys.ItemID, popular)
	for i := range items {
		items[i] = recsys.ItemID(i)
		mustPut(t, s, floatRow(uint64(i), epoch, 1))
	}
	for round := range uint64(200) {
		require.True(t, hydrated(t, s, at(epoch), items).Missing.Empty(), "round %d", round)
		for i := range uint64(500) {
			mustPut(t, s, floatRow(1<<20+round*500+i, epoch, 2))
		}
	}
	require.Equal(t, bound, s.Len())
}

// TestRowsThatNobodyReadsGoFirst fills a store of one shard to its bound, reads half, and puts as many new ones.
func TestRowsThatNobodyReadsGoFirst(t *testing.T) {
	const bound = 1000
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}, MaxRows: bound, Shards: 1})
	read := make([]recsys.ItemID, bound/2)
	for i := range uint64(bound) {
		mustPut(t, s, floatRow(i, epoch, 1))
	}
	for i := range read {
		read[i] = recsys.ItemID(2 * i)
	}
	hydrated(t, s, at(epoch), read)
	for i := range uint64(bound / 4) {
		mustPut(t, s, floatRow(bound+i, epoch, 1))
	}
	gone := hydrated(t, s, at(epoch), read).Missing.Count()
	require.Less(t, gone, bound/50, "of the rows that were read") // those that the hand met 32 of in a row
	require.EqualValues(t, bound/4, s.Stats().Evicted)
}

// TestExpiredRowsGoBeforeOthers fills a store with rows of which each fourth is past its TTL, and all were read.
func TestExpiredRowsGoBeforeOthers(t *testing.T) {
	const bound = 1000
	view := features.View{Name: "test", Columns: oneFloat, TTL: time.Hour}
	s := newStore(t, features.StoreConfig{View: view, MaxRows: bound, Shards: 1, Clock: pinned(epoch)})
	live := make([]recsys.ItemID, 0, bound)
	for i := range uint64(bound) {
		age := time.Minute
		if i%4 == 0 {
			age = 2 * time.Hour
		} else {
			live = append(live, recsys.ItemID(i))
		}
		mustPut(t, s, floatRow(i, epoch.Add(-age), 1))
	}
	for i := range uint64(bound / 5) {
		mustPut(t, s, floatRow(bound+i, epoch, 1))
	}
	gone := hydrated(t, s, at(epoch), live).Missing.Count()
	require.Less(t, gone, bound/5/4, "of 200 that went, most were expired")
}

// TestOldestGoesWhereAllAreRead has every row read before each write, so that the hand finds none to take.
func TestOldestGoesWhereAllAreRead(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}, MaxRows: 8, Shards: 1})
	var items []recsys.ItemID
	for i := range uint64(8) {
		items = append(items, recsys.ItemID(i))
		mustPut(t, s, floatRow(i, epoch.Add(time.Duration((i+3)%8)*time.Second), 1)) // 5 is the oldest
	}
	hydrated(t, s, at(epoch), items)
	mustPut(t, s, floatRow(100, epoch, 1))
	// All bits are cleared within the first round of the hand, so the first row after it goes.
	require.Equal(t, 8, s.Len())
	require.Equal(t, 1, hydrated(t, s, at(epoch), items).Missing.Count())

	wide := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}, MaxRows: 1000, Shards: 1})
	items = items[:0]
	for i := range uint64(1000) {
		items = append(items, recsys.ItemID(i))
		mustPut(t, wide, floatRow(i, epoch.Add(time.Duration(i)*time.Second), 1))
	}
	hydrated(t, wide, at(epoch), items)
	mustPut(t, wide, floatRow(5000, epoch, 1))
	b := hydrated(t, wide, at(epoch), items)
	require.Equal(t, 1, b.Missing.Count())
	require.Less(t, b.Missing.Next(0), 250, "the oldest of 32 rows is not among the younger three quarters")
}

// TestEvictionWaitsForNoReader writes beyond the bound while a reader is inside.
func TestEvictionWaitsForNoReader(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}, MaxRows: 100, Shards: 1})
	done := s.Reading()
	for i := range uint64(2000) {
		mustPut(t, s, floatRow(i, epoch, 1))
	}
	done()
	require.Equal(t, 100, s.Len())
	room, _ := s.Slots()
	for i := range uint64(5000) {
		mustPut(t, s, floatRow(i, epoch, 1))
	}
	after, _ := s.Slots()
	require.Equal(t, room, after, "slots are used again when the reader has left")
	require.NoError(t, s.Check())

	quiet := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}, MaxRows: 100, Shards: 1, Capacity: 100})
	for i := range uint64(5000) {
		mustPut(t, quiet, floatRow(i, epoch, 1))
	}
	planned, _ := quiet.Slots()
	require.Greater(t, after, 10*planned)
	_, err := s.Sweep(t.Context(), epoch)
	require.NoError(t, err)
	swept, _ := s.Slots()
	require.LessOrEqual(t, swept, planned, "Sweep gives back what a reader made necessary")
	for i := range uint64(5000) {
		mustPut(t, s, floatRow(i, epoch, 2))
	}
	after, _ = s.Slots()
	require.LessOrEqual(t, after, planned)
	require.Equal(t, 100, s.Len())
	require.NoError(t, s.Check())
}

// TestReadersAreNeverBlocked reads while the locks of all writers are held.
func TestReadersAreNeverBlocked(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}, MaxRows: 100})
	mustPut(t, s, floatRow(1, epoch, 1))
	s.WhileWritersWait(func() {
		require.True(t, hydrated(t, s, at(epoch), []recsys.ItemID{1, 2}).Missing.Has(1))
		_, ok := s.Get(1)
		require.True(t, ok)
		for range s.Range {
		}
		s.Stats()
	})
}

// TestConcurrentWritersKeepTheBound lets writers of new keys, a sweep and readers run at once. Under -race it also shows that
// there is no data race.
func TestConcurrentWritersKeepTheBound(t *testing.T) {
	for _, shards := range []int{1, 16} {
		const bound = 300
		view := features.View{Name: "test", Columns: tornColumns, TTL: 20 * time.Millisecond}
		s := newStore(t, features.StoreConfig{View: view, MaxRows: bound, Shards: shards, Clock: pinned(epoch.Add(time.Second))})
		var writers, others sync.WaitGroup
		done := make(chan struct{})
		failures := make(chan error, 8)
		rounds := 1500
		if testing.Short() || race.Enabled {
			rounds = 700
		}
		for w := range uint64(3) {
			writers.Go(func() {
				rng := rand.New(rand.NewPCG(w, 1))
				for i := range rounds {
					if _, err := s.Put(tornRow(rng.Uint64N(1000), uint64(i/10))); err != nil {
						failures <- err
						return
					}
					if n := s.Len(); n > bound+3 { // rows on their way count
						failures <- fmt.Errorf("%d rows; the bound is %d", n, bound)
						return
					}
				}
			})
		}
		for range 2 {
			others.Go(func() { boundedReader(s, done, failures) })
		}
		others.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
					s.Sweep(t.Context(), epoch.Add(time.Duration(i%rounds)*time.Millisecond))
				}
			}
		})
		writers.Wait()
		close(done)
		others.Wait()
		close(failures)
		for err := range failures {
			t.Error(err)
		}
		require.LessOrEqual(t, s.Len(), bound)
		require.NoError(t, s.Check())
	}
}

// boundedReader looks at every key again and again: missing, or whole.
func boundedReader(s *features.Store, done chan struct{}, failures chan<- error) {
	items := make([]recsys.ItemID, 1000)
	for i := range items {
		items[i] = recsys.ItemID(i)
	}
	q := recsys.NewQuery(&recsys.Request{K: 1, Now: epoch}, nil, "test")
	b := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	for {
		select {
		case <-done:
			return
		default:
		}
		if err := s.Hydrate(context.Background(), q, items, b); err != nil {
			failures <- err
			return
		}
		for i := range items {
			if b.Missing.Has(i) {
				continue
			}
			if _, err := tornVersion(b, i, uint64(i)); err != nil {
				failures <- err
				return
			}
		}
	}
}

func TestBoundedStoreReadsWithoutAllocation(t *testing.T) {
	if race.Enabled {
		t.Skip("allocation counts")
	}
	view := features.View{Name: "test", Columns: storeColumns, TTL: time.Hour, Age: "how old", Entity: features.UserItem}
	s := newStore(t, features.StoreConfig{View: view, MaxRows: 1000})
	items := make([]recsys.ItemID, 200)
	for i := range items {
		items[i] = recsys.ItemID(i)
		mustPut(t, s, storeRow(features.PairKey(7, items[i]), epoch))
	}
	q := recsys.NewQuery(&recsys.Request{K: 1, User: 7, Now: epoch}, nil, "test")
	b := recsys.NewBlock(s.Columns(), recsys.PerItem, len(items))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := s.Hydrate(t.Context(), q, items, b); err != nil || !b.Missing.Empty() {
			t.Fatal(err)
		}
	}))
}
