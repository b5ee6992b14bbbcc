package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(program) }

// options are the flags.
type options struct {
	*cli.Common
	json         bool
	log, report  string
	store        string
	events       int // of the simulated log
	users, items int
	every        int // events to a request
	k            int
	flush, renew time.Duration
	lateness     time.Duration
	maxBad       int64
	crash        int64
	checkpoints  string
	simulated    bool
}

func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("features", "features [-log FILE] [flags]")
	o := &options{Common: cli.AddCommon(fs)}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the result last")
	fs.StringVar(&o.log, "log", "", "event log: a `file` of JSON lines or a pattern of files, plain or gzip; without it, a simulated one")
	fs.StringVar(&o.report, "report", "", "write an HTML page to this `file`")
	fs.StringVar(&o.store, "store", "memory", "where the rows go: memory (for Redis, see the examples of package features/redis)")
	fs.IntVar(&o.events, "events", 200_000, "`events` of the simulated log")
	fs.IntVar(&o.users, "users", 2000, "`users` of the simulated log")
	fs.IntVar(&o.items, "items", 1000, "`items` of the simulated log")
	fs.IntVar(&o.every, "every", 100, "`events` from one request to the next")
	fs.IntVar(&o.k, "k", 10, "`length` of a slate")
	fs.DurationVar(&o.flush, "flush", 10*time.Second, "event `time` between two flushes of changed rows; 0 writes each event")
	fs.DurationVar(&o.renew, "renew", time.Minute, "event `time` after which a row that has not changed is written again; 0: never")
	fs.DurationVar(&o.lateness, "lateness", 2*time.Minute, "how much earlier than the newest event one may be, as a `duration`")
	fs.Int64Var(&o.maxBad, "max-bad", 0, "malformed `lines` to pass over; by default the first ends the program")
	fs.Int64Var(&o.crash, "crash", 110_000, "`events` after which the run is cut off and the stores are lost; 0: never")
	fs.StringVar(&o.checkpoints, "checkpoints", "", "`folder` for checkpoints, which must be new or empty; by default a temporary one")
	return fs, o
}

// check finds out before the work what cannot be done.
func (o *options) check() error {
	if o.store != "memory" {
		return cli.Usagef("-store %s: want memory; this program has no client of another store, package features/redis shows one in its examples", o.store)
	}
	for _, c := range []struct {
		name            string
		value, min, max int
	}{
		{"events", o.events, 100, 100_000_000},
		{"users", o.users, 1, 10_000_000},
		{"items", o.items, 1, 10_000_000},
		{"every", o.every, 1, 1 << 30},
		{"k", o.k, 1, candidates},
	} {
		if c.value < c.min || c.value > c.max {
			return cli.Usagef("-%s is %d; want %d to %d", c.name, c.value, c.min, c.max)
		}
	}
	switch {
	case o.flush < 0 || o.flush > 24*time.Hour:
		return cli.Usagef("-flush is %v; want 0 to 24h", o.flush)
	case o.renew < 0 || o.renew > 24*time.Hour:
		return cli.Usagef("-renew is %v; want 0 to 24h", o.renew)
	case o.lateness < 0 || o.lateness > 24*time.Hour:
		return cli.Usagef("-lateness is %v; want 0 to 24h", o.lateness)
	case o.maxBad < 0:
		return cli.Usagef("-max-bad is %d; want >= 0", o.maxBad)
	case o.crash < 0:
		return cli.Usagef("-crash is %d; want >= 0", o.crash)
	}
	if o.checkpoints != "" {
		there, err := os.ReadDir(o.checkpoints)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.MkdirAll(o.checkpoints, 0o755)
		}
		if err != nil {
			return cli.Usagef("-checkpoints %s: %v", o.checkpoints, err)
		}
		if len(there) > 0 {
			return cli.Usagef("-checkpoints %s: the folder is not empty", o.checkpoints)
		}
	}
	if o.report != "" {
		return cli.CanSave("report", o.report)
	}
	return nil
}

func program(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs, o := newFlags()
	err := cli.Parse(fs, args)
	if err == nil {
		err = o.check()
	}
	if err == nil {
		err = o.run(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// checkLog finds out whether there is a log to read.
func checkLog(pattern string) error {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return cli.Inputf(pattern, 0, "no such file")
	}
	names := map[string]string{}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.IsDir() {
			return cli.Inputf(f, 0, "is a folder, want a file")
		}
		if first, doubled := names[filepath.Base(f)]; doubled {
			return cli.Inputf(f, 0, "has the name of %s; want names that differ", first)
		}
		names[filepath.Base(f)] = f
	}
	return nil
}

func (o *options) run(ctx context.Context, stdout, stderr io.Writer) error {
	folder, err := os.MkdirTemp("", "features")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if o.checkpoints == "" {
		o.checkpoints = filepath.Join(folder, "checkpoints")
	}
	if o.simulated = o.log == ""; o.simulated {
		o.log = filepath.Join(folder, "events.jsonl")
		if err := simulate(o, stderr); err != nil {
			return err
		}
	} else if err := checkLog(o.log); err != nil {
		return err
	}
	s, err := stream(ctx, o, stderr)
	if err != nil {
		return o.inputError(err)
	}
	if err := s.judge(ctx); err != nil {
		return o.inputError(err)
	}
	if o.report != "" {
		if err := s.page().Save(o.report); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "report: %s\n", o.report)
	}
	return s.print(stdout)
}
