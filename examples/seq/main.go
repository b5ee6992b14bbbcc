package main

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/lab"
	"github.com/recsyskit/recsys/examples/internal/protocol"
)

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	fs, o := newFlags()
	err := o.parse(fs, args)
	if err == nil {
		err = (&program{options: o, out: stdout, log: stderr}).run(ctx)
	}
	return cli.Exit(fs, err, stdout, stderr)
}

// program is one run with valid options.
type program struct {
	*options
	out, log io.Writer
}

func (p *program) run(ctx context.Context) error {
	l := &lab.Lab{
		Seed: p.common.Seed, Workers: p.common.Workers, Trials: p.trials, TuneTime: p.tuneTime,
		Metric: p.tuneMetric, K: p.cutoffs[0], JSON: p.json, Out: p.out, Log: p.log,
	}
	d, err := load(p.options)
	if err != nil {
		return err
	}
	if err := l.Event("data", p.counts(d)...); err != nil {
		return err
	}
	m, seconds, err := p.obtain(ctx, l, d)
	if err != nil {
		return err
	}
	if p.save != "" {
		if err := errors.Join(m.Save(p.save), d.ids.Save(p.save)); err != nil {
			return err
		}
	}
	task := d.task(p.options)
	progress := cli.NewProgress(p.log, "evaluate", task.Cases, nil)
	task.Progress = progress.Add
	start := time.Now()
	r, err := task.Evaluate(ctx, m)
	if err != nil {
		return err
	}
	progress.Done()
	return l.Result(p.result(d, r, seconds, time.Since(start).Seconds()))
}

// obtain returns the model, trained or read from a file, and the seconds that took, those of
// tuning not counted.
func (p *program) obtain(ctx context.Context, l *lab.Lab, d *data) (m trained, seconds float64, err error) {
	start := time.Now()
	switch {
	case p.load != "" && p.sources != nil:
		m, err = lab.LoadBlend(p.load, p.sources)
	case p.load != "":
		m, err = p.model.load(p.load)
	case p.sources != nil:
		split := func() (lab.Split, error) { return p.hold(d.train) }
		return l.TrainBlend(ctx, d.train, split, p.sources, p.weights, p.settings.Int("budget"))
	default:
		model, settings := p.model.bench(p.options), p.settings
		if p.trials > 0 {
			v, err := p.hold(d.train)
			if err != nil {
				return nil, 0, err
			}
			if settings, _, err = l.Tune(ctx, v, &lab.Part{Model: model, Settings: settings, Given: p.given}); err != nil {
				return nil, 0, err
			}
			start = time.Now()
		}
		m, err = model.Train(ctx, d.train, settings, p.log, "")
	}
	if err != nil && p.load != "" {
		err = &cli.InputError{File: "-load", Err: err} // err names the file
	}
	return m, time.Since(start).Seconds(), err
}

// counts describes the data: sequences in training, items of the catalogue, events in
// training, and tests.
func (p *program) counts(d *data) []cli.Field {
	return []cli.Field{
		cli.F("users", d.train.NumUsers()), cli.F("items", len(d.catalogue)),
		cli.F("train", d.train.NumRecords()), cli.F("test", len(d.tests)),
	}
}

func (p *program) result(d *data, r *protocol.Result, train, eval float64) cli.Object {
	o := append(cli.Object{cli.F("model", p.model.name)}, p.counts(d)...)
	for i, k := range p.cutoffs {
		at := "@" + strconv.Itoa(k)
		o = append(o, cli.F("hr"+at, r.HitRate[i]), cli.F("ndcg"+at, r.NDCG[i]), cli.F("mrr"+at, r.ReciprocalRank[i]))
	}
	return append(o, cli.F("train_s", train), cli.F("eval_s", eval))
}
