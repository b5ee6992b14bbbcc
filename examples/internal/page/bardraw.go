package page

import "math"

// barDrawing is a chart with what is drawn of it: finite values, and how they are shown.
type barDrawing struct {
	BarChart
	text Format // of values at bars
}

// standingPlot is the plot area of standing bars.
type standingPlot struct {
	s           scale
	left, right float64
	slot        float64    // width of a category
	names       [][]string // of the categories, in lines
}

const standingHeight = 280

// standing lays out standing bars; false when they are too thin or a name does not fit.
func (c barDrawing) standing(cv *canvas, v span) (standingPlot, bool) {
	p := standingPlot{s: newScale(c.Axis, v, standingHeight/46, true)}
	p.left = p.s.labelWidth(cv.small) + gutter
	p.right = cv.width - 2 - c.markRoom(cv)
	p.slot = (p.right - p.left) / float64(len(c.Categories))
	if p.slot*barShare < 14*float64(len(c.Series)) {
		return p, false
	}
	for _, n := range c.Categories {
		lines, ok := wrapTwo(n, p.slot-8, cv.small)
		if !ok {
			return p, false
		}
		p.names = append(p.names, lines)
	}
	return p, true
}

// barShare is the part of a category's width that its bars take.
const barShare = .74

func (c barDrawing) drawStanding(cv *canvas, p standingPlot) {
	const height = standingHeight
	y := cv.drawLegend(0, cv.width, barKeys(c.Series))
	if h := c.Axis.heading(); h != "" {
		cv.fitted(0, y+14, cv.width, cv.size, "axis", h)
		y += 24
	}
	y += 18
	p.s.a, p.s.b = y+height, y
	for i, t := range p.s.ticks {
		cv.line("grid", p.left, p.s.at(t), p.right, p.s.at(t))
		cv.text(p.left-gutter, p.s.at(t)+4, "tick end", p.s.labels[i])
	}
	w := min(p.slot*barShare/float64(len(c.Series)), 56)
	lines, below := 1, y+height+19
	if p.s.lo < 0 {
		below += 14 // below the values of the longest bars
	}
	for k, name := range p.names {
		mid := p.left + float64((float64(k)+.5)*p.slot)
		for i, line := range name {
			cv.text(mid, below+float64(i*15), "tick mid", line)
		}
		lines = max(lines, len(name))
		for i, b := range c.Series {
			if !math.IsNaN(b.Values[k]) {
				c.standingBar(cv, p.s, k, i, mid+float64((float64(i)-float64(len(c.Series))/2)*w), w)
			}
		}
	}
	cv.line("base", p.left, p.s.at(0), p.right, p.s.at(0))
	c.drawMarks(cv, p.s, p.left, p.right, y)
	cv.height = below - 9 + float64(lines)*15
}

func (c barDrawing) standingBar(cv *canvas, s scale, k, i int, x, w float64) {
	b := c.Series[i]
	v := b.Values[k]
	from, to := s.at(0), s.at(v)
	cv.open("g", "class", seriesClass(i))
	cv.shape(c.tooltip(k, i), "rect", "class", "fill", "x", x+1, "y", min(from, to), "width", w-2, "height", math.Abs(from-to))
	top, bottom := min(from, to), max(from, to)
	if b.hasError(k) {
		low, high := s.at(b.Low[k]), s.at(b.High[k])
		cv.whisker(x+w/2, low, x+w/2, high, min(5, w/4))
		top, bottom = min(top, high), max(bottom, low)
	}
	if text := c.text(v); textWidth(text, cv.small) <= w+4 {
		if v < 0 {
			cv.text(x+w/2, bottom+14, "value mid", text)
		} else {
			cv.text(x+w/2, top-6, "value mid", text)
		}
	}
	cv.close("g")
}

// whisker draws an error bar with caps of the given half width across it.
func (c *canvas) whisker(x1, y1, x2, y2, cap float64) {
	d := "M" + px(x1) + " " + px(y1) + "L" + px(x2) + " " + px(y2)
	for _, e := range [][2]float64{{x1, y1}, {x2, y2}} {
		if x1 == x2 {
			d += "M" + px(e[0]-cap) + " " + px(e[1]) + "h" + px(2*cap)
		} else {
			d += "M" + px(e[0]) + " " + px(e[1]-cap) + "v" + px(2*cap)
		}
	}
	c.shape("", "path", "class", "around", "d", d) // keeps it apart from the bar
	c.shape("", "path", "class", "whisker", "d", d)
}

// markRoom returns the room right of standing bars for the labels of marks.
func (c barDrawing) markRoom(cv *canvas) float64 {
	w := 0.0
	for _, m := range c.Axis.Marks {
		if c.Axis.shows(m.Value) {
			w = max(w, min(textWidth(m.Label, cv.small), cv.width/4)+12)
		}
	}
	return w
}

// drawMarks draws marks across standing bars, labelled at the right.
func (c barDrawing) drawMarks(cv *canvas, s scale, left, right, top float64) {
	var marks []Mark
	var at []float64
	for _, m := range c.Axis.Marks {
		if c.Axis.shows(m.Value) {
			marks, at = append(marks, m), append(at, s.at(m.Value))
		}
	}
	for i, y := range spread(at, 16, top, top+standingHeight) {
		cv.line("mark", left, at[i], right, at[i])
		cv.fitted(right+8, y+4, cv.width/4, cv.small, "tick", marks[i].Label)
	}
}

func (c barDrawing) drawLying(cv *canvas, v span) {
	const thick, gap = 18.0, 12.0
	n := float64(len(c.Series))
	bar := thick
	if n == 1 {
		bar = 22
	}
	p := cv.lying(lyingFrame{
		axis: c.Axis, values: v, keys: barKeys(c.Series),
		names: c.Categories, row: n*bar + gap, room: c.valueRoom(cv), both: v.lo < 0,
	})
	for k := range c.Categories {
		for i, b := range c.Series {
			if math.IsNaN(b.Values[k]) {
				continue
			}
			c.lyingBar(cv, p.s, k, i, p.top+float64(float64(k)*(n*bar+gap))+gap/2+float64(float64(i)*bar), bar)
		}
	}
	p.finish()
}

// valueRoom returns the width of the widest text at a bar.
func (c barDrawing) valueRoom(cv *canvas) float64 {
	w := 0.0
	for _, b := range c.Series {
		for k := range c.Categories {
			if !math.IsNaN(b.Values[k]) {
				w = max(w, textWidth(c.text(b.Values[k]), cv.small)+10)
			}
		}
	}
	return min(w, cv.width/4)
}

func (c barDrawing) lyingBar(cv *canvas, s scale, k, i int, y, thick float64) {
	b := c.Series[i]
	v := b.Values[k]
	from, to := s.at(0), s.at(v)
	cv.open("g", "class", seriesClass(i))
	cv.shape(c.tooltip(k, i), "rect", "class", "fill", "x", min(from, to), "y", y+1, "width", math.Abs(from-to), "height", thick-2)
	left, right := min(from, to), max(from, to)
	if b.hasError(k) {
		low, high := s.at(b.Low[k]), s.at(b.High[k])
		cv.whisker(low, y+thick/2, high, y+thick/2, 4)
		left, right = min(left, low), max(right, high)
	}
	if v < 0 {
		cv.fitted(left-6, y+thick/2+4, cv.width/4, cv.small, "value end", c.text(v))
	} else {
		cv.fitted(right+6, y+thick/2+4, cv.width/4, cv.small, "value", c.text(v))
	}
	cv.close("g")
}
