package main

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// page draws the estimates with their intervals, and the tails of the weights.
func (r *results) page(o *options) *page.Page {
	p := &page.Page{Title: "What another policy would have earned", Subtitle: r.title}
	table := page.Table{Columns: []page.Column{
		{Name: "Estimator"}, {Name: "Value"}, {Name: "Lower"}, {Name: "Upper"}, {Name: "Effective sample size"}, {Name: "Verdict"}, {Name: "Reason"},
	}}
	chart := page.BarChart{
		Title: "Estimates", Axis: page.Axis{Title: "Value"},
		Note: fmt.Sprintf("Whiskers are %g %% intervals (%s).", 100*o.level, o.interval),
	}
	bars := page.Bars{Name: "value"}
	for _, l := range r.lines {
		if !l.known {
			table.Rows = append(table.Rows, []any{l.label(), math.NaN(), math.NaN(), math.NaN(), math.NaN(), "–", l.why})
			continue
		}
		e := l.est
		table.Rows = append(table.Rows, []any{l.label(), e.Value, e.Lower, e.Upper, math.Round(e.ESS), e.Verdict.String(), e.Reason})
		if finite(e.Value) && finite(e.Lower) && finite(e.Upper) {
			chart.Categories = append(chart.Categories, l.label())
			bars.Values, bars.Low, bars.High = append(bars.Values, e.Value), append(bars.Low, e.Lower), append(bars.High, e.Upper)
		}
	}
	chart.Series = []page.Bars{bars}
	p.Add("Estimates", chart, table)

	tails := page.LineChart{
		Title: "Tails of the weights", Note: "The weight that a share of the rows exceeds; a steep right end means that few rows carry the estimate.",
		X: page.Axis{Title: "Share of rows above", Log: true}, Y: page.Axis{Title: "Weight", Log: true},
	}
	weights := page.Table{Columns: []page.Column{
		{Name: "Weights"}, {Name: "Mean"}, {Name: "± standard error"}, {Name: "Effective sample size"}, {Name: "Largest"}, {Name: "Its share"}, {Name: "Share of the top 1 %"}, {Name: "Without support"},
	}}
	for _, t := range r.tails {
		d := t.d
		weights.Rows = append(weights.Rows, []any{t.name, d.MeanWeight, d.StdErr, math.Round(d.ESS), d.Max, d.MaxShare, d.TopShare, d.Unsupported})
		tails.Series = append(tails.Series, page.Series{
			Name: t.name, X: []float64{0.5, 0.1, 0.01, 0.001, 1 / float64(max(d.N, 1001))}, Y: []float64{d.Q50, d.Q90, d.Q99, d.Q999, d.Max},
		})
	}
	p.Add("Weights", tails, weights, page.Note("The mean weight is 1 when propensities are right and the logging policy could take whatever the target policy takes."))
	if len(r.notes) > 0 {
		p.Add("Log", page.Text(r.notes[0]))
	}
	return p
}
