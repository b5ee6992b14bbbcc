package main

import (
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/metrics/interleave"
)

// page returns the report.
func (s *study) page() *page.Page {
	o := s.o
	p := &page.Page{
		Title:    "The feedback loop of a recommender",
		Subtitle: fmt.Sprintf("%d simulated worlds, %d users, %d rounds after a warm-up of %d", o.seeds, o.Users, o.Rounds, o.Warmup),
		Facts: []page.Fact{
			{Name: "Catalogue", Value: fmt.Sprintf("%d items, %d more each round", o.Items, o.Arrivals)},
			{Name: "Drift of tastes", Value: fmt.Sprint(o.Drift)},
			{Name: "Position bias", Value: fmt.Sprintf("k^-%v", o.Bias)},
			{Name: "Slate", Value: fmt.Sprint(o.Slate)},
			{Name: "Training", Value: fmt.Sprintf("on the last %d rounds", o.Memory)},
			{Name: "Explorer", Value: fmt.Sprintf("Plackett–Luce, temperature %v, the first %d", o.Temperature, o.Depth)},
			{Name: "Seeds", Value: fmt.Sprintf("%d to %d", o.common.Seed, o.common.Seed+uint64(o.seeds)-1)},
		},
		Footer: "Written by go run ./examples/feedbackloop; its documentation says what is assumed.",
	}
	var what page.Facts
	for _, v := range variants {
		what = append(what, page.Fact{Name: v.name, Value: v.what})
	}
	p.Add("Outcome", s.figures(), s.table(), what, page.Note(
		"Differences are from greedy in the same world, with Student's 95 % interval over worlds. Growth is from the warm-up's last window to the last."))
	rewards := s.curves("Clicks a slate", "To be expected of the slates, by what is true; items that were clicked are gone for their user.", func(c *course) []float64 { return c.reward })
	p.Add("Over time",
		s.curves("Gini index of exposure", "0: all items are shown alike. Over the items that were there all through the window.", func(c *course) []float64 { return c.gini }),
		s.curves("Coverage", "Share of those items that anybody was shown.", func(c *course) []float64 { return c.coverage }),
		s.curves("Recall of hidden taste", fmt.Sprintf("Share of a user's %d best items that he was shown in the window, or has taken.", wantedItems), func(c *course) []float64 { return c.recall }),
		rewards)
	p.Add("Examination", s.examination())
	return p
}

func (s *study) figures() page.KeyFigures {
	greedy, ips := s.totals[0], s.totals[judged]
	return page.KeyFigures{
		{Label: "Growth of Gini, explored-ips", Value: page.Fixed(3)(ips.growth.Mean), Note: "greedy: " + page.Fixed(3)(greedy.growth.Mean)},
		{Label: "Growth less half of greedy's", Value: page.Fixed(3)(ips.overHalf.Mean), Note: between(ips.overHalf, 3)},
		{Label: "Clicks a slate, above greedy's", Value: page.Fixed(4)(ips.gain.Mean), Note: between(ips.gain, 4)},
	}
}

func between(m interleave.Mean, decimals int) string {
	f := page.Fixed(decimals)
	return fmt.Sprintf("95 %%: %s to %s", f(m.Lower), f(m.Upper))
}

func (s *study) table() page.Table {
	t := page.Table{Columns: []page.Column{
		{Name: "Variant"},
		{Name: "Growth of Gini", Format: page.Fixed(3)},
		{Name: "Coverage", Format: page.Fixed(3)},
		{Name: "Recall", Format: page.Fixed(3)},
		{Name: "Clicks a slate", Format: page.Fixed(4)},
		{Name: "above greedy's", Format: page.Fixed(4)},
		{Name: "in the last quarter", Format: page.Fixed(4)},
	}}
	of := func(m interleave.Mean) page.Estimate {
		return page.Estimate{Value: m.Mean, Low: m.Lower, High: m.Upper}
	}
	for k, v := range variants {
		m := s.totals[k]
		t.Rows = append(t.Rows, []any{v.name, of(m.growth), m.coverage.Mean, m.recall.Mean, m.reward.Mean, of(m.gain), of(m.lateGain)})
	}
	return t
}

// curves draws the means of all variants over time, with the interval over worlds.
func (s *study) curves(title, note string, f func(*course) []float64) page.LineChart {
	chart := page.LineChart{Title: title, Note: note, X: page.Axis{Title: "Round"}, Y: page.Axis{Include: []float64{0}}}
	for k, v := range variants {
		line := page.Series{Name: v.name}
		for n := range s.o.Rounds {
			values := make([]float64, len(s.courses))
			for i := range s.courses {
				values[i] = f(s.courses[i][k])[n]
			}
			m := interleave.TTest(values)
			line.Y, line.Low, line.High = append(line.Y, m.Mean), append(line.Low, m.Lower), append(line.High, m.Upper)
		}
		chart.Series = append(chart.Series, line)
	}
	return chart
}

// examination draws the truth beside what the weighted variant has estimated from its log.
func (s *study) examination() page.LineChart {
	truth, estimate := page.Series{Name: "truth"}, page.Series{Name: "estimated by explored-ips"}
	looks := looksOf(s.o.settings)
	for k := range looks {
		values := make([]float64, 0, len(s.courses))
		for i := range s.courses {
			if seen := s.courses[i][judged].seen; k < len(seen) {
				values = append(values, seen[k])
			}
		}
		m := interleave.TTest(values)
		truth.Y = append(truth.Y, looks[k])
		estimate.Y, estimate.Low, estimate.High = append(estimate.Y, m.Mean), append(estimate.Low, m.Lower), append(estimate.High, m.Upper)
	}
	return page.LineChart{
		Title: "Probability that a place is looked at", X: page.Axis{Title: "Place"}, Y: page.Axis{Include: []float64{0, 1}},
		Note: "Estimated from the last rounds of the log by propensity-weighted click rates, relative to the first place.", Series: []page.Series{truth, estimate},
	}
}
