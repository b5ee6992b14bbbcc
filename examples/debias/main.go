package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

func main() { cli.Main(run) }

// options is what the command line says.
type options struct {
	common                    *cli.Common
	json                      bool
	report                    string
	train, test, propensities string
	model                     string
	factors, epochs, folds    int
	lambdas, floors           []float64
	lambdaText, floorText     string
	requests, tests, slate    int
}

func newFlags() (*flag.FlagSet, *options) {
	fs := cli.NewFlagSet("debias", "debias [flags], or debias -train F -test F [-propensities F] [flags]")
	o := &options{common: cli.AddCommon(fs)}
	fs.BoolVar(&o.json, "json", false, "write one JSON object per line, the result last")
	fs.StringVar(&o.report, "report", "", "write the figures as an HTML `file`")
	fs.StringVar(&o.train, "train", "", "`file` of ratings that users chose to give, a matrix")
	fs.StringVar(&o.test, "test", "", "`file` of ratings of items that chance chose, a matrix")
	fs.StringVar(&o.propensities, "propensities", "", "`file` of probabilities that a cell of -train is known, a matrix; default: estimated")
	fs.StringVar(&o.model, "model", "als", "`kind` of model: als (alternating least squares) or fm (factorisation machine by gradient descent)")
	fs.IntVar(&o.factors, "factors", 0, "`length` of the vectors of users and items; of fm a multiple of 8; default 5, of fm 8")
	fs.IntVar(&o.epochs, "epochs", 0, "`rounds` over the ratings; default 15, of fm 100")
	fs.IntVar(&o.folds, "folds", 4, "`number` of parts of -train for the choice of lambda and floor")
	fs.StringVar(&o.lambdaText, "lambda", "", "`strengths` of regularisation to choose from, separated by commas; default 1,2,3,5,8,12,20,30, of fm .1,.2,.3,.4")
	fs.StringVar(&o.floorText, "floor", "0.0001,0.02,0.05,0.1", "`probabilities` below which a weight is clipped, to choose from")
	fs.IntVar(&o.requests, "requests", 10000, "`slates` that are logged, without -train")
	fs.IntVar(&o.tests, "tests", 1000, "`slates` that each model is judged by, without -train")
	fs.IntVar(&o.slate, "slate", 10, "`length` of a slate, 2 to 30, without -train")
	return fs, o
}

func (o *options) parse(fs *flag.FlagSet, args []string) error {
	if err := cli.Parse(fs, args); err != nil {
		return err
	}
	factors, epochs, lambdas := 5, 15, "1,2,3,5,8,12,20,30"
	switch o.model {
	case "als":
	case "fm":
		factors, epochs, lambdas = 8, 100, ".1,.2,.3,.4"
	default:
		return cli.Usagef("-model is %q; want als or fm", o.model)
	}
	o.factors, o.epochs, o.lambdaText = cmp.Or(o.factors, factors), cmp.Or(o.epochs, epochs), cmp.Or(o.lambdaText, lambdas)
	for _, c := range []struct {
		name     string
		value    int
		min, max int
	}{
		{"factors", o.factors, 1, 512},
		{"epochs", o.epochs, 1, 1e4},
		{"folds", o.folds, 2, 100},
		{"requests", o.requests, 1, 1e7},
		{"tests", o.tests, 1, 1e7},
		{"slate", o.slate, 2, proposed},
	} {
		if c.value < c.min || c.value > c.max {
			return cli.Usagef("-%s is %d; want %d to %d", c.name, c.value, c.min, c.max)
		}
	}
	var err error
	if o.lambdas, err = numbers("lambda", o.lambdaText, math.MaxFloat32); err != nil {
		return err
	}
	if o.floors, err = numbers("floor", o.floorText, 1); err != nil {
		return err
	}
	if (o.train == "") != (o.test == "") {
		return cli.Usagef("-train and -test come together")
	}
	if o.train == "" && o.propensities != "" {
		return cli.Usagef("-propensities without -train")
	}
	if o.report != "" {
		return cli.CanSave("report", o.report)
	}
	return nil
}

// numbers reads a list of numbers in (0, most].
func numbers(name, text string, most float64) ([]float64, error) {
	var list []float64
	for _, part := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(v > 0 && v <= most) {
			return nil, cli.Usagef("-%s is %q; want numbers above 0, at most %g, separated by commas", name, text, most)
		}
		list = append(list, v)
	}
	return list, nil
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs, o := newFlags()
	err := o.parse(fs, args)
	if err == nil {
		err = work(ctx, o, stdout, stderr)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// printer writes lines of text, or objects.
type printer struct {
	w    io.Writer
	json bool
}

// line writes text, or, with -json, the fields.
func (p printer) line(text string, fields ...cli.Field) error {
	if p.json {
		return cli.WriteJSON(p.w, fields)
	}
	_, err := fmt.Fprintln(p.w, text)
	return err
}

func work(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	p := printer{stdout, o.json}
	if o.train == "" {
		return simulate(ctx, o, p)
	}
	return predict(ctx, o, p, stderr)
}
