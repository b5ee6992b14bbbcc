package features_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// TestRowsExpireAtReadWithoutASweep reads a row on both sides of the TTL, whatever the policy for stale values.
func TestRowsExpireAtReadWithoutASweep(t *testing.T) {
	for _, policy := range []features.StalePolicy{features.ServeStale, features.DefaultStale, features.DropStale} {
		view := features.View{
			Name: "test", TTL: time.Hour, Stale: policy, Age: "how old",
			Columns: []features.Column{{Name: "x", MaxAge: 2 * time.Hour}},
		}
		s := newStore(t, features.StoreConfig{View: view})
		mustPut(t, s, floatRow(1, epoch, 3))
		for _, c := range []struct {
			age  time.Duration
			gone bool
		}{{time.Hour, false}, {time.Hour + 1, true}, {100 * time.Hour, true}, {-time.Minute, false}} {
			before := s.Stats()
			b := agedBlock(t, s, &recsys.Request{K: 1, Now: epoch.Add(c.age)}, []recsys.ItemID{1})
			require.Equal(t, c.gone, b.Missing.Has(0), "%v", c.age)
			require.False(t, b.Stale.Has(0), "a row past its TTL is missing, not stale")
			want := []float32{3, float32(c.age.Seconds())}
			if c.gone {
				want = []float32{float32(math.NaN()), float32(math.NaN())}
			}
			require.Equal(t, bitsOf(want), bitsOf(b.FloatRow(0)))
			require.Equal(t, bitsOf(want[1:]), bitsOf(b.Age), "the age beside the row")
			after := s.Stats()
			require.Equal(t, c.gone, after.Expired == before.Expired+1)
			require.Equal(t, c.gone, after.Missing == before.Missing+1)
		}
		_, ok := s.Get(1)
		require.True(t, ok, "Get gives rows whatever their age")
	}
}

// agedBlock returns what the store writes into a block with ages.
func agedBlock(t *testing.T, s recsys.FeatureSource, req *recsys.Request, items []recsys.ItemID) *recsys.Block {
	t.Helper()
	b := recsys.NewBlock(s.Columns(), s.Columns()[0].Scope, max(1, len(items)))
	b.Age = make([]float32, max(1, len(items)))
	require.NoError(t, s.Hydrate(t.Context(), recsys.NewQuery(req, nil, "test"), items, b))
	return b
}

func TestAgesAreUnknownWithoutTimes(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat, Age: "how old"}})
	mustPut(t, s, floatRow(1, time.Time{}, 3))
	mustPut(t, s, floatRow(2, epoch, 3))
	nan := float32(math.NaN())
	b := agedBlock(t, s, at(epoch), []recsys.ItemID{1, 2, 3})
	require.Equal(t, bitsOf([]float32{nan, 0, nan}), bitsOf(b.Age))
	require.Equal(t, bitsOf([]float32{3, nan}), bitsOf(b.FloatRow(0)))
	b = agedBlock(t, s, at(time.Time{}), []recsys.ItemID{2})
	require.Equal(t, bitsOf([]float32{nan}), bitsOf(b.Age), "a query without Now finds no ages")
}

// TestAgesAreOfWholeNanoseconds reads rows a few nanoseconds old and ahead, and at both ends of time.
func TestAgesAreOfWholeNanoseconds(t *testing.T) {
	first, last := time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2261, 12, 31, 0, 0, 0, 0, time.UTC)
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat, Age: "how old"}, Clock: pinned(last)})
	mustPut(t, s, floatRow(1, epoch, 1))
	for _, age := range []time.Duration{0, 1, 100, 300, -1, -77, time.Hour + 3, -time.Second} {
		b := agedBlock(t, s, at(epoch.Add(age)), []recsys.ItemID{1})
		require.Equal(t, float32(float64(age)/1e9), b.Age[0], "%v", age)
		require.Equal(t, b.Age[0], b.FloatRow(0)[1])
	}
	mustPut(t, s, floatRow(2, first, 1))
	mustPut(t, s, floatRow(3, last, 1))
	longest := float32(float64(math.MaxInt64) / 1e9)
	require.Equal(t, longest, agedBlock(t, s, at(last), []recsys.ItemID{2}).Age[0])
	require.Equal(t, -longest, agedBlock(t, s, at(first), []recsys.ItemID{3}).Age[0])
}

func TestRowsOfAViewWithTTLNeedATime(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat, TTL: time.Hour}})
	_, err := s.Put(floatRow(1, time.Time{}, 1))
	require.ErrorContains(t, err, "no event time, but rows of the view expire after 1h0m0s; set Time")
}

// TestRowsOfTheFutureAreRefused writes rows around the clock: behind, ahead within the tolerance, ahead beyond it.
func TestRowsOfTheFutureAreRefused(t *testing.T) {
	for _, c := range []struct{ future, want time.Duration }{{0, features.DefaultFuture}, {time.Second, time.Second}} {
		view := features.View{Name: "test", Columns: oneFloat, Future: c.future}
		s := newStore(t, features.StoreConfig{View: view, Clock: pinned(epoch)})
		w, err := s.PutBatch(t.Context(), []features.Row{
			floatRow(1, epoch.Add(-time.Hour), 1), floatRow(2, epoch, 1), floatRow(3, epoch.Add(1), 1),
			floatRow(4, epoch.Add(c.want), 1), floatRow(5, epoch.Add(c.want+1), 1), floatRow(1, epoch.Add(-2*time.Hour), 1),
			floatRow(6, time.Date(2261, 1, 1, 0, 0, 0, 0, time.UTC), 1), floatRow(7, time.Time{}, 1),
		})
		require.NoError(t, err)
		require.Equal(t, features.Written{Stored: 5, Late: 1, Future: 2}, w)
		st := s.Stats()
		require.Equal(t, []uint64{5, 1, 2, 2}, []uint64{st.Stored, st.Late, st.Early, st.Ahead})
		_, ok := s.Get(5)
		require.False(t, ok)
		stored, err := s.Put(floatRow(5, epoch.Add(c.want+1), 1))
		require.NoError(t, err)
		require.False(t, stored)
	}
}

func TestImpossibleClockRefusesAndExpiresNothing(t *testing.T) {
	for _, now := range []time.Time{{}, time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		view := features.View{Name: "test", Columns: oneFloat, TTL: time.Hour}
		s := newStore(t, features.StoreConfig{View: view, Clock: pinned(now), MaxRows: 100, Shards: 1})
		popular := []recsys.ItemID{1, 2, 3}
		for _, id := range popular {
			require.True(t, mustPut(t, s, floatRow(uint64(id), epoch, 1)))
		}
		for key := range uint64(1000) {
			mustPut(t, s, floatRow(100+key, epoch, 1))
			require.True(t, hydrated(t, s, at(epoch), popular).Missing.Empty(), "rows that are read stay, as none is past its TTL")
		}
		removed, err := s.Sweep(t.Context(), now)
		require.NoError(t, err)
		require.Zero(t, removed)
	}
}

func TestPairStoreReadsTheRowOfUserAndItem(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "pair", Entity: features.UserItem, Columns: oneFloat}})
	var items []recsys.ItemID
	for i := range 200 {
		items = append(items, recsys.ItemID(i))
		if i%3 == 0 {
			mustPut(t, s, floatRow(features.PairKey(9, items[i]), epoch, float32(i)))
		}
	}
	b := hydrated(t, s, &recsys.Request{K: 1, User: 9, Now: epoch}, items)
	for i := range items {
		require.Equal(t, i%3 != 0, b.Missing.Has(i), "item %d", i)
		if i%3 == 0 {
			require.Equal(t, float32(i), b.FloatRow(i)[0])
		}
	}
	require.Equal(t, len(items), hydrated(t, s, &recsys.Request{K: 1, User: 8, Now: epoch}, items).Missing.Count())
}

// TestContextStoreReadsTheKeyFromTheRequest builds a pipeline whose context has a country and whose store has a row for each.
func TestContextStoreReadsTheKeyFromTheRequest(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "country", Entity: features.Context, Key: "country", Columns: oneFloat}})
	mustPut(t, s, floatRow(49, epoch, 0.5))
	_, err := s.Put(floatRow(0, epoch, 1))
	require.ErrorContains(t, err, "key 0 stands for a request without a key")

	b := recsys.NewBlock(s.Columns(), recsys.PerRequest, 1)
	require.ErrorContains(t, s.Hydrate(t.Context(), recsys.NewQuery(at(epoch), nil, "test"), nil, b), `store of view "country" is not bound`)
	_, err = s.Bind(&recsys.Schema{})
	require.ErrorContains(t, err, `"country"`)

	var got float32
	var missing bool
	p, err := recsys.NewPipeline(
		recsys.Context(recsys.Column{Name: "country", Kind: recsys.ID}),
		recsys.Features(s),
		recsys.Retrieve("one", recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
			got = q.Floats()[0]
			missing = got != got
			out.Add(1, 1)
			return nil
		})),
	).Build()
	require.NoError(t, err)
	for country, want := range map[uint64]float32{49: 0.5, 33: -1, 0: -1} {
		req := &recsys.Request{K: 1, Now: epoch}
		if country > 0 {
			req.Context, err = p.Context(map[string]any{"country": country})
			require.NoError(t, err)
		}
		_, err = p.Recommend(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, want < 0, missing, "country %d", country)
		if !missing {
			require.Equal(t, want, got)
		}
	}
}

func TestLookupGivesTheRowsThereAre(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat, TTL: time.Second}})
	for i := range uint64(600) {
		mustPut(t, s, floatRow(2*i, epoch, float32(i)))
	}
	keys := make([]uint64, 1200)
	for i := range keys {
		keys[i] = uint64(len(keys) - 1 - i)
	}
	rows, err := s.Lookup(t.Context(), keys, nil)
	require.NoError(t, err)
	require.Len(t, rows, 600)
	for i, r := range rows {
		require.Equal(t, uint64(1198-2*i), r.Key)
		require.Equal(t, float32(599-i), r.Floats[0])
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Lookup(ctx, keys, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.PutBatch(ctx, []features.Row{floatRow(1, epoch, 1)})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 600, s.Len())
}

func TestSweepRemovesExactlyTheExpired(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat, TTL: time.Hour}})
	for i := range uint64(1000) {
		mustPut(t, s, floatRow(i, epoch.Add(time.Duration(i)*time.Second), 1))
	}
	removed, err := s.Sweep(t.Context(), epoch.Add(time.Hour+500*time.Second))
	require.NoError(t, err)
	require.Equal(t, 500, removed, "a row of exactly the TTL stays")
	for i := range uint64(1000) {
		_, ok := s.Get(i)
		require.Equal(t, i >= 500, ok, "row %d", i)
	}
	require.Equal(t, uint64(500), s.Stats().Swept)
	require.NoError(t, s.Check())
	removed, err = s.Sweep(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Zero(t, removed, "no time, nothing expired")
	mustPut(t, s, floatRow(3, epoch, 1))

	ever := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat}})
	mustPut(t, ever, floatRow(3, epoch, 1))
	removed, err = ever.Sweep(t.Context(), epoch.AddDate(100, 0, 0))
	require.NoError(t, err)
	require.Zero(t, removed, "rows without TTL never expire")
}

// fewCalls is a context that ends after some looks at it.
type fewCalls struct {
	context.Context
	left int
}

func (c *fewCalls) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestSweepGoesOnWhereItEnded gives each call time for one step.
func TestSweepGoesOnWhereItEnded(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat, TTL: time.Hour}, Shards: 4})
	const rows = 6000
	for i := range uint64(rows) {
		mustPut(t, s, floatRow(i, epoch, 1))
	}
	total, calls := 0, 0
	for ; total < rows && calls < 1000; calls++ {
		removed, err := s.Sweep(&fewCalls{t.Context(), 1}, epoch.Add(2*time.Hour))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, removed, rows/8, "a step is small")
		total += removed
	}
	require.Equal(t, rows, total)
	require.Greater(t, calls, 8)
	require.Zero(t, s.Len())
}

// TestSweepGivesMemoryBack removes nine tenths of the rows, and reads and writes on.
func TestSweepGivesMemoryBack(t *testing.T) {
	s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: benchmarkColumns(), TTL: time.Hour}, Shards: 4})
	r := features.Row{Floats: make([]float32, benchColumns)}
	const rows = 20_000
	for r.Key = range rows {
		r.Time, r.Floats[7] = epoch, float32(r.Key)
		if r.Key%10 == 0 {
			r.Time = epoch.Add(time.Hour)
		}
		mustPut(t, s, r)
	}
	before := s.Stats().Bytes
	done := s.Reading() // its table stays what it was
	removed, err := s.Sweep(t.Context(), epoch.Add(90*time.Minute))
	done()
	require.NoError(t, err)
	require.Equal(t, rows*9/10, removed)
	require.Less(t, s.Stats().Bytes, before/4)
	require.NoError(t, s.Check())
	for key := uint64(0); key < rows; key += 10 {
		got, ok := s.Get(key)
		require.True(t, ok)
		require.Equal(t, float32(key), got.Floats[7])
	}
	for r.Key = range rows {
		r.Time = epoch.Add(2 * time.Hour)
		mustPut(t, s, r)
	}
	require.Equal(t, rows, s.Len())
	require.NoError(t, s.Check())
}

// TestSweepEveryFollowsTheClock runs it in a bubble whose time goes by at once.
func TestSweepEveryFollowsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, features.StoreConfig{View: features.View{Name: "test", Columns: oneFloat, TTL: time.Hour}})
		mustPut(t, s, floatRow(1, time.Now(), 1))
		ctx, cancel := context.WithCancelCause(t.Context())
		enough, ended := errors.New("enough"), make(chan error)
		go func() { ended <- s.SweepEvery(ctx, 10*time.Minute) }()
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		require.Equal(t, 1, s.Len())
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Zero(t, s.Len())
		cancel(enough)
		require.ErrorIs(t, <-ended, enough)
	})
}

// A store of a view whose rows expire, with room for a million of them, and the goroutine that sweeps it.
func ExampleStore_Sweep() {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	items, err := features.NewStore(features.StoreConfig{
		View:    features.View{Name: "item.trend", Columns: []features.Column{{Name: "clicks.1h"}}, TTL: time.Hour},
		MaxRows: 1_000_000,
		Clock:   func() time.Time { return now }, // time.Now when it is left out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go items.SweepEvery(ctx, 10*time.Minute)

	w, err := items.PutBatch(ctx, []features.Row{
		{Key: 1, Time: now.Add(-2 * time.Hour), Floats: []float32{7}},
		{Key: 2, Time: now.Add(-time.Minute), Floats: []float32{8}},
		{Key: 3, Time: now.Add(24 * time.Hour), Floats: []float32{9}}, // a wrong time zone
	})
	fmt.Printf("%+v %v\n", w, err)
	removed, err := items.Sweep(ctx, now)
	fmt.Println(removed, err, items.Len())
	// Output:
	// {Stored:2 Late:0 Future:1} <nil>
	// 1 <nil> 1
}
