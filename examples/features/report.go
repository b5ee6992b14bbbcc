package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// page returns the report.
func (s *study) page() *page.Page {
	source := "simulated, see the documentation of the program"
	if !s.o.simulated {
		source = filepath.Base(s.o.log)
	}
	j := &s.judged
	p := &page.Page{
		Title:    "Features while they are updated",
		Subtitle: fmt.Sprintf("%d events, %d requests", j.counts.Events, len(s.served)),
		Facts: []page.Fact{
			{Name: "Log", Value: source},
			{Name: "Flush", Value: fmt.Sprintf("every %v of event time", s.o.flush)},
			{Name: "Lateness", Value: s.o.lateness.String()},
			{Name: "Crash", Value: s.crashText()},
			{Name: "Seed", Value: fmt.Sprint(s.o.Seed)},
		},
		Footer: "Written by go run ./examples/features; its documentation says what is measured.",
	}
	items := &j.views[0]
	micros := slices.Sorted(slices.Values(s.micros))
	p.Add("Outcome", page.KeyFigures{
		{Label: "Age of an item's row, median", Value: fmt.Sprintf("%.1f s", quantile(items.lags, .5)), Note: fmt.Sprintf("p99: %.1f s", quantile(items.lags, .99))},
		{Label: "Values that differ from the batch", Value: fmt.Sprintf("%.2f %%", 100*j.mismatch()), Note: "all columns of three views but the one that decays"},
		{Label: "Request, p50", Value: page.Microseconds(quantile(micros, .5)), Note: "p99: " + page.Microseconds(quantile(micros, .99))},
	}, s.viewTable())
	p.Add("Freshness",
		page.Text("The time of the request less that of the row: of the newest event of the log when it was written."),
		page.Histogram{Title: "Age of items' rows", Values: sample(items.lags, 50_000), X: page.Axis{Title: "Seconds"}},
		s.overTime())
	p.Add("Skew", s.skewChart(), s.skewTable(), page.Note(
		"A value differs when it is not the batch's to 1e-6. PSI and KS tell whether the distribution has moved (package features/skew); on a verdict but ok, it has. The batch counts the events that had arrived when the request came; decays move with time itself and differ as soon as the row has any age."))
	return p
}

func (s *study) viewTable() page.Table {
	seconds := page.Fixed(1)
	t := page.Table{Columns: []page.Column{
		{Name: "View"},
		{Name: "Rows served"},
		{Name: "p50, s", Format: seconds},
		{Name: "p90, s", Format: seconds},
		{Name: "p99, s", Format: seconds},
		{Name: "Stale", Format: page.Percent(1)},
		{Name: "Missing", Format: page.Percent(1)},
		{Name: "Late events"},
	}}
	for i := range s.judged.views {
		f := &s.judged.views[i]
		t.Rows = append(t.Rows, []any{
			f.name, f.rows, quantile(f.lags, .5), quantile(f.lags, .9), quantile(f.lags, .99), part(f.stale, f.rows), part(f.missing, f.rows), int(s.judged.late[i]),
		})
	}
	return t
}

func (s *study) overTime() page.LineChart {
	c := page.LineChart{
		Title: "Median age of the rows of a request",
		X:     page.Axis{Title: "Hours since the first request"}, Y: page.Axis{Title: "Seconds"},
	}
	for i := range s.judged.views {
		f := &s.judged.views[i]
		if f.name != "pair" { // most pairs have not met lately
			c.Series = append(c.Series, page.Series{Name: f.name, X: sample(f.at, 400), Y: sample(f.median, 400)})
		}
	}
	return c
}

func (s *study) skewChart() page.BarChart {
	c := page.BarChart{Title: "Values that differ from the batch", Axis: page.Axis{Title: "Share", Format: page.Percent(1)}}
	bars := page.Bars{Name: "differ"}
	for i := range s.judged.skew {
		c.Categories = append(c.Categories, s.judged.skew[i].Name)
		bars.Values = append(bars.Values, s.judged.skew[i].Mismatch)
	}
	c.Series = []page.Bars{bars}
	return c
}

func (s *study) skewTable() page.Table {
	t := page.Table{Columns: []page.Column{
		{Name: "View"},
		{Name: "Column"},
		{Name: "Values"},
		{Name: "Differ", Format: page.Percent(2)},
		{Name: "Largest difference"},
		{Name: "PSI", Format: page.Fixed(4)},
		{Name: "KS", Format: page.Fixed(4)},
		{Name: "Verdict"},
	}}
	for i := range s.judged.skew {
		c := &s.judged.skew[i]
		t.Rows = append(t.Rows, []any{c.view, c.Name, c.rows, c.Mismatch, c.MaxDiff, c.PSI, c.KS, c.Verdict.String()})
	}
	return t
}

// sample returns at most n of the values, evenly spread.
func sample(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = values[i*len(values)/n]
	}
	return out
}
