package annset

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// Point is what one setting of an index reaches.
type Point struct {
	Effort int     // candidate pool or lists read; 0 if there is no such thing
	Recall float64 // share of the true neighbours that were found
	QPS    float64 // queries per second
}

// Curve is the points of one index, by rising effort.
type Curve struct {
	Name   string
	Points []Point
}

// QPSAt returns the queries per second of the fastest setting that has at least a
// recall. Between two neighbouring points, one below and one above, the logarithm of
// the rate is taken to be linear in recall. It is 0 when the recall is not reached.
func (c Curve) QPSAt(recall float64) float64 {
	best := 0.0
	for i, p := range c.Points {
		if p.Recall >= recall {
			best = max(best, p.QPS)
			continue
		}
		if i+1 == len(c.Points) {
			break
		}
		if q := c.Points[i+1]; q.Recall >= recall {
			w := (recall - p.Recall) / (q.Recall - p.Recall)
			best = max(best, math.Exp((1-w)*math.Log(p.QPS)+w*math.Log(q.QPS)))
		}
	}
	return best
}

// MaxRecall returns the largest recall of the curve.
func (c Curve) MaxRecall() float64 {
	best := 0.0
	for _, p := range c.Points {
		best = max(best, p.Recall)
	}
	return best
}

// RecallLevels are the recalls at which curves are compared.
var RecallLevels = [...]float64{0.90, 0.95, 0.99}

// lowest is the recall below which a chart leaves points out, so that those in use are
// told apart.
const lowest = 0.8

// RecallChart draws recall against queries per second, on a logarithmic axis, with a
// point per setting. Up and to the right is better. Points with a recall below 0.8 are
// left out, but for the best one of an index that gets no further.
func RecallChart(title, note string, k int, curves []Curve) page.Scatter {
	chart := page.Scatter{
		Title: title,
		Note:  note,
		X:     page.Axis{Title: "Queries per second of one thread, log scale", Log: true, Format: page.Short},
		Y:     page.Axis{Title: fmt.Sprintf("Recall@%d", k), Include: []float64{1}, Format: page.Fixed(3)},
	}
	for _, c := range curves {
		g := page.Group{Name: c.Name, Join: len(c.Points) > 1}
		for _, p := range c.Points {
			if p.Recall < min(lowest, c.MaxRecall()) {
				continue
			}
			label := c.Name
			if p.Effort > 0 {
				label = fmt.Sprint(p.Effort)
			}
			g.Points = append(g.Points, page.Point{X: p.QPS, Y: p.Recall, Label: label})
		}
		chart.Groups = append(chart.Groups, g)
	}
	return chart
}

// RecallTable lists the queries per second of each curve at the [RecallLevels], the
// fastest of each level in bold; a level that a curve does not reach is empty.
func RecallTable(curves []Curve) page.Table {
	t := page.Table{
		Note:    "Queries per second where a curve crosses a recall; empty where it does not reach it.",
		Columns: []page.Column{{Name: "Index"}},
	}
	for _, r := range RecallLevels {
		t.Columns = append(t.Columns, page.Column{Name: fmt.Sprintf("at %.2f", r), Format: page.Count, Best: page.Highest})
	}
	t.Columns = append(t.Columns, page.Column{Name: "Largest recall", Format: page.Fixed(4)})
	for _, c := range curves {
		row := []any{c.Name}
		for _, r := range RecallLevels {
			if qps := c.QPSAt(r); qps > 0 {
				row = append(row, qps)
			} else {
				row = append(row, nil)
			}
		}
		t.Rows = append(t.Rows, append(row, c.MaxRecall()))
	}
	return t
}
