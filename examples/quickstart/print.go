package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/metrics"
)

func mean(values []float64) float64 { return metrics.Summarize(values).Mean }

// writeJSON writes a line per variant, the explored one last.
func (r *results) writeJSON(w io.Writer) error {
	for i, x := range r.outcomes {
		err := cli.WriteJSON(w, cli.Object{
			cli.F("variant", x.name), cli.F("users", len(r.users)),
			cli.F("recall@20", mean(x.recall)), cli.F("ndcg@20", mean(x.ndcg)),
			cli.F("coverage", metrics.Coverage(r.exposure[i])), cli.F("gini", metrics.Gini(r.exposure[i])),
			cli.F("p50_us", quantile(x.took, 0.5)), cli.F("p99_us", quantile(x.took, 0.99)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// about says what the data is, how it was split, and what is off.
func (r *results) about() []string {
	list := []string{"data: " + r.m.d.size, r.parts()}
	for _, note := range r.notes() {
		list = append(list, "note: "+note)
	}
	return list
}

// print writes everything for a person.
func (r *results) print(out io.Writer) error {
	w := &printer{w: out}
	w.lines(r.about())
	w.table(r)
	w.line("")
	w.lines(r.summary())
	r.examples[0].print(w)
	w.line("")
	w.line("%s", strings.Join(r.audit.lines(len(r.users)), "\n"))
	return w.err
}

// printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// lines writes a paragraph and an empty line.
func (p *printer) lines(list []string) { p.line("%s\n", strings.Join(list, "\n")) }

func (p *printer) table(r *results) {
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "variant\trecall@20\tndcg@20\tcoverage\tgini\t"
	if r.m.d.attribute != "" {
		head += "diversity\t"
	}
	fmt.Fprintln(t, head+"p50 µs\tp99 µs\t")
	for i, x := range r.outcomes {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t", x.name, four(mean(x.recall)), four(mean(x.ndcg)),
			four(metrics.Coverage(r.exposure[i])), four(metrics.Gini(r.exposure[i])))
		if r.m.d.attribute != "" {
			fmt.Fprintf(t, "%s\t", three(mean(x.diversity)))
		}
		fmt.Fprintf(t, "%.0f\t%.0f\t\n", quantile(x.took, 0.5), quantile(x.took, 0.99))
	}
	if err := t.Flush(); p.err == nil {
		p.err = err
	}
}

// parts says how the users are split.
func (r *results) parts() string {
	d := r.m.d
	return fmt.Sprintf("%d users train the sources, %d the ranker (%d candidates), %d are the test; %d items in the training catalogue",
		len(d.of(goapi.PartA)), len(d.of(goapi.PartB)), r.m.rows, len(r.users), r.catalogue)
}

// notes says what is off, and why.
func (r *results) notes() []string {
	var list []string
	if r.m.d.attribute == "" {
		list = append(list, "the file has no item columns: features come from the log alone, caps and MMR are off, and there is no pipeline-diverse")
	}
	if d := r.m.d; d.makerless > 0 {
		list = append(list, fmt.Sprintf("%d of %d items have no %s: each counts as one of its own", d.makerless, len(d.items), d.attribute))
	}
	if d := r.m.d; d.twoMakers > 0 {
		list = append(list, fmt.Sprintf("%d lines give an item another %s than its first, which counts", d.twoMakers, d.attribute))
	}
	if r.m.note != "" {
		list = append(list, r.m.note)
	}
	return list
}

// summary compares the variants in words.
func (r *results) summary() []string {
	pipeline, best := r.outcome("pipeline"), r.bestSource()
	list := []string{fmt.Sprintf("pipeline: recall@20 is %s that of popularity, %s that of the best source alone (%s)",
		times(mean(pipeline.recall), mean(r.outcomes[0].recall)), times(mean(pipeline.recall), mean(best.recall)), best.name)}
	if x := r.outcome("blend"); x != nil {
		list = append(list, fmt.Sprintf("blend: recall@20 is %s that of the best source alone; weights: %s",
			times(mean(x.recall), mean(best.recall)), r.m.blend.Report().WeightsKept))
	}
	if x := r.outcome("pipeline-diverse"); x != nil {
		list = append(list, fmt.Sprintf("pipeline-diverse: what diversity costs: recall@20 %s; two items of a slate differ in %s with probability %s instead of %s",
			cost(x, pipeline), r.m.d.attribute, three(mean(x.diversity)), three(mean(pipeline.diversity))))
	}
	return append(list, "pipeline-explored: what exploration costs: recall@20 "+cost(r.outcome("pipeline-explored"), pipeline))
}

// Numbers as text; what is not defined is a dash.
var (
	four  = page.Fixed(4)
	three = page.Fixed(3)
)

// cost is the difference in recall, paired by user.
func cost(x, base *outcome) string {
	diff := make([]float64, len(x.recall))
	for i := range diff {
		diff[i] = x.recall[i] - base.recall[i]
	}
	s := metrics.Summarize(diff)
	return fmt.Sprintf("%s (standard error %s)", four(s.Mean), four(s.StdErr))
}

// times is a ratio as text.
func times(a, b float64) string {
	if !(b > 0) {
		return "– times"
	}
	return fmt.Sprintf("%.2f times", a/b)
}

func (e *example) print(w *printer) {
	w.line("one slate: %s, after %d items, the last %s", e.user, e.events, strings.Join(e.history, ", "))
	t := tabwriter.NewWriter(w.w, 0, 0, 2, ' ', 0)
	found := 0
	for i, p := range e.places {
		mark := " "
		if p.hit {
			mark = "*"
			found++
		}
		fmt.Fprintf(t, "%s%3d\t%s\t%.4f\t%s\n", mark, i+1, p.name, p.explanation.Score, strings.Join(sources(p.explanation), ", "))
	}
	if err := t.Flush(); w.err == nil {
		w.err = err
	}
	w.line("* one of the %d that came next; %d found", e.wanted, found)
	if len(e.places) > 0 {
		w.line("why %s: %v", e.places[0].name, e.places[0].explanation)
	}
	if e.missed != "" {
		w.line("why not %s: %s", e.missed, e.why)
	}
}
