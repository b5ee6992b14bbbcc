package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/calibrate"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

// methods are those that compete, by the name in tables.
var methods = []struct {
	name string
	cfg  calibrate.Config
}{
	{"platt", calibrate.Config{Method: calibrate.Platt, LogOdds: true}},
	{"temperature", calibrate.Config{Method: calibrate.Temperature}},
	{"beta", calibrate.Config{Method: calibrate.Beta}},
	{"isotonic", calibrate.Config{Method: calibrate.Isotonic}},
	{"histogram", calibrate.Config{Method: calibrate.Histogram}},
}

// entry is a row of the result: a method, or none.
type entry struct {
	name       string
	calibrator *calibrate.Calibrator // nil: the model's own probabilities
	validation float64               // log loss in cross-validation
	report     *calibrate.Report     // on the test
	probs      []float32
}

func work(ctx context.Context, o *options, stdout io.Writer) error {
	all, err := read(o, o.train)
	if err != nil {
		return err
	}
	test, err := read(o, o.test)
	if err != nil {
		return err
	}
	m, held, err := prepare(ctx, o, all)
	if err != nil {
		return err
	}
	scores := held.Floats
	raw, err := m.Predict(nil, test)
	if err != nil {
		return err
	}
	plain, err := calibrate.Judge(scores, held.Labels, nil, 0)
	if err != nil {
		return err
	}
	entries, best := []entry{{name: "none", validation: plain.LogLoss.Score, probs: raw}}, 0
	for _, method := range methods {
		e := entry{name: method.name}
		if e.validation, err = validate(method.cfg, scores, held.Labels, o.folds, o.common.Seed); err != nil {
			return err
		}
		if e.calibrator, err = calibrate.Fit(method.cfg, scores, held.Labels, nil); err != nil {
			return err
		}
		for _, s := range raw {
			e.probs = append(e.probs, float32(e.calibrator.Probability(float64(s))))
		}
		if entries = append(entries, e); e.validation < entries[best].validation {
			best = len(entries) - 1
		}
	}
	for i := range entries {
		if entries[i].report, err = calibrate.Judge(entries[i].probs, test.Labels, nil, o.bins); err != nil {
			return err
		}
	}
	r := &result{o: o, entries: entries, best: best, train: all.Len(), held: held.Len(), test: test.Len()}
	if o.segment != "" {
		if err := r.check(test); err != nil {
			return err
		}
	}
	if o.save != "" && best == 0 {
		return fmt.Errorf("calibrate: no method lowers the log loss in validation, so there is nothing to save")
	}
	if o.save != "" {
		if err := (calibrate.Heads{o.label: entries[best].calibrator}).Save(o.save); err != nil {
			return err
		}
	}
	if o.report != "" {
		if err := r.page().Save(o.report); err != nil {
			return err
		}
	}
	return r.print(stdout)
}

func read(o *options, name string) (*ranking.Dataset, error) {
	in, err := cli.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	cfg := ranking.CSVConfig{Name: name, Labels: []string{o.label}, IDs: o.ids, Drop: o.drop}
	if o.positive != "" {
		cfg.Positive = map[string]string{o.label: o.positive}
	}
	d, err := ranking.ReadCSV(in, cfg)
	if p, ok := errors.AsType[*ranking.ParseError](err); ok {
		return nil, cli.Inputf(p.File, p.Line, "%v", p.Err)
	}
	return d, err
}

// prepare returns the model that serves, and rows for the calibrator: the scores of models that have not
// seen the rows, with the labels.
func prepare(ctx context.Context, o *options, all *ranking.Dataset) (calibrate.Predictor, *ranking.Dataset, error) {
	held := &ranking.Dataset{Columns: []string{"score"}, Heads: []string{o.label}}
	score := func(m calibrate.Predictor, d *ranking.Dataset) (err error) {
		held.Floats, err = m.Predict(held.Floats, d)
		held.Labels = append(held.Labels, d.Labels...)
		return err
	}
	if o.cross == 0 {
		train, rest, err := all.Split(o.fraction, o.common.Seed)
		if err != nil {
			return nil, nil, err
		}
		if train.Len() == 0 || rest.Len() < o.folds {
			return nil, nil, cli.Usagef("-fraction %v leaves %d rows to train on and %d to calibrate on", o.fraction, train.Len(), rest.Len())
		}
		m, err := fit(ctx, o, train)
		if err != nil {
			return nil, nil, err
		}
		return m, held, score(m, rest)
	}
	if all.Len() < o.cross {
		return nil, nil, cli.Usagef("-cross is %d for %d rows", o.cross, all.Len())
	}
	shuffled := all.Shuffle(o.common.Seed)
	for f := range o.cross {
		var train, part []int32
		for i := range int32(all.Len()) {
			if int(i)%o.cross == f {
				part = append(part, i)
			} else {
				train = append(train, i)
			}
		}
		m, err := fit(ctx, o, shuffled.Rows(train))
		if err != nil {
			return nil, nil, err
		}
		if err := score(m, shuffled.Rows(part)); err != nil {
			return nil, nil, err
		}
	}
	m, err := fit(ctx, o, all)
	return m, held, err
}

// fit trains the model.
func fit(ctx context.Context, o *options, d *ranking.Dataset) (calibrate.Predictor, error) {
	if o.model == "linear" {
		return ranking.TrainLinear(ctx, ranking.LinearConfig{Seed: o.common.Seed, Workers: o.common.Workers}, d)
	}
	return gbdt.Train(ctx, gbdt.Config{
		Objective: gbdt.Objective{Loss: gbdt.LogLoss},
		Rounds:    o.rounds, LearningRate: o.rate, Leaves: o.leaves,
		Seed: o.common.Seed, Workers: o.common.Workers,
	}, d)
}

// validate returns the log loss of a method on parts of the rows that it was not fitted on.
func validate(cfg calibrate.Config, scores, labels []float32, folds int, seed uint64) (float64, error) {
	d := &ranking.Dataset{Columns: []string{"score"}, Floats: scores, Heads: []string{"label"}, Labels: labels}
	d = d.Shuffle(seed)
	sum := 0.0
	for f := range folds {
		from, to := f*d.Len()/folds, (f+1)*d.Len()/folds
		c, err := calibrate.Fit(cfg, slices.Concat(d.Floats[:from], d.Floats[to:]), slices.Concat(d.Labels[:from], d.Labels[to:]), nil)
		if err != nil {
			return 0, err
		}
		probs := make([]float32, 0, to-from)
		for _, s := range d.Floats[from:to] {
			probs = append(probs, float32(c.Probability(float64(s))))
		}
		r, err := calibrate.Judge(probs, d.Labels[from:to], nil, 0)
		if err != nil {
			return 0, err
		}
		sum += r.LogLoss.Score * float64(to-from) / float64(d.Len())
	}
	return sum, nil
}

// result is what is printed.
type result struct {
	o                 *options
	entries           []entry
	best              int
	train, held, test int
	before, after     []calibrate.Segment[uint64]
}

// size says how many rows there are for what.
func (r *result) size() string {
	if r.o.cross > 0 {
		return fmt.Sprintf("%s: %d rows train and calibrate, in %d parts; %d test", r.o.model, r.train, r.o.cross, r.test)
	}
	return fmt.Sprintf("%s: %d rows train, %d calibrate, %d test", r.o.model, r.train-r.held, r.held, r.test)
}

// check tests the segments before and after.
func (r *result) check(test *ranking.Dataset) error {
	column := slices.Index(test.IDColumns, r.o.segment)
	keys := make([]uint64, test.Len())
	for i := range keys {
		keys[i] = test.IDRow(i)[column]
	}
	for _, c := range []struct {
		probs []float32
		to    *[]calibrate.Segment[uint64]
	}{{r.entries[0].probs, &r.before}, {r.entries[r.best].probs, &r.after}} {
		found, err := calibrate.CheckSegments(c.probs, test.Labels, nil, keys, calibrate.SegmentConfig{})
		if err != nil {
			return err
		}
		*c.to = found
	}
	return nil
}

// off counts the segments that are off.
func off(found []calibrate.Segment[uint64]) int {
	n := 0
	for _, s := range found {
		if s.Off {
			n++
		}
	}
	return n
}

func (r *result) print(w io.Writer) error {
	if !r.o.json {
		fmt.Fprintln(w, r.size())
		fmt.Fprintf(w, "%-12s %10s %10s %10s %10s %10s\n", "method", "ECE mass", "ECE width", "log loss", "Brier", "validation")
	}
	for i, e := range r.entries {
		chosen := ""
		if i == r.best {
			chosen = "  chosen"
		}
		var err error
		if r.o.json {
			err = cli.WriteJSON(w, cli.Object{
				cli.F("method", e.name), cli.F("chosen", i == r.best), cli.F("ece_mass", e.report.ECEMass), cli.F("ece_width", e.report.ECEWidth),
				cli.F("log_loss", e.report.LogLoss.Score), cli.F("brier", e.report.Brier.Score), cli.F("validation", e.validation),
			})
		} else {
			_, err = fmt.Fprintf(w, "%-12s %10.4f %10.4f %10.4f %10.4f %10.4f%s\n", e.name, e.report.ECEMass, e.report.ECEWidth, e.report.LogLoss.Score, e.report.Brier.Score, e.validation, chosen)
		}
		if err != nil {
			return err
		}
	}
	noise := calibrate.ECENoise(r.entries[r.best].report.EqualMass)
	if r.o.json {
		return cli.WriteJSON(w, cli.Object{
			cli.F("chosen", r.entries[r.best].name), cli.F("ece_by_chance", noise), cli.F("segment", r.o.segment),
			cli.F("segments", len(r.after)), cli.F("off_before", off(r.before)), cli.F("off_after", off(r.after)),
		})
	}
	_, err := fmt.Fprintf(w, "an ECE of %.4f would be chance alone\n", noise)
	if err == nil && r.o.segment != "" {
		_, err = fmt.Fprintf(w, "%d values of %s: %d off before, %d after\n", len(r.after), r.o.segment, off(r.before), off(r.after))
	}
	return err
}
