package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit/journal"
)

// faulty is a disk that can be full or broken, and that forgets what was not synced.
type faulty struct {
	unsynced
	mu                          sync.Mutex
	files                       map[string]*faultyFile
	room                        int // bytes left; -1: any number
	createErr, syncErr, saveErr error
	writeErr, removeErr         error
}

func newFaulty() *faulty { return &faulty{files: map[string]*faultyFile{}, room: -1} }

func (d *faulty) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *faulty) failSync(err error) { d.set(func() { d.syncErr = err }) }

func (d *faulty) Create(path string, again bool) (journal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.createErr != nil {
		return nil, d.createErr
	}
	f, err := d.unsynced.Create(path, again)
	if err != nil {
		return nil, err
	}
	d.files[path] = &faultyFile{File: f, disk: d}
	return d.files[path], nil
}

func (d *faulty) Save(path string, write func(io.Writer) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.saveErr != nil {
		return d.saveErr
	}
	return d.unsynced.Save(path, write)
}

func (d *faulty) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.removeErr != nil {
		return d.removeErr
	}
	return d.unsynced.Remove(path)
}

// loseUnsynced does to the files what a failure of power may: it cuts them off anywhere behind what was synced and clears pieces of what is left there.
func (d *faulty) loseUnsynced(t *testing.T, rng *rand.Rand) {
	t.Helper()
	for path, f := range d.files {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		unsynced := len(b) - f.synced
		if unsynced == 0 {
			continue
		}
		b = b[:f.synced+rng.IntN(unsynced+1)]
		for at := f.synced; at < len(b); at += 64 {
			if rng.IntN(3) == 0 {
				clear(b[at:min(at+64, len(b))])
			}
		}
		require.NoError(t, os.WriteFile(path, b, 0o644))
	}
}

type faultyFile struct {
	journal.File
	disk         *faulty
	size, synced int
}

func (f *faultyFile) Write(b []byte) (int, error) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writeErr != nil {
		return 0, d.writeErr
	}
	n := len(b)
	if d.room >= 0 {
		n = min(n, d.room)
		d.room -= n
	}
	n, err := f.File.Write(b[:n])
	f.size += n
	if err == nil && n < len(b) {
		err = syscall.ENOSPC
	}
	return n, err
}

func (f *faultyFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.syncErr != nil {
		return f.disk.syncErr
	}
	f.synced = f.size
	return nil
}

// Whatever fails, what was acknowledged before is recovered, the error stays, and the policy serves on.
func TestFailedWriteStaysAndServingGoesOn(t *testing.T) {
	broken := errors.New("broken")
	for name, x := range map[string]struct {
		fail func(d *faulty)
		op   string
		want error
		opts journal.Options
	}{
		"disk full":           {fail: func(d *faulty) { d.room = 150 }, op: "write", want: syscall.ENOSPC},
		"disk full at once":   {fail: func(d *faulty) { d.room = 0 }, op: "write", want: syscall.ENOSPC},
		"write":               {fail: func(d *faulty) { d.writeErr = broken }, op: "write", want: broken},
		"sync":                {fail: func(d *faulty) { d.syncErr = broken }, op: "sync", want: broken},
		"new segment":         {fail: func(d *faulty) { d.createErr = broken }, op: "create", want: broken, opts: journal.Options{MaxSegmentBytes: 1 << 10}},
		"sync of new segment": {fail: func(d *faulty) { d.syncErr = broken }, op: "create", want: broken, opts: journal.Options{MaxSegmentBytes: 1 << 10}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, d := t.TempDir(), newFaulty()
			p := learned(t)
			j := open(t, dir, p, x.opts.On(d))
			acknowledged := uint64(0)
			learn := func(i int) error {
				id := fmt.Sprint("d", i)
				shown := show(t, j, id, epoch)
				return j.Learn(ctx, []recsys.Feedback{act("f"+id, id, shown[0], epoch)})
			}
			for i := range 10 {
				require.NoError(t, learn(i))
				acknowledged++
			}
			d.set(func() { x.fail(d) })
			var err error
			i := 10
			for ; err == nil && i < 200; i++ {
				if err = learn(i); err == nil {
					acknowledged++
				}
			}
			var failed *journal.WriteError
			require.ErrorAs(t, err, &failed)
			require.ErrorIs(t, err, x.want)
			require.Equal(t, x.op, failed.Op)
			require.Equal(t, dir, filepath.Dir(failed.Path))

			d.set(func() { d.room, d.writeErr, d.syncErr, d.createErr = -1, nil, nil, nil }) // too late
			before := p.Stats().Settled
			require.Equal(t, err, learn(i+1), "the error stays")
			require.Equal(t, before, p.Stats().Settled, "nothing is learned that cannot be kept")
			require.Equal(t, error(failed), j.Stats().Err)
			require.NotZero(t, j.Stats().Lost)
			require.Equal(t, error(failed), j.Checkpoint(ctx))
			require.Equal(t, error(failed), j.Sync(ctx))
			require.ErrorIs(t, j.Close(), failed)

			again := learned(t)
			j = open(t, dir, again, journal.Options{})
			got := again.Stats().Settled
			require.GreaterOrEqual(t, got, acknowledged)
			require.LessOrEqual(t, got, acknowledged+1)
			require.NoError(t, learn(500))
		})
	}
}

func TestPipelineReportsTheFailureAsTheStages(t *testing.T) {
	d := newFaulty()
	j := open(t, t.TempDir(), learned(t), journal.Options{}.On(d))
	retrieve := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		out.Add(1, 1)
		out.Add(2, 1)
		return nil
	})
	pipe, err := recsys.NewPipeline(recsys.Retrieve("two", retrieve), recsys.Explore(j)).Build()
	require.NoError(t, err)
	d.set(func() { d.room = 0 })
	serve := func(id string) *recsys.Result {
		res, err := pipe.Recommend(ctx, &recsys.Request{ID: id, K: 2, Now: epoch})
		require.NoError(t, err)
		require.Empty(t, res.Degraded)
		return res
	}
	res := serve("a")
	err = pipe.Learn(ctx, []recsys.Feedback{act("f", "a", res.Items[0].ID, epoch)})
	var stage *recsys.StageError
	var failed *journal.WriteError
	require.ErrorAs(t, err, &stage)
	require.ErrorAs(t, err, &failed)
	serve("b")
	require.Error(t, pipe.Close(ctx))
}

func TestDiskThatDoesNotKeepUpIsAnError(t *testing.T) {
	gate := make(chan struct{})
	j := open(t, t.TempDir(), learned(t), journal.Options{MaxPendingBytes: 2000}.On(slow{gate: gate}))
	j.Sync(ctx)
	done := make(chan error)
	shown := show(t, j, "d", epoch)
	go func() { done <- j.Learn(ctx, []recsys.Feedback{act("f", "d", shown[0], epoch)}) }()
	i := 0
	for ; j.Stats().Err == nil && i < 1_000_000; i++ {
		show(t, j, fmt.Sprint("d", i), epoch)
	}
	require.ErrorIs(t, j.Stats().Err, journal.ErrBehind)
	close(gate)
	<-done
	require.ErrorIs(t, j.Learn(ctx, nil), journal.ErrBehind)
	require.ErrorIs(t, j.Close(), journal.ErrBehind)
}

func TestFailedCheckpointLeavesTheJournalAsItWas(t *testing.T) {
	dir, d := t.TempDir(), newFaulty()
	broken := errors.New("broken")
	p := learned(t)
	j := open(t, dir, p, journal.Options{MaxSegmentBytes: 1 << 10}.On(d))
	live(t, j, p, 0, 40)
	require.NoError(t, j.Checkpoint(ctx))
	live(t, j, p, 40, 80)
	d.set(func() { d.saveErr = broken })
	require.ErrorIs(t, j.Checkpoint(ctx), broken)
	d.set(func() { d.saveErr, d.removeErr = nil, broken })
	require.ErrorIs(t, j.Checkpoint(ctx), broken)
	require.Len(t, files(t, dir, ".snapshot"), 2)
	live(t, j, p, 80, 90)
	d.set(func() { d.removeErr = nil })
	require.NoError(t, j.Checkpoint(ctx), "the next one removes what is left over")
	require.Len(t, files(t, dir, ".snapshot"), 2)
	segments := len(files(t, dir, ".journal"))
	require.NoError(t, j.Checkpoint(ctx), "nothing has changed")
	require.Len(t, files(t, dir, ".journal"), segments)
	require.NoError(t, j.Close())
	again := learned(t)
	open(t, dir, again, journal.Options{})
	require.True(t, string(state(t, p)) == string(state(t, again)))
}
