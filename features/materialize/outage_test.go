package materialize_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
)

// A store that is down is visible while it is, from another goroutine and without waiting.
func TestStatsTellOfAStoreThatIsDown(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(1, 5)), 300)
	s := newShelves()
	down := true
	s.items.before = func(int) error {
		if down {
			return errDown
		}
		return nil
	}
	cfg := s.config(materialize.Log{Reader: strings.NewReader(st.text())})
	waiting, goOn := make(chan bool), make(chan bool)
	cfg.Retry.Wait = func(context.Context, time.Duration) error {
		waiting <- true
		<-goOn
		return nil
	}
	m, err := materialize.New(cfg)
	require.NoError(t, err)
	end := make(chan error, 1)
	go func() { end <- m.Run(context.Background()) }()
	for n := range int64(3) {
		<-waiting
		v := m.Stats().Views[0]
		require.Equal(t, n+1, v.Retries)
		require.ErrorIs(t, v.Err, errDown)
		require.NoError(t, m.Stats().Views[1].Err)
		down = n < 2
		goOn <- true
	}
	require.NoError(t, <-end)
	require.NoError(t, m.Stats().Views[0].Err)
	s.requireBatch(t, st, "in the end")
}

// hanging is a store whose first calls answer only when their context is done.
type hanging struct {
	*shelf
	left int
}

func (h *hanging) PutBatch(ctx context.Context, rows []features.Row) (features.Written, error) {
	if h.left > 0 {
		h.left--
		<-ctx.Done()
		return features.Written{}, ctx.Err()
	}
	return h.shelf.PutBatch(ctx, rows)
}

func TestCallThatHangsIsMadeAgain(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(2, 5)), 300)
	s := newShelves()
	cfg := s.config(materialize.Log{Reader: strings.NewReader(st.text())})
	cfg.Targets[0].Store = &hanging{s.items, 3}
	cfg.Retry.Timeout = 20 * time.Millisecond
	told := 0
	cfg.Retry.Report = func(err error) { told++ }
	cfg.Retry.Wait = func(context.Context, time.Duration) error { return nil }
	_, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.GreaterOrEqual(t, told, 3)
	s.requireBatch(t, st, "after hanging")
}

// behind is a store whose clock is behind: it refuses rows that are later.
type behind struct {
	*shelf
	clock time.Time
	calls int
}

func (b *behind) PutBatch(ctx context.Context, rows []features.Row) (w features.Written, err error) {
	b.calls++
	var kept []features.Row
	for i := range rows {
		if rows[i].Time.After(b.clock) {
			w.Future++
		} else {
			kept = append(kept, rows[i])
		}
	}
	if len(kept) > 0 {
		more, err := b.shelf.PutBatch(ctx, kept)
		w.Add(more)
		return w, err
	}
	return w, nil
}

// Rows that a store refuses as of the future are not stored. They are written again, once a flush, until they are.
func TestRowsRefusedAsOfTheFutureAreWrittenAgain(t *testing.T) {
	line := func(at time.Duration, item int) string {
		return fmt.Sprintf(`{"time":%d,"user":1,"item":%d,"kind":"click"}`+"\n", noon+int64(at), item)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	write(t, path, []byte(line(0, 1)+line(time.Minute, 2)+line(time.Minute, 3)+line(time.Minute, 3)))
	shelf := newShelf(itemView())
	store := &behind{shelf: shelf, clock: time.Unix(0, noon)}
	cfg := newShelves().config(materialize.Log{Paths: []string{path}})
	cfg.Targets = cfg.Targets[:1]
	cfg.Targets[0].Store, cfg.FlushEvents = store, 1
	threes, written := 0, false
	cfg.Each = func(e *materialize.Event) {
		if e.Item != 3 {
			return
		}
		if threes++; threes == 2 {
			_, written = shelf.rows[2]
		}
		store.clock = time.Unix(0, noon).Add(time.Hour)
	}
	stats, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Views[0].Future)
	require.True(t, written, "with the flush after the clock was right")
	require.Equal(t, float32(1), shelf.rows[2].Floats[0])
	require.Equal(t, noon+int64(time.Minute), stats.Views[0].Clock.UnixNano())

	// The clock stays behind: the run ends, says so, and the next one writes the rows, though nothing has changed in them.
	shelf = newShelf(itemView())
	store = &behind{shelf: shelf, clock: time.Unix(0, noon)}
	cfg.Targets[0].Store, cfg.Each, cfg.Checkpoints = store, nil, filepath.Join(dir, "c")
	stats, err = materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.Positive(t, stats.Views[0].Future)
	require.Less(t, store.calls, 20, "it does not try for ever")
	require.NotContains(t, shelf.rows, uint64(2))
	store.clock = time.Unix(0, noon).Add(time.Hour)
	stats, err = materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.EqualValues(t, 3, stats.Views[0].Verified.Lost)
	require.Len(t, shelf.rows, 3)
}

// A failover is found out although the log that is followed stands still.
func TestFailoverIsMendedWhileTheLogStandsStill(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(3, 5)), 300)
	path := filepath.Join(t.TempDir(), "log.jsonl")
	write(t, path, []byte(st.text()))
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{path}, Follow: true, Poll: time.Millisecond})
	cfg.Targets[0].Store = cautious{s.items}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cfg.Targets[2].CaughtUp = func(context.Context) error {
		s.items.replicate()
		clear(s.items.replica)
		s.items.failover()
		s.items.mu.Lock()
		s.items.losses++
		s.items.mu.Unlock()
		return nil
	}
	cfg.Progress = func(p materialize.Progress) {
		if p.Views[0].Verified.Lost > 0 {
			cancel()
		}
	}
	_, err := materialize.Materialize(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	s.requireBatch(t, st, "mended")
}

// One event of a clock that is ahead neither makes the others late nor lets doubles in.
func TestClockThatIsAheadPoisonsNothing(t *testing.T) {
	click := func(at time.Duration, created time.Duration, id string) string {
		return fmt.Sprintf(`{"time":%d,"created":%d,"user":1,"item":2,"kind":"click","id":%q}`+"\n", noon+int64(at), noon+int64(created), id)
	}
	const day = 24 * time.Hour
	for name, poison := range map[string]string{
		"created too": click(100*day, 100*day, "p"),
		"time":        click(100*day, 0, "p"),
		"far":         fmt.Sprintf(`{"time":%d,"created":%d,"user":1,"item":2,"kind":"click","id":"p"}`+"\n", int64(9e18), noon),
	} {
		text := click(0, 0, "a") + poison + click(time.Minute, time.Minute, "a") + click(time.Minute, time.Minute, "b")
		s := newShelves()
		cfg := s.config(materialize.Log{Reader: strings.NewReader(text)})
		cfg.Now = func() time.Time { return time.Unix(0, noon).Add(time.Hour) }
		stats, err := materialize.Materialize(context.Background(), cfg)
		require.NoError(t, err)
		v := stats.Views[0]
		require.EqualValues(t, 1, v.Counts.Doubled, name)
		require.EqualValues(t, 2, v.Aggregates.Accepted, name)
		require.EqualValues(t, 1, uint64(v.Counts.Future)+v.Aggregates.Future+v.Aggregates.Invalid, name)
		require.Equal(t, noon+int64(time.Minute), v.Clock.UnixNano(), name)
		require.Equal(t, float32(2), s.items.rows[2].Floats[0], name)
	}
}

func TestOneRunHasTheCheckpoints(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(4, 5)), 300)
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	write(t, path, []byte(st.text()))
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{path}})
	cfg.Checkpoints = filepath.Join(dir, "c")
	late, err := materialize.New(cfg)
	require.NoError(t, err)
	inside := cfg
	inside.Targets = append([]materialize.Target{}, cfg.Targets...)
	inside.Targets[0].CaughtUp = func(context.Context) error {
		_, err := materialize.Materialize(context.Background(), cfg)
		require.ErrorIs(t, err, materialize.ErrLocked)
		require.ErrorContains(t, err, cfg.Checkpoints)
		return nil
	}
	_, err = materialize.Materialize(context.Background(), inside)
	require.NoError(t, err)

	// It read no checkpoint, but there are some by now: it would count all again.
	err = late.Run(context.Background())
	require.ErrorIs(t, err, materialize.ErrLocked)
	require.ErrorContains(t, err, "make another Materializer")
	again, err := materialize.Materialize(context.Background(), cfg)
	require.NoError(t, err)
	require.Zero(t, again.Views[0].Rows)
	s.requireBatch(t, st, "in the end")
}

func TestLeftoversOfSavingAreRemoved(t *testing.T) {
	st := newStory(rand.New(rand.NewPCG(5, 5)), 100)
	dir := filepath.Join(t.TempDir(), "odd [name")
	s := newShelves()
	cfg := s.config(materialize.Log{})
	cfg.Checkpoints = dir
	run := func() {
		cfg.Log.Reader = strings.NewReader(st.text())
		_, err := materialize.Materialize(context.Background(), cfg)
		require.NoError(t, err)
	}
	run()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		write(t, filepath.Join(dir, "."+e.Name()+".17-0.tmp"), []byte("half"))
	}
	write(t, filepath.Join(dir, ".other.17-0.tmp"), []byte("of somebody else"))
	run()
	after, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, after, len(entries)+2, "%v: the lock is nobody's checkpoint", after)
}

// What a run has passed over counts as read too: a log of records of other types does not start at its beginning again.
func TestCheckpointIsSavedWithoutEvents(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	write(t, path, []byte(strings.Repeat(`{"type":"exposure"}`+"\n", 5000)+"torn\n"))
	s := newShelves()
	cfg := s.config(materialize.Log{Paths: []string{path}})
	cfg.Checkpoints = filepath.Join(dir, "c")
	now := far()
	cfg.Now = func() time.Time { now = now.Add(time.Minute); return now }
	_, err := materialize.Materialize(context.Background(), cfg)
	require.ErrorContains(t, err, "log.jsonl:5001")
	m, err := materialize.New(cfg)
	require.NoError(t, err)
	require.EqualValues(t, 4096, m.Stats().Views[0].Counts.Other)
}
