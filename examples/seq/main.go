package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
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
	d, err := load(p.options)
	if err != nil {
		return err
	}
	if err := p.event("data", p.counts(d)...); err != nil {
		return err
	}
	s := p.settings
	if p.trials > 0 {
		if s, err = p.tune(ctx, d.train); err != nil {
			return err
		}
	}
	m, seconds, err := p.obtain(ctx, d, s)
	if err != nil {
		return err
	}
	if p.save != "" {
		if err := m.Save(p.save); err != nil {
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
	return p.result(d, r, seconds, time.Since(start).Seconds())
}

// obtain returns the model, trained with s or read from a file, and the seconds that took.
func (p *program) obtain(ctx context.Context, d *data, s hyper.Settings) (trained, float64, error) {
	start := time.Now()
	if p.load == "" {
		m, err := p.model.train(ctx, d.train, s, p.env(p.log))
		return m, time.Since(start).Seconds(), err
	}
	m, err := p.model.load(p.load)
	if err != nil {
		return nil, 0, &cli.InputError{File: "-load", Err: err} // err names the file
	}
	return m, time.Since(start).Seconds(), nil
}

// event writes what happened on the way: a line of JSON, or of text.
func (p *program) event(name string, fields ...cli.Field) error {
	if p.json {
		return cli.WriteJSON(p.out, append(cli.Object{cli.F("event", name)}, fields...))
	}
	_, err := fmt.Fprint(p.out, name+":")
	for _, f := range fields {
		if err == nil {
			_, err = fmt.Fprintf(p.out, " %s %v", f.Key, f.Value)
		}
	}
	if err == nil {
		_, err = fmt.Fprintln(p.out)
	}
	return err
}

// counts describes the data: sequences in training, items of the catalogue, events in
// training, and tests.
func (p *program) counts(d *data) []cli.Field {
	return []cli.Field{
		cli.F("users", d.train.NumUsers()), cli.F("items", len(d.catalogue)),
		cli.F("train", d.train.NumRecords()), cli.F("test", len(d.tests)),
	}
}

func (p *program) result(d *data, r *protocol.Result, train, eval float64) error {
	o := append(cli.Object{cli.F("model", p.model.name)}, p.counts(d)...)
	for i, k := range p.cutoffs {
		at := "@" + strconv.Itoa(k)
		o = append(o, cli.F("hr"+at, r.HitRate[i]), cli.F("ndcg"+at, r.NDCG[i]), cli.F("mrr"+at, r.ReciprocalRank[i]))
	}
	o = append(o, cli.F("train_s", train), cli.F("eval_s", eval))
	if p.json {
		return cli.WriteJSON(p.out, o)
	}
	for _, f := range o {
		if _, err := fmt.Fprintf(p.out, "%-12s %v\n", f.Key, f.Value); err != nil {
			return err
		}
	}
	return nil
}
