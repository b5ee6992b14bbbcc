package journal_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/journal"
)

// The variables that make this test's process the victim.
const (
	victimVariable = "RECSYS_TEST_JOURNAL" // folder
	lifeVariable   = "RECSYS_TEST_LIFE"    // number of the victim
	stepVariable   = "RECSYS_TEST_STEP"    // the how manieth operation of what kind it kills itself in the middle of; 0: none
)

// operations are what a journal does to the disk.
var operations = []string{"creating", "writing", "syncing", "closing", "cutting", "saving", "removing"}

// What a victim prints, each line in one write: "try ID REQUEST ITEM" before Learn, "ack ID" after it, where it is, and in the middle of what it
// kills itself.
//
// TestKilledProcessLosesNothingAndCountsNothingTwice kills processes at random points, one after the other on the same journal: from outside, after a
// random number of lines, and, for points that are hard to hit, from inside, in the middle of a random operation on the disk. What a
// victim had tried and was not told of, the next one tries again, as a client would. After each kill all that was ever written
// is held against what recovery makes of the files.
func TestKilledProcessLosesNothingAndCountsNothingTwice(t *testing.T) {
	if dir := os.Getenv(victimVariable); dir != "" {
		serveUntilKilled(dir)
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("a process that was killed looks there like one that failed")
	}
	kills := 200
	if testing.Short() {
		kills = 12
	}
	a := newAudit(t)
	rng := rand.New(rand.NewPCG(1, 2))
	during := map[string]int{}
	for life := range kills {
		step, what, lines, until := 0, "any", 1+rng.IntN(60), ""
		switch {
		case life%8 == 0:
			lines, until = 5000, "checkpointed" // long enough to clean up what the others leave
		case life%2 == 1:
			step, lines = 1+rng.IntN(90), 5000
			if at := life / 2 % (2 * len(operations)); at < len(operations) {
				step, what, lines = 1+rng.IntN(2), operations[at], 1000
			}
		}
		during[a.kill(life, step, what, lines, until)]++
		a.check(life)
	}
	t.Logf("%d kills; in the middle of, or after the line: %v", kills, during)
	t.Logf("%d feedback acknowledged, %d in the journal, %d given twice; %d decisions; %d torn tails; %d snapshots used, %d files archived",
		len(a.acknowledged), len(a.counted), a.doubled, len(a.decided), a.torn, a.snapshots, len(files(t, a.archive, ".journal")))
	require.GreaterOrEqual(t, a.killed, kills-kills/20, "victims that ended by themselves show nothing")
	require.Greater(t, len(a.acknowledged), kills)
	if !testing.Short() {
		require.Greater(t, a.torn, 5)
		require.Greater(t, a.snapshots, kills/2)
		require.Greater(t, a.doubled, kills)
		for _, at := range operations {
			require.NotZero(t, during[at], "kills in the middle of %s", at)
		}
	}
}

// audit is what the world outside knows of a journal.
type audit struct {
	t                 *testing.T
	dir, archive      string
	tried             map[string]recsys.Feedback // not acknowledged so far, by ID
	again             map[string]bool            // tried by more than one victim
	acknowledged      map[string]bool
	retold            *bandit.Policy // went through each record once
	oracle            *bandit.Arms   // was told each reward once
	seen              uint64         // records
	newest            string         // file of the archive
	decided           map[string][]recsys.ItemID
	order             []string // of decisions
	counted           map[string]uint64
	settled           uint64
	doubled, torn     int
	killed, snapshots int
}

func newAudit(t *testing.T) *audit {
	root := t.TempDir()
	a := &audit{
		t: t, dir: filepath.Join(root, "live"), archive: filepath.Join(root, "archive"),
		tried: map[string]recsys.Feedback{}, again: map[string]bool{}, acknowledged: map[string]bool{},
		retold: learned(t), decided: map[string][]recsys.ItemID{}, counted: map[string]uint64{},
	}
	require.NoError(t, os.MkdirAll(a.dir, 0o755))
	require.NoError(t, os.MkdirAll(a.archive, 0o755))
	var err error
	a.oracle, err = bandit.NewArms(bandit.Boltzmann{Temperature: 0.3, Decay: 0.999})
	require.NoError(t, err)
	return a
}

// kill runs a victim until it has printed so many lines, or a certain one, or killed itself, and returns what it was heard of last.
func (a *audit) kill(life, step int, what string, lines int, until string) string {
	var retry strings.Builder
	for _, id := range slices.Sorted(maps.Keys(a.tried)) {
		f := a.tried[id]
		a.again[id] = true
		fmt.Fprintf(&retry, "%s %s %d\n", id, f.Request, f.Item)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLosesNothingAndCountsNothingTwice$")
	cmd.Env = append(os.Environ(), victimVariable+"="+a.dir, lifeVariable+"="+strconv.Itoa(life), stepVariable+"="+strconv.Itoa(step)+" "+what)
	cmd.Stdin = strings.NewReader(retry.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(a.t, err)
	require.NoError(a.t, cmd.Start())
	heard, died := "", ""
	scan := bufio.NewScanner(out)
	for n := 1; scan.Scan(); n++ {
		word := strings.Fields(scan.Text())
		switch heard = word[0]; heard {
		case "try":
			item, err := strconv.ParseUint(word[3], 10, 64)
			require.NoError(a.t, err)
			a.tried[word[1]] = act(word[1], word[2], recsys.ItemID(item), epoch)
		case "ack":
			a.acknowledged[word[1]] = true
			delete(a.tried, word[1])
		case "failed":
			a.t.Errorf("life %d: %s", life, scan.Text())
		default:
			if slices.Contains(operations, heard) {
				died = heard // others may say something while it dies
			}
		}
		if n == lines || heard == until {
			require.NoError(a.t, cmd.Process.Kill())
		}
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && !exit.Exited() {
		a.killed++
	}
	return cmp.Or(died, heard)
}

// check recovers a copy of the journal and holds it against the record.
func (a *audit) check(life int) {
	t := a.t
	copied := filepath.Join(filepath.Dir(a.dir), "copy")
	defer os.RemoveAll(copied)
	require.NoError(t, os.CopyFS(copied, os.DirFS(a.dir)))
	p := learned(t)
	j, err := journal.Open(copied, p, journal.Options{}.On(unsynced{}))
	require.NoError(t, err, "life %d", life)
	found := j.Stats()
	recovered := state(t, p)
	require.NoError(t, j.Close())
	require.Empty(t, found.Recovery.Broken)
	if found.Recovery.Torn > 0 {
		a.torn++
	}
	if found.Recovery.Snapshot > 0 {
		a.snapshots++
	}

	for _, path := range files(t, copied, ".journal") {
		if filepath.Base(path) < a.newest {
			continue // it is there already, and is not written to any more
		}
		a.newest = filepath.Base(path)
		require.NoError(t, os.Rename(path, filepath.Join(a.archive, a.newest)))
	}
	for r, err := range journal.Records(a.archive, a.seen) {
		require.NoError(t, err, "life %d", life)
		require.Equal(t, a.seen+1, r.Seq)
		a.seen = r.Seq
		require.NoError(t, a.retold.Redo(r.Change))
		a.read(r)
	}
	require.Equal(t, a.seen, found.Last)
	require.True(t, string(recovered) == string(state(t, a.retold)), "life %d: what was recovered is not what the records say", life)
	for id := range a.acknowledged {
		if _, ok := a.counted[id]; !ok {
			t.Fatalf("life %d: feedback %s was acknowledged and is lost", life, id)
		}
	}
	st := p.Stats()
	require.Equal(t, a.settled, st.Settled, "life %d", life)
	require.Zero(t, st.Rejected)
	arms := make([]uint64, items)
	for i := range arms {
		arms[i] = uint64(1000 + i)
	}
	require.Equal(t, a.oracle.Probabilities(nil, arms), chances(t, p), "life %d: a reward counts twice or not at all", life)
}

// read keeps the books by itself: decisions as they come, feedback once.
func (a *audit) read(r journal.Record) {
	switch r.Change.Kind {
	case bandit.ChangeDecision:
		d := &r.Change.Decision
		if _, doubled := a.decided[d.ID]; doubled {
			a.t.Fatalf("decision %s is there twice", d.ID)
		}
		a.decided[d.ID] = slices.Clone(d.Items)
		if a.order = append(a.order, d.ID); len(a.order) > 400 {
			a.decided[a.order[len(a.order)-401]] = nil // given way
		}
	case bandit.ChangeFeedback:
		f := &r.Change.Feedback
		if _, known := a.counted[f.ID]; known {
			a.doubled++
			return
		}
		a.counted[f.ID] = r.Seq
		shown, known := a.decided[f.Request]
		require.True(a.t, known || a.again[f.ID], "feedback %s is in the journal, its decision %s is not", f.ID, f.Request)
		if slices.Contains(shown, f.Item) {
			a.settled++
			require.NoError(a.t, a.oracle.Update(bandit.Outcome{Arm: uint64(f.Item), Reward: float64(f.Value), Propensity: 1, Choices: 1}))
		}
	}
}

// unsynced saves the time of syncs, on which nothing depends while the machine runs.
type unsynced struct{ journal.OSDisk }

func (d unsynced) Create(path string, again bool) (journal.File, error) {
	f, err := d.OSDisk.Create(path, again)
	return unsyncedFile{f}, err
}

func (unsynced) SyncDir(string) error { return nil }

func (unsynced) Cut(path string, size int64) error { return os.Truncate(path, size) }

func (unsynced) Save(path string, write func(io.Writer) error) error {
	f, err := os.Create(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".0-0.tmp"))
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

type unsyncedFile struct{ journal.File }

func (unsyncedFile) Sync() error { return nil }

// suicidal is a disk whose process kills itself in the middle of an operation. What it is asked to remove of the journal it puts into the
// archive.
type suicidal struct {
	unsynced
	archive string
	what    string        // counts; "any": all
	steps   *atomic.Int64 // left
}

// step kills the process if it is time for it, after first.
func (d suicidal) step(what string, first func()) {
	if d.what != "any" && d.what != what || d.steps.Add(-1) != 0 {
		return
	}
	fmt.Println(what)
	first()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

func nothing() {}

func (d suicidal) Create(path string, again bool) (journal.File, error) {
	d.step("creating", nothing)
	f, err := d.unsynced.Create(path, again)
	return suicidalFile{f, d}, err
}

func (d suicidal) Cut(path string, size int64) error {
	d.step("cutting", nothing)
	defer d.step("cutting", nothing)
	return d.unsynced.Cut(path, size)
}

func (d suicidal) Remove(path string) error {
	d.step("removing", nothing)
	defer d.step("removing", nothing)
	if filepath.Ext(path) == ".journal" {
		return os.Rename(path, filepath.Join(d.archive, filepath.Base(path)))
	}
	return d.OSDisk.Remove(path)
}

func (d suicidal) SyncDir(string) error {
	d.step("creating", nothing)
	return nil
}

func (d suicidal) Save(path string, write func(io.Writer) error) error {
	d.step("saving", nothing)
	defer d.step("saving", nothing)
	return d.unsynced.Save(path, func(w io.Writer) error {
		defer d.step("saving", nothing)
		return write(w)
	})
}

type suicidalFile struct {
	journal.File
	disk suicidal
}

func (f suicidalFile) Write(b []byte) (int, error) {
	f.disk.step("writing", func() { f.File.Write(b[:len(b)*3/4]) })
	return f.File.Write(b)
}

func (f suicidalFile) Sync() error {
	f.disk.step("syncing", nothing)
	return f.File.Sync()
}

func (f suicidalFile) Close() error {
	f.disk.step("closing", nothing)
	return f.File.Close()
}

// serveUntilKilled decides and learns from several goroutines and saves snapshots in between.
func serveUntilKilled(dir string) {
	say := func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }
	fatal := func(err error) {
		if err != nil {
			say("failed %v", err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	life, err := strconv.Atoi(os.Getenv(lifeVariable))
	fatal(err)
	disk := suicidal{archive: filepath.Join(filepath.Dir(dir), "archive"), steps: new(atomic.Int64)}
	var step int64
	_, err = fmt.Sscan(os.Getenv(stepVariable), &step, &disk.what)
	fatal(err)
	disk.steps.Store(step)

	say("open")
	p, err := bandit.New(bandit.Boltzmann{Temperature: 0.3, Decay: 0.999}, bandit.Config{
		Window: -1, Retention: 400, Reward: bandit.ValueReward(recsys.Dwell),
	})
	fatal(err)
	opts := journal.Options{MaxSegmentBytes: 4 << 10}
	if life%5 == 4 {
		opts.SyncEvery = time.Millisecond
	}
	j, err := journal.Open(dir, p, opts.On(disk))
	fatal(err)
	say("ready")
	retry := bufio.NewScanner(os.Stdin)
	for retry.Scan() {
		var id, request string
		var item recsys.ItemID
		_, err := fmt.Sscan(retry.Text(), &id, &request, &item)
		fatal(err)
		fatal(j.Learn(ctx, []recsys.Feedback{act(id, request, item, epoch)}))
		say("ack %s", id)
	}

	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			c, order := table()
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d.%d.%d", life, worker, i)
				s := c.Slate(places, order)
				fatal(j.Explore(ctx, query(id, epoch), c, s))
				if i%3 == 2 {
					continue // nobody clicks
				}
				item := c.IDs()[s.Rows()[i%places]]
				f := act("f"+id, id, item, epoch)
				say("try %s %s %d", f.ID, f.Request, f.Item)
				fatal(j.Learn(ctx, []recsys.Feedback{f}))
				say("ack %s", f.ID)
				if i%4 == 0 {
					fatal(j.Learn(ctx, []recsys.Feedback{f}))
				}
				if i%10 == 9 {
					say("checkpoint")
					fatal(j.Checkpoint(ctx))
					say("checkpointed")
				}
			}
		})
	}
	work.Wait()
}
