package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// trainer is one run of train.
type trainer struct {
	data, valid, path                string
	labels, ids, floats, drop        string
	weight                           string
	kindName, lossName, optimizeName string
	cfg                              fm.Config
	json                             bool
	out, log                         io.Writer
}

func train(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := cli.NewFlagSet("fm train", "fm train -data F -label NAME -model OUT [flags]")
	common, asJSON := cli.AddCommon(fs), cli.AddJSON(fs)
	t := &trainer{out: stdout, log: stderr}
	t.add(fs)
	err := cli.Parse(fs, args)
	if err == nil {
		err = cli.Require(fs, "data", "label", "model")
	}
	if err == nil {
		err = t.check()
	}
	if err == nil {
		t.cfg.Seed, t.cfg.Workers, t.json = common.Seed, common.Workers, *asJSON
		err = t.run(ctx)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

func (t *trainer) add(fs *flag.FlagSet) {
	fs.StringVar(&t.data, "data", "", "`file` of rows: CSV with a header, plain or gzip")
	fs.StringVar(&t.valid, "valid", "", "`file` to judge by and to stop by")
	fs.StringVar(&t.path, "model", "", "`file` to write the model to")
	fs.StringVar(&t.labels, "label", "", "`columns` of labels, separated by commas")
	fs.StringVar(&t.ids, "ids", "", "`columns` of categories (default: all that are nothing else)")
	fs.StringVar(&t.floats, "floats", "", "`columns` of numbers (with -ids: all that are nothing else)")
	fs.StringVar(&t.drop, "drop", "", "`columns` to leave out")
	fs.StringVar(&t.weight, "weight", "", "`column` of the rows' weights")
	fs.StringVar(&t.kindName, "kind", "fm", "`kind` of model: fm, ffm or linear")
	fs.StringVar(&t.lossName, "loss", "logistic", "`loss`: logistic or squared")
	fs.StringVar(&t.optimizeName, "optimizer", "adagrad", "`optimizer`: adagrad, adam or ftrl")
	c := &t.cfg
	fs.IntVar(&c.Factors, "factors", 0, "`length` of the vectors: of fm a multiple of 8, 0 for 16; of ffm 0 for 8")
	fs.IntVar(&c.HashBits, "hash-bits", 0, "put ids into 2^`bits` buckets; 0 for a vocabulary")
	fs.IntVar(&c.MinCount, "min-count", 0, "fewest `rows` of an id in a vocabulary")
	fs.IntVar(&c.Epochs, "epochs", 0, "largest `number` of passes; 0 for 20")
	fs.IntVar(&c.Patience, "patience", 0, "`epochs` without a better loss on -valid; 0 for 2")
	fs.Float64Var(&c.LearningRate, "lr", 0, "learning `rate`; 0 for 0.1, with adam 0.001")
	fs.Float64Var(&c.L2, "l2", 0, "`strength` of L2 on what a row touches")
	fs.Float64Var(&c.L1, "l1", 0, "`strength` of L1, with ftrl")
	fs.Float64Var(&c.InitScale, "init", 0, "standard `deviation` of the first vectors; 0 for 0.05")
	fs.IntVar(&c.BatchSize, "batch", 0, "`rows` that are scored with the same parameters; from 64 on cores share a head's work")
	fs.BoolVar(&c.Resumable, "resumable", false, "keep in the model what learning online needs")
}

func (t *trainer) check() error {
	for _, f := range []struct {
		name, value string
		known       []fmt.Stringer
		set         func(i int)
	}{
		{"kind", t.kindName, []fmt.Stringer{fm.FM, fm.FFM, fm.Linear}, func(i int) { t.cfg.Kind = fm.Kind(i) }},
		{"loss", t.lossName, []fmt.Stringer{fm.Logistic, fm.Squared}, func(i int) { t.cfg.Loss = fm.Loss(i) }},
		{"optimizer", t.optimizeName, []fmt.Stringer{fm.AdaGrad, fm.Adam, fm.FTRL}, func(i int) { t.cfg.Optimizer = fm.Optimizer(i) }},
	} {
		found := false
		for i, k := range f.known {
			if k.String() == f.value {
				f.set(i)
				found = true
			}
		}
		if !found {
			return cli.Usagef("-%s is %q; want one of %v", f.name, f.value, f.known)
		}
	}
	return cli.CanSave("model", t.path)
}

// columns says what the columns of a file are.
func (t *trainer) columns(header []string) (ranking.CSVConfig, error) {
	cfg := ranking.CSVConfig{Labels: names(t.labels), IDs: names(t.ids), Drop: names(t.drop), Weight: t.weight}
	rest := others(header, cfg.Labels, cfg.IDs, cfg.Drop, []string{t.weight}, names(t.floats))
	switch {
	case t.ids == "":
		cfg.IDs = rest
	case t.floats != "":
		cfg.Drop = append(cfg.Drop, rest...)
	}
	if missing := others(names(t.floats), header); missing != nil {
		return cfg, fmt.Errorf("no column %q (columns: %q)", missing, header)
	}
	return cfg, nil
}

func (t *trainer) run(ctx context.Context) error {
	data, err := read(t.data, t.columns)
	if err != nil {
		return err
	}
	judged, where := data, t.data
	if t.valid != "" {
		if judged, err = read(t.valid, t.columns); err != nil {
			return err
		}
		t.cfg.Validation, where = judged, t.valid
	}
	start := time.Now()
	if !t.json {
		t.cfg.Progress = func(p fm.Progress) {
			spent := time.Since(start)
			left := spent * time.Duration(p.Epochs-p.Epoch) / time.Duration(p.Epoch)
			for _, h := range p.Heads {
				fmt.Fprintf(t.log, "epoch %d of %d: %s: loss %.5f, valid %.5f, at most %v left\n", p.Epoch, p.Epochs, h.Head, h.Loss, h.Validation, left.Round(100*time.Millisecond))
			}
		}
	}
	m, err := fm.Train(ctx, t.cfg, data)
	if err != nil {
		if _, bad := errors.AsType[*ranking.DatasetError](err); bad || errors.Is(err, ranking.ErrOneClass) || errors.Is(err, ranking.ErrNoRows) {
			return &cli.InputError{File: t.data, Err: err}
		}
		return err
	}
	seconds := time.Since(start).Seconds()
	if err := m.Save(t.path); err != nil {
		return err
	}
	predicted, err := m.Predict(nil, judged)
	if err != nil {
		return err
	}
	fields := append(cli.Object{cli.F("model", m.Version()), cli.F("rows", data.Len()), cli.F("judged", where)}, judge(predicted, judged, t.cfg.Loss)...)
	return t.print(append(fields, cli.F("train_s", seconds)), m)
}

func (t *trainer) print(fields cli.Object, m *fm.Model) error {
	if t.json {
		return cli.WriteJSON(t.out, fields)
	}
	return printFields(t.out, fields, m)
}

func printFields(w io.Writer, fields cli.Object, m *fm.Model) error {
	for _, f := range fields {
		if v, ok := f.Value.(float64); ok {
			f.Value = fmt.Sprintf("%.6g", v)
		}
		if _, err := fmt.Fprintf(w, "%-14s %v\n", f.Key, f.Value); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, m)
	return err
}
