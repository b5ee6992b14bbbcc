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

// barWidth returns the width of a bar of one of so many series.
func (p standingPlot) barWidth(series int) float64 {
	return min(p.slot*barShare/float64(series), 56)
}

// bar returns the left edge of the bar of series i in category k.
func (p standingPlot) bar(k, i, series int) float64 {
	mid := p.left + float64((float64(k)+.5)*p.slot)
	return mid + float64((float64(i)-float64(series)/2)*p.barWidth(series))
}

// eachValue calls f with each bar and the text of its value. Values are written after
// bars and marks, so that nothing crosses them.
func (c barDrawing) eachValue(f func(k, i int, text string)) {
	for k := range c.Categories {
		for i, b := range c.Series {
			if !math.IsNaN(b.Values[k]) {
				f(k, i, c.text(b.Values[k]))
			}
		}
	}
}

// reach returns the pixels that the bar of series i in category k and its error bar
// reach to, on the side of low values and on that of high ones.
func (c barDrawing) reach(s scale, k, i int) (low, high float64) {
	b := c.Series[i]
	v, w := min(0, b.Values[k]), max(0, b.Values[k])
	if b.hasError(k) {
		v, w = min(v, b.Low[k]), max(w, b.High[k])
	}
	return s.at(v), s.at(w)
}

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
	w := p.barWidth(len(c.Series))
	lines, below := 1, y+height+19
	if p.s.lo < 0 {
		below += 14 // below the values of the longest bars
	}
	for k, name := range p.names {
		for i, line := range name {
			cv.text(p.left+float64((float64(k)+.5)*p.slot), below+float64(i*15), "tick mid", line)
		}
		lines = max(lines, len(name))
		for i, b := range c.Series {
			if !math.IsNaN(b.Values[k]) {
				c.standingBar(cv, p.s, k, i, p.bar(k, i, len(c.Series)), w)
			}
		}
	}
	cv.line("base", p.left, p.s.at(0), p.right, p.s.at(0))
	c.drawMarks(cv, p.s, p.left, p.right, y)
	c.eachValue(func(k, i int, text string) {
		x := p.bar(k, i, len(c.Series)) + w/2
		bottom, top := c.reach(p.s, k, i)
		switch {
		case textWidth(text, cv.small) > w+4:
		case c.Series[i].Values[k] < 0:
			cv.text(x, bottom+14, "value mid", text)
		default:
			cv.text(x, top-6, "value mid", text)
		}
	})
	cv.height = below - 9 + float64(lines)*15
}

func (c barDrawing) standingBar(cv *canvas, s scale, k, i int, x, w float64) {
	b := c.Series[i]
	v := b.Values[k]
	from, to := s.at(0), s.at(v)
	cv.open("g", "class", seriesClass(i))
	cv.shape(c.tooltip(k, i), "rect", "class", "fill", "x", x+1, "y", min(from, to), "width", w-2, "height", math.Abs(from-to))
	if b.hasError(k) {
		cv.whisker(x+w/2, s.at(b.Low[k]), x+w/2, s.at(b.High[k]), min(5, w/4))
	}
	cv.close("g")
}

// whisker draws an error bar with caps of the given half width across it.
func (c *canvas) whisker(x1, y1, x2, y2, half float64) {
	d := "M" + px(x1) + " " + px(y1) + "L" + px(x2) + " " + px(y2)
	for _, e := range [][2]float64{{x1, y1}, {x2, y2}} {
		if x1 == x2 {
			d += "M" + px(e[0]-half) + " " + px(e[1]) + "h" + px(2*half)
		} else {
			d += "M" + px(e[0]) + " " + px(e[1]-half) + "v" + px(2*half)
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
	at := func(k, i int) float64 { // top of a bar
		return p.top + float64(float64(k)*(n*bar+gap)) + gap/2 + float64(float64(i)*bar)
	}
	c.eachValue(func(k, i int, _ string) { c.lyingBar(cv, p.s, k, i, at(k, i), bar) })
	p.finish()
	c.eachValue(func(k, i int, text string) {
		left, right := c.reach(p.s, k, i)
		y := at(k, i) + bar/2 + 4
		if c.Series[i].Values[k] < 0 {
			cv.fitted(left-6, y, cv.width/4, cv.small, "value end", text)
		} else {
			cv.fitted(right+6, y, cv.width/4, cv.small, "value", text)
		}
	})
}

// valueRoom returns the width of the widest text at a bar.
func (c barDrawing) valueRoom(cv *canvas) float64 {
	w := 0.0
	c.eachValue(func(_, _ int, text string) { w = max(w, textWidth(text, cv.small)+10) })
	return min(w, cv.width/4)
}

func (c barDrawing) lyingBar(cv *canvas, s scale, k, i int, y, thick float64) {
	b := c.Series[i]
	v := b.Values[k]
	from, to := s.at(0), s.at(v)
	cv.open("g", "class", seriesClass(i))
	cv.shape(c.tooltip(k, i), "rect", "class", "fill", "x", min(from, to), "y", y+1, "width", math.Abs(from-to), "height", thick-2)
	if b.hasError(k) {
		cv.whisker(s.at(b.Low[k]), y+thick/2, s.at(b.High[k]), y+thick/2, 4)
	}
	cv.close("g")
}
