package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// Scatter draws points over two axes, with labels beside them where they have room; all
// labels stand in tooltips and in the table. Of points of a large group that lie on the
// same spot one is drawn.
type Scatter struct {
	Title  string
	Note   string // below the chart: what to see in it
	Desc   string // text alternative; empty: axes, and range of each group
	X, Y   Axis
	Groups []Group
}

// Group is points of one kind. When each group is one point whose label is the name of
// the group there is no legend.
type Group struct {
	Name   string
	Points []Point
	Join   bool // draw a line through the points in their order, e.g. one setting after another
}

// Point is a point of a [Scatter].
type Point struct {
	X, Y  float64
	Label string // empty for none
}

const (
	labelsUpTo = 80  // points with a label, in all
	fewPoints  = 200 // of a group that is drawn whole
	raster     = 4   // pixels within which points of a larger group count as one spot
)

func (c Scatter) render(r *renderer) (template.HTML, error) { return c.figure().render(r) }

func (c Scatter) figure() figure {
	f := figure{title: c.Title, note: c.Note}
	xe, ye := c.X.extent(), c.Y.extent()
	var out leftOut
	points := 0
	labels := 0
	for _, g := range c.Groups {
		for _, p := range g.Points {
			switch {
			case c.X.shows(p.X) && c.Y.shows(p.Y):
				xe.add(p.X)
				ye.add(p.Y)
				points++
				if p.Label != "" {
					labels++
				}
			case c.X.shows(p.X):
				out.add(c.Y, p.Y)
			default:
				out.add(c.X, p.X)
			}
		}
	}
	f.remarks = out.remarks("points")
	if labels > labelsUpTo {
		f.remarks = append(f.remarks, fmt.Sprintf("Labels stand at %d of %s labelled points; the table has all.", labelsUpTo, Count(float64(labels))))
	}
	f.table = c.table()
	f.desc = c.describe()
	if !xe.any {
		return f
	}
	frame := frame{x: c.X, y: c.Y, roundX: true}
	frame.xv, frame.yv = xe.closed(), ye.closed()
	radius := 5.0
	switch {
	case points > 1000:
		radius = 2.5
	case points > fewPoints:
		radius = 3.5
	}
	f.draw = func(cv *canvas) { c.draw(cv, frame, radius) }
	return f
}

func (c Scatter) name(i int) string {
	if n := c.Groups[i].Name; n != "" {
		return n
	}
	return fmt.Sprintf("Group %d", i+1)
}

// labelled reports whether each group is one point that its own label names.
func (c Scatter) labelled() bool {
	for _, g := range c.Groups {
		if len(g.Points) != 1 || g.Points[0].Label != g.Name {
			return false
		}
	}
	return true
}

func (c Scatter) draw(cv *canvas, f frame, radius float64) {
	f.height = cv.pick(380, 290)
	if len(c.Groups) > 1 && !c.labelled() {
		for i := range c.Groups {
			f.legend = append(f.legend, key{series: i, name: c.name(i)})
		}
	}
	p := cv.plot(f)
	l := labeller{
		bounds: box{p.left - 4, p.top - 8, p.width, p.bottom - 2},
		size:   p.small, width: p.pick(180, 120),
	}
	var wanted []spot
	for i, g := range c.Groups {
		p.open("g", "class", seriesClass(i))
		if g.Join {
			p.join(g, &l)
		}
		wanted = append(wanted, p.dots(i, c.name(i), g, radius, &l)...)
		p.close("g")
	}
	for _, t := range l.place(wanted[:min(len(wanted), labelsUpTo)]) {
		p.textOf(t.x, t.y, "over "+t.class, t.text, t.full)
	}
	p.finish()
}

// join draws the line through the points of a group, with gaps at those left out.
func (p *plot) join(g Group, l *labeller) {
	var d strings.Builder
	lastX, lastY := math.NaN(), math.NaN()
	for _, q := range g.Points {
		if !p.x.shows(q.X) || !p.y.shows(q.Y) {
			lastX = math.NaN()
			continue
		}
		x, y := p.xs.at(q.X), p.ys.at(q.Y)
		if math.IsNaN(lastX) {
			d.WriteString("M" + px(x) + " " + px(y))
		} else {
			d.WriteString("L" + px(x) + " " + px(y))
			l.lines = append(l.lines, [4]float64{lastX, lastY, x, y})
		}
		lastX, lastY = x, y
	}
	if d.Len() > 0 {
		p.shape("", "path", "class", "line", "d", d.String())
	}
}

// dots draws the points of a group and returns those that want a label.
func (p *plot) dots(i int, name string, g Group, radius float64, l *labeller) []spot {
	var wanted []spot
	seen := map[[2]int]bool{}
	for _, q := range g.Points {
		if !p.x.shows(q.X) || !p.y.shows(q.Y) {
			continue
		}
		x, y := p.xs.at(q.X), p.ys.at(q.Y)
		cell := [2]int{int(x / raster), int(y / raster)}
		if seen[cell] && q.Label == "" && len(g.Points) > fewPoints {
			continue
		}
		seen[cell] = true
		s := spot{x, y, radius, q.Label}
		l.points = append(l.points, s)
		if q.Label != "" {
			wanted = append(wanted, s)
		}
		title := fmt.Sprintf("%s %s, %s %s", p.x.name("x"), p.x.value(q.X), p.y.name("y"), p.y.value(q.Y))
		switch {
		case q.Label != "" && q.Label != name && len(g.Name) > 0:
			title = name + ", " + q.Label + ": " + title
		case q.Label != "":
			title = q.Label + ": " + title
		case g.Name != "":
			title = name + ": " + title
		}
		p.marker(i, x, y, radius, title)
	}
	return wanted
}

func (c Scatter) describe() string {
	if c.Desc != "" {
		return c.Desc
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Scatter plot of %s against %s.", c.Y.name("y"), c.X.name("x"))
	for i, g := range c.Groups {
		if i == 12 {
			fmt.Fprintf(&b, " And %s.", plural(len(c.Groups)-i, "more group", "more groups"))
			break
		}
		x, y, n := c.X.extent(), c.Y.extent(), 0
		for _, p := range g.Points {
			if c.X.shows(p.X) && c.Y.shows(p.Y) {
				x.add(p.X)
				y.add(p.Y)
				n++
			}
		}
		switch n {
		case 0:
			fmt.Fprintf(&b, " %s: no points.", c.name(i))
		case 1:
			fmt.Fprintf(&b, " %s: %s %s, %s %s.", c.name(i), c.X.name("x"), c.X.value(x.lo), c.Y.name("y"), c.Y.value(y.lo))
		default:
			fmt.Fprintf(&b, " %s: %s, %s %s to %s, %s %s to %s.", c.name(i), plural(n, "point", "points"),
				c.X.name("x"), c.X.value(x.lo), c.X.value(x.hi), c.Y.name("y"), c.Y.value(y.lo), c.Y.value(y.hi))
		}
	}
	return b.String()
}

// table has a row per point, with its group and its label as far as there are any.
func (c Scatter) table() Table {
	n, labels := 0, false
	for _, g := range c.Groups {
		n += len(g.Points)
		labels = labels || slices.ContainsFunc(g.Points, func(p Point) bool { return p.Label != "" })
	}
	groups := len(c.Groups) > 1 && !c.labelled() || !labels
	t := Table{}
	if groups {
		t.Columns = append(t.Columns, Column{Name: "Group"})
	}
	if labels {
		t.Columns = append(t.Columns, Column{Name: "Point"})
	}
	t.Columns = append(t.Columns, Column{Name: c.X.name("x"), Unit: c.X.Unit, Format: c.X.Format},
		Column{Name: c.Y.name("y"), Unit: c.Y.Unit, Format: c.Y.Format})
	at := sample(n)
	i, before := 0, 0 // the group of row k, and the rows before its own
	for _, k := range at {
		for k-before >= len(c.Groups[i].Points) {
			before += len(c.Groups[i].Points)
			i++
		}
		p := c.Groups[i].Points[k-before]
		var row []any
		if groups {
			row = append(row, c.name(i))
		}
		if labels {
			row = append(row, p.Label)
		}
		t.Rows = append(t.Rows, append(row, p.X, p.Y))
	}
	t.Note = sampled(len(at), n)
	return t
}
