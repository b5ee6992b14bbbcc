package materialize_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/window"
)

// The rows that a run writes become the table of a training join, which finds what serving found.
func ExampleHistory() {
	view := features.View{Name: "item.stats", Columns: []features.Column{{Name: "clicks.1h", Default: new(float32(0))}}}
	store, err := features.NewStore(features.StoreConfig{View: view})
	if err != nil {
		log.Fatal(err)
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := noon
	history, err := materialize.NewHistory(materialize.HistoryConfig{Store: store, Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	_, err = materialize.Materialize(context.Background(), materialize.Config{
		Log: materialize.Log{Reader: strings.NewReader(`{"time":"2026-03-01T12:00:00Z","user":1,"item":10,"kind":"click"}
{"time":"2026-03-01T12:20:00Z","user":2,"item":10,"kind":"click"}
`)},
		FlushEvents: 1,
		Each:        func(e *materialize.Event) { now = time.Unix(0, e.Time).Add(time.Minute) }, // it takes a minute to get here
		Targets: []materialize.Target{{Store: history, Aggregates: window.Config{
			Aggregates: []window.Aggregate{{Name: "clicks", Kinds: []recsys.EventKind{recsys.Click}, Windows: []time.Duration{time.Hour}}},
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	table := asof.TableOf(&view)
	table.Rows, table.Arrival = history.Rows(), true
	label := func(after time.Duration) asof.Label {
		return asof.Label{Time: noon.Add(after).UnixNano(), Keys: []uint64{10}}
	}
	j, err := asof.New(asof.Config{
		Labels: asof.Labels{Keys: []string{"item"}, Rows: asof.LabelRows([]asof.Label{
			label(30 * time.Second), label(time.Minute), label(20 * time.Minute), label(21 * time.Minute),
		})},
		Tables: []asof.Table{table},
	})
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range j.All(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(time.Unix(0, row.Time).UTC().Format(time.TimeOnly), row.Floats)
	}
	// Output:
	// 12:00:30 [0]
	// 12:01:00 [1]
	// 12:20:00 [1]
	// 12:21:00 [2]
}

// Whatever is served while a run goes on, at any moment of it, a join over the history finds.
func TestJoinOverAHistoryIsWhatWasServed(t *testing.T) {
	ctx := context.Background()
	var matched, missing, expired, stale int64
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := newStory(rng, 2000)
		view := features.View{
			Name: "item.stats", TTL: 3 * time.Minute, Age: "age", Stale: features.StalePolicy(seed % 3),
			Columns: []features.Column{{Name: "n.5m", Default: new(float32(-1)), MaxAge: time.Minute}, {Name: "last.1", Kind: recsys.ID}},
		}
		now := int64(noon)
		tick := func() time.Time { return time.Unix(0, now) }
		store, err := features.NewStore(features.StoreConfig{View: view, Clock: tick})
		require.NoError(t, err)
		history, err := materialize.NewHistory(materialize.HistoryConfig{Store: store, Now: tick})
		require.NoError(t, err)
		var labels []asof.Label
		var served []string
		_, err = materialize.Materialize(ctx, materialize.Config{
			Log: materialize.Log{Reader: strings.NewReader(strings.Join(s.lines, "\n") + "\n")}, Now: tick,
			FlushEvents: 1 + rng.IntN(40), Batch: 1 + rng.IntN(5), Refresh: time.Duration(1+rng.IntN(90)) * time.Second,
			Each: func(e *materialize.Event) {
				now = max(now+1, e.Time) // later than what was written before, so that a request is before or after a write
				key := rng.Uint64N(40)
				labels = append(labels, asof.Label{Time: now, Keys: []uint64{key}})
				served = append(served, hydrated(t, history, key, now))
				now++
			},
			Targets: []materialize.Target{{Store: history, Aggregates: window.Config{Lateness: lateness, Aggregates: []window.Aggregate{
				{Name: "n", Windows: []time.Duration{5 * time.Minute}},
				{Name: "last", Func: window.LastK, K: 1, Windows: []time.Duration{5 * time.Minute}},
			}}}},
		})
		require.NoError(t, err)

		table := asof.TableOf(&view)
		table.Rows, table.Arrival = history.Rows(), true
		j, err := asof.New(asof.Config{Labels: asof.Labels{Keys: []string{"item"}, Rows: asof.LabelRows(labels)}, Tables: []asof.Table{table}})
		require.NoError(t, err)
		for row, err := range j.All(ctx) {
			require.NoError(t, err)
			got := fmt.Sprintf("%v %v missing %v stale %v", row.Floats, row.IDs, row.Missing, row.Stale)
			require.Equal(t, served[row.Number], got, "seed %d, label %d", seed, row.Number)
		}
		r := j.Report().Tables[0]
		matched, missing, expired, stale = matched+r.Matched, missing+r.Missing, expired+r.Expired, stale+r.Stale
	}
	for _, n := range []int64{matched, missing, expired, stale} {
		require.Positive(t, n, "%d matched, %d missing, %d expired, %d stale: the case is too easy", matched, missing, expired, stale)
	}
}

// hydrated reads a row as a pipeline does.
func hydrated(t *testing.T, source recsys.FeatureSource, key uint64, now int64) string {
	out := recsys.NewBlock(source.Columns(), recsys.PerItem, 1)
	q := recsys.NewQuery(&recsys.Request{Now: time.Unix(0, now), K: 1}, nil, "store")
	require.NoError(t, source.Hydrate(context.Background(), q, []recsys.ItemID{recsys.ItemID(key)}, out))
	return fmt.Sprintf("%v [%v] missing %v stale %v", out.FloatRow(0), out.ID[0][0], out.Missing[0], out.Stale[0])
}

func TestHistoryTellsOfEveryBatchThatWasStored(t *testing.T) {
	ctx := context.Background()
	view := features.View{Name: "v", Columns: []features.Column{{Name: "x"}}}
	inner := newShelf(&view)
	inner.before = func(call int) error {
		if call == 1 {
			return errDown
		}
		return nil
	}
	inner.losses = 3
	full := errors.New("the disk is full")
	var told []asof.Row
	h, err := materialize.NewHistory(materialize.HistoryConfig{
		Store: cautious{inner}, Now: func() time.Time { return time.Unix(9, 0) }, Written: func(rows []asof.Row) error {
			told = append(told, rows...)
			if len(told) == 1 {
				return full
			}
			return nil
		},
	})
	require.NoError(t, err)
	rows := []features.Row{{Key: 1, Time: time.Unix(5, 0), Floats: []float32{2}}}
	_, err = h.PutBatch(ctx, rows)
	require.ErrorIs(t, err, errDown)
	require.Empty(t, told, "what was not stored is not told")
	_, err = h.PutBatch(ctx, rows)
	require.ErrorIs(t, err, full)
	require.ErrorContains(t, err, `view "v"`)
	_, err = h.PutBatch(ctx, rows)
	require.NoError(t, err)
	require.Len(t, told, 2)
	require.Equal(t, asof.Row{Key: 1, Time: 5e9, Created: 9e9, Floats: []float32{2}}, told[1])
	for range h.Rows() {
		t.Error("rows that were handed on are kept")
	}
	_, err = h.PutBatch(ctx, []features.Row{rows[0], {Key: 7, Floats: []float32{1}}})
	var wrong *features.RowError
	require.ErrorAs(t, err, &wrong)
	require.EqualValues(t, 7, wrong.Key)
	require.Len(t, told, 2)

	require.EqualValues(t, 3, h.Losses())
	require.Equal(t, cautious{inner}, h.Unwrap())
	_, err = materialize.NewHistory(materialize.HistoryConfig{})
	require.ErrorContains(t, err, "HistoryConfig.Store is nil")
}

func TestHistoryKeepsItsOwnRows(t *testing.T) {
	store, err := features.NewStore(features.StoreConfig{View: features.View{Name: "v", Columns: []features.Column{{Name: "x"}}}})
	require.NoError(t, err)
	h, err := materialize.NewHistory(materialize.HistoryConfig{Store: store})
	require.NoError(t, err)
	require.Zero(t, h.Losses())
	rows := []features.Row{{Key: 1, Time: time.Unix(5, 0), Floats: []float32{2}}}
	_, err = h.PutBatch(context.Background(), rows)
	require.NoError(t, err)
	before := h.Rows()
	rows[0].Floats[0] = 3
	_, err = h.PutBatch(context.Background(), rows)
	require.NoError(t, err)
	values := func(rows func(func(asof.Row, error) bool)) (v []float32) {
		for row, err := range rows {
			require.NoError(t, err)
			require.Positive(t, row.Created)
			v = append(v, row.Floats...)
		}
		return v
	}
	require.Equal(t, []float32{2}, values(before))
	require.Equal(t, []float32{2, 3}, values(h.Rows()))
}
