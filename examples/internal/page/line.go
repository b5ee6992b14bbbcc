package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// LineChart draws series as lines over an axis. Where all lines reach the right edge
// their names stand there, else in a legend. Lines of up to 40 points have markers.
// Of a long series each of 180 stretches keeps its first, lowest, highest and last
// point, so no peak is lost.
type LineChart struct {
	Title  string
	Note   string // below the chart: what to see in it
	Desc   string // text alternative; empty: axes, and range of each series
	X, Y   Axis
	Series []Series
}

// Series is a line. A value that is not finite is a gap.
type Series struct {
	Name string
	X    []float64 // in the order in which the points are joined; nil: 1, 2, 3, …
	Y    []float64
	// Low and High are the ends of a confidence band, parallel to Y; nil: none. Where
	// either is not finite the band has a gap.
	Low, High []float64
}

const markersUpTo = 40 // points of a line

func (c LineChart) render(r *renderer) (template.HTML, error) { return c.figure().render(r) }

func (c LineChart) figure() figure {
	f := figure{title: c.Title, note: c.Note}
	xe, ye := c.X.extent(), c.Y.extent()
	var out leftOut
	var lines []lineData
	longest := 0
	for i, s := range c.Series {
		l, remarks := c.line(i, s, &out)
		f.remarks = append(f.remarks, remarks...)
		lines = append(lines, l)
		longest = max(longest, len(l.y))
		for k := range l.y {
			if math.IsNaN(l.y[k]) {
				continue
			}
			xe.add(l.x[k])
			ye.add(l.y[k])
			if l.banded(k) {
				ye.add(l.low[k])
				ye.add(l.high[k])
			}
		}
	}
	f.remarks = append(f.remarks, out.remarks("points")...)
	if longest > 4*stretches {
		f.remarks = append(f.remarks, fmt.Sprintf("Series of more than %d points are drawn thinned: each of %d stretches keeps its first, lowest, highest and last.", 4*stretches, stretches))
	}
	f.table = c.table(lines)
	f.desc = c.describe(lines)
	if !xe.any {
		return f
	}
	frame := frame{x: c.X, y: c.Y, inset: 8}
	frame.xv, frame.yv = xe.closed(), ye.closed()
	f.draw = func(cv *canvas) { c.draw(cv, frame, lines) }
	return f
}

// lineData is a series made safe: equal lengths, NaN in y where there is no point.
type lineData struct {
	index           int
	name            string
	x, y            []float64
	low, high       []float64 // nil: no band
	points          int       // how many there are
	first, last     int       // of them; -1 when there are none
	lowest, highest float64
}

func (l *lineData) banded(k int) bool {
	return l.low != nil && !math.IsNaN(l.low[k]) && !math.IsNaN(l.high[k])
}

// line makes the series of an index safe; it counts what it leaves out, and says where
// lengths differ.
func (c LineChart) line(index int, s Series, out *leftOut) (lineData, []string) {
	name := s.Name
	if name == "" {
		name = fmt.Sprintf("Series %d", index+1)
	}
	x := s.X
	if x == nil {
		x = make([]float64, len(s.Y))
		for i := range x {
			x[i] = float64(i + 1)
		}
	}
	remarks := lengths(name, "x value", len(x), "y value", len(s.Y))
	n := min(len(x), len(s.Y))
	l := lineData{
		index: index, name: name, x: x[:n], y: make([]float64, n),
		first: -1, last: -1, lowest: math.Inf(1), highest: math.Inf(-1),
	}
	for i := range n {
		if okX, okY := c.X.shows(x[i]), c.Y.shows(s.Y[i]); !okX || !okY {
			if okX {
				out.add(c.Y, s.Y[i])
			} else {
				out.add(c.X, x[i])
			}
			l.y[i] = math.NaN()
			continue
		}
		l.y[i] = s.Y[i]
		if l.first < 0 {
			l.first = i
		}
		l.last = i
		l.points++
		l.lowest, l.highest = min(l.lowest, s.Y[i]), max(l.highest, s.Y[i])
	}
	if s.Low != nil || s.High != nil {
		remarks = append(remarks, c.bandOf(s, &l)...)
	}
	return l, remarks
}

// bandOf reads the band of s into l and says where it is short.
func (c LineChart) bandOf(s Series, l *lineData) []string {
	var remarks []string
	n := len(l.y)
	if len(s.Low) != n || len(s.High) != n {
		remarks = append(remarks, fmt.Sprintf("The band of %s is left out beyond its ends: it has %d low and %d high values for %d points.", l.name, len(s.Low), len(s.High), n))
	}
	l.low, l.high = make([]float64, n), make([]float64, n)
	for i := range n {
		l.low[i], l.high[i] = math.NaN(), math.NaN()
		if i < len(s.Low) && i < len(s.High) && !math.IsNaN(l.y[i]) && c.Y.shows(s.Low[i]) && c.Y.shows(s.High[i]) {
			l.low[i], l.high[i] = s.Low[i], s.High[i]
		}
	}
	return remarks
}

func (c LineChart) draw(cv *canvas, f frame, lines []lineData) {
	f.height = cv.pick(320, 240)
	if len(lines) > 1 {
		f.ends = endLabels(lines, f.xv, int(f.height/lineHeight)-len(c.Y.Marks))
		if cv.narrow || f.ends == nil {
			f.legend = keys(lines)
		}
	}
	p := cv.plot(f)
	for _, l := range lines {
		if l.low != nil {
			p.band(l)
		}
	}
	for _, l := range slices.Backward(lines) { // the first series lies on top
		p.lineOf(l)
	}
	p.finish()
}

// endLabels returns the names for the right edge, or nil if a line ends before it.
func endLabels(lines []lineData, x span, most int) []endLabel {
	var ends []endLabel
	for _, l := range lines {
		if l.points == 0 {
			continue
		}
		if l.x[l.last] < x.hi-float64(0.02*(x.hi-x.lo)) || len(ends) >= most {
			return nil
		}
		ends = append(ends, endLabel{l.index, l.y[l.last], l.name})
	}
	return ends
}

func keys(lines []lineData) []key {
	var k []key
	for _, l := range lines {
		if l.points > 0 {
			k = append(k, key{series: l.index, name: l.name})
		}
	}
	return k
}

func (p *plot) lineOf(l lineData) {
	var path strings.Builder
	p.open("g", "class", seriesClass(l.index))
	kept := thin(l.y)
	joined := false
	var alone []int // points without a line to either side
	for i, k := range kept {
		if math.IsNaN(l.y[k]) {
			joined = false
			continue
		}
		op := "L"
		if !joined {
			op = "M"
			if i+1 == len(kept) || math.IsNaN(l.y[kept[i+1]]) {
				alone = append(alone, k)
			}
		}
		joined = true
		path.WriteString(op + px(p.xs.at(l.x[k])) + " " + px(p.ys.at(l.y[k])))
	}
	if path.Len() > 0 {
		p.shape("", "path", "class", "line", "d", path.String())
	}
	if len(l.y) <= markersUpTo {
		alone = kept
	}
	for _, k := range alone {
		if math.IsNaN(l.y[k]) {
			continue
		}
		title := fmt.Sprintf("%s: %s %s, %s %s", l.name, p.x.name("x"), p.x.value(l.x[k]), p.y.name("y"), p.y.value(l.y[k]))
		if l.banded(k) {
			title += " (" + p.y.value(l.low[k]) + " to " + p.y.value(l.high[k]) + ")"
		}
		p.marker(l.index, p.xs.at(l.x[k]), p.ys.at(l.y[k]), p.pick(4, 3.5), title)
	}
	p.close("g")
}

// band draws the band of a line, in as many parts as it has gaps.
func (p *plot) band(l lineData) {
	// The ends are thinned on their own, so that the widest places stay.
	at := append(thin(l.low), thin(l.high)...)
	slices.Sort(at)
	at = slices.Compact(at)
	p.open("g", "class", seriesClass(l.index))
	for from := 0; from < len(at); {
		to := from
		for to < len(at) && l.banded(at[to]) {
			to++
		}
		if to > from {
			var d strings.Builder
			op := "M"
			for _, k := range at[from:to] {
				d.WriteString(op + px(p.xs.at(l.x[k])) + " " + px(p.ys.at(l.high[k])))
				op = "L"
			}
			for _, k := range slices.Backward(at[from:to]) {
				d.WriteString("L" + px(p.xs.at(l.x[k])) + " " + px(p.ys.at(l.low[k])))
			}
			p.shape("", "path", "class", "band", "d", d.String()+"Z")
		}
		from = to + 1
	}
	p.close("g")
}
