package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// writeReport writes the page with all that was measured.
func (p *program) writeReport(d *annset.Set, indexes []*built, filters []*filter, subjects []*subject, states []*state) error {
	doc := page.Page{
		Title:    "Vector search: recall against speed",
		Subtitle: d.Name,
		Facts: []page.Fact{
			{Name: "Items", Value: page.Count(float64(d.Base.Rows))},
			{Name: "Queries", Value: page.Count(float64(d.Queries.Rows))},
			{Name: "Dimension", Value: fmt.Sprint(d.Base.Dim)},
			{Name: "Metric", Value: p.metric.String()},
			{Name: "Neighbours", Value: fmt.Sprint(p.k)},
			{Name: "Seed", Value: fmt.Sprint(p.common.Seed)},
			{Name: "Kernels", Value: vector.Info().Tier},
			{Name: "Searching threads", Value: fmt.Sprint(p.threads)},
		},
		Footer: "ann " + strings.Join(os.Args[1:], " "),
	}
	doc.Add("Indexes", buildTable(indexes))
	for _, b := range indexes {
		if b.cost.Why != "" {
			doc.Add("Why "+b.kind.Name+" is what it is", page.Code{Text: b.cost.Why})
		}
	}
	for _, f := range filters {
		heading := "All items"
		if f.items != nil {
			heading = fmt.Sprintf("Filtered: %s of the items allowed", page.Percent(1)(f.share))
		}
		c := curves(subjects, f)
		chart := annset.RecallChart(heading, fmt.Sprintf("A point per effort, the median of %d rounds. Up and to the right is better.", p.rounds), p.k, c)
		if p.threads > 1 {
			chart.X.Title = fmt.Sprintf("Queries per second of %d threads, log scale", p.threads)
		}
		doc.Add(heading,
			chart,
			annset.RecallTable(c),
			detailTable(subjects, f))
	}
	if len(states) > 0 {
		var all []annset.Curve
		for _, s := range states {
			changed, fresh := s.curves()
			all = append(all, changed, fresh)
		}
		doc.Add("Churn", annset.RecallTable(all), churnTable(states))
	}
	return doc.Save(p.report)
}

func buildTable(indexes []*built) page.Table {
	t := page.Table{Columns: []page.Column{
		{Name: "Index"},
		{Name: "Build", Unit: "s", Format: page.Number, Best: page.Lowest},
		{Name: "CPU", Unit: "s", Format: page.Number, Best: page.Lowest},
		{Name: "Memory", Format: page.Bytes, Best: page.Lowest},
		{Name: "with vectors mapped", Format: page.Bytes, Best: page.Lowest},
	}}
	for _, b := range indexes {
		t.Rows = append(t.Rows, []any{b.kind.Name, b.cost.Wall, b.cost.CPU, b.cost.Bytes, b.cost.Resident})
	}
	return t
}

func detailTable(subjects []*subject, f *filter) page.Table {
	t := page.Table{Columns: []page.Column{
		{Name: "Index"},
		{Name: "Effort"},
		{Name: "Recall", Format: page.Fixed(4)},
		{Name: "Queries", Unit: "per second", Format: page.Count},
		{Name: "Median", Format: page.Microseconds},
		{Name: "99 %", Format: page.Microseconds},
		{Name: "Compared", Unit: "per query", Format: page.Count},
		{Name: "Plan"},
	}}
	for _, s := range subjects {
		if s.filter == f {
			t.Rows = append(t.Rows, []any{s.built.kind.Name, s.effort, s.recall, s.qps(), micros(s.p50), micros(s.p99), s.scored, s.plan})
		}
	}
	return t
}

func churnTable(states []*state) page.Table {
	t := page.Table{
		Note: "The index after changes beside a fresh one of the same items.",
		Columns: []page.Column{
			{Name: "Index"},
			{Name: "After"},
			{Name: "Effort"},
			{Name: "Recall", Format: page.Fixed(4)},
			{Name: "fresh", Format: page.Fixed(4)},
			{Name: "Queries", Unit: "per second", Format: page.Count},
			{Name: "fresh", Format: page.Count},
		},
	}
	for _, s := range states {
		for i, x := range s.changed {
			y := s.fresh[i]
			t.Rows = append(t.Rows, []any{s.kind.Name, s.after, x.effort, x.recall, y.recall, x.qps(), y.qps()})
		}
	}
	return t
}
