package materialize_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
	"github.com/recsyskit/recsys/features/window"
)

func TestStoreThatIsDownIsTriedAgain(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(1, 3)), 500)
	s := newShelves()
	var pauses []time.Duration
	s.items.before = func(call int) error {
		if call >= 3 && call < 10 {
			return errDown
		}
		return nil
	}
	s.users.after = func(call int) error {
		if call == 2 {
			return errDown // it has stored the batch
		}
		return nil
	}
	cfg := s.config(materialize.Log{Reader: strings.NewReader(st.text())})
	told := 0
	cfg.Retry = materialize.Retry{Min: time.Second, Max: 5 * time.Second, Report: func(err error) {
		require.ErrorIs(t, err, errDown)
		told++
	}, Wait: func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}}
	stats, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	s.requireBatch(t, st, "after an outage")
	require.EqualValues(t, 7, stats.Views[0].Retries)
	require.EqualValues(t, 1, stats.Views[1].Retries)
	require.Zero(t, stats.Views[2].Retries)
	require.Equal(t, 8, told)
	slices.Sort(pauses)
	const second = time.Second
	require.Equal(t, []time.Duration{second, second, 2 * second, 4 * second, 5 * second, 5 * second, 5 * second, 5 * second}, pauses, "the first is of the users' store")
	require.Positive(t, stats.Views[0].Verified.Keys, "a store that was down is compared")
	require.Zero(t, stats.Views[2].Verified.Keys)
}

func TestRetryEndsWithTheContextTheAttemptsOrWhatNoRetryMends(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(1, 3)), 200)
	run := func(ctx context.Context, retry materialize.Retry, fail error) error {
		s := newShelves()
		s.items.before = func(int) error { return fail }
		cfg := s.config(materialize.Log{Reader: strings.NewReader(st.text())})
		cfg.Retry = retry
		_, err := materialize.Materialize(ctx, cfg)
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err := run(ctx, materialize.Retry{Wait: func(ctx context.Context, _ time.Duration) error {
		if n++; n == 5 {
			cancel()
		}
		return ctx.Err()
	}}, errDown)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errDown)

	waits := 0
	count := func(context.Context, time.Duration) error { waits++; return nil }
	err = run(context.Background(), materialize.Retry{Attempts: 4, Wait: count}, errDown)
	require.ErrorIs(t, err, errDown)
	require.ErrorContains(t, err, `view "item.stats": after 4 attempts`)
	require.Equal(t, 3, waits)

	waits = 0
	for _, fail := range []error{&features.RowError{Key: 1, Reason: "odd"}, fmt.Errorf("other view: %w", features.ErrSchema)} {
		err = run(context.Background(), materialize.Retry{Wait: count}, fail)
		require.ErrorIs(t, err, fail)
	}
	require.Zero(t, waits)
}

// A store that fails over has lost writes that it acknowledged. What tells is the call, an error, or nobody.
func TestLostWritesAreFoundAndWrittenAgain(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(2, 3)), 1500)
	for _, how := range []string{"asked", "resumed", "error", "losses"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			pattern := st.files(t, dir)
			s := newShelves()
			cfg := s.config(materialize.Log{Paths: []string{pattern}})
			cfg.Checkpoints = filepath.Join(dir, "c")
			cfg.Retry.Wait = func(context.Context, time.Duration) error { return nil }
			if how == "losses" {
				cfg.Targets[0].Store = cautious{s.items}
			}
			s.items.before = func(call int) error {
				if call == 60 {
					s.items.replicate()
				}
				return nil
			}
			m, err := materialize.New(cfg)
			require.NoError(t, err)
			require.NoError(t, m.Run(context.Background()))
			s.requireBatch(t, st, "before")

			switch how {
			case "asked":
				s.items.failover()
				v, err := m.Verify(context.Background())
				require.NoError(t, err)
				require.Positive(t, v.Lost)
				v, err = m.Verify(context.Background())
				require.NoError(t, err)
				require.Zero(t, v.Lost+v.Ahead)
				require.Positive(t, v.Keys)
			case "resumed":
				s.items.failover()
				stats, err := materialize.Materialize(context.Background(), cfg)
				require.NoError(t, err)
				require.Positive(t, stats.Views[0].Verified.Lost)
			default:
				// It happens in a write of a run that goes on.
				e := st.events[0]
				e.Time, e.ID = st.newest, ""
				st := &story{events: append(slices.Clone(st.events), e), newest: st.newest}
				write(t, filepath.Join(dir, "log-9.jsonl"), []byte(lineOf(&e, false)))
				once := true
				s.items.before = func(int) error {
					if !once {
						return nil
					}
					once = false
					s.items.failoverLocked()
					if how == "error" {
						return errDown
					}
					s.items.losses++
					return nil
				}
				stats, err := materialize.Materialize(context.Background(), cfg)
				require.NoError(t, err)
				require.False(t, once)
				require.Positive(t, stats.Views[0].Verified.Lost)
				s.requireBatch(t, st, how)
				return
			}
			s.requireBatch(t, st, how)
		})
	}
}

// What a run that was killed wrote at the same clock, or further on in the log, does not stay.
func TestLeftoversOfAKilledRunDoNotStay(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(3, 3)), 800)
	s := newShelves()
	for key := range uint64(40) {
		at := time.Unix(0, st.newest+int64(key%3)*300).UTC()
		s.items.rows[key] = features.Row{Key: key, Time: at, Floats: []float32{9, 9, 9, 9, 9}}
	}
	cfg := s.config(materialize.Log{Reader: strings.NewReader(st.text())})
	stats, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.Positive(t, stats.Views[0].Late, "until the log came there")
	s.requireBatch(t, st, "over leftovers")
}

func TestNewVersionIsFilledWhileTheOldOneIsKept(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(4, 3)), 2000)
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	cut := len(st.lines) / 2
	write(t, path, []byte(strings.Join(st.lines[:cut], "\n")+"\n"))
	old := newShelves()
	cfg := old.config(materialize.Log{Paths: []string{path}})
	cfg.Checkpoints = filepath.Join(dir, "c")
	_, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.Len(t, checkpoints(t, dir), 3)

	// A second version of the items' view: one column less, and a window more.
	view := itemView()
	view.Columns = append(view.Columns[1:], recsys.Column{Name: "clicks.2h"})
	windows := itemWindows()
	windows.Aggregates[0].Windows = append(windows.Aggregates[0].Windows, 2*time.Hour)
	renewed := newShelf(view)
	write(t, path, []byte(st.text()))
	var switched []int
	cfg.Targets = append(cfg.Targets, materialize.Target{
		Store: renewed, Aggregates: windows, CaughtUp: func(context.Context) error {
			switched = append(switched, len(renewed.rows))
			return nil
		},
	})
	stats, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	old.requireBatch(t, st, "old")
	st.requireBatch(t, renewed, windows, "new")
	require.Equal(t, []int{len(renewed.rows)}, switched)
	require.Len(t, checkpoints(t, dir), 4)
	for _, v := range stats.Views {
		require.EqualValues(t, len(st.lines), v.Counts.Lines)
	}

	// From now on all share one reading of the log; the old version can be left out.
	cfg.Targets = cfg.Targets[1:]
	m, err := materialize.New(cfg)
	require.NoError(t, err)
	require.NoError(t, m.Run(context.Background()))
	require.Equal(t, m.Stats().Views[0].Position, m.Stats().Views[2].Position)
	st.requireBatch(t, renewed, windows, "new, again")

	// What computes the columns is part of the version too.
	cfg.Targets[2].Aggregates.Aggregates[0].Kinds = []recsys.EventKind{recsys.Click}
	_, err = materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	st.requireBatch(t, renewed, cfg.Targets[2].Aggregates, "other kinds")

	cfg.Log = materialize.Log{Reader: strings.NewReader(st.text())}
	cfg.Targets[2].Aggregates.Aggregates[0].Kinds = []recsys.EventKind{recsys.Hide}
	_, err = materialize.New(cfg)
	require.Error(t, err, "a reader cannot be read twice")
}

func checkpoints(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "c", "*.checkpoint"))
	require.NoError(t, err)
	return all
}

func TestDamagedCheckpointIsAnError(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(5, 3)), 300)
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	write(t, path, []byte(st.text()))
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{path}})
	cfg.Targets = cfg.Targets[:1]
	cfg.Checkpoints = filepath.Join(dir, "c")
	_, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	file := checkpoints(t, dir)[0]
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(5, 4))
	tries := 200
	if testing.Short() {
		tries = 30
	}
	for range tries {
		bad := append([]byte{}, good...)
		bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
		write(t, file, bad)
		_, err := materialize.New(cfg)
		require.True(t, errors.Is(err, materialize.ErrCorrupt) || errors.Is(err, materialize.ErrKind), "%v", err)
		require.ErrorContains(t, err, file)
		require.ErrorContains(t, err, "remove the file")
	}
	for range tries / 3 {
		write(t, file, good[:rng.IntN(len(good))])
		_, err := materialize.New(cfg)
		require.ErrorIs(t, err, materialize.ErrTruncated)
	}
	write(t, file, good)
	_, err = materialize.New(cfg)
	require.NoError(t, err)

	write(t, path, []byte("{}\n"))
	_, err = materialize.Materialize(context.Background(), cfg)
	require.ErrorIs(t, err, materialize.ErrLogChanged)
}

// A followed log is written as it grows, and a failover in between is mended while it is.
func TestFollowedLogIsServedFresh(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(6, 3)), 1000)
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{path}, Follow: true, Poll: time.Millisecond})
	cfg.Checkpoints = filepath.Join(dir, "c")
	cfg.CheckpointInterval, cfg.Now = 1, time.Now
	cfg.Targets[0].Store = cautious{s.items}
	progress := make(chan materialize.Progress)
	caught := make(chan bool, 1)
	cfg.Targets[0].CaughtUp = func(context.Context) error {
		caught <- true
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cfg.Progress = func(p materialize.Progress) {
		select {
		case progress <- p:
		case <-ctx.Done():
		}
	}
	m, err := materialize.New(cfg)
	require.NoError(t, err)
	end := make(chan error, 1)
	go func() { end <- m.Run(ctx) }()

	text, from := st.text(), 0
	await := func(done func(p materialize.Progress) bool) {
		t.Helper()
		for {
			select {
			case p := <-progress:
				if done(p) {
					return
				}
			case <-ctx.Done():
				t.Fatal("nothing is written any more")
			}
		}
	}
	for part := range 10 {
		to := (part + 1) * len(text) / 10
		_, err := f.WriteString(text[from:to])
		require.NoError(t, err)
		from = to
		lines := strings.Count(text[:to], "\n")
		if part == 4 {
			s.items.replicate()
		}
		if part == 6 {
			s.items.failover()
			s.items.mu.Lock()
			s.items.losses++
			s.items.mu.Unlock()
		}
		await(func(p materialize.Progress) bool {
			return p.Counts.Lines >= int64(lines) && (part != 6 || p.Views[0].Verified.Lost > 0)
		})
		m.Stats()
	}
	cancel()
	require.ErrorIs(t, <-end, context.Canceled)
	require.True(t, <-caught)
	require.NotEmpty(t, checkpoints(t, dir))

	// It goes on where it was.
	cfg.Progress, cfg.Log.Follow = nil, false
	_, err = materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	s.requireBatch(t, st, "in the end")
}

func TestConfigurationListsItsMistakes(t *testing.T) {
	context := features.View{Name: "country", Entity: features.Context, Key: "country", Columns: []recsys.Column{{Name: "seen.15m"}}}
	_, err := materialize.New(materialize.Config{
		Log:   materialize.Log{Follow: true, Reader: strings.NewReader(""), Poll: -1, MaxLine: -1, MaxBad: -1, TimeUnit: -1},
		Batch: -1, FlushEvents: -2, Horizon: -2, Retry: materialize.Retry{Min: 2, Max: 1, Attempts: -1},
	})
	for _, want := range []string{
		"Log.Follow is set with Log.Reader", "Log.Poll is -1ns", "Log.MaxLine is -1", "Log.MaxBad is -1", "Log.TimeUnit is -1ns",
		"Config.Batch is -1; want > 0, or 0 for 500", "Config.FlushEvents is -2", "Config.Horizon is -2ns", "Retry.Max is 1ns", "Retry.Attempts is -1", "Config.Targets is empty",
	} {
		require.ErrorContains(t, err, want)
	}
	wrong := itemView()
	wrong.Columns[0].Kind = recsys.ID
	wrong.Columns[1].Name = "clocks.1h"
	_, err = materialize.New(materialize.Config{
		Log: materialize.Log{Reader: strings.NewReader("")},
		Targets: []materialize.Target{
			{},
			{Store: newShelf(wrong), Aggregates: itemWindows()},
			{Store: newShelf(&context), Aggregates: pairWindows()},
			{Store: newShelf(itemView())},
			{Store: newShelf(pairView()), Aggregates: pairWindows()},
			{Store: newShelf(pairView()), Aggregates: pairWindows()},
		},
	})
	for _, want := range []string{
		"Targets[0]: the Store is nil", `Targets[1]: view "item.stats": column "clicks.5m" is of kind`, `column "clocks.1h" is none of the aggregates, which are clicks.5m`,
		`Targets[2]: view "country": Key is nil`, "Aggregates is empty", `Targets[5] is the version of view "pair.seen" that Config.Targets[4] is`,
	} {
		require.ErrorContains(t, err, want)
	}
}

// Two versions of an aggregate have the same columns. A view that says what computes it is filled by nothing else, and in one store
// the rows of both stand side by side.
func TestViewIsFilledByWhatItIsComputedBy(t *testing.T) {
	of := func(kind recsys.EventKind) (window.Config, *features.View) {
		cfg := window.Config{Aggregates: []window.Aggregate{{Name: "n", Kinds: []recsys.EventKind{kind}, Windows: []time.Duration{time.Hour}}}}
		a, err := window.New(cfg)
		require.NoError(t, err)
		return cfg, &features.View{Name: "item.stats", Columns: a.Columns(), Computed: a.Hash()}
	}
	clicks, clicked := of(recsys.Click)
	shown, seen := of(recsys.Impression)
	require.NotEqual(t, clicked.RowHash(), seen.RowHash())
	config := func(targets ...materialize.Target) materialize.Config {
		return materialize.Config{Log: materialize.Log{Reader: strings.NewReader("")}, Targets: targets}
	}

	_, err := materialize.New(config(materialize.Target{Store: newShelf(clicked), Aggregates: shown}))
	var wrong *recsys.ViewError
	require.ErrorAs(t, err, &wrong)
	require.ErrorIs(t, err, recsys.ErrSchema)
	require.Equal(t, recsys.ViewError{View: "item.stats", Want: clicked.Computed, Have: seen.Computed, Reason: wrong.Reason}, *wrong)
	require.ErrorContains(t, err, `materialize: Config.Targets[0]: feature view "item.stats": want version`)
	require.Contains(t, wrong.Reason, "set View.Computed to the Hash of a window.Aggregator")

	_, err = materialize.New(config(materialize.Target{Store: newShelf(clicked), Aggregates: clicks}, materialize.Target{Store: newShelf(seen), Aggregates: shown}))
	require.NoError(t, err, "two versions")

	clicked.Computed, seen.Computed = 0, 0
	_, err = materialize.New(config(materialize.Target{Store: newShelf(clicked), Aggregates: clicks}, materialize.Target{Store: newShelf(seen), Aggregates: shown}))
	require.ErrorContains(t, err, `Targets[1] is the version of view "item.stats" that Config.Targets[0] is; set View.Computed`)
}

func TestKeyOfTheCallersChoice(t *testing.T) {
	view := &features.View{Name: "country", Entity: features.Context, Key: "country", Columns: []recsys.Column{{Name: "seen.15m"}}}
	st := newStory(rand.New(rand.NewPCG(11, 3)), 200)
	shelf := newShelf(view)
	_, err := materialize.Materialize(context.Background(), materialize.Config{
		Log: materialize.Log{Reader: strings.NewReader(st.text())}, Now: far, Horizon: horizon,
		Targets: []materialize.Target{{Store: shelf, Aggregates: pairWindows(), Key: func(e *materialize.Event) (uint64, bool) {
			return uint64(e.User) % 4, e.User%4 != 3
		}}},
	})
	require.NoError(t, err)
	require.Len(t, shelf.rows, 3)
	batch, err := window.NewBatch(pairWindows(), func(yield func(window.Event) bool) {
		for _, e := range st.events {
			if e.User%4 != 3 && !yield(window.Event{Key: uint64(e.User) % 4, Time: e.Time, Kind: e.Kind}) {
				return
			}
		}
	})
	require.NoError(t, err)
	var row window.Row
	for key := range uint64(3) {
		batch.Read(key, shelf.rows[key].Time.UnixNano(), &row)
		require.Equal(t, float32(row.Floats[0]), shelf.rows[key].Floats[0])
	}
}
