package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// options is what the command line says.
type options struct {
	common      *cli.Common
	json        bool
	trainFile   string
	testFile    string
	format      string // lists, pairs, csv
	ids         string // number, string
	sampled     bool
	cutoffs     []int
	model       *model
	settings    settings        // of the model
	given       map[string]bool // settings that the command line fixes
	trials      int
	tuneTime    time.Duration
	tuneMetric  string
	coldAtMost  int     // interactions of a cold user or item; below 0 for a tenth of them
	sources     []*part // of a blend
	weights     []float64
	sourcesText string
	weightsText string
	save, load  string
	modelFlags  settings // as given
	name        string
	protocol    string
	cutoffsText string
}

// newFlags returns the flags of the program, those of all models among them.
func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("cf", "cf -train F -test F -model NAME [flags]")
	o := &options{common: cli.AddCommon(fs), modelFlags: settings{}}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the result last")
	fs.StringVar(&o.trainFile, "train", "", "training `file`")
	fs.StringVar(&o.testFile, "test", "", "test `file`")
	fs.StringVar(&o.format, "format", "lists", "`format` of the files: lists, pairs or csv")
	fs.StringVar(&o.ids, "ids", "number", "`kind` of ids in the files: number or string")
	fs.StringVar(&o.protocol, "protocol", "full", "`what` is ranked: full (all items) or sampled (test lines \"user positive negative…\")")
	fs.StringVar(&o.cutoffsText, "k", "20", "`cutoffs`, separated by commas")
	fs.StringVar(&o.name, "model", "", "`name` of the model: "+strings.Join(modelNames(), ", "))
	fs.IntVar(&o.trials, "tune", 0, "search hyper-parameters in `N` trials on the training file, of a blend those of each source")
	fs.DurationVar(&o.tuneTime, "tune-time", 0, "end the search of -tune after this `time`, such as 10m; the result then depends on the machine")
	fs.StringVar(&o.tuneMetric, "tune-metric", "ndcg", "`metric` that -tune raises: ndcg, recall or hr")
	fs.IntVar(&o.coldAtMost, "cold", -1, "users and items with at most `N` interactions in training count as cold (default: the tenth of them with the fewest)")
	fs.StringVar(&o.sourcesText, "sources", "", "of -model blend: its `models`, separated by commas, each name[:parameter=value…]; label=name for a name of its own")
	fs.StringVar(&o.weightsText, "weights", "", "of -model blend: `weights` of the sources, separated by commas, in place of learning them")
	fs.StringVar(&o.save, "save", "", "write the model to a `file`")
	fs.StringVar(&o.load, "load", "", "read the model from a `file` in place of training")
	for name, usage := range modelFlags() {
		fs.Func(name, usage, func(value string) error {
			o.modelFlags[name] = value
			return nil
		})
	}
	return fs, o
}

// parse reads the command line. The error is a *[cli.UsageError] or [flag.ErrHelp].
func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	if err := cli.Require(fs, "train", "test", "model"); err != nil {
		return err
	}
	switch o.format {
	case "lists", "pairs", "csv":
	default:
		return cli.Usagef("-format is %q; want lists, pairs or csv", o.format)
	}
	switch o.ids {
	case "number", "string":
	default:
		return cli.Usagef("-ids is %q; want number or string", o.ids)
	}
	switch o.protocol {
	case "full", "sampled":
		o.sampled = o.protocol == "sampled"
	default:
		return cli.Usagef("-protocol is %q; want full or sampled", o.protocol)
	}
	switch o.tuneMetric {
	case "ndcg", "recall", "hr":
	default:
		return cli.Usagef("-tune-metric is %q; want ndcg, recall or hr", o.tuneMetric)
	}
	switch {
	case o.trials < 0:
		return cli.Usagef("-tune is %d; want >= 0", o.trials)
	case o.tuneTime < 0:
		return cli.Usagef("-tune-time is %v; want >= 0", o.tuneTime)
	case o.tuneTime > 0 && o.trials == 0:
		return cli.Usagef("-tune-time bounds -tune, which is missing")
	case o.load != "" && o.trials > 0:
		return cli.Usagef("-load and -tune exclude each other")
	case o.load != "" && len(o.modelFlags) > 0:
		return cli.Usagef("-load takes the model's settings from the file; leave its flags out")
	}
	if err := o.parseCutoffs(); err != nil {
		return err
	}
	if o.model = modelNamed(o.name); o.model == nil {
		return cli.Usagef("-model is %q; want one of %s", o.name, strings.Join(modelNames(), ", "))
	}
	if err := o.parseSettings(); err != nil {
		return err
	}
	return o.parseSources()
}

func (o *options) parseCutoffs() error {
	seen := map[int]bool{}
	for _, text := range strings.Split(o.cutoffsText, ",") {
		k, err := strconv.Atoi(strings.TrimSpace(text))
		switch {
		case err != nil || k < 1:
			return cli.Usagef("-k is %q; want numbers >= 1 separated by commas", o.cutoffsText)
		case seen[k]:
			return cli.Usagef("-k names %d twice", k)
		}
		seen[k] = true
		o.cutoffs = append(o.cutoffs, k)
	}
	return nil
}

// parseSettings gives every parameter of the model its value.
func (o *options) parseSettings() error {
	var unknown string
	var err error
	o.settings, o.given, unknown, err = o.model.settle(o.modelFlags)
	switch {
	case err != nil:
		return cli.Usagef("-%w", err)
	case unknown != "":
		return cli.Usagef("-%s is no flag of model %s", unknown, o.model.name)
	}
	return nil
}

// settle gives every parameter of a model its value: the given one, or the default. It names
// a given parameter that the model does not have.
func (m *model) settle(values settings) (all settings, given map[string]bool, unknown string, err error) {
	all, given = settings{}, map[string]bool{}
	for i := range m.params {
		p := &m.params[i]
		value, is := values[p.name]
		if !is {
			all[p.name] = p.def
			continue
		}
		if err := p.check(value); err != nil {
			return nil, nil, "", fmt.Errorf("%s is %q; %w", p.name, value, err)
		}
		all[p.name], given[p.name] = value, true
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !given[name] {
			unknown = name
			break
		}
	}
	return all, given, unknown, nil
}

// env returns what a trainer gets beside the data and its settings.
func (o *options) env(log io.Writer) env {
	return env{seed: o.common.Seed, workers: o.common.Workers, log: log}
}

// check returns an error that says what is wanted, nil for a value that p can take.
func (p *param) check(value string) error {
	if len(p.choices) > 0 {
		for _, c := range p.choices {
			if c == value {
				return nil
			}
		}
		return errors.New("want " + strings.Join(p.choices, " or "))
	}
	x, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || p.integer && x != float64(int(x)) || !(x >= p.min) || x-x != 0:
		what := "a number"
		if p.integer {
			what = "a whole number"
		}
		return fmt.Errorf("want %s >= %v", what, p.min)
	case p.max > p.min && x > p.max:
		return fmt.Errorf("want at most %v", p.max)
	}
	return nil
}
