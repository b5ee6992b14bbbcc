package window_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/window"
)

// TestRowsKeepAStoreEqual writes what Rows hands out into a map: afterwards it has, for
// every key and at that Now, what Read has.
func TestRowsKeepAStoreEqual(t *testing.T) {
	config := short()
	config.Changes = true
	config.Aggregates[8].Ages = false // they change without an event
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		a, err := window.New(config)
		require.NoError(t, err)
		store := map[uint64]window.Row{}
		written := 0
		flush := func(now int64) {
			for row := range a.Rows(now) {
				if old, ok := store[row.Key]; ok {
					require.GreaterOrEqual(t, row.Time, old.Time)
				}
				store[row.Key] = window.Row{Key: row.Key, Time: row.Time, Floats: slices.Clone(row.Floats), IDs: slices.Clone(row.IDs)}
				written++
			}
			for key := range uint64(6) {
				var want window.Row
				a.Read(key, now, &want)
				got, ok := store[key]
				if !ok {
					got.Floats, got.IDs = want.Floats, want.IDs
					require.False(t, a.Read(key, now, &want))
				}
				requireSame(t, a.Columns(), &want, &got, 1e9, "stored")
			}
		}
		now := int64(0)
		for i, e := range stream(r, 500) {
			a.Add(e)
			if i%(1+r.IntN(40)) == 0 {
				mark, ok := a.Watermark()
				now = max(now, mark+int64(config.Lateness)+int64(r.IntN(50)))
				if ok {
					flush(now)
				}
			}
		}
		mark, _ := a.Watermark()
		now = max(now, mark+int64(config.Lateness))
		for range 60 {
			now += int64(r.IntN(20))
			flush(now)
		}
		flush(now + 1000)
		before := written
		flush(now + 1010)
		require.Equal(t, before, written, "nothing is left to change")
		for _, row := range store {
			require.Zero(t, row.Floats[0])
		}
		// The watermark moves, and everybody else is forgotten.
		a.Add(window.Event{Key: 99, Time: now + 5000})
		require.Positive(t, a.Forget())
		require.Equal(t, 1, a.Len())
	}
}

func TestRowsThatWereNotSeenComeAgain(t *testing.T) {
	a, err := window.New(window.Config{Changes: true, Aggregates: []window.Aggregate{{Name: "n", Windows: []time.Duration{time.Hour}}}})
	require.NoError(t, err)
	for key := range uint64(100) {
		a.Add(window.Event{Key: key, Time: 0})
	}
	seen := map[uint64]bool{}
	for row := range a.Rows(1) {
		seen[row.Key] = true
		if len(seen) == 30 {
			break
		}
	}
	for row := range a.Rows(1) {
		require.False(t, seen[row.Key], "key %d came twice", row.Key)
		seen[row.Key] = true
	}
	require.Len(t, seen, 100)
	for range a.Rows(int64(time.Minute)) {
		t.Error("a row came that has not changed")
	}
	n := 0
	for row := range a.Rows(int64(2 * time.Hour)) {
		require.Zero(t, row.Floats[0])
		n++
	}
	require.Equal(t, 100, n, "windows that have emptied are changes")
}

func TestRowsNeedsTheDeclaration(t *testing.T) {
	a, err := window.New(declaration())
	require.NoError(t, err)
	require.PanicsWithValue(t, "window: Rows without Config.Changes", func() { a.Rows(0) })
}

func TestAKeyIsNotForgottenBeforeItsLastRow(t *testing.T) {
	a, err := window.New(window.Config{Changes: true, Aggregates: []window.Aggregate{{Name: "n", Windows: []time.Duration{time.Minute}}}})
	require.NoError(t, err)
	a.Add(window.Event{Key: 1, Time: 1})
	for range a.Rows(2) {
	}
	a.Add(window.Event{Key: 2, Time: int64(time.Hour)})
	require.Zero(t, a.Forget())
	keys := map[uint64]float64{}
	for row := range a.Rows(int64(time.Hour)) {
		keys[row.Key] = row.Floats[0]
	}
	require.Equal(t, map[uint64]float64{1: 0, 2: 1}, keys)
	require.Equal(t, 1, a.Len())
}
