package page

import (
	"fmt"
	"html/template"
	"math"
)

// StackedBars draws a lying bar per row, made of parts: the time of each stage, the
// share of each source. The total stands at its end. Parts that are negative or not
// finite are left out and counted below the chart.
type StackedBars struct {
	Title string
	Note  string   // below the chart: what to see in it
	Desc  string   // text alternative; empty: the values of each part
	Axis  Axis     // of the values; Log is ignored
	Rows  []string // names
	Parts []Bars   // a value per row each, in the order of the stack
}

func (c StackedBars) render(r *renderer) (template.HTML, error) { return c.figure().render(r) }

func (c StackedBars) figure() figure {
	c.Axis.Log = false
	f := figure{title: c.Title, note: c.Note}
	var out leftOut
	c.Parts, f.remarks = cleanBars(c.Axis, c.Rows, c.Parts, &out)
	negative := 0
	for i, s := range c.Parts {
		c.Parts[i].Low, c.Parts[i].High = nil, nil
		for k, v := range s.Values {
			if v < 0 {
				negative++
				s.Values[k] = math.NaN()
			}
		}
	}
	for k := range c.Rows {
		if sum, _ := c.total(k); sum <= largestShown {
			continue
		}
		for _, s := range c.Parts {
			if !math.IsNaN(s.Values[k]) {
				out.notFinite++
				s.Values[k] = math.NaN()
			}
		}
	}
	f.remarks = append(f.remarks, out.remarks("values")...)
	if negative > 0 {
		f.remarks = append(f.remarks, "Left out: "+plural(negative, "value", "values")+" below zero, which a stack cannot show.")
	}
	f.table = barTable(c.Axis, c.Rows, c.Parts)
	c.withTotals(&f.table)
	f.desc = describeBars("Stacked bar chart of ", c.Desc, c.Axis, c.Rows, c.Parts)
	e := c.Axis.extent()
	for k := range c.Rows[:min(len(c.Rows), barsUpTo)] {
		if t, any := c.total(k); any {
			e.add(t)
		}
	}
	if !e.any {
		return f
	}
	if len(c.Rows) > barsUpTo {
		f.remarks = append(f.remarks, moreBars(len(c.Rows)))
		c.Rows = c.Rows[:barsUpTo]
	}
	e.add(0)
	v := e.closed()
	f.draw = func(cv *canvas) { c.draw(cv, v) }
	return f
}

// total returns the sum of row k, and whether it has a part.
func (c StackedBars) total(k int) (float64, bool) {
	sum, any := 0.0, false
	for _, s := range c.Parts {
		if !math.IsNaN(s.Values[k]) {
			sum += s.Values[k]
			any = true
		}
	}
	return sum, any
}

func (c StackedBars) withTotals(t *Table) {
	if len(c.Parts) < 2 {
		return
	}
	t.Columns = append(t.Columns, Column{Name: "Total", Unit: c.Axis.Unit, Format: c.Axis.Format})
	for i, k := range sample(len(c.Rows)) {
		if sum, any := c.total(k); any {
			t.Rows[i] = append(t.Rows[i], sum)
		}
	}
}

func (c StackedBars) draw(cv *canvas, v span) {
	const thick, row = 26.0, 40.0
	room := 0.0
	for k := range c.Rows {
		if t, any := c.total(k); any {
			room = max(room, textWidth(c.Axis.value(t), cv.small)+12)
		}
	}
	p := cv.lying(lyingFrame{
		axis: c.Axis, values: v, keys: barKeys(c.Parts),
		names: c.Rows, row: row, room: min(room, cv.width/4),
	})
	for k, name := range c.Rows {
		y := p.top + float64(float64(k)*row) + (row-thick)/2
		sum := 0.0
		for i, s := range c.Parts {
			v := s.Values[k]
			if math.IsNaN(v) || v == 0 {
				continue
			}
			from, to := p.s.at(sum), p.s.at(sum+v)
			sum += v
			title := fmt.Sprintf("%s, %s: %s", name, s.Name, c.Axis.value(v))
			cv.open("g", "class", seriesClass(i))
			cv.shape(title, "rect", "class", "fill", "x", from, "y", y, "width", max(0.5, to-from-1), "height", thick)
			if t := c.Axis.value(v); i < colours && textWidth(t, cv.small)+10 <= to-from {
				cv.text((from+to)/2, y+thick/2+4.5, "on mid", t)
			}
			cv.close("g")
		}
		if t, any := c.total(k); any {
			cv.fitted(p.s.at(t)+7, y+thick/2+4.5, cv.width/4, cv.small, "value", c.Axis.value(t))
		}
	}
	p.finish()
}
