package materialize_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/materialize"
)

// The variables that make this test's process the victim.
const (
	victimVariable = "RECSYS_TEST_MATERIALIZE" // folder
	deathVariable  = "RECSYS_TEST_DEATH"       // where it kills itself, and the how manieth time it comes there
)

// deaths are where a victim dies. In a line: it has read it, and counted some of its events. Before, within, after: a write of the
// store, of which half is there, or all, and none was acknowledged. Progress: between two flushes. Any: after that many
// microseconds, so also while it saves a checkpoint or reads one. Follow: the same, of a run that follows the log.
var deaths = []string{"line", "before", "within", "after", "progress", "any", "follow"}

// TestKilledProcessCountsNothingTwice kills processes that fill three durable stores from a log that grows meanwhile, cut anywhere. What the
// stores have in the end is what a batch computes of the whole log.
func TestKilledProcessCountsNothingTwice(t *testing.T) {
	if dir := os.Getenv(victimVariable); dir != "" {
		fillUntilKilled(dir)
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("a process that was killed looks there like one that failed")
	}
	kills := 100
	if testing.Short() {
		kills = 12
	}
	rng := rand.New(rand.NewPCG(3, 1))
	st := newStory(rng, 2000)
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	text := st.text()
	killed, finished := map[string]int{}, 0
	size := 0
	for life := range kills {
		size = min(len(text), size+rng.IntN(2*len(text)/kills))
		write(t, path, []byte(text[:size]))
		death := deaths[life%len(deaths)]
		step := 1 + rng.IntN(8)
		switch death {
		case "line":
			step = 1 + rng.IntN(150)
		case "any", "follow":
			step = 1 + rng.IntN(30_000)
		}
		if _, ended := live(t, dir, death, step); ended {
			finished++
		} else {
			killed[death]++
		}
	}
	write(t, path, []byte(text))
	counted, ended := live(t, dir, "none", 0)
	require.True(t, ended)
	t.Logf("killed: %v; %d came to the end of the log before", killed, finished)
	require.Greater(t, len(killed), 3)
	require.Greater(t, kills-finished, kills/2)

	for _, s := range []struct {
		view *features.View
		name string
	}{{itemView(), "items"}, {userView(), "users"}, {pairView(), "pairs"}} {
		shelf, err := durable(filepath.Join(dir, s.name), s.view)
		require.NoError(t, err)
		require.NoError(t, shelf.journal.Close())
		switch s.name {
		case "items":
			st.requireBatch(t, shelf, itemWindows(), s.name)
		case "users":
			st.requireBatch(t, shelf, userWindows(), s.name)
		default:
			st.requireBatch(t, shelf, pairWindows(), s.name)
		}
	}
	whole := newShelves()
	stats, err := materialize.Materialize(context.Background(), whole.config(materialize.Log{Paths: []string{path}}))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(stats.Views[0].Aggregates.Accepted, stats.Views[1].Aggregates.Accepted, stats.Views[2].Aggregates.Accepted), counted,
		"events that were counted, by view, over all lives")
}

// live runs a victim and reports what it said it had counted, and whether it came to the end of the log.
func live(t *testing.T, dir, death string, step int) (counted string, ended bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcessCountsNothingTwice$")
	cmd.Env = append(os.Environ(), victimVariable+"="+dir, deathVariable+"="+death+" "+strconv.Itoa(step))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for scan := bufio.NewScanner(out); scan.Scan(); {
		what, rest, _ := strings.Cut(scan.Text(), " ")
		switch what {
		case "failed":
			t.Errorf("%s, %d: %s", death, step, rest)
		case "counted":
			counted = rest
		}
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		require.False(t, exit.Exited(), "%s, %d: %v", death, step, err)
		return "", false
	}
	require.NoError(t, err)
	return counted, true
}

// die kills the process.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// fillUntilKilled is the victim.
func fillUntilKilled(dir string) {
	fatal := func(err error) {
		if err != nil {
			fmt.Println("failed", err)
			os.Exit(0)
		}
	}
	var death string
	var step int
	_, err := fmt.Sscan(os.Getenv(deathVariable), &death, &step)
	fatal(err)
	if death == "any" || death == "follow" {
		time.AfterFunc(time.Duration(step)*time.Microsecond, die)
	}
	left := step
	at := func(where string) bool {
		if where == death {
			left--
		}
		return where == death && left == 0
	}
	var s shelves
	for name, v := range map[string]struct {
		view *features.View
		at   **shelf
	}{"items": {itemView(), &s.items}, "users": {userView(), &s.users}, "pairs": {pairView(), &s.pairs}} {
		*v.at, err = durable(filepath.Join(dir, name), v.view)
		fatal(err)
		(*v.at).before = func(int) error {
			if at("before") {
				die()
			}
			if at("within") {
				return errHalf
			}
			return nil
		}
		(*v.at).after = func(int) error {
			if at("after") {
				die()
			}
			return nil
		}
	}
	cfg := s.config(materialize.Log{Paths: []string{filepath.Join(dir, "log.jsonl")}})
	cfg.Log.Key = func(_ string, text []byte) (uint64, error) {
		if at("line") {
			die()
		}
		return strconv.ParseUint(string(text), 10, 64)
	}
	cfg.Checkpoints = filepath.Join(dir, "checkpoints")
	cfg.FlushEvents, cfg.CheckpointEvents, cfg.Refresh = 20, 60, 5*time.Minute
	if death == "follow" { // it saves whenever it has caught up, and dies at its time
		cfg.Log.Follow, cfg.Log.Poll, cfg.CheckpointInterval, cfg.Now = true, time.Millisecond, 1, time.Now
	}
	cfg.Progress = func(materialize.Progress) {
		if at("progress") {
			die()
		}
	}
	cfg.Retry.Wait = func(context.Context, time.Duration) error { // it went down with half of a batch
		die()
		return nil
	}
	stats, err := materialize.Materialize(context.Background(), cfg)
	fatal(err)
	counted := make([]any, 3)
	for _, v := range stats.Views {
		switch v.View {
		case "item.stats":
			counted[0] = v.Aggregates.Accepted
		case "user.recent":
			counted[1] = v.Aggregates.Accepted
		default:
			counted[2] = v.Aggregates.Accepted
		}
	}
	fmt.Println("counted", fmt.Sprint(counted...))
}
