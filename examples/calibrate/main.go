package main

import (
	"context"
	"flag"
	"io"
	"slices"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	common             *cli.Common
	json               bool
	report, save       string
	train, test        string
	label, positive    string
	idText, dropText   string
	ids, drop          []string
	model              string
	rounds, leaves     int
	rate, fraction     float64
	cross, folds, bins int
	segment            string
}

func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("calibrate", "calibrate -train F -test F -label NAME [flags]")
	o := &options{common: cli.AddCommon(fs)}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the result last")
	fs.StringVar(&o.report, "report", "", "write the reliability curves as an HTML `file`")
	fs.StringVar(&o.save, "save", "", "write the chosen calibrator to a `file`")
	fs.StringVar(&o.train, "train", "", "CSV `file` with a header: part trains the model, part the calibrator")
	fs.StringVar(&o.test, "test", "", "CSV `file` with the same columns, to judge by")
	fs.StringVar(&o.label, "label", "", "`name` of the column to predict, 0 or 1")
	fs.StringVar(&o.positive, "positive", "", "`text` of the label that counts as 1, where it is no number")
	fs.StringVar(&o.idText, "ids", "", "`names` of columns that hold categories, separated by commas")
	fs.StringVar(&o.dropText, "drop", "", "`names` of columns to leave out")
	fs.StringVar(&o.model, "model", "gbdt", "`kind` of model: gbdt or linear")
	fs.IntVar(&o.rounds, "rounds", 200, "`trees` of gbdt")
	fs.IntVar(&o.leaves, "leaves", 15, "`leaves` of a tree")
	fs.Float64Var(&o.rate, "rate", 0.1, "learning `rate` of gbdt")
	fs.Float64Var(&o.fraction, "fraction", 0.2, "`share` of -train that calibrates")
	fs.IntVar(&o.cross, "cross", 0, "train on all of -train, and calibrate by the scores of `N` models that each miss a part of it; 0 for -fraction")
	fs.IntVar(&o.folds, "folds", 5, "`parts` of that share for the choice of the method")
	fs.IntVar(&o.bins, "bins", 15, "`bins` of the reliability curves")
	fs.StringVar(&o.segment, "segment", "", "`name` of an ID column whose values are checked one by one")
	return fs, o
}

func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	if err := cli.Require(fs, "train", "test", "label"); err != nil {
		return err
	}
	o.ids, o.drop = list(o.idText), list(o.dropText)
	switch {
	case o.model != "gbdt" && o.model != "linear":
		return cli.Usagef("-model is %q; want gbdt or linear", o.model)
	case !(o.fraction > 0 && o.fraction < 1):
		return cli.Usagef("-fraction is %v; want a number in (0, 1)", o.fraction)
	case o.cross < 0 || o.cross == 1:
		return cli.Usagef("-cross is %d; want >= 2, or 0 for -fraction", o.cross)
	case o.folds < 2:
		return cli.Usagef("-folds is %d; want >= 2", o.folds)
	case o.bins < 1:
		return cli.Usagef("-bins is %d; want >= 1", o.bins)
	case o.rounds < 1 || o.leaves < 2 || !(o.rate > 0):
		return cli.Usagef("-rounds is %d, -leaves %d, -rate %v; want at least 1, 2 and a rate above 0", o.rounds, o.leaves, o.rate)
	case o.segment != "" && !slices.Contains(o.ids, o.segment):
		return cli.Usagef("-segment is %q; want one of the -ids %q", o.segment, o.ids)
	}
	for name, path := range map[string]string{"report": o.report, "save": o.save} {
		if path != "" {
			if err := cli.CanSave(name, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// list divides text at commas.
func list(text string) []string {
	if text == "" {
		return nil
	}
	var names []string
	for _, name := range strings.Split(text, ",") {
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs, o := newFlags()
	err := o.parse(fs, args)
	if err == nil {
		err = work(ctx, o, stdout)
	}
	return cli.Exit(fs, err, stdout, stderr)
}
