package page

import (
	"html/template"
	"strconv"
	"strings"
)

// Chart is an [Element] that is drawn: LineChart, Scatter, BarChart, StackedBars,
// Lorenz, Histogram.
type Chart interface {
	Element
	figure() figure
}

// figure is a chart made ready: what is drawn, and what is said about it.
type figure struct {
	title, note string
	desc        string        // text alternative
	remarks     []string      // what the drawing leaves out
	table       Table         // the values
	draw        func(*canvas) // nil: there is nothing to draw
}

// madeFigure is a figure ready for the template.
type madeFigure struct {
	Title, Note string
	Name        string // the title, or a word for none
	Drawings    []template.HTML
	Empty       bool
	Remarks     []string
	Table       *madeTable
}

func (f figure) render(r *renderer) (template.HTML, error) {
	r.figures++
	m := madeFigure{Title: f.title, Note: f.note, Name: f.name(), Remarks: f.remarks, Empty: f.draw == nil}
	if f.draw != nil {
		for _, narrow := range []bool{false, true} {
			m.Drawings = append(m.Drawings, template.HTML(f.svg("c"+strconv.Itoa(r.figures), narrow)))
		}
		if len(f.table.Rows) > 0 {
			t := f.table.made()
			t.Label = "Data: " + f.name()
			m.Table = &t
		}
	}
	return r.exec("figure", m)
}

func (f figure) name() string {
	if f.title == "" {
		return "Chart"
	}
	return f.title
}

func (f figure) svg(id string, narrow bool) string {
	c := newCanvas(narrow)
	if narrow {
		id += "n"
	}
	if f.draw != nil {
		f.draw(c)
	}
	return c.svg(id, f.name(), f.desc)
}

// SVG returns the wide drawing of a chart as one element, the way it stands in a page.
// Its colours and fonts come from the page's style sheet; without it shapes are black.
// A chart without a value gives a drawing of height 0.
func SVG(c Chart) string { return clean(c.figure().svg("c1", false)) }

// Image returns the wide drawing of a chart as an SVG file that needs no page.
func Image(c Chart) string {
	return strings.Replace(strings.Replace(SVG(c), "<svg ", `<svg xmlns="http://www.w3.org/2000/svg" `, 1),
		">", ">\n<style>\nsvg { background: var(--bg); font-family: system-ui, sans-serif; }\n"+chartStyle+"</style>", 1)
}

// leftOut counts the values that a drawing leaves out.
type leftOut struct {
	notFinite, notPositive int
}

// add counts v if axis cannot show it, and reports whether it can.
func (l *leftOut) add(axis Axis, v float64) bool {
	switch {
	case axis.shows(v):
		return true
	case v < smallestLog && v >= -largestShown: // NaN and −∞ are not
		l.notPositive++
	default:
		l.notFinite++
	}
	return false
}

// remarks says what was left out.
func (l leftOut) remarks(many string) []string {
	var r []string
	one := strings.TrimSuffix(many, "s")
	if l.notFinite > 0 {
		r = append(r, "Left out: "+plural(l.notFinite, one+" that is not a finite number.", many+" that are not finite numbers."))
	}
	if l.notPositive > 0 {
		r = append(r, "Left out: "+plural(l.notPositive, one, many)+" at or below zero, which a logarithmic axis cannot show.")
	}
	return r
}

// lengths says that slices of a series differ in length, if they do.
func lengths(name, a string, n int, b string, m int) []string {
	if n == m {
		return nil
	}
	if name == "" {
		name = "A series"
	}
	return []string{name + " has " + plural(n, a, a+"s") + " and " + plural(m, b, b+"s") + "; the first " +
		Count(float64(min(n, m))) + " are shown."}
}

// tableRows is the most rows that the table of a chart shows.
const tableRows = 200

// sample returns at most tableRows indexes of n, evenly spaced with both ends.
func sample(n int) []int {
	m := min(n, tableRows)
	at := make([]int, m)
	for i := range at {
		at[i] = i
		if m < n {
			at[i] = i * (n - 1) / (m - 1)
		}
	}
	return at
}

// sampled says that a table shows m of n rows, if m < n.
func sampled(m, n int) string {
	if m >= n {
		return ""
	}
	return Count(float64(m)) + " of " + Count(float64(n)) + " rows, evenly spaced."
}

// list joins names as prose: a, b and c.
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
