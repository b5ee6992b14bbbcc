package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// Lorenz draws how unequally something is shared out among items, against the diagonal
// of equal shares: a point x, y says that the fraction x of the items with the least
// has together the fraction y of it all. The Gini coefficient stands beside each name.
//
// Source: Lorenz, Methods of Measuring the Concentration of Wealth, 1905.
type Lorenz struct {
	Title  string
	Note   string // below the chart: what to see in it
	Desc   string // text alternative; empty: Gini coefficient and share of the top items
	Items  string // what the values belong to; empty: "items"
	What   string // what is shared out; empty: "exposure"
	Series []Shares
}

// Shares is the amount of each item, in any order, zeros included. Values that are
// negative or not finite are left out and counted below the chart.
type Shares struct {
	Name   string
	Values []float64
}

// lorenzCurve is the curve of one series at points evenly spaced over its items.
type lorenzCurve struct {
	index  int
	name   string
	n      int
	cum    []float64 // cum[i] is the share of the i items with the least; nil: nothing to share
	gini   float64
	sample []int // which of cum are drawn
}

func (c Lorenz) render(r *renderer) (template.HTML, error) { return c.figure().render(r) }

func (c Lorenz) figure() figure {
	if c.Items == "" {
		c.Items = "items"
	}
	if c.What == "" {
		c.What = "exposure"
	}
	f := figure{title: c.Title, note: c.Note}
	var out leftOut
	var curves []lorenzCurve
	for i, s := range c.Series {
		l := newCurve(i, s, &out)
		if l.cum == nil {
			f.remarks = append(f.remarks, l.name+" has nothing to share out.")
			continue
		}
		curves = append(curves, l)
	}
	if k := out.notFinite; k > 0 {
		f.remarks = append(f.remarks, "Left out: "+plural(k, "value that is not a finite number.", "values that are not finite numbers."))
	}
	if k := out.notPositive; k > 0 {
		f.remarks = append(f.remarks, "Left out: "+plural(k, "value", "values")+" below zero.")
	}
	f.table = c.table(curves)
	f.desc = c.describe(curves)
	if len(curves) > 0 {
		f.draw = func(cv *canvas) { c.draw(cv, curves) }
	}
	return f
}

func newCurve(i int, s Shares, out *leftOut) lorenzCurve {
	l := lorenzCurve{index: i, name: s.Name}
	if l.name == "" {
		l.name = fmt.Sprintf("Series %d", i+1)
	}
	var v []float64
	for _, x := range s.Values {
		switch {
		case math.IsNaN(x) || math.Abs(x) > largestShown:
			out.notFinite++
		case x < 0:
			out.notPositive++
		default:
			v = append(v, x)
		}
	}
	slices.Sort(v)
	l.n = len(v)
	if l.n == 0 || v[l.n-1] == 0 {
		return l
	}
	largest := v[l.n-1] // dividing by it keeps the sum finite
	cum := make([]float64, l.n+1)
	for k, x := range v {
		cum[k+1] = cum[k] + x/largest
	}
	area := 0.0
	for k := range cum {
		cum[k] /= cum[l.n]
	}
	for k := 1; k <= l.n; k++ {
		area += (cum[k-1] + cum[k]) / 2
	}
	l.cum = cum
	l.gini = 1 - 2*area/float64(l.n)
	points := min(l.n, 240)
	for k := 0; k <= points; k++ {
		l.sample = append(l.sample, k*l.n/points)
	}
	return l
}

// at returns the share of the fraction x of the items with the least.
func (l *lorenzCurve) at(x float64) float64 {
	p := x * float64(l.n)
	i := min(int(p), l.n-1)
	return l.cum[i] + float64((p-float64(i))*(l.cum[i+1]-l.cum[i]))
}

func (l *lorenzCurve) label() string { return l.name + ", Gini " + Fixed(3)(l.gini) }

func (c Lorenz) draw(cv *canvas, curves []lorenzCurve) {
	percent := func(v float64) string { return Percent(0)(v) }
	x := Axis{Title: "Share of " + c.Items + ", least first", Format: percent}
	y := Axis{Title: "Share of " + c.What, Format: percent}
	f := frame{x: x, y: y, xv: span{hi: 1}, yv: span{hi: 1}, roundX: true, height: 400, square: true}
	for _, l := range curves {
		if cv.narrow {
			f.legend = append(f.legend, key{series: l.index, name: l.label()})
		}
	}
	p := cv.plot(f)
	p.line("mark", p.left, p.bottom, p.right, p.top)
	mx, my := (p.left+p.right)/2, (p.top+p.bottom)/2
	cv.open("g", "transform", fmt.Sprintf("rotate(-45 %s %s)", px(mx), px(my)))
	cv.text(mx, my-7, "tick mid", "equal shares")
	cv.close("g")
	for _, l := range slices.Backward(curves) {
		var d strings.Builder
		for i, k := range l.sample {
			d.WriteString(string("ML"[min(i, 1)]) + px(p.xs.at(float64(k)/float64(l.n))) + " " + px(p.ys.at(l.cum[k])))
		}
		cv.open("g", "class", seriesClass(l.index))
		cv.shape(l.label(), "path", "class", "line", "d", d.String())
		for i := 1; i < 5; i++ { // four markers tell the curves apart without colour
			at := float64(i) / 5
			cv.marker(l.index, p.xs.at(at), p.ys.at(l.at(at)), 4, fmt.Sprintf("%s: %s of the %s have %s", l.name, Percent(0)(at), c.Items, Percent(1)(l.at(at))))
		}
		cv.close("g")
	}
	if !cv.narrow {
		cv.sideLegend(p.right+36, p.top+4, curves)
	}
}

// sideLegend writes name and Gini coefficient of each curve right of the plot.
func (c *canvas) sideLegend(x, y float64, curves []lorenzCurve) {
	for _, l := range curves {
		c.legendKey(x, y, c.width-x-24, key{series: l.index, name: l.name})
		c.text(x+18, y+31, "tick", "Gini "+Fixed(3)(l.gini))
		y += 50
	}
	c.height = max(c.height, y)
}

func (c Lorenz) describe(curves []lorenzCurve) string {
	if c.Desc != "" {
		return c.Desc
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Lorenz curves of %s over %s.", c.What, c.Items)
	for _, l := range curves {
		fmt.Fprintf(&b, " %s: Gini coefficient %s over %s %s; the top 10%% have %s.", l.name, Fixed(3)(l.gini), Count(float64(l.n)), c.Items, Percent(1)(1-l.at(.9)))
	}
	return b.String()
}

func (c Lorenz) table(curves []lorenzCurve) Table {
	t := Table{Columns: []Column{{Name: "Share of " + c.Items + ", least first"}}}
	for _, l := range curves {
		t.Columns = append(t.Columns, Column{Name: l.name, Format: Percent(1)})
	}
	for _, x := range []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .99} {
		row := []any{Percent(0)(x)}
		for _, l := range curves {
			row = append(row, l.at(x))
		}
		t.Rows = append(t.Rows, row)
	}
	gini := []any{"Gini coefficient"}
	for _, l := range curves {
		gini = append(gini, Fixed(3)(l.gini))
	}
	t.Rows = append(t.Rows, gini)
	return t
}
