package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/metrics"
)

// page returns the report.
func (r *results) page(o *options, curve []setting) *page.Page {
	source := "the sources of the Go toolchain"
	if o.data != "" {
		source = o.data
	}
	p := &page.Page{
		Title:    "recsys quick start",
		Subtitle: r.m.d.size,
		Facts: []page.Fact{
			{Name: "data", Value: source},
			{Name: "trains the sources", Value: users(r.m.d, goapi.PartA)},
			{Name: "trains the ranker", Value: users(r.m.d, goapi.PartB)},
			{Name: "test", Value: users(r.m.d, goapi.PartC)},
			{Name: "training catalogue", Value: page.Count(float64(r.catalogue)) + " items"},
			{Name: "seed", Value: fmt.Sprint(o.Seed)},
		},
	}
	p.Add("Quality", r.quality()...)
	if r.m.blend != nil {
		p.Add("Blend", r.blended()...)
	}
	p.Add("Slates", r.slates()...)
	p.Add("Recall against diversity", r.diversity(curve)...)
	p.Add("Exposure", r.lorenz()...)
	p.Add("Latency", r.latency()...)
	p.Add("Log", r.logged()...)
	return p
}

func users(d *data, part goapi.Part) string {
	return page.Count(float64(len(d.of(part)))) + " users"
}

func (r *results) quality() []page.Element {
	pipeline, best := r.outcome("pipeline"), r.bestSource()
	content := []page.Element{page.KeyFigures{
		{Label: "recall@20 of pipeline", Value: page.Fixed(3)(mean(pipeline.recall))},
		{Label: "against popularity", Value: times(mean(pipeline.recall), mean(r.outcomes[0].recall))},
		{Label: "against the best source", Value: times(mean(pipeline.recall), mean(best.recall)), Note: best.name},
		{Label: "median request", Value: page.Microseconds(quantile(pipeline.took, 0.5))},
	}}
	for _, note := range r.notes() {
		content = append(content, page.Note(note))
	}
	table := page.Table{
		Note: "Means over test users, with 95 % intervals. The ranking is of the whole catalogue; what the user had before is excluded.",
		Columns: []page.Column{
			{Name: "Variant"},
			{Name: "Recall@20", Best: page.Highest, Format: page.Fixed(4)},
			{Name: "NDCG@20", Best: page.Highest, Format: page.Fixed(4)},
			{Name: "Coverage", Best: page.Highest, Format: page.Percent(1)},
			{Name: "Gini", Best: page.Lowest, Format: page.Fixed(3)},
		},
	}
	bars := page.BarChart{
		Title: "Recall@20", Note: "The whiskers are 95 % intervals over test users.", Axis: page.Axis{Include: []float64{0}, Format: page.Fixed(2)},
		Series: []page.Bars{{Name: "recall@20"}},
	}
	for i, x := range r.outcomes {
		recall := interval(x.recall)
		table.Rows = append(table.Rows, []any{x.name, recall, interval(x.ndcg), metrics.Coverage(r.exposure[i]), metrics.Gini(r.exposure[i])})
		bars.Categories = append(bars.Categories, x.name)
		s := &bars.Series[0]
		s.Values, s.Low, s.High = append(s.Values, recall.Value), append(s.Low, recall.Low), append(s.High, recall.High)
	}
	about := page.Table{Title: "The variants", Columns: []page.Column{{Name: "Variant"}, {Name: "What it is"}}}
	for _, x := range r.outcomes {
		about.Rows = append(about.Rows, []any{x.name, x.what})
	}
	return append(content, bars, table, about, page.Text(strings.Join(r.summary(), "\n\n")))
}

// interval is the mean with two-sided 95 % normal limits.
func interval(values []float64) page.Estimate { return around(metrics.Summarize(values)) }

func (r *results) slates() []page.Element {
	e := r.examples[0]
	content := []page.Element{page.Text(fmt.Sprintf("%s, after %d items, the last %s.", e.user, e.events, strings.Join(e.history, ", ")))}
	var sides page.Columns
	for _, x := range r.examples {
		sides = append(sides, x.slate())
	}
	content = append(content, sides)
	if len(e.places) > 0 {
		content = append(content, page.Code{Title: "Explain(" + e.places[0].name + ")", Text: broken(e.places[0].explanation.String())})
	}
	if e.missed != "" {
		content = append(content, page.Code{Title: "WhyNot(" + e.missed + ")", Text: broken(e.why)})
	}
	if r.m.ranker == nil {
		return content
	}
	features, err := r.m.ranker.importance("click")
	if err != nil {
		return content // the head was left out
	}
	chart := page.BarChart{
		Title: "What the ranker looks at", Note: r.m.ranker.measure,
		Series: []page.Bars{{Name: "importance"}}, Axis: page.Axis{Include: []float64{0}},
	}
	for _, x := range features {
		chart.Categories = append(chart.Categories, x.Column)
		chart.Series[0].Values = append(chart.Series[0].Values, x.Value)
	}
	return append(content, chart)
}

// slate shows the places of an example.
func (e *example) slate() page.Slate {
	slate := page.Slate{Title: e.variant, Format: page.Fixed(3)}
	for _, x := range e.places {
		item := page.SlateItem{Name: x.name, Detail: x.maker, Score: float64(x.explanation.Score), Sources: sources(x.explanation)}
		if x.hit {
			item.Why = "right: one of the next"
		}
		slate.Items = append(slate.Items, item)
	}
	return slate
}

// broken sets each part of an explanation on a line of its own.
func broken(s string) string { return strings.NewReplacer("; ", "\n", "), ", "),\n    ").Replace(s) }

func (r *results) diversity(curve []setting) []page.Element {
	if r.m.d.attribute == "" {
		return []page.Element{page.Note("The file has no item columns, so there is nothing to spread: caps and MMR are off.")}
	}
	chart := page.Scatter{
		Title: "Recall@20 against diversity",
		Note:  fmt.Sprintf("Diversity is the share of pairs of a slate that differ in %s. The lines go from loose to tight settings.", r.m.d.attribute),
		X:     page.Axis{Title: "Diversity", Format: page.Fixed(2)},
		Y:     page.Axis{Title: "Recall@20", Format: page.Fixed(2)},
	}
	table := page.Table{Columns: []page.Column{
		{Name: "Setting"}, {Name: "Of"}, {Name: "Recall@20", Best: page.Highest, Format: page.Fixed(4)}, {Name: "Diversity", Best: page.Highest, Format: page.Fixed(3)},
	}}
	for _, t := range curve {
		if n := len(chart.Groups); n == 0 || chart.Groups[n-1].Name != t.family {
			chart.Groups = append(chart.Groups, page.Group{Name: t.family, Join: true})
		}
		g := &chart.Groups[len(chart.Groups)-1]
		g.Points = append(g.Points, page.Point{X: t.diversity, Y: t.recall, Label: t.label})
		table.Rows = append(table.Rows, []any{t.label, t.family, t.recall, t.diversity})
	}
	variants := page.Group{Name: "variants"}
	for _, x := range r.outcomes {
		variants.Points = append(variants.Points, page.Point{X: mean(x.diversity), Y: mean(x.recall), Label: x.name})
	}
	chart.Groups = append(chart.Groups, variants)
	return []page.Element{chart, table}
}

func (r *results) lorenz() []page.Element {
	chart := page.Lorenz{
		Title: "Who is shown", Items: "items of the training catalogue",
		Note: "Items that were never shown count. The diagonal is equal exposure.",
	}
	for i, x := range r.outcomes {
		switch x.name {
		case "popularity", r.bestSource().name, "pipeline", "pipeline-diverse", "pipeline-explored":
			chart.Series = append(chart.Series, page.Shares{Name: x.name, Values: r.exposure[i]})
		}
	}
	return []page.Element{chart}
}

// latency shows the median of each kind of stage, and the quantiles of the whole.
func (r *results) latency() []page.Element {
	chart := page.StackedBars{
		Title: "Median time per stage", Axis: page.Axis{Title: "Time", Format: page.Microseconds, Include: []float64{0}},
		Note: "The median over test requests of each kind of stage; the rest is bookkeeping between stages.",
	}
	table := page.Table{Columns: []page.Column{
		{Name: "Variant"},
		{Name: "p50", Format: page.Microseconds, Best: page.Lowest},
		{Name: "p90", Format: page.Microseconds, Best: page.Lowest},
		{Name: "p99", Format: page.Microseconds, Best: page.Lowest},
		{Name: "Slowest", Format: page.Microseconds, Best: page.Lowest},
	}}
	kinds := r.kinds()
	for _, kind := range kinds {
		chart.Parts = append(chart.Parts, page.Bars{Name: kind, Values: make([]float64, len(r.outcomes))})
	}
	chart.Parts = append(chart.Parts, page.Bars{Name: "rest", Values: make([]float64, len(r.outcomes))})
	for i, x := range r.outcomes {
		chart.Rows = append(chart.Rows, x.name)
		rest := x.took
		for k, kind := range kinds {
			took := x.kind(kind)
			chart.Parts[k].Values[i] = quantile(took, 0.5)
			rest = minus(rest, took)
		}
		chart.Parts[len(kinds)].Values[i] = quantile(rest, 0.5)
		table.Rows = append(table.Rows, []any{x.name, quantile(x.took, 0.5), quantile(x.took, 0.9), quantile(x.took, 0.99), quantile(x.took, 1)})
	}
	return []page.Element{chart, table}
}

// funnel is the order of the kinds of stages: what stands before the slash of their names.
var funnel = []string{"request", "retrieve", "merge", "features", "filter", "rank", "score", "rerank", "explore", "select", "log"}

// kinds are the kinds of stages that occur, in funnel order, unknown ones last.
func (r *results) kinds() []string {
	var list []string
	for _, x := range r.outcomes {
		for _, name := range x.stages {
			if kind, _, _ := strings.Cut(name, "/"); !slices.Contains(list, kind) {
				list = append(list, kind)
			}
		}
	}
	at := func(kind string) int {
		if i := slices.Index(funnel, kind); i >= 0 {
			return i
		}
		return len(funnel)
	}
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(at(a), at(b)) })
	return list
}

// kind adds up the times of the stages of one kind, by test user.
func (o *outcome) kind(kind string) []time.Duration {
	sum := make([]time.Duration, len(o.took))
	for s, name := range o.stages {
		if k, _, _ := strings.Cut(name, "/"); k != kind {
			continue
		}
		for i, t := range o.stageTook[s] {
			sum[i] += max(t, 0)
		}
	}
	return sum
}

func minus(a, b []time.Duration) []time.Duration {
	list := make([]time.Duration, len(a))
	for i := range a {
		list[i] = max(a[i]-b[i], 0)
	}
	return list
}

func (r *results) logged() []page.Element {
	a := r.audit
	return []page.Element{
		page.Text(strings.Join(a.lines(len(r.users)), "\n\n")),
		page.Table{
			Title:   "Click rate at place 1 of pipeline",
			Note:    "Estimated from the log of another policy, and measured by serving. 95 % intervals.",
			Columns: []page.Column{{Name: "From"}, {Name: "Click rate", Format: page.Fixed(3)}},
			Rows: [][]any{
				{"log of pipeline-explored, inverse propensity", around(a.ips)},
				{"pipeline as served", around(a.measured)},
			},
		},
	}
}

func around(s metrics.Summary) page.Estimate {
	return page.Estimate{Value: s.Mean, Low: s.Mean - 1.96*s.StdErr, High: s.Mean + 1.96*s.StdErr}
}
