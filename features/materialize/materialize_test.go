package materialize_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/window"
)

// far is a clock after all logs.
func far() time.Time { return time.Unix(0, noon).Add(1000 * time.Hour) }

// shelves are the stores of three views.
type shelves struct{ items, users, pairs *shelf }

func newShelves() shelves {
	return shelves{newShelf(itemView()), newShelf(userView()), newShelf(pairView())}
}

func (s shelves) config(log materialize.Log) materialize.Config {
	return materialize.Config{
		Log: log, Horizon: horizon, FlushEvents: 100, Batch: 16, Now: far,
		Targets: []materialize.Target{
			{Store: s.items, Aggregates: itemWindows()},
			{Store: s.users, Aggregates: userWindows()},
			{Store: s.pairs, Aggregates: pairWindows()},
		},
	}
}

func (s shelves) requireBatch(t *testing.T, st *story, what string) {
	t.Helper()
	st.requireBatch(t, s.items, itemWindows(), what+", items")
	st.requireBatch(t, s.users, userWindows(), what+", users")
	st.requireBatch(t, s.pairs, pairWindows(), what+", pairs")
}

// files cuts the story into files, the middle one compressed, and returns a pattern of them.
func (s *story) files(t *testing.T, dir string) string {
	t.Helper()
	n := len(s.lines)
	for k := range 3 {
		text := []byte(strings.Join(s.lines[k*n/3:(k+1)*n/3], "\n") + "\n")
		if k == 1 {
			text = zipped(t, string(text))
		}
		write(t, filepath.Join(dir, fmt.Sprintf("log-%d.jsonl", k)), text)
	}
	return filepath.Join(dir, "log-*.jsonl")
}

func TestStoreEndsAsABatchComputes(t *testing.T) {
	seeds := uint64(5)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		st := newStory(rng, 2000)
		dir := t.TempDir()
		for name, log := range map[string]materialize.Log{
			"files":  {Paths: []string{st.files(t, dir)}},
			"reader": {Reader: strings.NewReader(st.text())},
		} {
			s := newShelves()
			stats, err := materialize.Materialize(context.Background(), s.config(log))
			require.NoError(t, err)
			s.requireBatch(t, st, name)
			require.Len(t, stats.Views, 3)
			for _, v := range stats.Views {
				require.EqualValues(t, len(st.lines), v.Counts.Lines)
				require.EqualValues(t, st.other, v.Counts.Other)
				require.EqualValues(t, len(st.events)+st.doubles, v.Counts.Events+v.Counts.Doubled)
				require.InDelta(t, st.doubles, v.Counts.Doubled, 30, "those that come after the horizon are late in any case")
				require.Equal(t, st.newest, v.Clock.UnixNano())
				require.True(t, v.CaughtUp)
				require.Equal(t, v.Rows, v.Stored)
				require.Greater(t, v.Aggregates.Late, uint64(0))
			}
		}
	}
}

// A run that ends anywhere, for whatever reason, and is started again counts nothing twice and loses nothing.
func TestRunsThatFailGoOnFromTheCheckpoint(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 2))
		st := newStory(rng, 2000)
		dir := t.TempDir()
		pattern := st.files(t, dir)
		s := newShelves()
		fail := func(call int) error {
			switch rng.IntN(25) {
			case 0:
				return errDown
			case 1:
				return errHalf
			}
			return nil
		}
		for _, shelf := range []*shelf{s.items, s.users, s.pairs} {
			shelf.before = fail
			shelf.after = func(int) error {
				if rng.IntN(25) == 0 {
					return errDown
				}
				return nil
			}
		}
		runs := 0
		for done := false; !done; runs++ {
			cfg := s.config(materialize.Log{Paths: []string{pattern}})
			if rng.IntN(2) == 0 {
				cfg.Log = materialize.Log{Paths: cfg.Log.Paths, MaxLine: 1000}
			}
			cfg.Checkpoints = filepath.Join(dir, "checkpoints")
			cfg.CheckpointEvents = 1 + rng.IntN(600)
			cfg.FlushEvents = 1 + rng.IntN(300)
			cfg.Refresh = time.Duration(1 + rng.Int64N(int64(10*time.Minute)))
			cfg.Retry.Attempts = 1
			if runs > 300 {
				s.items.before, s.users.before, s.pairs.before = nil, nil, nil
				s.items.after, s.users.after, s.pairs.after = nil, nil, nil
			}
			_, err := materialize.Materialize(context.Background(), cfg)
			if done = err == nil; !done {
				require.ErrorContains(t, err, "down")
			}
		}
		require.Greater(t, runs, 5)
		s.requireBatch(t, st, fmt.Sprintf("seed %d, %d runs", seed, runs))
	}
}

func TestFinishedLogCostsARunNothingTwice(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(7, 7)), 1000)
	dir := t.TempDir()
	pattern := st.files(t, dir)
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{pattern}})
	cfg.Checkpoints = filepath.Join(dir, "c")
	first, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	again, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	for i, v := range again.Views {
		require.Equal(t, first.Views[i].Counts, v.Counts)
		require.Equal(t, first.Views[i].Aggregates.Accepted, v.Aggregates.Accepted)
		require.Zero(t, v.Verified.Lost+v.Verified.Ahead)
		require.Zero(t, v.Rows)
	}
	s.requireBatch(t, st, "again")

	// And more of the log counts on.
	more := newStory(rand.New(rand.NewPCG(8, 7)), 200)
	shift := st.newest - noon
	for i := range more.events {
		e := more.events[i]
		e.Time += shift
		e.ID = fmt.Sprintf("more%d", i)
		st.events, st.newest = append(st.events, e), max(st.newest, e.Time)
		st.lines = append(st.lines, lineOf(&e, true))
	}
	write(t, filepath.Join(dir, "log-3.jsonl"), []byte(strings.Join(st.lines[len(st.lines)-200:], "\n")))
	_, err = materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	s.requireBatch(t, st, "more")
}

func TestTornEndOfTheLogIsReadWhenItIsWhole(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(9, 7)), 300)
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	text := strings.TrimSuffix(st.text(), "\n")
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{path}})
	cfg.Checkpoints = filepath.Join(dir, "c")
	for _, n := range []int{len(text) / 3, len(text)/3 + 1, len(text) / 2, len(text) - 1, len(text)} {
		write(t, path, []byte(text[:n]))
		stats, err := materialize.Materialize(context.Background(), cfg)
		require.NoError(t, err)
		whole := int64(strings.Count(text[:n], "\n"))
		if n == len(text) {
			whole++
		}
		require.InDelta(t, whole, stats.Views[0].Counts.Lines, 1)
		require.Zero(t, stats.Views[0].Counts.Bad)
	}
	s.requireBatch(t, st, "grown")
}

func TestMalformedLinesStopOrArePassedOver(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(10, 7)), 300)
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	lines := append([]string{}, st.lines...)
	lines[50] = strings.Replace(lines[49], "time", "tame", 1)
	lines = append(lines[:100], append([]string{`{"time":1,`, strings.Repeat("x", 5000)}, lines[100:]...)...)
	write(t, path, []byte(strings.Join(lines, "\n")))
	s := newShelves()
	run := func(most int64) (materialize.Stats, []string, error) {
		var told []string
		cfg := s.config(materialize.Log{Paths: []string{path}, MaxBad: most, MaxLine: 4000})
		cfg.Bad = func(e *recsys.ParseError) { told = append(told, fmt.Sprintf("%d:%s", e.Line, e.Field)) }
		stats, err := materialize.Materialize(context.Background(), cfg)
		return stats, told, err
	}
	_, told, err := run(0)
	var line *recsys.ParseError
	require.ErrorAs(t, err, &line)
	require.EqualValues(t, 51, line.Line)
	require.ErrorContains(t, err, fmt.Sprintf("materialize: %s:51: field \"time\": is missing", path))
	require.Empty(t, told)

	_, told, err = run(2)
	require.ErrorIs(t, err, materialize.ErrTooManyBad)
	require.ErrorAs(t, err, &line)
	require.EqualValues(t, 102, line.Line)
	require.Equal(t, []string{"51:time", "101:time"}, told)

	stats, told, err := run(3)
	require.NoError(t, err)
	require.Len(t, told, 3)
	require.EqualValues(t, 3, stats.Views[0].Counts.Bad)
}

func TestEventsOfTheFutureAreRefused(t *testing.T) {
	clock := time.Unix(0, noon)
	good := `{"time":%d,"user":1,"item":2,"kind":"click","id":"%d"}` + "\n"
	text := fmt.Sprintf(good, noon, 1) + fmt.Sprintf(good, clock.Add(time.Minute).UnixNano(), 2) + fmt.Sprintf(good, clock.Add(time.Minute+1).UnixNano(), 3) +
		fmt.Sprintf(`{"time":%d,"created":%d,"user":1,"item":2,"kind":"click"}`, clock.Add(time.Hour).UnixNano(), noon)
	s := newShelves()
	cfg := s.config(materialize.Log{Reader: strings.NewReader(text)})
	cfg.Now = func() time.Time { return clock }
	stats, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Views[0].Counts.Future)
	require.EqualValues(t, 1, stats.Views[0].Aggregates.Future, "what has a created is held against it")
	require.EqualValues(t, clock.Add(time.Minute).UnixNano(), stats.Views[0].Clock.UnixNano())
	require.Equal(t, float32(2), s.items.rows[2].Floats[0])
}

func TestDoublesCountOnceWithinTheHorizon(t *testing.T) {
	at := func(d time.Duration, id string) string {
		return fmt.Sprintf(`{"time":%d,"user":1,"item":2,"kind":"click","id":%q}`, noon+int64(d), id)
	}
	text := strings.Join([]string{
		at(0, "a"), at(0, "a"), at(time.Minute, "a"), at(0, ""), at(0, ""), at(horizon, "b"), at(horizon, "a"),
		at(3*horizon, "c"), at(3*horizon, "a"), at(3*horizon, "c"),
	}, "\n")
	for want, h := range map[int64]time.Duration{4: horizon, 0: -1} {
		s := newShelves()
		cfg := s.config(materialize.Log{Reader: strings.NewReader(text)})
		cfg.Horizon = h
		stats, err := materialize.Materialize(context.Background(), cfg)
		require.NoError(t, err)
		require.EqualValues(t, want, stats.Views[0].Counts.Doubled)
		require.Equal(t, float32(10-want), s.items.rows[2].Floats[1])
	}
}

func TestMemoryIsBoundedByTheWindows(t *testing.T) {
	dir := t.TempDir()
	size := func(hours int) (int64, materialize.ViewStats) {
		pr, pw := io.Pipe()
		go func() {
			for i := range hours * 60 {
				fmt.Fprintf(pw, `{"time":%d,"user":%d,"item":7,"kind":"click","id":"%d"}`+"\n", noon+int64(i)*int64(time.Minute), 1000+i, i)
			}
			pw.Close()
		}()
		store := newShelf(pairView())
		folder := filepath.Join(dir, fmt.Sprint(hours))
		stats, err := materialize.Materialize(context.Background(), materialize.Config{
			Log: materialize.Log{Reader: pr}, Checkpoints: folder, Now: far, Horizon: horizon,
			Targets: []materialize.Target{{Store: store, Aggregates: pairWindows()}},
		})
		require.NoError(t, err)
		for key, r := range store.rows {
			if age := noon + int64(hours)*int64(time.Hour) - r.Time.UnixNano(); age > int64(time.Hour) {
				require.Zero(t, r.Floats[0], "the last row of key %d says that its windows are empty", key)
			}
		}
		files, err := filepath.Glob(filepath.Join(folder, "*.checkpoint"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		info, err := os.Stat(files[0])
		require.NoError(t, err)
		return info.Size(), stats.Views[0]
	}
	_, _ = size(1)
	small, a := size(10)
	large, b := size(100)
	require.Equal(t, a.Aggregates.Keys, b.Aggregates.Keys)
	require.LessOrEqual(t, large, small+64, "a checkpoint after ten times the log")
}

func TestLastRowOfAForgottenKeyIsEmpty(t *testing.T) {
	lines := []string{`{"time":1700000000000000000,"user":1,"item":2,"kind":"click"}`}
	for hour := range 40 {
		lines = append(lines, fmt.Sprintf(`{"time":%d,"user":1,"item":3,"kind":"click"}`, noon+int64(hour)*int64(time.Hour)))
	}
	s := newShelves()
	stats, err := materialize.Materialize(context.Background(), s.config(materialize.Log{Reader: strings.NewReader(strings.Join(lines, "\n"))}))
	require.NoError(t, err)
	require.Equal(t, 1, stats.Views[0].Aggregates.Keys)
	require.Equal(t, []float32{0, 0, 0, 0, 0}, s.items.rows[2].Floats, "decays too have become nothing")
}

func TestBatchesCountWhatARunCounts(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(12, 7)), 1500)
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{st.files(t, t.TempDir())}})
	var told int64
	cfg.Each = func(*materialize.Event) { told++ }
	stats, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.Equal(t, stats.Views[0].Counts.Events, told)
	batches, counts, err := materialize.Batches(context.Background(), cfg)
	require.NoError(t, err)
	require.Equal(t, 2*stats.Views[0].Counts.Events, told)
	require.Equal(t, stats.Views[0].Counts, counts)
	require.Len(t, batches, 3)
	var row window.Row
	for i, v := range stats.Views {
		b := batches[i].Stats()
		require.Equal(t, v.Aggregates.Accepted, b.Accepted)
		require.Equal(t, v.Aggregates.Late, b.Late)
	}
	for key, have := range s.pairs.rows {
		// All has arrived a second later.
		batches[2].Read(key, have.Time.UnixNano(), &row)
		later := row.Floats[0]
		batches[2].Read(key, have.Time.Add(2*time.Second).UnixNano(), &row)
		require.Contains(t, []float32{float32(later), float32(row.Floats[0])}, have.Floats[0])
	}
	cfg.Log.Follow = true
	_, _, err = materialize.Batches(context.Background(), cfg)
	require.ErrorContains(t, err, "Log.Follow is set")
}

// A late event changes a row without moving the clock. That version of the row is another one for a store, which may lose it.
func TestVersionsOfARowHaveTimesOfTheirOwn(t *testing.T) {
	at := func(d time.Duration) string {
		return fmt.Sprintf(`{"time":%d,"user":1,"item":2,"kind":"click"}`, noon+int64(d))
	}
	s := newShelves()
	cfg := s.config(materialize.Log{Reader: strings.NewReader(at(time.Minute) + "\n" + at(0))})
	cfg.Targets, cfg.FlushEvents = cfg.Targets[:1], 1
	s.items.before = func(call int) error {
		if call == 2 {
			s.items.replicate()
		}
		return nil
	}
	m, err := materialize.New(cfg)
	require.NoError(t, err)
	require.NoError(t, m.Run(context.Background()))
	require.Equal(t, float32(2), s.items.rows[2].Floats[0])
	s.items.rows = s.items.replica
	require.Equal(t, float32(1), s.items.rows[2].Floats[0])
	v, err := m.Verify(context.Background())
	require.NoError(t, err)
	require.EqualValues(t, 1, v.Lost)
	require.Equal(t, float32(2), s.items.rows[2].Floats[0])
}
