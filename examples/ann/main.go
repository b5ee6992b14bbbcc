package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval/vector"
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
	sample   vector.Matrix // queries that are not measured
}

func (p *program) run(ctx context.Context) error {
	if err := p.checkFolders(); err != nil {
		return err
	}
	d, err := p.source.Load(ctx, p.k, p.common.Seed, p.common.Workers, p.log)
	if err != nil {
		return err
	}
	if p.k > d.Base.Rows {
		return cli.Usagef("-k is %d, but there are %d items; want at most as many", p.k, d.Base.Rows)
	}
	if p.holdout >= d.Queries.Rows {
		return cli.Usagef("-holdout is %d and leaves none of %d queries", p.holdout, d.Queries.Rows)
	}
	p.sample = d.HoldOut(p.holdout)
	if err := p.event("data",
		cli.F("name", d.Name), cli.F("items", d.Base.Rows), cli.F("queries", d.Queries.Rows), cli.F("dim", d.Base.Dim),
		cli.F("metric", p.metric.String()), cli.F("kernels", vector.Info().Tier), cli.F("cpu_time", annset.CPUTime)); err != nil {
		return err
	}
	indexes, err := p.buildAll(ctx, d)
	if err != nil {
		return err
	}
	m := &meter{queries: d.Queries, k: p.k, threads: p.threads}
	filters, subjects, err := p.prepare(ctx, d, indexes, m)
	if err != nil {
		return err
	}
	if p.save != "" {
		if err := p.roundTrip(ctx, indexes[0], m, p.effortsOf(indexes[0].kind)); err != nil {
			return err
		}
	}
	progress := cli.NewProgress(p.log, "search", p.rounds*len(subjects), nil)
	if err := m.sweep(ctx, subjects, p.rounds, progress.Add); err != nil {
		return err
	}
	progress.Done()
	var states []*state
	if p.churn > 0 {
		if states, err = p.churnAll(ctx, d); err != nil {
			return err
		}
	}
	if p.live {
		if err := p.liveAll(ctx, d); err != nil {
			return err
		}
	}
	if p.report != "" {
		if err := p.writeReport(d, indexes, filters, subjects, states); err != nil {
			return err
		}
	}
	return p.results(subjects)
}

// checkFolders returns an error if a file could not be written at the end.
func (p *program) checkFolders() error {
	for _, f := range []struct{ name, file string }{{"save", p.save}, {"report", p.report}} {
		if f.file == "" {
			continue
		}
		folder := filepath.Dir(f.file)
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return cli.Usagef("-%s is %s, but there is no folder %s", f.name, f.file, folder)
		}
		if info, err := os.Stat(f.file); err == nil && info.IsDir() {
			return cli.Usagef("-%s is %s, which is a folder; want a file", f.name, f.file)
		}
	}
	return nil
}

// buildAll builds every index that the command line names.
func (p *program) buildAll(ctx context.Context, d *annset.Set) ([]*built, error) {
	var all []*built
	for _, k := range p.kinds {
		fmt.Fprintf(p.log, "build %s\n", k.Name)
		b, err := p.build(ctx, k, d.Items, d.Base)
		if err != nil {
			return nil, err
		}
		fields := []cli.Field{
			cli.F("index", k.Name), cli.F("build_s", b.cost.Wall), cli.F("build_cpu_s", b.cost.CPU), cli.F("bytes", b.cost.Bytes), cli.F("resident_bytes", b.cost.Resident),
		}
		if why := b.cost.Why; why != "" {
			fields = append(fields, cli.F("why", why))
		}
		if err := p.event("build", fields...); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// prepare finds the true neighbours under each filter and what every index answers at every effort.
func (p *program) prepare(ctx context.Context, d *annset.Set, indexes []*built, m *meter) ([]*filter, []*subject, error) {
	var filters []*filter
	var all []*subject
	for _, share := range p.shares {
		f := newFilter(d, share, p.common.Seed)
		if f.count == 0 {
			return nil, nil, cli.Usagef("-filter %v leaves none of %d items", share, d.Base.Rows)
		}
		truth, err := d.TrueItems(ctx, p.metric, p.k, p.common.Workers, f.allow(), p.log)
		if err != nil {
			return nil, nil, err
		}
		filters = append(filters, f)
		for _, b := range indexes {
			subjects, err := p.subjects(ctx, b, f, truth, m)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, subjects...)
		}
	}
	return filters, all, nil
}

// results writes a line per index, filter and effort.
func (p *program) results(subjects []*subject) error {
	if p.json {
		for _, s := range subjects {
			if err := cli.WriteJSON(p.out, s.fields()); err != nil {
				return err
			}
		}
		return nil
	}
	const format = "%-8s %7s %6s %8s %10s %9s %9s %9s %12s\n"
	if _, err := fmt.Fprintf(p.out, format, "index", "filter", "ef", "recall", "qps", "p50 µs", "p99 µs", "scored", "plan"); err != nil {
		return err
	}
	for _, s := range subjects {
		share := "–"
		if s.filter.items != nil {
			share = fmt.Sprint(s.filter.share)
		}
		if _, err := fmt.Fprintf(p.out, format, s.built.kind.Name, share, fmt.Sprint(s.effort), fmt.Sprintf("%.4f", s.recall), fmt.Sprintf("%.0f", s.qps()),
			fmt.Sprintf("%.1f", micros(s.p50)), fmt.Sprintf("%.1f", micros(s.p99)), fmt.Sprintf("%.0f", s.scored), s.plan); err != nil {
			return err
		}
	}
	return nil
}

// event writes what happened on the way: a line of JSON, or of text.
func (p *program) event(name string, fields ...cli.Field) error {
	if p.json {
		return cli.WriteJSON(p.out, append(cli.Object{cli.F("event", name)}, fields...))
	}
	var line, below strings.Builder
	line.WriteString(name + ":")
	for _, f := range fields {
		switch v := f.Value.(type) {
		case float64:
			fmt.Fprintf(&line, " %s %.5g", f.Key, v)
		case string:
			if strings.Contains(v, "\n") {
				fmt.Fprintf(&below, "\t%s\n", strings.ReplaceAll(strings.TrimRight(v, "\n"), "\n", "\n\t"))
				continue
			}
			fmt.Fprintf(&line, " %s %s", f.Key, v)
		default:
			fmt.Fprintf(&line, " %s %v", f.Key, v)
		}
	}
	_, err := fmt.Fprintf(p.out, "%s\n%s", line.String(), below.String())
	return err
}
