package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// losses are the objectives, by their names here, in LightGBM and in XGBoost.
var losses = map[string]gbdt.Loss{
	"l2": gbdt.L2, "regression": gbdt.L2, "reg:squarederror": gbdt.L2,
	"l1": gbdt.L1, "regression_l1": gbdt.L1,
	"quantile": gbdt.Quantile, "huber": gbdt.Huber,
	"logloss": gbdt.LogLoss, "binary": gbdt.LogLoss, "binary:logistic": gbdt.LogLoss,
	"crossentropy": gbdt.CrossEntropy, "cross_entropy": gbdt.CrossEntropy,
	"poisson": gbdt.Poisson, "count:poisson": gbdt.Poisson, "gamma": gbdt.Gamma, "tweedie": gbdt.Tweedie,
	"softmax": gbdt.Softmax, "multiclass": gbdt.Softmax, "multi:softprob": gbdt.Softmax,
	"lambdamart": gbdt.LambdaMART, "lambdarank": gbdt.LambdaMART, "rank:ndcg": gbdt.LambdaMART,
	"pairwise": gbdt.Pairwise, "rank:pairwise": gbdt.Pairwise,
	"xendcg": gbdt.XENDCG, "rank_xendcg": gbdt.XENDCG,
}

// trainingRows stands for -data where metrics are of the rows that the model has learned from, which flatter it.
const trainingRows = "training rows"

// trainer is one run of train.
type trainer struct {
	source
	valid, validQuery string
	test, testQuery   string
	objective, path   string
	encode            string
	repeat            int
	saved             bool
	judged            string // what the metrics are of
	cfg               gbdt.Config
	json              bool
	out, log          io.Writer
}

func train(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("gbdt train", "gbdt train -data F -model OUT [flags]")
	common := cli.AddCommon(fs)
	asJSON := cli.AddJSON(fs)
	t := &trainer{out: stdout, log: stderr}
	t.source.add(fs)
	fs.StringVar(&t.valid, "valid", "", "`file` to judge by and, with -patience, to stop by; in the form of -data")
	fs.StringVar(&t.validQuery, "valid-query", "", "group sizes of -valid, as -query")
	fs.StringVar(&t.test, "test", "", "`file` to judge by instead of -valid, which then only stops; in the form of -data")
	fs.StringVar(&t.testQuery, "test-query", "", "group sizes of -test, as -query")
	fs.StringVar(&t.encode, "encode", "", "`columns` of categories that the model sees as target statistics, of each and of all pairs, out of fold; auto for all")
	fs.IntVar(&t.repeat, "repeat", 1, "train with so many `seeds`, from -seed on, and print means; the first model is saved")
	fs.StringVar(&t.path, "model", "", "`file` to write the model to")
	fs.StringVar(&t.objective, "objective", "l2", "`objective`: "+strings.Join(slices.Sorted(maps.Keys(losses)), ", "))
	c := &t.cfg
	fs.IntVar(&c.Rounds, "rounds", 100, "largest `number` of rounds")
	fs.Float64Var(&c.LearningRate, "lr", 0.1, "learning `rate`")
	fs.IntVar(&c.Leaves, "leaves", 31, "most `leaves` of a tree")
	fs.IntVar(&c.MaxDepth, "max-depth", 0, "most `decisions` above a leaf, 0 for no limit")
	fs.IntVar(&c.MinRows, "min-rows", 20, "fewest `rows` of a leaf")
	fs.Float64Var(&c.MinHessian, "min-hessian", 1e-3, "least `sum` of hessians of a leaf")
	fs.Float64Var(&c.MinGain, "min-gain", 0, "least `gain` of a split")
	fs.Float64Var(&c.L1, "l1", 0, "L1 `strength` on leaf values")
	fs.Float64Var(&c.L2, "l2", 0, "L2 `strength` on leaf values")
	fs.Float64Var(&c.RowFraction, "row-fraction", 1, "`share` of rows that a tree learns from")
	fs.Float64Var(&c.FeatureFraction, "feature-fraction", 1, "`share` of features that a tree may use")
	fs.Float64Var(&c.CategorySmoothing, "cat-smoothing", 10, "added to the `hessian` of a category when categories are sorted")
	fs.IntVar(&c.Bins, "bins", 255, "most `bins` of a feature")
	fs.IntVar(&c.Patience, "patience", 0, "stop after so many `rounds` without a better metric on -valid; 0 for never")
	fs.IntVar(&c.Objective.Classes, "classes", 0, "`number` of classes of softmax; 0 for one more than the largest label")
	fs.Float64Var(&c.Objective.Alpha, "alpha", 0.9, "`level` of quantile, or where huber becomes linear")
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Require(fs, "data", "model")
	}
	if err == nil {
		err = t.check()
	}
	if err == nil {
		c.Seed, c.Workers, t.json = common.Seed, common.Workers, *asJSON
		err = t.run(ctx)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func (t *trainer) check() error {
	loss, ok := losses[strings.ToLower(t.objective)]
	if !ok {
		return cli.Usagef("-objective is %q; want one of %s", t.objective, strings.Join(slices.Sorted(maps.Keys(losses)), ", "))
	}
	t.cfg.Objective.Loss = loss
	if t.cfg.Patience > 0 && t.valid == "" {
		return cli.Usagef("-patience needs -valid")
	}
	if t.repeat < 1 {
		return cli.Usagef("-repeat is %d; want >= 1", t.repeat)
	}
	if err := checkFormat(t.format); err != nil {
		return err
	}
	return cli.CanSave("model", t.path)
}

func (t *trainer) run(ctx context.Context) error {
	data, judged, err := t.read()
	if err != nil {
		return err
	}
	if data, judged, err = t.encoded(ctx, data, judged); err != nil {
		return err
	}
	if !t.json {
		t.cfg.Progress = t.progress()
	}
	m, fields, err := t.once(ctx, data, judged)
	if err != nil {
		return err
	}
	for k := 1; k < t.repeat; k++ {
		t.cfg.Seed++
		_, more, err := t.once(ctx, data, judged)
		if err != nil {
			return err
		}
		for i, f := range more {
			mean := fields[i].Value.(float64)
			fields[i].Value = mean + (f.Value.(float64)-mean)/float64(k+1)
		}
	}
	fields = append([]cli.Field{cli.F("judged", t.judged)}, fields...)
	fields = append(fields, cli.F("rows", data.Len()), cli.F("features", len(m.Features())))
	if t.json {
		return cli.WriteJSON(t.out, append(cli.Object{cli.F("model", m.Version())}, fields...))
	}
	for _, f := range fields {
		if v, ok := f.Value.(float64); ok {
			fmt.Fprintf(t.out, "%-12s %.6g\n", f.Key, v)
		} else {
			fmt.Fprintf(t.out, "%-12s %v\n", f.Key, f.Value)
		}
	}
	_, err = fmt.Fprintln(t.out, m)
	return err
}

// read reads the files: the rows to train on and those to judge by, and into the configuration those to stop by.
func (t *trainer) read() (data, judged *ranking.Dataset, err error) {
	if data, err = t.source.read(t.data, t.query); err != nil {
		return nil, nil, err
	}
	judged, t.judged = data, trainingRows
	if t.valid != "" {
		if judged, err = t.source.read(t.valid, t.validQuery); err != nil {
			return nil, nil, err
		}
		t.cfg.Validation, t.judged = judged, t.valid
	}
	if t.test != "" {
		t.judged = t.test
		judged, err = t.source.read(t.test, t.testQuery)
	}
	return data, judged, err
}

// once trains a model and returns what is to be told of it, all of it float64. The first model is saved.
func (t *trainer) once(ctx context.Context, data, judged *ranking.Dataset) (*gbdt.Model, []cli.Field, error) {
	start := time.Now()
	m, err := gbdt.Train(ctx, t.cfg, data)
	if err != nil {
		if _, bad := errors.AsType[*ranking.DatasetError](err); bad {
			err = &cli.InputError{File: t.data, Err: err}
		}
		return nil, nil, err
	}
	seconds := time.Since(start).Seconds()
	if !t.saved {
		if err := m.Save(t.path); err != nil {
			return nil, nil, err
		}
		t.saved = true
	}
	fields, err := evaluate(m, judged, t.cfg.Objective.Loss)
	return m, append(fields, cli.F("rounds", float64(m.Rounds())),
		cli.F("train_s", seconds), cli.F("rows_per_s", float64(data.Len()*m.Rounds())/seconds)), err
}

// progress prints a line at most each second.
func (t *trainer) progress() func(gbdt.Progress) {
	last := time.Duration(0)
	return func(p gbdt.Progress) {
		if p.Elapsed-last < time.Second && !p.Done {
			return
		}
		last = p.Elapsed
		valid := ""
		if p.Validation == p.Validation {
			valid = ", valid " + strconv.FormatFloat(p.Validation, 'g', 6, 64)
		}
		fmt.Fprintf(t.log, "round %d of %d: %s %.6g%s, %v left\n", p.Round, p.Rounds, p.Metric, p.Train, valid, p.Remaining.Round(100*time.Millisecond))
	}
}
