package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/ope"
)

func main() { cli.Main(run) }

// options are the flags.
type options struct {
	*cli.Common
	json, mixed, mixedK, estimated, unproven, positions bool
	golden, log, target, reward, report                 string
	logger, maxPer, model, pipeline                     string
	interval                                            string
	level                                               float64
	depth, folds                                        int
	opt                                                 ope.Options

	counts recsys.EventKind         // the kind of feedback that is the reward
	seen   map[recsys.EventKind]int // feedback on the judged records, by kind
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("ope", "ope -golden F.json [flags], or ope -log F -target uniform|greedy|softmax:T|pl:T|FILE [flags]")
	o := &options{Common: cli.AddCommon(fs)}
	asJSON := cli.AddJSON(fs)
	fs.StringVar(&o.golden, "golden", "", "`file` of slices, JSON, plain or gzip")
	fs.StringVar(&o.log, "log", "", "exposure log: a `file`, plain or gzip, or the folder of a FileSink")
	fs.StringVar(&o.target, "target", "", "`policy` to judge: uniform, greedy, softmax:T, pl:T, or a file of its propensities")
	fs.StringVar(&o.reward, "reward", "click", "`kind` of feedback that counts 1, or sum:KIND for its values")
	fs.StringVar(&o.logger, "logger", "", "`policy` that made the log, as -target or eps:E; default: what the records say")
	fs.BoolVar(&o.unproven, "unproven", false, "take it that the explorer chose from the recorded rows by utility, where the policy that made the log has learned since; say -depth where that is not four times the slate")
	fs.BoolVar(&o.positions, "positions", false, "add iips and sniips, for which the possible slates of each record are enumerated: few places, few rows")
	fs.IntVar(&o.depth, "depth", 0, "`rows` that the explorer chose from; 0 for four times the slate")
	fs.StringVar(&o.maxPer, "max-per", "", "`column:n`, the cap under which slates were made and are judged, if any")
	fs.StringVar(&o.model, "model", "none", "reward `model`, cross-fitted: none, linear or boosted")
	fs.IntVar(&o.folds, "folds", 5, "`number` of folds of users, for -model")
	fs.StringVar(&o.pipeline, "pipeline", "", "judge the records of this `version` of the pipeline alone")
	fs.BoolVar(&o.mixed, "mixed", false, "pool records of several versions of the pipeline")
	fs.BoolVar(&o.mixedK, "mixed-k", false, "pool slates of several lengths")
	fs.BoolVar(&o.estimated, "estimated", false, "take propensities that are estimates as they are")
	fs.StringVar(&o.interval, "interval", "normal", "`kind` of interval: normal, bernstein, bootstrap or anytime")
	fs.Float64Var(&o.level, "level", 0.95, "confidence `level` of intervals")
	fs.StringVar(&o.report, "report", "", "write the estimates as an HTML `file`")
	err := cli.Parse(fs, args)
	o.json = *asJSON
	if err == nil {
		err = o.check()
	}
	if err == nil {
		err = o.work(ctx, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// check refuses flags that make no sense, before the work.
func (o *options) check() error {
	switch {
	case (o.golden == "") == (o.log == ""):
		return cli.Usagef("want either -golden or -log")
	case o.log != "" && o.target == "":
		return cli.Usagef("-target is missing; want uniform, greedy, softmax:T, pl:T or a file")
	case o.golden != "" && o.target != "":
		return cli.Usagef("-target goes with -log; a file of slices holds its policy")
	case !(o.level > 0 && o.level < 1):
		return cli.Usagef("-level is %v; want above 0 and below 1", o.level)
	case o.depth < 0:
		return cli.Usagef("-depth is %d; want >= 0", o.depth)
	case o.folds < 2:
		return cli.Usagef("-folds is %d; want >= 2", o.folds)
	case o.model != "none" && o.model != "linear" && o.model != "boosted":
		return cli.Usagef("-model is %q; want none, linear or boosted", o.model)
	}
	kind := -1
	for i, k := range []ope.Interval{ope.Normal, ope.Bernstein, ope.Bootstrap, ope.Anytime} {
		if k.String() == o.interval {
			kind = i
			o.opt.Interval = k
		}
	}
	if kind < 0 {
		return cli.Usagef("-interval is %q; want normal, bernstein, bootstrap or anytime", o.interval)
	}
	o.opt.Level, o.opt.Seed, o.opt.Workers = o.level, o.Seed, o.Workers
	o.opt.Tails = o.report != ""
	return cli.CanSave("report", o.report)
}

func (o *options) work(ctx context.Context, stdout, stderr io.Writer) error {
	var r *results
	var err error
	if o.golden != "" {
		r, err = o.judgeSlices()
	} else {
		r, err = o.judgeLog(ctx)
	}
	if err != nil {
		return err
	}
	if len(r.notes) > 0 {
		fmt.Fprintln(stderr, strings.Join(r.notes, "\n"))
	}
	if o.report != "" {
		if err := r.page(o).Save(o.report); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "report: %s\n", o.report)
	}
	if o.json {
		return r.writeJSON(stdout)
	}
	return r.print(stdout)
}
