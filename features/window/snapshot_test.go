package window_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/window"
)

func checkpoint(t testing.TB, a *window.Aggregator) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := a.WriteTo(&b)
	require.NoError(t, err)
	require.EqualValues(t, b.Len(), n)
	return b.Bytes()
}

func restored(t testing.TB, config window.Config, file []byte) *window.Aggregator {
	t.Helper()
	a, err := window.New(config)
	require.NoError(t, err)
	n, err := a.ReadFrom(bytes.NewReader(file))
	require.NoError(t, err)
	require.EqualValues(t, len(file), n)
	return a
}

func TestACheckpointOnTheWayChangesNoBit(t *testing.T) {
	forgotten := uint64(0)
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 11))
		config := declaration()
		if seed%3 > 0 {
			config = short()
		}
		config.Changes = seed%2 == 1
		events := stream(r, 600)
		through, err := window.New(config)
		require.NoError(t, err)
		stopped, err := window.New(config)
		require.NoError(t, err)
		for i, e := range events {
			require.Equal(t, through.Add(e), stopped.Add(e))
			if i%97 != 96 {
				continue
			}
			if config.Changes {
				now, _ := through.Watermark()
				for range through.Rows(now) {
				}
				for range stopped.Rows(now) {
				}
			}
			file := checkpoint(t, stopped)
			stopped = restored(t, config, file)
			require.Equal(t, file, checkpoint(t, stopped))
			want, got := through.Stats(), stopped.Stats()
			want.Bytes, got.Bytes, want.Forgotten, got.Forgotten, want.Keys, got.Keys = 0, 0, 0, 0, 0, 0
			require.Equal(t, want, got)
		}
		require.Equal(t, checkpoint(t, through), checkpoint(t, stopped))
		forgotten += through.Stats().Forgotten
	}
	require.NotZero(t, forgotten)
}

func TestCheckpointsOfOtherDeclarationsAreRefused(t *testing.T) {
	a, err := window.New(declaration())
	require.NoError(t, err)
	for _, e := range stream(rand.New(rand.NewPCG(1, 1)), 100) {
		a.Add(e)
	}
	file := checkpoint(t, a)
	for name, change := range map[string]func(*window.Config){
		"name":        func(c *window.Config) { c.Aggregates[0].Name = "other" },
		"window":      func(c *window.Config) { c.Aggregates[0].Windows[1] = 60 },
		"granularity": func(c *window.Config) { c.Aggregates[0].Granularity = 5 },
		"kinds":       func(c *window.Config) { c.Aggregates[1].Kinds = nil },
		"lateness":    func(c *window.Config) { c.Lateness = 61 },
		"half-life":   func(c *window.Config) { c.Aggregates[12].HalfLives[0] *= 3 },
		"order":       func(c *window.Config) { c.Aggregates[0], c.Aggregates[1] = c.Aggregates[1], c.Aggregates[0] },
	} {
		config := declaration()
		change(&config)
		b, err := window.New(config)
		require.NoError(t, err)
		_, err = b.ReadFrom(bytes.NewReader(file))
		require.ErrorIs(t, err, window.ErrSchema, name)
		require.ErrorContains(t, err, "window: checkpoint: ", name)
		require.Zero(t, b.Len())
	}
	config := declaration()
	config.MaxKeys, config.Future, config.Changes = 1000, time.Hour, true
	require.Equal(t, a.Len(), restored(t, config, file).Len())
}

func TestADamagedCheckpointChangesNothing(t *testing.T) {
	config := declaration()
	a, err := window.New(config)
	require.NoError(t, err)
	for _, e := range stream(rand.New(rand.NewPCG(1, 1)), 300) {
		a.Add(e)
	}
	file := checkpoint(t, a)
	b, err := window.New(config)
	require.NoError(t, err)
	b.Add(window.Event{Key: 77, Time: 5})
	want := checkpoint(t, b)
	for at := 0; at < len(file); at += 61 {
		bad := bytes.Clone(file)
		bad[at] ^= 4
		_, err := b.ReadFrom(bytes.NewReader(bad))
		require.Error(t, err)
		_, err = b.ReadFrom(bytes.NewReader(file[:at]))
		require.ErrorIs(t, err, window.ErrTruncated)
	}
	require.Equal(t, want, checkpoint(t, b))
}

var update = flag.Bool("update", false, "write testdata anew")

// Checkpoints of version 1 stay readable, and the same history gives the same bytes on
// every machine. The file is written by -update.
func TestCheckpointOfVersion1(t *testing.T) {
	config := declaration()
	a := aggregator(t, config)
	var events []window.Event
	for i := range int64(60) {
		events = append(events, window.Event{Key: uint64(i % 3), Time: -200 + 7*i - 50*(i%2), ID: uint64(i % 11), Kind: recsys.EventKind(i % 3), Value: float32(i%13) / 8})
		a.Add(events[i])
	}
	const path = "testdata/checkpoint.v1"
	if *update {
		require.NoError(t, os.WriteFile(path, checkpoint(t, a), 0o644))
	}
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, checkpoint(t, a), file)
	b := restored(t, config, file)
	log, err := window.NewBatch(config, slices.Values(events))
	require.NoError(t, err)
	for key := range uint64(3) {
		var want, got window.Row
		require.True(t, log.Read(key, 230, &want))
		require.True(t, b.Read(key, 230, &got))
		requireSame(t, b.Columns(), &want, &got, 100, "read from the file")
	}
}
