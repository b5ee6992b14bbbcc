package features_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/featurestest"
	"github.com/recsyskit/recsys/features/window"
	"github.com/recsyskit/recsys/internal/race"
)

// sessionOracle computes the columns one by one, by their definition.
func sessionOracle(r features.RequestSession, now time.Time, history []recsys.Event) (floats []float32, ids []uint64) {
	if r.Windows == nil {
		r.Windows = []time.Duration{time.Hour, 24 * time.Hour}
	}
	if r.Gap == 0 {
		r.Gap = 30 * time.Minute
	}
	var known []recsys.Event // oldest first
	for _, e := range history {
		if !e.Time.IsZero() && !e.Time.After(now) {
			known = append(known, e)
		}
	}
	slices.SortStableFunc(known, func(a, b recsys.Event) int { return a.Time.Compare(b.Time) })
	first := len(known)
	for later := now; first > 0 && later.Sub(known[first-1].Time) <= r.Gap; first-- {
		later = known[first-1].Time
	}
	spans := [][]recsys.Event{known[first:]}
	for _, w := range r.Windows {
		var in []recsys.Event
		for _, e := range known {
			if e.Time.After(now.Add(-w)) {
				in = append(in, e)
			}
		}
		spans = append(spans, in)
	}
	for i, span := range spans {
		items, dwell := map[recsys.ItemID]bool{}, 0.0
		for _, e := range span {
			items[e.Item] = true
			if v := float64(e.Value); e.Kind == recsys.Dwell && !math.IsNaN(v) && !math.IsInf(v, 0) {
				dwell += v
			}
		}
		floats = append(floats, float32(len(span)), float32(len(items)), float32(dwell))
		if i == 0 {
			seconds := math.NaN()
			if len(span) > 0 {
				seconds = now.Sub(span[0].Time).Seconds()
			}
			floats = append(floats, float32(seconds))
		}
	}
	for _, k := range r.Kinds {
		for _, span := range spans {
			n := 0
			for _, e := range span {
				if e.Kind == k {
					n++
				}
			}
			floats = append(floats, float32(n))
		}
		since := math.NaN()
		for _, e := range known {
			if e.Kind == k {
				since = now.Sub(e.Time).Seconds()
			}
		}
		floats = append(floats, float32(since))
	}
	for i := len(known) - 1; i >= 0 && len(ids) < r.Last; i-- {
		if !slices.Contains(ids, uint64(known[i].Item)) {
			ids = append(ids, uint64(known[i].Item))
		}
	}
	return floats, append(ids, make([]uint64, r.Last-len(ids))...)
}

func TestRequestSessionIsItsDefinition(t *testing.T) {
	sources := []features.RequestSession{
		{},
		{Kinds: []recsys.EventKind{recsys.Click, recsys.Dwell}, Last: 5},
		{Windows: []time.Duration{7 * 24 * time.Hour, time.Minute, 5 * time.Second}, Kinds: []recsys.EventKind{200}, Gap: time.Minute, Last: 1, Prefix: "u."},
	}
	for seed := range uint64(300) {
		r := newRand(seed)
		history := make([]recsys.Event, r.IntN(80))
		at := epoch.Add(-time.Duration(r.IntN(int(48 * time.Hour))))
		for i := range history {
			switch r.IntN(6) {
			case 0:
				at = at.Add(30 * time.Minute)
			case 1:
				at = at.Add(time.Duration(r.IntN(int(8*time.Hour))) - time.Hour)
			case 2:
			default:
				at = at.Add(time.Duration(r.IntN(90)) * time.Second)
			}
			history[i] = recsys.Event{Item: recsys.ItemID(r.IntN(12)), Kind: recsys.EventKind(r.IntN(4)), Value: float32(r.IntN(100)), Time: at}
			switch r.IntN(30) {
			case 0:
				history[i].Time = time.Time{}
			case 1:
				history[i].Value = float32(math.NaN())
			}
		}
		for _, now := range []time.Time{epoch, at, at.Add(30 * time.Minute), at.Add(time.Hour), at.Add(time.Hour + 1)} {
			req := at0(now, history)
			for i, s := range sources {
				floats, ids := sessionOracle(s, now, history)
				b := hydrated(t, s, req, nil)
				require.Equal(t, bitsOf(floats), bitsOf(b.FloatRow(0)), "seed %d, source %d, now %v", seed, i, now)
				for j, id := range ids {
					require.Equal(t, id, b.ID[j][0])
				}
				require.False(t, b.Missing.Has(0))
			}
		}
	}
}

func at0(now time.Time, history []recsys.Event) *recsys.Request {
	return &recsys.Request{Now: now, History: history}
}

func TestRequestSessionWithoutNowIsMissing(t *testing.T) {
	b := hydrated(t, features.RequestSession{Last: 2}, at0(time.Time{}, []recsys.Event{{Item: 3, Time: epoch}}), nil)
	require.True(t, b.Missing.Has(0))
	require.Zero(t, b.ID[0][0])
}

func TestRequestSessionColumns(t *testing.T) {
	require.Equal(t, []string{
		"u.session.events", "u.session.items", "u.session.dwell", "u.session.seconds",
		"u.history.events.90m", "u.history.items.90m", "u.history.dwell.90m",
		"u.session.click", "u.history.click.90m", "u.history.click.since",
		"u.history.item.1", "u.history.item.2",
	}, columnNames(features.RequestSession{Prefix: "u.", Windows: []time.Duration{90 * time.Minute}, Kinds: []recsys.EventKind{recsys.Click}, Last: 2}))
	for _, d := range []time.Duration{1, 1500, time.Second, 90 * time.Second, time.Minute, time.Hour, 24 * time.Hour, 36 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour} {
		names := columnNames(features.RequestSession{Windows: []time.Duration{d}})
		require.Equal(t, "history.events."+window.Span(d), names[4], "windows are named as in package window")
	}
}

func TestRequestSessionIsChecked(t *testing.T) {
	require.NoError(t, features.RequestSession{Last: 64}.Validate())
	for want, s := range map[string]features.RequestSession{
		"features: RequestSession.Gap is -1ns; want > 0 (0 means 30m0s)":     {Gap: -1},
		"features: RequestSession.Last is 65; want 0 to 64":                  {Last: 65},
		"features: RequestSession.Last is -1; want 0 to 64":                  {Last: -1},
		"features: RequestSession.Windows[1] is 0s; want > 0":                {Windows: []time.Duration{1, 0}},
		"features: RequestSession.Windows[1] is 1ns, which is listed before": {Windows: []time.Duration{1, 1}},
		"features: RequestSession.Kinds[1] is click, which is listed before": {Kinds: []recsys.EventKind{1, 1}},
	} {
		require.EqualError(t, s.Validate(), want)
		_, err := s.Bind(nil)
		require.EqualError(t, err, want)
	}
}

func TestRequestSessionKeepsTheContract(t *testing.T) {
	config := featurestest.Config{Users: []recsys.UserID{1}, Request: recsys.Request{
		Now:     epoch,
		History: []recsys.Event{{Item: 1, Time: epoch.Add(-time.Hour)}, {Item: 2, Kind: recsys.Click, Time: epoch.Add(-time.Minute)}},
	}}
	featurestest.Run(t, func(*testing.T) recsys.FeatureSource {
		return features.RequestSession{Kinds: []recsys.EventKind{recsys.Click}, Last: 3}
	}, config)
}

func TestRequestSessionAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	s, err := features.RequestSession{Kinds: []recsys.EventKind{recsys.Click}, Last: 10}.Bind(nil)
	require.NoError(t, err)
	history := make([]recsys.Event, 200)
	for i := range history {
		history[i] = recsys.Event{Item: recsys.ItemID(i % 37), Kind: recsys.Click, Time: epoch.Add(-time.Duration(i^3) * time.Minute)}
	}
	q := recsys.NewQuery(at0(epoch, history), nil, "session")
	out := recsys.NewBlock(s.Columns(), recsys.PerRequest, 1)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := s.Hydrate(context.Background(), q, nil, out); err != nil {
			t.Fatal(err)
		}
	}))
}
