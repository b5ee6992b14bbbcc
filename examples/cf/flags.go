package main

import (
	"flag"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/examples/internal/input"
	"github.com/recsyskit/recsys/examples/internal/lab"
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
	bench       *lab.Model     // the same, as the lab takes it
	settings    hyper.Settings // of the model
	trials      int
	tuneTime    time.Duration
	tuneMetric  string
	coldAtMost  int         // interactions of a cold user or item; below 0 for a tenth of them
	sources     []*lab.Part // of a blend
	weights     []float64
	sourcesText string
	weightsText string
	maxGiB      float64
	save, load  string
	given       map[string]string // parameters of the model, as given
	name        string
	protocol    string
	cutoffsText string
}

// newFlags returns the flags of the program, those of all models among them.
func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("cf", "cf -train F -test F -model NAME [flags]")
	o := &options{common: cli.AddCommon(fs), given: map[string]string{}}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the result last")
	fs.StringVar(&o.trainFile, "train", "", "training `file`")
	fs.StringVar(&o.testFile, "test", "", "test `file`")
	fs.StringVar(&o.format, "format", "", "`format` of the files: lists, pairs or csv (default: csv for a training file named .csv or .tsv, else lists)")
	fs.StringVar(&o.ids, "ids", "number", "`kind` of ids in the files: number or string")
	fs.StringVar(&o.protocol, "protocol", "full", "`what` is ranked: full (all items) or sampled (test lines \"user positive negative…\")")
	fs.StringVar(&o.cutoffsText, "k", "20", "`cutoffs`, separated by commas")
	fs.StringVar(&o.name, "model", "", "`name` of the model: "+strings.Join(modelNames(), ", "))
	fs.IntVar(&o.trials, "tune", 0, "search hyper-parameters in `N` trials on the training file, of a blend those of each source")
	fs.DurationVar(&o.tuneTime, "tune-time", 0, "end the search of -tune after this `time`, such as 10m; the result then depends on the machine")
	fs.StringVar(&o.tuneMetric, "tune-metric", "ndcg", "`metric` that -tune raises: ndcg, recall or hr")
	fs.IntVar(&o.coldAtMost, "cold", -1, "users and items with at most `N` interactions in training count as cold; -1 for the tenth of them with the fewest")
	fs.StringVar(&o.sourcesText, "sources", "", "of -model blend: its `models`, separated by commas, each name[:parameter=value…]; label=name for a name of its own")
	fs.StringVar(&o.weightsText, "weights", "", "of -model blend: `weights` of the sources, separated by commas, in place of learning them")
	fs.Float64Var(&o.maxGiB, "max-gib", 0, "memory that training may take, in `GiB`; 0 for GOMEMLIMIT or 8")
	fs.StringVar(&o.save, "save", "", "write the model to a `file`")
	fs.StringVar(&o.load, "load", "", "read the model from a `file` in place of training")
	for name, usage := range hyper.Usage(modelParams) {
		fs.Func(name, usage, func(value string) error {
			o.given[name] = value
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
	if o.format == "" {
		o.format = input.Format(o.trainFile, "lists")
	}
	switch o.format {
	case "lists", "pairs", "csv":
	default:
		return cli.Usagef("-format is %q; want lists, pairs or csv", o.format)
	}
	if input.NewIDs(o.ids) == nil {
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
	case !(o.maxGiB >= 0 && o.maxGiB <= 1e6):
		return cli.Usagef("-max-gib is %v; want a number >= 0 and <= 1000000", o.maxGiB)
	case o.trials < 0:
		return cli.Usagef("-tune is %d; want >= 0", o.trials)
	case o.tuneTime < 0:
		return cli.Usagef("-tune-time is %v; want >= 0", o.tuneTime)
	case o.coldAtMost < -1:
		return cli.Usagef("-cold is %d; want >= 0 (-1 means the tenth with the fewest)", o.coldAtMost)
	case o.tuneTime > 0 && o.trials == 0:
		return cli.Usagef("-tune-time bounds -tune, which is missing")
	case o.load != "" && o.trials > 0:
		return cli.Usagef("-load and -tune exclude each other")
	case o.load != "" && len(o.given) > 0:
		return cli.Usagef("-load takes the model's settings from the file; leave its flags out")
	}
	if err := o.parseCutoffs(); err != nil {
		return err
	}
	if err := cli.CanSave("save", o.save); err != nil {
		return err
	}
	if o.model = modelNamed(o.name); o.model == nil {
		return cli.Usagef("-model is %q; want one of %s", o.name, strings.Join(modelNames(), ", "))
	}
	o.bench = o.model.bench(o)
	var err error
	if o.settings, err = o.bench.Params.Resolve(o.name, o.given); err != nil {
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

// parseSources reads -sources and -weights.
func (o *options) parseSources() (err error) {
	if o.name != blendName {
		if o.sourcesText != "" || o.weightsText != "" {
			return cli.Usagef("-sources and -weights are of -model %s", blendName)
		}
		return nil
	}
	if o.sources, err = lab.ParseParts(o.sourcesText, o.source); err != nil {
		return err
	}
	o.weights, err = lab.ParseWeights(o.weightsText, len(o.sources))
	return err
}

// source returns a model that a blend may have, nil for another name.
func (o *options) source(name string) *lab.Model {
	if m := modelNamed(name); m != nil && m.train != nil {
		return m.bench(o)
	}
	return nil
}
