package window_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/window"
)

// TestTheWholeLogReadsWhatWasServed reads the past from a log with arrival times: each read
// is what an aggregator served at that moment, which had seen no event that arrived later.
func TestTheWholeLogReadsWhatWasServed(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 17))
		config := declaration()
		if seed%2 == 0 {
			config = short()
		}
		config.Lateness = time.Duration([]int{10, 100, 1000}[r.IntN(3)])
		now, scale := int64(1), 0.0
		var log []window.Event
		for range 300 {
			now += int64(r.IntN(30))
			delay := int64(r.IntN(20))
			if r.IntN(8) == 0 {
				delay = int64(r.IntN(400))
			}
			e := window.Event{Key: uint64(r.IntN(4)), Time: now - delay, Arrival: now, ID: uint64(r.IntN(20)), Kind: 1, Value: r.Float32()}
			scale += float64(e.Value)
			log = append(log, e)
		}
		all, err := window.NewBatch(config, slices.Values(log))
		require.NoError(t, err)
		a := aggregator(t, config)
		leaks := 0
		for i, e := range log {
			a.Add(e)
			if i+1 < len(log) && log[i+1].Arrival == e.Arrival {
				continue // they were known together
			}
			for key := range uint64(5) {
				var want, got window.Row
				what := fmt.Sprintf("seed %d, event %d, key %d", seed, i, key)
				require.Equal(t, a.Read(key, e.Arrival, &want), all.Read(key, e.Arrival, &got), what)
				requireSame(t, a.Columns(), &want, &got, scale, what)
				if i+1 < len(log) && log[i+1].Key == key && log[i+1].Time <= e.Arrival {
					leaks++
				}
			}
		}
		require.Positive(t, leaks, "some events happened before a read and arrived after it")
		require.Equal(t, a.Stats().Late, all.Stats().Late)
	}
}

func TestBatchReadsThePast(t *testing.T) {
	b, err := window.NewBatch(window.Config{Granularity: 10, Aggregates: []window.Aggregate{
		{Name: "n", Windows: []time.Duration{20}},
	}}, slices.Values([]window.Event{
		{Key: 1, Time: 5}, {Key: 1, Time: 15, Arrival: 40}, {Key: 1, Time: 25}, {Key: 2, Time: 25, ID: 1},
	}))
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 2}, b.Keys())
	var row window.Row
	for now, want := range map[int64]float64{4: 0, 5: 1, 15: 1, 24: 1, 25: 2, 29: 2, 30: 1, 39: 1, 49: 1, 50: 0} {
		known := b.Read(1, now, &row)
		require.Equal(t, now >= 5, known)
		require.Equal(t, []float64{want}, row.Floats, "now %d", now)
	}
	require.False(t, b.Read(3, 25, &row))
	require.Equal(t, []float64{0}, row.Floats)
	_, err = b.Registers("n.20ns", 1, 5, nil)
	require.EqualError(t, err, `window: column "n.20ns" is none of Distinct`)
	require.NotZero(t, b.Hash())
	require.Len(t, b.Columns(), 1)
}
