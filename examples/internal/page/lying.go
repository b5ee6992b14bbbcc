package page

import "math"

// lyingFrame describes the plot area of lying bars.
type lyingFrame struct {
	axis   Axis
	values span
	keys   []key
	names  []string // of the rows
	row    float64  // height of one
	room   float64  // for text right of the bars
	both   bool     // and left of them
}

// lyingPlot is a plot area of lying bars.
type lyingPlot struct {
	*canvas
	s           scale
	top, bottom float64
	marks       []Mark
	markRow     []int
}

// lying draws legend, grid, axis and the names of rows.
func (c *canvas) lying(f lyingFrame) *lyingPlot {
	p := &lyingPlot{canvas: c}
	names := 0.0
	for _, n := range f.names {
		names = max(names, textWidth(n, c.size))
	}
	names = min(names, c.width*c.pick(.3, .36))
	left, right := names+12, c.width-f.room-4
	if f.both {
		left += f.room
	}
	for n := max(4, int((right-left)/c.pick(80, 60))); ; n-- {
		p.s = newScale(f.axis, f.values, n, false)
		p.s.a, p.s.b = left, right
		if last := len(p.s.ticks) - 1; last >= 0 {
			over := textWidth(p.s.labels[last], c.small)/2 - (c.width - right)
			p.s.b -= max(0, min(over, c.width/4))
		}
		if n <= 2 || p.s.roomy(c.small) {
			break
		}
	}
	y := c.drawLegend(0, c.width, f.keys)
	y = p.layMarks(f.axis, y)
	p.top = y + 4
	p.bottom = p.top + float64(float64(len(f.names))*f.row)
	for i, t := range p.s.ticks {
		x := p.s.at(t)
		c.line("grid", x, p.top, x, p.bottom)
		c.text(x, p.bottom+17, "tick mid", p.s.labels[i])
	}
	for i, n := range f.names {
		y := p.top + float64((float64(i)+.5)*f.row) + 4.5
		if lines, ok := wrapTwo(n, names, c.size); ok && len(lines) == 2 && f.row >= 32 {
			c.text(names, y-8, "name end", lines[0])
			c.text(names, y+8, "name end", lines[1])
			continue
		}
		c.fitted(names, y, names, c.size, "name end", n)
	}
	c.height = p.bottom + 24
	if h := f.axis.heading(); h != "" {
		c.fitted(right, p.bottom+38, right, c.size, "axis end", h)
		c.height = p.bottom + 46
	}
	return p
}

// layMarks finds a row for the label of each mark, above the bars, and returns the y below.
func (p *lyingPlot) layMarks(axis Axis, y float64) float64 {
	var ends []float64
	for _, m := range axis.Marks {
		if !axis.shows(m.Value) {
			continue
		}
		mid, w := p.markMid(m)
		row := 0
		for row < len(ends) && ends[row] > mid-w/2-8 {
			row++
		}
		if row == len(ends) {
			ends = append(ends, math.Inf(-1))
		}
		ends[row] = mid + w/2
		p.marks, p.markRow = append(p.marks, m), append(p.markRow, row)
	}
	return y + float64(len(ends))*17
}

func (p *lyingPlot) markMid(m Mark) (mid, width float64) {
	w := min(textWidth(m.Label, p.small), p.width/2)
	return max(w/2, min(p.s.at(m.Value), p.width-w/2)), w
}

// finish draws the base line and the marks, over the bars.
func (p *lyingPlot) finish() {
	p.line("base", p.s.at(0), p.top, p.s.at(0), p.bottom)
	for i, m := range p.marks {
		x := p.s.at(m.Value)
		y := p.top - 8 - float64(p.markRow[i])*17
		mid, _ := p.markMid(m)
		p.line("mark", x, y+4, x, p.bottom)
		p.fitted(mid, y, p.width/2, p.small, "over mid", m.Label)
	}
}
