package window_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/window"
)

// declaration has every function, several granularities, windows and sets of kinds.
func declaration() window.Config {
	clicks, shown := []recsys.EventKind{recsys.Click}, []recsys.EventKind{recsys.Impression}
	return window.Config{
		Granularity: 10,
		Lateness:    60,
		Future:      1000,
		Aggregates: []window.Aggregate{
			{Name: "all", Windows: []time.Duration{10, 50, 300}},
			{Name: "clicks", Kinds: clicks, Windows: []time.Duration{50}},
			{Name: "sum", Func: window.Sum, Kinds: clicks, Windows: []time.Duration{30, 300}},
			{Name: "fine", Func: window.Sum, Windows: []time.Duration{7, 70}, Granularity: 7},
			{Name: "mean", Func: window.Mean, Windows: []time.Duration{50}},
			{Name: "ctr", Func: window.Rate, Kinds: clicks, Of: shown, Windows: []time.Duration{20, 300}},
			{Name: "min", Func: window.Min, Windows: []time.Duration{50}},
			{Name: "max", Func: window.Max, Kinds: shown, Windows: []time.Duration{50, 300}},
			{Name: "last", Func: window.LastK, K: 4, Ages: true, Windows: []time.Duration{100}},
			{Name: "unique", Func: window.LastK, K: 3, Unique: true, Kinds: clicks, Windows: []time.Duration{200}},
			{Name: "ids", Func: window.Distinct, Precision: 4, Windows: []time.Duration{30, 300}},
			{Name: "clicked", Func: window.Distinct, Kinds: clicks, Precision: 7, Granularity: 1, Windows: []time.Duration{100}},
			{Name: "recent", Func: window.Decay, HalfLives: []time.Duration{time.Millisecond}},
			{Name: "worth", Func: window.DecaySum, Kinds: clicks, HalfLives: []time.Duration{time.Millisecond, 2 * time.Millisecond}},
		},
	}
}

// short is declaration without decays, so that keys are soon forgotten.
func short() window.Config {
	c := declaration()
	c.Aggregates = c.Aggregates[:12]
	return c
}

// stream returns events that are out of order, late, doubled, of equal times, at
// boundaries, before and after 1970, with gaps and jumps, a few of them wrong.
func stream(r *rand.Rand, n int) []window.Event {
	at := -int64(r.IntN(4000))
	unit := []int64{1, 3, 10, 1000}[r.IntN(4)]
	events := make([]window.Event, 0, n)
	for len(events) < n {
		switch r.IntN(20) {
		case 0:
			at += int64(r.IntN(400)) * unit
		case 1:
			at = (at/10 + 1) * 10
		case 2:
		default:
			at += int64(r.IntN(4)) * unit
		}
		e := window.Event{
			Key:   uint64(r.IntN(5)),
			Time:  at - int64(r.IntN(80)*r.IntN(2)),
			ID:    uint64(r.IntN(40)),
			Kind:  recsys.EventKind(r.IntN(3)),
			Value: float32(r.NormFloat64() * math.Pow(10, float64(r.IntN(7)-3))),
		}
		switch r.IntN(100) {
		case 0:
			e.Value = float32(math.NaN())
		case 1:
			e.Value = float32(math.Inf(-1))
		case 2:
			e.Time += 5000
			e.Arrival = e.Time - 2000
		case 3:
			e.Time = window.MaxTime + 1
		}
		if e.Arrival == 0 {
			e.Arrival = e.Time
		}
		events = append(events, e)
		for r.IntN(10) == 0 {
			events = append(events, e)
		}
	}
	return events
}

// requireSame compares rows: counts, extremes and lists exactly, the rest to 1e-12 of scale.
func requireSame(t *testing.T, columns []recsys.Column, want, got *window.Row, scale float64, what string) {
	t.Helper()
	require.Equal(t, want.IDs, got.IDs, what)
	require.Len(t, got.Floats, len(want.Floats))
	j := 0
	for _, c := range columns {
		if c.Kind != recsys.Float {
			continue
		}
		w, g := want.Floats[j], got.Floats[j]
		j++
		if w == g || w != w && g != g {
			continue
		}
		switch c.Name[:3] {
		case "sum", "fin", "mea", "rec", "wor":
			require.LessOrEqual(t, math.Abs(w-g), 1e-12*scale, "%s: %s is %v; want %v", what, c.Name, g, w)
		default:
			require.Equal(t, w, g, "%s: %s", what, c.Name)
		}
	}
}

func TestAggregatorIsTheBatchOracle(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 25
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		events := stream(r, 20+r.IntN(400))
		config := declaration()
		if seed%3 == 0 {
			config = short()
		}
		config.Lateness = time.Duration([]int{0, 5, 60, 1000, 100_000}[r.IntN(5)])
		a, err := window.New(config)
		require.NoError(t, err)
		scale, newest := 0.0, int64(math.MinInt64)
		for _, e := range events {
			if v := math.Abs(float64(e.Value)); v < math.MaxFloat32 {
				scale += v
			}
		}
		for i, e := range events {
			if o := a.Add(e); o == window.Accepted || o == window.Ignored {
				newest = max(newest, e.Time)
			}
			if i%29 != 0 && i != len(events)-1 {
				continue
			}
			b, err := window.NewBatch(config, slices.Values(withoutArrival(events[:i+1])))
			require.NoError(t, err)
			var want, got window.Row
			for _, ahead := range []int64{0, 1, 5, 9, 10, 11, 49, 50, 300, 301, 310, 5_000_000, 200_000_000} {
				now := newest + ahead
				if newest == math.MinInt64 {
					now = ahead
				}
				for key := range uint64(6) {
					what := fmt.Sprintf("seed %d, event %d, key %d, now %d", seed, i, key, now)
					require.Equal(t, b.Read(key, now, &want), a.Read(key, now, &got), what)
					require.Equal(t, want.Newest, got.Newest, what)
					requireSame(t, a.Columns(), &want, &got, scale, what)
					for _, column := range []string{"ids.30ns", "ids.300ns", "clicked.100ns"} {
						w, err := b.Registers(column, key, now, nil)
						require.NoError(t, err)
						g, err := a.Registers(column, key, now, nil)
						require.NoError(t, err)
						require.Equal(t, w, g, what+" "+column)
					}
				}
			}
			want1, got1 := b.Stats(), a.Stats()
			require.Equal(t, []uint64{want1.Accepted, want1.Late, want1.Future, want1.Invalid, want1.Ignored},
				[]uint64{got1.Accepted, got1.Late, got1.Future, got1.Invalid, got1.Ignored})
		}
	}
}

// withoutArrival leaves only the arrivals that refuse their event: an event that
// happened later than it arrived is one that a batch sees from its arrival on.
func withoutArrival(events []window.Event) []window.Event {
	out := slices.Clone(events)
	for i := range out {
		if out[i].Time-out[i].Arrival < 1000 {
			out[i].Arrival = 0
		}
	}
	return out
}
