package main

import (
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/ranking/calibrate"
)

// page returns the report.
func (r *result) page() *page.Page {
	chosen := r.entries[r.best]
	p := &page.Page{
		Title:    "Calibration",
		Subtitle: r.size(),
		Facts:    []page.Fact{{Name: "chosen by validation", Value: chosen.name}, {Name: "seed", Value: fmt.Sprint(r.o.common.Seed)}},
	}
	table := page.Table{Columns: []page.Column{
		{Name: "Method"},
		{Name: "ECE, equal mass", Best: page.Lowest},
		{Name: "ECE, equal width", Best: page.Lowest},
		{Name: "Log loss", Best: page.Lowest},
		{Name: "Brier", Best: page.Lowest},
		{Name: "Miscalibration (log loss)", Best: page.Lowest},
		{Name: "Discrimination", Best: page.Highest},
	}}
	for _, e := range r.entries {
		table.Rows = append(table.Rows, []any{
			e.name, e.report.ECEMass, e.report.ECEWidth, e.report.LogLoss.Score, e.report.Brier.Score,
			e.report.LogLoss.Miscalibration, e.report.LogLoss.Discrimination,
		})
	}
	p.Add("Figures on the test", table)
	p.Add("Reliability", page.Columns{curveOf("Before", r.entries[0].report), curveOf("After: "+chosen.name, chosen.report)})
	if r.o.segment != "" {
		segments := page.Table{Columns: []page.Column{{Name: "Value"}, {Name: "Rows"}, {Name: "Predicted"}, {Name: "Observed"}, {Name: "z"}, {Name: "Off"}}}
		for _, s := range r.after {
			segments.Rows = append(segments.Rows, []any{fmt.Sprint(s.Key), s.Rows, s.Predicted, s.Observed, s.Z, fmt.Sprint(s.Off)})
		}
		p.Add("Segments by "+r.o.segment, page.Text(fmt.Sprintf("%d of %d are off by more than chance before calibration, %d after.", off(r.before), len(r.before), off(r.after))), segments)
	}
	return p
}

// curveOf draws a reliability curve with the intervals of its bins, over the diagonal.
func curveOf(title string, r *calibrate.Report) page.LineChart {
	var s page.Series
	s.Name = "observed"
	top := 0.0
	for _, b := range r.EqualMass {
		s.X, s.Y = append(s.X, b.Predicted), append(s.Y, b.Observed)
		s.Low, s.High = append(s.Low, b.From), append(s.High, b.To)
		top = max(top, b.Predicted, b.Observed)
	}
	return page.LineChart{
		Title: title, Note: fmt.Sprintf("ECE %.4f over bins of equal mass, %.4f by chance alone; the band holds the share behind each with 95 %%.", r.ECEMass, calibrate.ECENoise(r.EqualMass)),
		X: page.Axis{Title: "Mean prediction"}, Y: page.Axis{Title: "Share observed"},
		Series: []page.Series{s, {Name: "perfect", X: []float64{0, top}, Y: []float64{0, top}}},
	}
}
