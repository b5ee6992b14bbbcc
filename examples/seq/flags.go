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
	dataFile    string
	trainFile   string
	testFile    string
	format      string // lists, pairs, csv, sessions
	ids         string // number, string
	protocol    string // leave-one-out, sampled, sessions
	negatives   int
	evalUsers   int
	cutoffs     []int
	cutoffsText string
	name        string
	model       *model
	given       map[string]string // parameters of the model, as given
	settings    hyper.Settings
	trials      int
	tuneTime    time.Duration
	tuneMetric  string
	sourcesText string
	weightsText string
	sources     []*lab.Part // of a blend
	weights     []float64
	save, load  string
}

// newFlags returns the flags of the program, those of all models among them.
func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("seq", "seq -data F -model NAME [flags], or seq -train F -test F -format sessions -model NAME [flags]")
	o := &options{common: cli.AddCommon(fs), given: map[string]string{}}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the result last")
	fs.StringVar(&o.dataFile, "data", "", "`file` of sequences; the last item of each is the test")
	fs.StringVar(&o.trainFile, "train", "", "`file` of training sessions")
	fs.StringVar(&o.testFile, "test", "", "`file` of test sessions")
	fs.StringVar(&o.format, "format", "", "`format` of the files: lists, pairs or csv with -data, sessions or csv with -train (default: csv for a file named .csv or .tsv, else the first)")
	fs.StringVar(&o.ids, "ids", "number", "`kind` of ids in the files: number or string")
	fs.StringVar(&o.protocol, "protocol", "", "`what` is ranked: leave-one-out (all items but the input's; the default with -data), sampled (the last item and -negatives others), sessions (all items; the default with -train)")
	fs.IntVar(&o.negatives, "negatives", 100, "`number` of random items per test with -protocol sampled")
	fs.IntVar(&o.evalUsers, "eval-users", 0, "`number` of tests, chosen at random; 0 for all")
	fs.StringVar(&o.cutoffsText, "k", "5,10,20", "`cutoffs`, separated by commas")
	fs.StringVar(&o.name, "model", "", "`name` of the model: "+strings.Join(modelNames(), ", "))
	fs.IntVar(&o.trials, "tune", 0, "search hyper-parameters in `N` trials on the training data, of a blend those of each source")
	fs.DurationVar(&o.tuneTime, "tune-time", 0, "end the search of -tune after this `time`, such as 10m; the result then depends on the machine")
	fs.StringVar(&o.tuneMetric, "tune-metric", "ndcg", "`metric` that -tune raises: ndcg, hr or mrr")
	fs.StringVar(&o.sourcesText, "sources", "", "of -model blend: its `models`, separated by commas, each name[:parameter=value…]; label=name for a name of its own")
	fs.StringVar(&o.weightsText, "weights", "", "of -model blend: `weights` of the sources, separated by commas, in place of learning them")
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
	if err := o.parseFiles(fs); err != nil {
		return err
	}
	switch {
	case input.NewIDs(o.ids) == nil:
		return cli.Usagef("-ids is %q; want number or string", o.ids)
	case o.negatives < 1:
		return cli.Usagef("-negatives is %d; want >= 1", o.negatives)
	case o.evalUsers < 0:
		return cli.Usagef("-eval-users is %d; want >= 0 (0 means all)", o.evalUsers)
	case o.trials < 0:
		return cli.Usagef("-tune is %d; want >= 0", o.trials)
	case o.tuneTime < 0:
		return cli.Usagef("-tune-time is %v; want >= 0 (0 means no limit)", o.tuneTime)
	case o.tuneTime > 0 && o.trials == 0:
		return cli.Usagef("-tune-time bounds -tune, which is missing")
	case o.load != "" && o.trials > 0:
		return cli.Usagef("-load and -tune exclude each other")
	case o.load != "" && len(o.given) > 0:
		return cli.Usagef("-load takes the model's settings from the file; leave its flags out")
	}
	switch o.tuneMetric {
	case "ndcg", "hr", "mrr":
	default:
		return cli.Usagef("-tune-metric is %q; want ndcg, hr or mrr", o.tuneMetric)
	}
	if err := o.parseCutoffs(); err != nil {
		return err
	}
	if err := cli.CanSave("save", o.save); err != nil {
		return err
	}
	if err := cli.Require(fs, "model"); err != nil {
		return err
	}
	if o.model = modelNamed(o.name); o.model == nil {
		return cli.Usagef("-model is %q; want one of %s", o.name, strings.Join(modelNames(), ", "))
	}
	var err error
	if o.settings, err = o.model.params.Resolve(o.name, o.given); err != nil {
		return err
	}
	return o.parseSources()
}

// parseSources reads -sources and -weights.
func (o *options) parseSources() (err error) {
	if o.name != blendName {
		if o.sourcesText != "" || o.weightsText != "" {
			return cli.Usagef("-sources and -weights are of -model %s", blendName)
		}
		return nil
	}
	if o.sources, err = lab.ParseParts(o.sourcesText, o.benchModel); err != nil {
		return err
	}
	o.weights, err = lab.ParseWeights(o.weightsText, len(o.sources))
	return err
}

// benchModel returns what a blend may have, nil for another name.
func (o *options) benchModel(name string) *lab.Model {
	if m := modelNamed(name); m != nil && m.train != nil {
		return m.bench(o)
	}
	return nil
}

// parseFiles finds out which files there are and what is ranked.
func (o *options) parseFiles(fs *flag.FlagSet) error {
	sessions := o.trainFile != "" || o.testFile != ""
	required, protocols := []string{"data"}, []string{"leave-one-out", "sampled"}
	formats := []string{"lists", "pairs", "csv"}
	if sessions {
		required, protocols, formats = []string{"train", "test"}, []string{"sessions"}, []string{"sessions", "csv"}
	}
	if sessions && o.dataFile != "" {
		return cli.Usagef("-data excludes -train and -test")
	}
	if err := cli.Require(fs, required...); err != nil {
		return err
	}
	if o.protocol == "" {
		o.protocol = protocols[0]
	}
	if o.format == "" {
		o.format = input.Format(o.dataFile+o.trainFile, formats[0]) // one of which is empty
	}
	with := " with -" + required[0]
	if err := oneOf("protocol", o.protocol, protocols, with); err != nil {
		return err
	}
	return oneOf("format", o.format, formats, with)
}

func oneOf(flag, value string, choices []string, with string) error {
	for _, c := range choices {
		if c == value {
			return nil
		}
	}
	return cli.Usagef("-%s is %q; want %s%s", flag, value, strings.Join(choices, " or "), with)
}

func (o *options) parseCutoffs() error {
	seen := map[int]bool{}
	for text := range strings.SplitSeq(o.cutoffsText, ",") {
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

// sessions reports whether the sequences are sessions in the order of time.
func (o *options) sessions() bool { return o.protocol == "sessions" }
