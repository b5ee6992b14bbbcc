package main

import (
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// report returns a page with the curves of each environment and what the reference found.
func report(all []outcome, runs int, seed uint64) *page.Page {
	p := &page.Page{
		Title:    "Regret of bandits",
		Subtitle: "Cumulative regret against the best choice, means over runs",
		Facts:    []page.Fact{{Name: "runs", Value: fmt.Sprint(runs)}, {Name: "seed", Value: fmt.Sprint(seed)}},
	}
	if compared, above := count(all); compared > 0 {
		p.Facts = append(p.Facts, page.Fact{Name: "above the reference", Value: fmt.Sprintf("%d of %d checkpoints", above, compared)})
	}
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].env == all[0].env {
			n++
		}
		p.Add(all[0].env, curves(all[:n]), figures(all[:n]))
		all = all[n:]
	}
	return p
}

// curves draws the games of one environment.
func curves(games []outcome) page.LineChart {
	c := page.LineChart{
		Title: "Regret by round",
		Note:  "Bands are 95 % intervals of the means.",
		X:     page.Axis{Title: "Rounds", Include: []float64{0}},
		Y:     page.Axis{Title: "Regret", Include: []float64{0}},
	}
	for _, g := range games {
		s := page.Series{Name: g.policy}
		for _, p := range g.curve {
			s.X, s.Y = append(s.X, float64(p.rounds)), append(s.Y, p.mean)
			s.Low, s.High = append(s.Low, p.mean-1.96*p.se), append(s.High, p.mean+1.96*p.se)
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// figures is a row for each checkpoint.
func figures(games []outcome) page.Table {
	t := page.Table{
		Title: "Checkpoints",
		Note:  fmt.Sprintf("z is the difference in joint standard errors; above %d the regret is worse than the reference's.", tolerance),
		Columns: []page.Column{
			{Name: "Policy"}, {Name: "Rounds"}, {Name: "Regret"}, {Name: "Standard error"}, {Name: "Reference"}, {Name: "Its standard error"}, {Name: "z"},
		},
	}
	for _, g := range games {
		for _, p := range g.points {
			row := []any{g.policy, p.rounds, p.mean, p.se}
			if ref, z, ok := g.against(p); ok {
				row = append(row, ref.Mean, ref.SE, z)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}
