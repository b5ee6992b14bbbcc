package window_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/window"
)

func aggregator(t testing.TB, config window.Config) *window.Aggregator {
	t.Helper()
	a, err := window.New(config)
	require.NoError(t, err)
	return a
}

// read returns the Float columns of a key.
func read(a *window.Aggregator, key uint64, now int64) []float64 {
	var row window.Row
	a.Read(key, now, &row)
	return row.Floats
}

// The window at Now is (⌊Now/g⌋·g - W, Now], before 1970 too.
func TestWindowIsOpenAtTheLeftAndClosedAtTheRight(t *testing.T) {
	const g, w = 10, 30
	for _, at := range []int64{-100, -95, -31, -30, -10, -1, 0, 1, 9, 10, 11, 35, 100} {
		a := aggregator(t, window.Config{Aggregates: []window.Aggregate{{Name: "n", Windows: []time.Duration{w}, Granularity: g}}})
		require.Equal(t, window.Accepted, a.Add(window.Event{Time: at}))
		for now := at; now < at+60; now++ {
			left := int64(math.Floor(float64(now)/g))*g - w
			want := 0.0
			if left < at && at <= now {
				want = 1
			}
			require.Equal(t, want, read(a, 0, now)[0], "event at %d, now %d", at, now)
		}
	}
}

func TestAnEarlierNowReadsTheNewestEvent(t *testing.T) {
	a := aggregator(t, window.Config{Granularity: 10, Lateness: 100, Aggregates: []window.Aggregate{{Name: "n", Windows: []time.Duration{30}}}})
	a.Add(window.Event{Key: 1, Time: 100})
	a.Add(window.Event{Key: 1, Time: 65})
	a.Add(window.Event{Key: 2, Time: 120})
	var row window.Row
	require.True(t, a.Read(1, 90, &row))
	require.Equal(t, []float64{1}, row.Floats, "the window of Now 100 begins at 70")
	require.EqualValues(t, 100, row.Time)
	require.True(t, a.Read(1, 105, &row))
	require.EqualValues(t, 105, row.Time)
	require.EqualValues(t, 100, row.Newest)
}

func TestLateEventsAreDroppedAndCounted(t *testing.T) {
	config := window.Config{Granularity: 10, Lateness: 50, Aggregates: []window.Aggregate{
		{Name: "n", Windows: []time.Duration{100}, Kinds: []recsys.EventKind{recsys.Click}},
	}}
	a := aggregator(t, config)
	_, ok := a.Watermark()
	require.False(t, ok)
	events := []struct {
		window.Event
		want window.Outcome
	}{
		{window.Event{Key: 1, Time: 100, Kind: recsys.Click}, window.Accepted},
		{window.Event{Key: 2, Time: 50, Kind: recsys.Click}, window.Accepted}, // the watermark itself is not late
		{window.Event{Key: 2, Time: 49, Kind: recsys.Click}, window.Late},
		{window.Event{Key: 2, Time: 120, Kind: recsys.Share}, window.Ignored}, // moves the watermark to 70
		{window.Event{Key: 1, Time: 69, Kind: recsys.Click}, window.Late},
		{window.Event{Key: 1, Time: 70, Kind: recsys.Click}, window.Accepted},
		{window.Event{Key: 1, Time: 1 << 61, Kind: recsys.Click, Arrival: 1 << 60}, window.Future}, // moves nothing
		{window.Event{Key: 1, Time: int64(time.Minute) + 1, Kind: recsys.Click, Arrival: 1}, window.Accepted},
		{window.Event{Key: 1, Time: math.MinInt64, Kind: recsys.Click}, window.Invalid},
		{window.Event{Key: 1, Time: math.MaxInt64, Kind: recsys.Click, Arrival: math.MinInt64}, window.Invalid},
		{window.Event{Key: 1, Time: window.MaxTime, Kind: recsys.Click, Arrival: math.MinInt64}, window.Future},
		{window.Event{Key: 1, Time: 1 << 50, Value: float32(math.NaN()), Kind: recsys.Click}, window.Invalid},
		{window.Event{Key: 1, Time: 1 << 50, Value: float32(math.Inf(1)), Kind: recsys.Click}, window.Invalid},
	}
	log := make([]window.Event, len(events))
	for i, e := range events {
		log[i] = e.Event
		require.Equal(t, e.want, a.Add(e.Event), "event %d", i)
	}
	mark, ok := a.Watermark()
	require.True(t, ok)
	require.EqualValues(t, int64(time.Minute)+1-50, mark)
	b, err := window.NewBatch(config, slices.Values(log))
	require.NoError(t, err)
	got := a.Stats()
	require.Positive(t, got.Bytes)
	got.Bytes, got.Keys, got.Forgotten = 0, b.Stats().Keys, 0
	require.Equal(t, window.Stats{Accepted: 4, Late: 2, Future: 2, Invalid: 4, Ignored: 1, Keys: 2}, b.Stats())
	require.Equal(t, b.Stats(), got)
	require.Equal(t, "late", window.Late.String())
	require.Equal(t, "Outcome(9)", window.Outcome(9).String())
}

func TestIdleKeysAreForgottenAndMemoryIsReused(t *testing.T) {
	a := aggregator(t, window.Config{Granularity: time.Minute, Aggregates: []window.Aggregate{
		{Name: "n", Windows: []time.Duration{time.Hour}},
		{Name: "d", Func: window.Distinct, Windows: []time.Duration{time.Hour}},
	}})
	require.Equal(t, 61*time.Minute, a.Horizon())
	// 10,000 keys in every horizon, each for one horizon, 30 horizons.
	r := rand.New(rand.NewPCG(1, 1))
	var bytes int64
	for i := range 300_000 {
		at := int64(i) * int64(a.Horizon()) / 10_000
		a.Add(window.Event{Key: r.Uint64(), Time: at, ID: uint64(i)})
		if i == 50_000 {
			bytes = a.Stats().Bytes
		}
	}
	st := a.Stats()
	require.Equal(t, uint64(300_000), st.Forgotten+uint64(st.Keys))
	require.Less(t, st.Keys, 14_000)
	require.Less(t, st.Bytes, bytes*11/10)
	require.Equal(t, st.Keys, a.Len())
	require.Equal(t, st.Keys-a.Forget(), a.Len())
	require.InDelta(t, 10_000, a.Len(), 2)
}

func TestMemoryOfABurstIsGivenToOthers(t *testing.T) {
	a := aggregator(t, window.Config{Granularity: time.Second, Aggregates: []window.Aggregate{
		{Name: "n", Windows: []time.Duration{500 * time.Second}},
		{Name: "d", Func: window.Distinct, Precision: 8, Windows: []time.Duration{500 * time.Second}},
	}})
	const group, groups = 50, 8
	at := int64(0)
	var bytes int64
	for n := range uint64(groups) {
		for second := range 400 {
			at += int64(time.Second)
			for key := range uint64(group * groups) {
				if key/group == n || second == 399 { // one group is busy, the others are not idle
					a.Add(window.Event{Key: key, Time: at, ID: uint64(at)})
				}
			}
		}
		if n == 0 {
			bytes = a.Stats().Bytes
		}
		at += int64(450 * time.Second)
		for key := range uint64(group * groups) {
			a.Add(window.Event{Key: key, Time: at})
		}
	}
	require.Equal(t, group*groups, a.Len())
	require.Zero(t, a.Stats().Forgotten)
	require.Less(t, a.Stats().Bytes, 2*bytes)
}

func TestMaxKeysEvictsIdleOnes(t *testing.T) {
	const most = 1600
	a := aggregator(t, window.Config{MaxKeys: most, Lateness: time.Minute, Aggregates: []window.Aggregate{{Name: "n", Windows: []time.Duration{time.Hour}}}})
	for i := range int64(20_000) {
		a.Add(window.Event{Key: uint64(i), Time: i * 1000})
		a.Add(window.Event{Key: uint64(i % 100), Time: i * 1000}) // a hundred are never idle
	}
	st := a.Stats()
	require.LessOrEqual(t, st.Keys, most)
	require.Greater(t, st.Keys, most*9/10)
	require.GreaterOrEqual(t, int(st.Evicted), 20_000-most)
	require.Zero(t, st.Forgotten)
	busy := 0
	for key := range uint64(100) {
		if read(a, key, 20_000_000)[0] > 150 {
			busy++
		}
	}
	require.Greater(t, busy, 90, "of the keys that are never idle")
}

func TestDistinctIsHyperLogLog(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, p := range []int{4, 10, 14} {
		for _, n := range []int{1, 10, 1000, 30_000} {
			// The mean of many sketches is unbiased, and their spread is that of the paper.
			if n > 1000 && testing.Short() {
				continue
			}
			sketches := max(20_000/n, 8)
			if testing.Short() {
				sketches = max(3_000/n, 8)
			}
			a := aggregator(t, window.Config{Aggregates: []window.Aggregate{{Name: "d", Func: window.Distinct, Precision: p, Windows: []time.Duration{time.Hour}}}})
			mean, square := 0.0, 0.0
			for key := range uint64(sketches) {
				for range n {
					e := window.Event{Key: key, ID: r.Uint64()}
					a.Add(e)
					a.Add(e)
				}
				e := read(a, key, 0)[0]/float64(n) - 1
				mean += e / float64(sketches)
				square += e * e / float64(sketches)
			}
			sigma := 1.04 / math.Sqrt(float64(int(1)<<p))
			require.Less(t, math.Abs(mean), 5*sigma/math.Sqrt(float64(sketches))+0.6/float64(int(1)<<p), "p %d, n %d: bias", p, n)
			require.Less(t, math.Sqrt(square), 2*sigma, "p %d, n %d: spread", p, n)
		}
	}
}

// Source: Ertl, arXiv:1702.01284: of no value the estimate is 0; where all
// registers are full it is infinite.
func TestCardinalityAtTheEnds(t *testing.T) {
	registers := make([]uint8, 16)
	require.Zero(t, window.Cardinality(registers, 4))
	for i := range registers {
		registers[i] = 61
	}
	require.True(t, math.IsInf(window.Cardinality(registers, 4), 1))
	// One register of rank 1: the estimate for a single value is close to 1.
	one := make([]uint8, 1<<14)
	one[7] = 1
	require.InDelta(t, 1, window.Cardinality(one, 14), 1e-4)
}

func TestDecayHalvesInAHalfLife(t *testing.T) {
	a := aggregator(t, window.Config{Lateness: time.Hour, Aggregates: []window.Aggregate{
		{Name: "d", Func: window.Decay, HalfLives: []time.Duration{time.Hour}},
		{Name: "s", Func: window.DecaySum, HalfLives: []time.Duration{time.Hour}},
	}})
	h := int64(time.Hour)
	at := 7*h + h/3
	a.Add(window.Event{Time: at, Value: 8})
	require.Equal(t, []float64{1, 8}, read(a, 0, at))
	require.Equal(t, []float64{0.5, 4}, read(a, 0, at+h))
	require.InDelta(t, math.Sqrt(0.5), read(a, 0, at+h/2)[0], 1e-15)
	a.Add(window.Event{Time: at + 2*h, Value: 1})
	require.Equal(t, []float64{1.25, 3}, read(a, 0, at+2*h))
	a.Add(window.Event{Time: at + h, Value: 2}) // out of order
	require.InDeltaSlice(t, []float64{1.75, 4}, read(a, 0, at+2*h), 1e-15)
	require.Equal(t, []float64{0, 0}, read(a, 0, at+80*h), "and is 0 in the end")
}

// A value that dwarfs the others leaves no trace when it leaves.
func TestSumsSurviveHugeValues(t *testing.T) {
	for _, huge := range []float32{1e10, 1e20, 1e38} {
		a := aggregator(t, window.Config{Granularity: 1, Aggregates: []window.Aggregate{{Name: "s", Func: window.Sum, Windows: []time.Duration{10}}}})
		for at := range int64(100) {
			v := float32(0.25)
			if at == 50 {
				v = huge
			}
			a.Add(window.Event{Time: at, Value: v})
			switch {
			case at >= 10 && at < 50, at >= 60:
				require.Equal(t, 10*0.25, read(a, 0, at)[0], "at %d", at)
			case at >= 50:
				require.Equal(t, 0.25*float64(at-50), read(a, 0, 60)[0], "at %d, read later", at)
			}
		}
	}
}

func TestConfigErrorsNameFieldAndRemedy(t *testing.T) {
	ok := window.Aggregate{Name: "n", Windows: []time.Duration{time.Hour}}
	for want, c := range map[string]window.Config{
		"window: Config.Aggregates is empty; want at least one":                            {},
		"window: Config.Granularity is -1ns; want > 0 (0 means 1m0s)":                      {Granularity: -1, Aggregates: []window.Aggregate{ok}},
		"window: Config.Lateness is -1ns; want 0 to":                                       {Lateness: -1, Aggregates: []window.Aggregate{ok}},
		"window: Config.Future is -1ns; want 0 to":                                         {Future: -1, Aggregates: []window.Aggregate{ok}},
		"window: Config.MaxKeys is -1; want 0 to 2147483648 (0 means no limit)":            {MaxKeys: -1, Aggregates: []window.Aggregate{ok}},
		`window: Config.Aggregates[1]: column "n.1h" is also that of Aggregates[0]`:        {Aggregates: []window.Aggregate{ok, ok}},
		`Aggregates[0] "": Name is empty`:                                                  {Aggregates: []window.Aggregate{{Windows: ok.Windows}}},
		`Aggregates[0] "n": Windows is empty`:                                              {Aggregates: []window.Aggregate{{Name: "n"}}},
		`Aggregates[0] "n": HalfLives is empty`:                                            {Aggregates: []window.Aggregate{{Name: "n", Func: window.Decay}}},
		`Aggregates[0] "n": Windows has 1 entries; a decay has HalfLives`:                  {Aggregates: []window.Aggregate{{Name: "n", Func: window.Decay, Windows: ok.Windows, HalfLives: ok.Windows}}},
		`Aggregates[0] "n": HalfLives has 1 entries; only decays have them`:                {Aggregates: []window.Aggregate{{Name: "n", Windows: ok.Windows, HalfLives: ok.Windows}}},
		`Aggregates[0] "n": half-life 1µs; want 1ms to`:                                    {Aggregates: []window.Aggregate{{Name: "n", Func: window.Decay, HalfLives: []time.Duration{1000}}}},
		`Aggregates[0] "n": window -1h0m0s; want > 0`:                                      {Aggregates: []window.Aggregate{{Name: "n", Windows: []time.Duration{-time.Hour}}}},
		`Aggregates[0] "n": window 1m30s is no multiple of the granularity 1m0s`:           {Aggregates: []window.Aggregate{{Name: "n", Windows: []time.Duration{90 * time.Second}}}},
		`Aggregates[0] "n": window 1h0m0s has 3600000 granules of 1ms; want at most 65536`: {Granularity: time.Millisecond, Aggregates: []window.Aggregate{ok}},
		`Aggregates[0] "n": Of has 0 kinds; a Rate needs one`:                              {Aggregates: []window.Aggregate{{Name: "n", Func: window.Rate, Windows: ok.Windows}}},
		`Aggregates[0] "n": Windows has 2 entries; want one for LastK`:                     {Aggregates: []window.Aggregate{{Name: "n", Func: window.LastK, Windows: []time.Duration{time.Hour, time.Minute}}}},
		`Aggregates[0] "n": K is 65; want 1 to 64 (0 means 8)`:                             {Aggregates: []window.Aggregate{{Name: "n", Func: window.LastK, K: 65, Windows: ok.Windows}}},
		`Aggregates[0] "n": Precision is 15; want 4 to 14 (0 means 10)`:                    {Aggregates: []window.Aggregate{{Name: "n", Func: window.Distinct, Precision: 15, Windows: ok.Windows}}},
		`Aggregates[0] "n": Precision belongs to Distinct, not to Count`:                   {Aggregates: []window.Aggregate{{Name: "n", Precision: 5, Windows: ok.Windows}}},
		`Aggregates[0] "n": K, Unique and Ages belong to LastK, not to Count`:              {Aggregates: []window.Aggregate{{Name: "n", K: 5, Windows: ok.Windows}}},
		`Aggregates[0] "n": Func is 99; want Count to DecaySum`:                            {Aggregates: []window.Aggregate{{Name: "n", Func: 99, Windows: ok.Windows}}},
		`Aggregates[0] "n": Granularity is -1s; want > 0 (0 means Config.Granularity)`:     {Aggregates: []window.Aggregate{{Name: "n", Granularity: -time.Second, Windows: ok.Windows}}},
	} {
		_, err := window.New(c)
		require.ErrorContains(t, err, want)
		_, err = window.NewBatch(c, slices.Values([]window.Event(nil)))
		require.ErrorContains(t, err, want)
	}
}

func TestColumnsAreNamedByTheirWindows(t *testing.T) {
	names := func(c window.Config) (names []string) {
		for _, col := range aggregator(t, c).Columns() {
			names = append(names, fmt.Sprint(col.Kind, " ", col.Name))
		}
		return names
	}
	require.Equal(t, []string{
		"float n.1h", "float n.24h", "float n.7d", "float d.90m", "float d.1500ms",
		"id last.1", "id last.2", "float last.age.1", "float last.age.2",
	}, names(window.Config{Aggregates: []window.Aggregate{
		{Name: "n", Windows: []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}},
		{Name: "d", Func: window.Decay, HalfLives: []time.Duration{90 * time.Minute, 1500 * time.Millisecond}},
		{Name: "last", Func: window.LastK, K: 2, Ages: true, Windows: []time.Duration{time.Hour}},
	}}))
	require.Equal(t, "45s", window.Span(45*time.Second))
	require.Equal(t, "1.5µs", window.Span(1500))
}

// TestReadersRunBesideAWriter is for the race detector; what is read is one state between
// two events: the count of a key and of its kinds agree.
func TestReadersRunBesideAWriter(t *testing.T) {
	a := aggregator(t, window.Config{Changes: true, Granularity: 10, Lateness: 100, Aggregates: []window.Aggregate{
		{Name: "all", Windows: []time.Duration{100}},
		{Name: "even", Kinds: []recsys.EventKind{0}, Windows: []time.Duration{100}},
		{Name: "odd", Kinds: []recsys.EventKind{1}, Windows: []time.Duration{100}},
		{Name: "ids", Func: window.Distinct, Windows: []time.Duration{100}},
	}})
	const n = 20_000
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			var row window.Row
			for now := int64(0); ; now++ {
				select {
				case <-done:
					return
				default:
				}
				a.Read(uint64(now%50), now%n, &row)
				if row.Floats[0] != row.Floats[1]+row.Floats[2] {
					t.Errorf("%v events, of which %v and %v", row.Floats[0], row.Floats[1], row.Floats[2])
					return
				}
			}
		})
	}
	for i := range int64(n) {
		a.Add(window.Event{Key: uint64(i % 50 * (i / 1000)), Time: i, ID: uint64(i), Kind: recsys.EventKind(i % 2)})
		if i%1000 == 0 {
			for range a.Rows(i) {
			}
		}
	}
	close(done)
	wg.Wait()
}

func TestSeveralWritersLoseNothing(t *testing.T) {
	a := aggregator(t, window.Config{Lateness: time.Hour, Aggregates: []window.Aggregate{
		{Name: "n", Windows: []time.Duration{time.Hour}},
		{Name: "sum", Func: window.Sum, Windows: []time.Duration{time.Hour}},
	}})
	const writers, each = 4, 5000
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range int64(each) {
				a.Add(window.Event{Key: uint64(i % 100), Time: i * int64(time.Millisecond), Value: float32(w)})
			}
		})
	}
	wg.Wait()
	for key := range uint64(100) {
		require.Equal(t, []float64{writers * each / 100, 6 * each / 100}, read(a, key, int64(time.Minute)))
	}
	require.EqualValues(t, writers*each, a.Stats().Accepted)
}

// TestSumsFollowValuesThatShrink adds values from 1e30 down to 1e-29 and compares each window with the events that are left in it: every
// value that leaves is a thousand times what stays, or a few times, or a million times.
func TestSumsFollowValuesThatShrink(t *testing.T) {
	lengths := []time.Duration{5, 20, 200}
	config := window.Config{Granularity: 1, Aggregates: []window.Aggregate{{Name: "sum", Func: window.Sum, Windows: lengths}}}
	for seed := range 40 {
		r := rand.New(rand.NewPCG(uint64(seed), 9))
		a, err := window.New(config)
		require.NoError(t, err)
		var events []window.Event
		for i := range 60 {
			value := r.NormFloat64() * math.Pow(10, 30-float64(i)*float64(seed%8+1)/5)
			events = append(events, window.Event{Key: 1, Time: int64(i), Value: float32(value)})
			a.Add(events[i])
			b, err := window.NewBatch(config, slices.Values(events))
			require.NoError(t, err)
			for _, ahead := range []int64{0, 1, 3, 12, 19} {
				now := int64(i) + ahead
				var want, got window.Row
				require.Equal(t, b.Read(1, now, &want), a.Read(1, now, &got))
				for j, w := range lengths {
					scale := 0.0
					for _, e := range events {
						if e.Time > now-int64(w) {
							scale += math.Abs(float64(e.Value))
						}
					}
					require.InDelta(t, want.Floats[j], got.Floats[j], 1e-12*scale, "seed %d, event %d, %d later, window %d", seed, i, ahead, w)
				}
			}
		}
	}
}
