package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/bandit/journal"
	"github.com/recsyskit/recsys/internal/race"
)

var ctx = context.Background()

func TestJournalConforms(t *testing.T) {
	suite := bandittest.Suite{Draws: 5000}
	suite.Run(t, func(t *testing.T) recsys.Explorer {
		return open(t, t.TempDir(), learned(t), journal.Options{SyncEvery: time.Hour})
	})
}

// live does all that changes a policy: decisions, some of them doubled, feedback that is late, doubled, unmatched and refused, time that passes, and arms that are forgotten.
func live(t testing.TB, j *journal.Journal, p *bandit.Policy, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		now := epoch.Add(time.Duration(i) * time.Minute)
		id := fmt.Sprint("d", i)
		shown := show(t, j, id, now)
		if i%5 == 0 {
			show(t, j, id, now)
		}
		f := []recsys.Feedback{
			act("f"+id, id, shown[i%places], now.Add(time.Second)),
			{Request: id, Item: shown[0], Kind: recsys.Click, Time: now},
			act("?"+id, "unknown", shown[0], now),
		}
		if i > from+90 {
			late := fmt.Sprint("d", i-90)
			f = append(f, recsys.Feedback{ID: "late" + id, Request: late, Item: shown[0], Kind: recsys.Dwell, Value: 0.3, Time: now})
		}
		if i%7 == 0 {
			f = append(f, f[0], recsys.Feedback{ID: "refused" + id, Request: id, Item: shown[0], Kind: recsys.Dwell, Value: float32(nan)})
		}
		err := j.Learn(ctx, f)
		if i%7 == 0 {
			var refused *bandit.FeedbackError
			require.ErrorAs(t, err, &refused)
			require.True(t, refused.Index == len(f)-1)
		} else {
			require.NoError(t, err)
		}
		if i%11 == 0 {
			p.Advance(now.Add(2 * time.Hour))
		}
		if i%50 == 49 {
			p.Forget(1000, 1003)
		}
	}
}

var nan = func() float64 { zero := 0.0; return zero / zero }()

func TestReopenedPolicyIsTheSameToTheBit(t *testing.T) {
	cfg := bandit.Config{Window: time.Hour, Retention: 150}
	for name, opts := range map[string]journal.Options{
		"each": {}, "interval": {SyncEvery: time.Hour}, "small": {MaxSegmentBytes: 1 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			opts := opts.On(unsynced{})
			dir := t.TempDir()
			at := 0
			var want []byte
			for _, checkpoint := range []bool{false, true, false, true, true, false} {
				p := policy(t, cfg)
				j := open(t, dir, p, opts)
				if want != nil {
					require.True(t, string(want) == string(state(t, p)), "after %d decisions", at)
				}
				live(t, j, p, at, at+60)
				if at += 60; checkpoint {
					require.NoError(t, j.Checkpoint(ctx))
					live(t, j, p, at, at+10)
					at += 10
				}
				require.NoError(t, j.Close())
				want = state(t, p)
			}
			j := open(t, dir, policy(t, cfg), opts)
			st := j.Stats()
			require.Positive(t, st.Recovery.Snapshot)
			require.Positive(t, st.Recovery.Replayed)
			require.Zero(t, st.Recovery.Torn)
			require.Len(t, files(t, dir, ".snapshot"), 2)
			if name == "small" {
				require.Greater(t, st.Segments, 5)
			}
			require.Equal(t, len(files(t, dir, ".journal")), st.Segments)
		})
	}
}

func TestRecordsRetellTheWholeStory(t *testing.T) {
	cfg := bandit.Config{Window: time.Hour, Retention: 150}
	dir := t.TempDir()
	p := policy(t, cfg)
	j := open(t, dir, p, journal.Options{MaxSegmentBytes: 4 << 10}.On(unsynced{}))
	live(t, j, p, 0, 200)
	require.NoError(t, j.Checkpoint(ctx)) // the first one removes nothing
	st := p.Stats()
	for _, n := range []uint64{st.Repeated, st.Evicted, st.Expired, st.Corrected, st.Doubled, st.Unmatched, st.Rejected, st.Ignored} {
		require.NotZero(t, n, "%+v", st)
	}
	require.True(t, string(state(t, p)) == string(state(t, retold(t, dir, policy(t, cfg)))))
}

func TestRecordsNeedNotBeginAtTheBeginning(t *testing.T) {
	dir := t.TempDir()
	p := learned(t)
	j := open(t, dir, p, journal.Options{MaxSegmentBytes: 1 << 10}.On(unsynced{}))
	live(t, j, p, 0, 60)
	require.NoError(t, j.Checkpoint(ctx))
	live(t, j, p, 60, 120)
	require.NoError(t, j.Checkpoint(ctx))
	last := j.Stats().Last
	n := uint64(0)
	for r, err := range journal.Records(dir, last-100) {
		require.NoError(t, err)
		n++
		require.Equal(t, last-100+n, r.Seq)
	}
	require.EqualValues(t, 100, n)
	for _, err := range journal.Records(dir, 0) {
		var gone *journal.FileError
		require.ErrorAs(t, err, &gone)
		require.ErrorIs(t, err, journal.ErrCorrupt)
		require.EqualValues(t, 1, gone.Seq)
	}
	for range journal.Records(dir, last-100) {
		break
	}
	for _, err := range journal.Records(t.TempDir(), 0) {
		t.Fatal("a record of nothing", err)
	}
}

func TestFeedbackGivenAgainAfterARestartCountsOnce(t *testing.T) {
	dir := t.TempDir()
	p := learned(t)
	j := open(t, dir, p, journal.Options{})
	f := act("f", "d", show(t, j, "d", epoch)[0], epoch)
	require.NoError(t, j.Learn(ctx, []recsys.Feedback{f}))
	before := chances(t, p)
	require.NoError(t, j.Close())

	p = learned(t)
	j = open(t, dir, p, journal.Options{})
	require.NoError(t, j.Learn(ctx, []recsys.Feedback{f}))
	require.Equal(t, before, chances(t, p))
	require.EqualValues(t, 1, p.Stats().Doubled)
	require.EqualValues(t, 1, p.Stats().Settled)
}

// A record holds a time in nanoseconds, which is not enough for all of them; what was refused must stay so.
func TestFeedbackOfImpossibleTimesIsRefusedAgainAfterARestart(t *testing.T) {
	for name, at := range map[string]time.Time{
		"long gone":     time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC),
		"far":           time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC),
		"one year less": time.Date(1677, 12, 31, 0, 0, 0, 0, time.UTC),
		"one year more": time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC),
		"another zone":  time.Date(2261, 12, 31, 23, 30, 0, 0, time.FixedZone("west", -3600)),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := learned(t)
			j := open(t, dir, p, journal.Options{}.On(unsynced{}))
			shown := show(t, j, "a", epoch)
			var refused *bandit.FeedbackError
			require.ErrorAs(t, j.Learn(ctx, []recsys.Feedback{act("x", "a", shown[0], at)}), &refused)
			require.Equal(t, "Time", refused.Field)
			require.NoError(t, j.Close())
			again := learned(t)
			open(t, dir, again, journal.Options{}.On(unsynced{}))
			require.Equal(t, p.Stats(), again.Stats())
			require.Equal(t, state(t, p), state(t, again))
		})
	}
}

// busy is a disk on which others come while one syncs, as on real ones.
type busy struct{ unsynced }

type busyFile struct{ journal.File }

func (d busy) Create(path string, again bool) (journal.File, error) {
	f, err := d.unsynced.Create(path, again)
	return busyFile{f}, err
}

func (f busyFile) Sync() error {
	time.Sleep(time.Millisecond)
	return f.File.Sync()
}

func TestConcurrentCallersShareSyncs(t *testing.T) {
	p := learned(t)
	j := open(t, t.TempDir(), p, journal.Options{}.On(busy{}))
	const callers, each = 32, 40
	var work sync.WaitGroup
	for i := range callers {
		work.Go(func() {
			for k := range each {
				id := fmt.Sprintf("%d.%d", i, k)
				items := show(t, j, id, epoch)
				if err := j.Learn(ctx, []recsys.Feedback{act("f"+id, id, items[0], epoch)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	st := j.Stats()
	require.EqualValues(t, callers*each*3, st.Records) // decision, feedback, time
	require.Equal(t, st.Last, st.Durable)
	require.EqualValues(t, callers*each, p.Stats().Settled)
	require.Less(t, st.Syncs, uint64(callers*each), "every caller had a sync of its own")
}

func TestExploreAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	j := open(t, t.TempDir(), learned(t), journal.Options{}.On(unsynced{}))
	queries := make([]*recsys.Query, 4000)
	for i := range queries {
		queries[i] = query(fmt.Sprint("d", i), epoch)
	}
	c, order := table()
	i := 0
	explore := func() {
		if err := j.Explore(ctx, queries[i], c, c.Slate(places, order)); err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range 2000 {
		explore()
	}
	require.Zero(t, testing.AllocsPerRun(1900, explore))
}

func TestFolderIsHeldByOne(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, learned(t), journal.Options{})
	_, err := journal.Open(dir, learned(t), journal.Options{})
	require.ErrorIs(t, err, journal.ErrLocked)
	require.NoError(t, j.Close())
	open(t, dir, learned(t), journal.Options{})
}

func TestClosedJournalRefuses(t *testing.T) {
	p := learned(t)
	j := open(t, t.TempDir(), p, journal.Options{})
	show(t, j, "a", epoch)
	require.NoError(t, j.Close())
	require.NoError(t, j.Close())
	require.ErrorIs(t, j.Learn(ctx, nil), journal.ErrClosed)
	require.ErrorIs(t, j.Sync(ctx), journal.ErrClosed)
	require.ErrorIs(t, j.Checkpoint(ctx), journal.ErrClosed)
	show(t, j, "b", epoch) // serves on
	require.NoError(t, p.Learn(ctx, nil), "the policy is free")
}

func TestLearnEndsWithItsContext(t *testing.T) {
	gate := make(chan struct{})
	j := open(t, t.TempDir(), learned(t), journal.Options{}.On(slow{gate: gate}))
	defer close(gate)
	shown := show(t, j, "d", epoch)
	c, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- j.Learn(c, []recsys.Feedback{act("f", "d", shown[0], epoch)}) }()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// slow is a disk whose files sync when the gate is closed.
type slow struct {
	journal.OSDisk
	gate chan struct{}
}

func (d slow) Create(path string, again bool) (journal.File, error) {
	f, err := d.OSDisk.Create(path, again)
	return &slowFile{File: f, gate: d.gate}, err
}

type slowFile struct {
	journal.File
	gate  chan struct{}
	syncs int
}

func (f *slowFile) Sync() error {
	if f.syncs++; f.syncs > 1 { // the first one is that of the header
		<-f.gate
	}
	return f.File.Sync()
}

// Policies that read columns are recovered when Build binds them, those that remember contexts too.
func TestPipelineBindsRecoversLearnsAndCloses(t *testing.T) {
	kinds := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "creator", Kind: recsys.ID}, {Name: "length"}},
		Func: func(_ context.Context, _ *recsys.Query, ids []recsys.ItemID, out *recsys.Block) error {
			for i, id := range ids {
				out.ID[0][i] = uint64(id) % 3
				out.FloatRow(i)[0] = float32(id) / 7
			}
			return nil
		},
	}
	retrieve := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for i := range 9 {
			out.Add(recsys.ItemID(i), 1)
		}
		return nil
	})
	own := bandit.LinearModel{Features: []string{"length"}}
	shared := bandit.LinearModel{Features: []string{"length"}, Shared: true}
	for name, x := range map[string]struct {
		alg bandit.Algorithm
		arm string
	}{
		"arm of a column":  {bandit.Thompson{}, "creator"},
		"linucb":           {bandit.LinUCB{Model: own}, ""},
		"lints, shared":    {bandit.LinTS{Model: shared}, ""},
		"logistic, shared": {bandit.LogisticTS{Model: shared}, ""},
		"squarecb":         {bandit.SquareCB{Model: own}, "creator"},
		"cascade":          {bandit.Cascade{Of: bandit.Thompson{}}, "creator"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var want []byte
			for life := range 4 {
				p, err := bandit.New(x.alg, bandit.Config{Arm: x.arm, Window: time.Minute})
				require.NoError(t, err)
				j := open(t, dir, p, journal.Options{}.On(unsynced{}))
				require.ErrorIs(t, j.Learn(ctx, nil), journal.ErrUnbound)
				require.ErrorIs(t, j.Checkpoint(ctx), journal.ErrUnbound)
				pipe, err := recsys.NewPipeline(recsys.Retrieve("all", retrieve), recsys.Features(kinds), recsys.Explore(j)).Build()
				require.NoError(t, err)
				if life > 0 {
					require.True(t, string(want) == string(state(t, p)))
				}
				for i := range 20 {
					res, err := pipe.Recommend(ctx, &recsys.Request{ID: fmt.Sprintf("%d.%d", life, i), K: 3, Now: epoch.Add(time.Duration(i) * time.Minute)})
					require.NoError(t, err)
					require.Empty(t, res.Degraded)
					f := recsys.Feedback{Request: res.ID, Item: res.Items[i%3].ID, Kind: recsys.Click, Time: epoch.Add(time.Duration(i) * time.Minute)}
					require.NoError(t, pipe.Learn(ctx, []recsys.Feedback{f}))
				}
				require.Positive(t, p.Stats().Settled)
				if life == 1 {
					require.NoError(t, j.Checkpoint(ctx))
				}
				want = state(t, p)
				require.NoError(t, pipe.Close(ctx))
				require.ErrorIs(t, j.Learn(ctx, nil), journal.ErrClosed)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	_, err := journal.Open(t.TempDir(), nil, journal.Options{})
	require.ErrorContains(t, err, "policy is nil")
	_, err = journal.Open(t.TempDir(), learned(t), journal.Options{SyncEvery: -1, MaxSegmentBytes: 1, MaxPendingBytes: -1})
	for _, field := range []string{"SyncEvery", "MaxSegmentBytes", "MaxPendingBytes"} {
		require.ErrorContains(t, err, field)
	}
	used := learned(t)
	show(t, used, "d", epoch)
	_, err = journal.Open(t.TempDir(), used, journal.Options{})
	require.ErrorContains(t, err, "already")

	p := learned(t)
	j := open(t, t.TempDir(), p, journal.Options{})
	_, err = journal.Open(t.TempDir(), p, journal.Options{})
	require.ErrorContains(t, err, "watched already")
	_, err = p.ReadFrom(strings.NewReader(string(state(t, p))))
	require.ErrorContains(t, err, "watched already")
	require.NoError(t, j.Close())
}

func TestJournalOfAnotherPolicyIsRefused(t *testing.T) {
	other := func() *bandit.Policy {
		p, err := bandit.New(bandit.UCB1{}, bandit.Config{})
		require.NoError(t, err)
		return p
	}
	dir := t.TempDir()
	p := learned(t)
	j := open(t, dir, p, journal.Options{})
	live(t, j, p, 0, 10)
	require.NoError(t, j.Close())
	_, err := journal.Open(dir, other(), journal.Options{})
	require.ErrorIs(t, err, journal.ErrPolicy)
	p = learned(t)
	j = open(t, dir, p, journal.Options{})
	require.NoError(t, j.Checkpoint(ctx))
	require.NoError(t, j.Close())
	_, err = journal.Open(dir, other(), journal.Options{})
	require.ErrorIs(t, err, journal.ErrPolicy)
}

// What an explorer says of itself by assertion must survive the wrapping.
func TestJournalSaysWhatItsPolicySays(t *testing.T) {
	p, err := bandit.New(bandit.UCB1{}, bandit.Config{})
	require.NoError(t, err)
	j := open(t, t.TempDir(), p, journal.Options{})
	bound, err := recsys.Bind[recsys.Explorer](j, nil)
	require.NoError(t, err)
	for _, e := range []recsys.Explorer{j, bound} {
		require.Equal(t, recsys.ExplorationDeterministic, e.(recsys.ExplorationKinder).Exploration())
		require.Equal(t, p.Version(), e.(recsys.Versioned).Version())
		require.NoError(t, e.(recsys.Learner).Learn(ctx, nil))
	}
	require.NoError(t, j.Close())
	require.ErrorIs(t, bound.(recsys.Learner).Learn(ctx, nil), journal.ErrClosed)
	_, err = recsys.Bind[recsys.Explorer](j, nil)
	require.ErrorIs(t, err, journal.ErrClosed)
}

func TestOnlySnapshotThatIsBrokenGivesWayToTheWholeJournal(t *testing.T) {
	dir := t.TempDir()
	p := learned(t)
	j := open(t, dir, p, journal.Options{MaxSegmentBytes: 2 << 10}.On(unsynced{}))
	live(t, j, p, 0, 40)
	require.NoError(t, j.Checkpoint(ctx))
	live(t, j, p, 40, 60)
	require.NoError(t, j.Close())
	flip(t, files(t, dir, ".snapshot")[0], 100)
	leftover := filepath.Join(dir, ".0000000000000010.snapshot.77-0.tmp")
	require.NoError(t, os.WriteFile(leftover, []byte("half"), 0o644))
	again := learned(t)
	j = open(t, dir, again, journal.Options{})
	require.True(t, string(state(t, p)) == string(state(t, again)))
	require.Equal(t, j.Stats().Last, j.Stats().Recovery.Replayed)
	require.NoFileExists(t, leftover, "what a killed save left over")
}

// twoSnapshots makes a journal with two snapshots and returns the state at its end.
func twoSnapshots(t *testing.T, dir string) []byte {
	t.Helper()
	p := learned(t)
	j := open(t, dir, p, journal.Options{MaxSegmentBytes: 2 << 10}.On(unsynced{}))
	for i := range 3 {
		live(t, j, p, i*50, i*50+50)
		if i < 2 {
			require.NoError(t, j.Checkpoint(ctx))
		}
	}
	require.NoError(t, j.Close())
	return state(t, p)
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[(at+len(b))%len(b)] ^= 0x10
	require.NoError(t, os.WriteFile(path, b, 0o644))
}

func TestBrokenSnapshotGivesWayToTheOlderOne(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"header":    func(path string) error { flip(t, path, 3); return nil },
		"number":    func(path string) error { flip(t, path, 80); return nil },
		"policy":    func(path string) error { flip(t, path, -200); return nil },
		"truncated": func(path string) error { return os.Truncate(path, 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			want := twoSnapshots(t, dir)
			snapshots := files(t, dir, ".snapshot")
			require.Len(t, snapshots, 2)
			require.NoError(t, harm(snapshots[1]))
			p := learned(t)
			j := open(t, dir, p, journal.Options{})
			require.True(t, string(want) == string(state(t, p)))
			st := j.Stats()
			require.Len(t, st.Recovery.Broken, 1)
			require.ErrorContains(t, st.Recovery.Broken[0], snapshots[1])
			live(t, j, p, 500, 510)
			require.NoError(t, j.Checkpoint(ctx))
			require.NotContains(t, files(t, dir, ".snapshot"), snapshots[1])
			require.NoError(t, j.Close())

			again := learned(t)
			open(t, dir, again, journal.Options{})
			require.True(t, string(state(t, p)) == string(state(t, again)))
		})
	}
}

func TestNoSnapshotLeftIsAnErrorThatNamesAll(t *testing.T) {
	dir := t.TempDir()
	twoSnapshots(t, dir)
	for _, path := range files(t, dir, ".snapshot") {
		flip(t, path, 100)
	}
	_, err := journal.Open(dir, learned(t), journal.Options{})
	require.ErrorIs(t, err, journal.ErrCorrupt)
	for _, path := range files(t, dir, ".snapshot") {
		require.ErrorContains(t, err, path)
	}
	require.ErrorContains(t, err, filepath.Join(dir, "0000000000000001.journal"))
}

func TestMissingSegmentIsAnError(t *testing.T) {
	dir := t.TempDir()
	twoSnapshots(t, dir)
	segments := files(t, dir, ".journal")
	require.NoError(t, os.Remove(segments[len(segments)-2]))
	_, err := journal.Open(dir, learned(t), journal.Options{})
	var at *journal.FileError
	require.True(t, errors.As(err, &at), "%v", err)
	require.Equal(t, segments[len(segments)-1], at.Path)
	for _, path := range segments {
		os.Remove(path)
	}
	_, err = journal.Open(dir, learned(t), journal.Options{})
	require.ErrorIs(t, err, journal.ErrCorrupt)
}

func TestJournalThatEndsBeforeASnapshotIsDamaged(t *testing.T) {
	dir := t.TempDir()
	p := learned(t)
	j := open(t, dir, p, journal.Options{})
	live(t, j, p, 0, 20)
	require.NoError(t, j.Checkpoint(ctx))
	require.NoError(t, j.Close())
	segment := files(t, dir, ".journal")[0]
	require.NoError(t, os.Truncate(segment, 700))
	_, err := journal.Open(dir, learned(t), journal.Options{})
	require.ErrorIs(t, err, journal.ErrCorrupt)
	require.ErrorContains(t, err, "there is a snapshot of record")
}
