package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/lab"
	"github.com/recsyskit/recsys/examples/internal/protocol"
	"github.com/recsyskit/recsys/retrieval"
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
	if err := l.Event("data",
		cli.F("users", d.users()), cli.F("items", len(d.catalogue)),
		cli.F("train", d.train.Len()), cli.F("test", d.positives)); err != nil {
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
	defer func() {
		if _, is := errors.AsType[*retrieval.MemoryError](err); is {
			err = fmt.Errorf("%w (-max-gib sets Config.MaxBytes)", err)
		}
	}()
	settings := p.settings
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
		if p.trials > 0 {
			v, err := p.hold(d.train)
			if err != nil {
				return nil, 0, err
			}
			if settings, _, err = l.Tune(ctx, v, &lab.Part{Model: p.bench, Settings: p.settings, Given: p.given}); err != nil {
				return nil, 0, err
			}
			start = time.Now()
		}
		m, err = p.bench.Train(ctx, d.train, settings, p.log, "")
	}
	if err != nil && p.load != "" {
		err = &cli.InputError{File: "-load", Err: err} // err names the file
	}
	return m, time.Since(start).Seconds(), err
}

func (p *program) result(d *data, r *protocol.Result, train, eval float64) cli.Object {
	o := cli.Object{
		cli.F("model", p.model.name),
		cli.F("users", d.users()),
		cli.F("items", len(d.catalogue)),
		cli.F("train", d.train.Len()),
		cli.F("test", d.positives),
	}
	for i, k := range p.cutoffs {
		at := "@" + strconv.Itoa(k)
		o = append(o, cli.F("recall"+at, r.Recall[i]), cli.F("ndcg"+at, r.NDCG[i]), cli.F("hr"+at, r.HitRate[i]))
	}
	return append(append(o, p.coldFields(d, r)...), cli.F("train_s", train), cli.F("eval_s", eval))
}

// coldFields are the rows of cold and warm users and items: how many cases each is the mean of, and
// up to how many interactions in training count as cold.
func (p *program) coldFields(d *data, r *protocol.Result) []cli.Field {
	var fields []cli.Field
	for _, x := range []struct {
		name       string
		atMost     int
		cold, warm protocol.Part
	}{
		{"users", d.cold.users, r.ColdUsers, r.WarmUsers},
		{"items", d.cold.items, r.ColdItems, r.WarmItems},
	} {
		fields = append(fields, cli.F("cold_"+x.name+"_at_most", x.atMost), cli.F("cold_"+x.name, x.cold.Cases))
		for i, k := range p.cutoffs {
			at := "recall@" + strconv.Itoa(k)
			fields = append(fields,
				cli.F(at+"_cold_"+x.name, orNothing(x.cold, i)), cli.F(at+"_warm_"+x.name, orNothing(x.warm, i)))
		}
	}
	return fields
}

// orNothing returns the recall of a part of the cases, NaN when there are none.
func orNothing(p protocol.Part, i int) float64 {
	if p.Cases == 0 {
		return math.NaN()
	}
	return p.Recall[i]
}
