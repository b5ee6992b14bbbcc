package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/goapi"
)

// options are the flags.
type options struct {
	*cli.Common
	data, report, ranker, log string
	json                      bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("quickstart", "quickstart [-data FILE.csv] [-ranker MODEL] [-report FILE.html] [flags]")
	o := options{Common: cli.AddCommon(fs)}
	fs.StringVar(&o.data, "data", "", "CSV `file`, plain or gzip: user,item,time[,value], header optional; without it, the sources of the Go toolchain")
	fs.StringVar(&o.ranker, "ranker", boosted, "`model` that ranks: boosted (trees) or linear")
	fs.StringVar(&o.report, "report", "", "write an HTML page to this `file`")
	fs.StringVar(&o.log, "log", "", "keep the log of pipeline-explored in this `folder`, which is made or empty; examples/ope judges other policies on it")
	asJSON := cli.AddJSON(fs)
	err := cli.Parse(fs, args)
	if o.json = *asJSON; err == nil {
		err = o.check()
	}
	if err == nil {
		err = o.run(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// check finds out before the work, not after it, that there is no such ranker, or that the report
// cannot be written.
func (o *options) check() error {
	if o.ranker != boosted && o.ranker != linear {
		return cli.Usagef("-ranker %s: want %s or %s", o.ranker, boosted, linear)
	}
	if o.log != "" {
		if files, err := recsys.LogFiles(o.log, ""); err == nil && len(files) > 0 {
			return cli.Usagef("-log %s: the folder holds a log already", o.log)
		}
		if err := os.MkdirAll(o.log, 0o755); err != nil {
			return cli.Usagef("-log %s: %v", o.log, err)
		}
	}
	if o.report == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(o.report)); err != nil || !info.IsDir() {
		return cli.Usagef("-report %s: there is no folder %s", o.report, filepath.Dir(o.report))
	}
	return nil
}

func (o *options) run(ctx context.Context, stdout, stderr io.Writer) error {
	d, err := o.load(ctx, stderr)
	if err != nil {
		return err
	}
	m, err := train(ctx, d, o.ranker, o.Seed, o.Workers, stderr)
	if err != nil {
		return err
	}
	r, err := o.judge(ctx, m, stderr)
	if err != nil {
		return err
	}
	if o.report != "" {
		curve, err := m.tradeOff(ctx, r.users, o.Workers)
		if err != nil {
			return err
		}
		if err := r.page(o, curve).Save(o.report); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "report: %s\n", o.report)
	}
	if o.json {
		fmt.Fprintln(stderr, strings.Join(r.about(), "\n"))
		return r.writeJSON(stdout)
	}
	return r.print(stdout)
}

func (o *options) load(ctx context.Context, stderr io.Writer) (*data, error) {
	if o.data != "" {
		return fromCSV(o.data, o.Seed)
	}
	d, err := fromGo(ctx, o.Seed, o.Workers, stderr)
	if errors.Is(err, goapi.ErrNoSource) {
		return nil, fmt.Errorf("%w; -data FILE.csv takes other data", err)
	}
	return d, err
}

// results is everything that the program found out.
type results struct {
	m         *models
	users     []int // of the test
	catalogue int
	outcomes  []*outcome
	exposure  [][]float64 // by outcome and item of the catalogue
	audit     *audit
	examples  []*example // one user by pipeline, and by pipeline-diverse
}

// judge serves all variants on part C.
func (o *options) judge(ctx context.Context, m *models, stderr io.Writer) (*results, error) {
	r := &results{m: m, users: m.d.of(goapi.PartC)}
	list, err := m.variants()
	if err != nil {
		return nil, err
	}
	progress := cli.NewProgress(stderr, "test requests", (len(list)+1)*len(r.users), nil)
	for _, v := range list {
		x, err := evaluate(ctx, m.d, r.users, v, o.Workers, progress)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		r.outcomes = append(r.outcomes, x)
	}
	explored, audit, err := explore(ctx, m, r.users, r.outcome("pipeline"), o.log, o.Seed, o.Workers, progress)
	if err != nil {
		return nil, fmt.Errorf("pipeline-explored: %w", err)
	}
	progress.Done()
	r.outcomes, r.audit = append(r.outcomes, explored), audit
	catalogue := m.d.catalogue()
	r.catalogue = len(catalogue)
	for _, x := range r.outcomes {
		r.exposure = append(r.exposure, x.exposure(catalogue))
	}
	user := exampleOf(m.d, r.users, r.outcome("pipeline"))
	for _, name := range []string{"pipeline", "pipeline-diverse"} {
		x := r.outcome(name)
		if x == nil {
			continue
		}
		e, err := explain(ctx, m.d, user, x.variant)
		if err != nil {
			return nil, err
		}
		r.examples = append(r.examples, e)
	}
	return r, nil
}

// outcome returns the outcome of a variant; nil if there is none.
func (r *results) outcome(name string) *outcome {
	for _, x := range r.outcomes {
		if x.name == name {
			return x
		}
	}
	return nil
}

// bestSource returns the source that has the highest recall alone, the first on a tie.
func (r *results) bestSource() *outcome {
	best := r.outcomes[0]
	for i := range r.m.sources {
		if mean(r.outcomes[i].recall) > mean(best.recall) {
			best = r.outcomes[i]
		}
	}
	return best
}
