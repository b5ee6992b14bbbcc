package page

import "math"

// frame describes the plot area of a chart with two axes.
type frame struct {
	x, y   Axis
	xv, yv span    // what they show
	roundX bool    // move the ends of x out to ticks, as those of y always are
	height float64 // of the plot area
	square bool    // plot area as wide as high
	inset  float64 // between the plot's edges and the ends of x
	legend []key
	ends   []endLabel // names at the right end of lines; wide drawings only
}

// key is an entry of a legend.
type key struct {
	series int
	name   string
	swatch bool // a filled square, not a marker
}

// endLabel is a text at the right of the plot, beside the value that it names.
type endLabel struct {
	series int // -1: a mark
	value  float64
	text   string
}

// plot is a plot area on a canvas.
type plot struct {
	*canvas
	frame
	xs, ys                   scale
	left, right, top, bottom float64
	markRow                  []int // row of the label of each x mark, above the plot
}

const (
	lineHeight = 19 // of legends and labels beside each other
	gutter     = 9  // between a label and what it belongs to
	nameWidth  = 165
)

// plot draws legend, grid and axes and returns where the data goes. Call finish when
// the data is drawn.
func (c *canvas) plot(f frame) *plot {
	p := &plot{canvas: c, frame: f, right: c.width - 6}
	p.ys = newScale(f.y, f.yv, int(f.height/46), true)
	p.left = min(p.ys.labelWidth(c.small)+gutter, c.width*0.35)
	if c.narrow {
		p.ends = nil
	} else {
		for _, m := range f.y.Marks {
			if f.y.shows(m.Value) {
				p.ends = append(p.ends[:len(p.ends):len(p.ends)], endLabel{-1, m.Value, m.Label})
			}
		}
		room := 0.0
		for _, e := range p.ends {
			room = max(room, min(textWidth(e.text, c.size), nameWidth)+gutter+10)
		}
		p.right -= room
	}
	if f.square {
		p.right = min(p.right, p.left+f.height)
	}
	p.layX()
	if f.square {
		p.frame.height = p.right - p.left
	}
	p.layY()
	p.grid()
	return p
}

// layX chooses as many ticks of x as have room.
func (p *plot) layX() {
	left, right := p.left, p.right
	for n := int((right - left) / p.pick(80, 60)); ; n-- {
		p.xs = newScale(p.x, p.xv, n, p.roundX)
		p.left, p.right = left, right
		for range 2 { // the outer labels stay on the canvas
			p.xs.a, p.xs.b = p.left+p.inset, p.right-p.inset
			if k := len(p.xs.ticks); k > 0 {
				last := p.xs.at(p.xs.ticks[k-1]) + textWidth(p.xs.labels[k-1], p.small)/2
				first := p.xs.at(p.xs.ticks[0]) - textWidth(p.xs.labels[0], p.small)/2
				p.right -= max(0, min(last-p.width, p.width/4))
				p.left += max(0, min(-first, p.width/4))
			}
		}
		if n <= 2 || p.xs.roomy(p.small) {
			return
		}
	}
}

// layY finds the top: below legend, title of y and labels of x marks.
func (p *plot) layY() {
	y := p.drawLegend(0, p.width, p.frame.legend)
	if h := p.y.heading(); h != "" {
		p.fitted(0, y+14, p.width, p.size, "axis", h)
		y += 22
	}
	ends := []float64{} // right end of the labels of each row
	for _, m := range p.x.Marks {
		if !p.x.shows(m.Value) {
			p.markRow = append(p.markRow, -1)
			continue
		}
		left, right := p.markSpan(m)
		row := 0
		for row < len(ends) && ends[row] > left-8 {
			row++
		}
		if row == len(ends) {
			ends = append(ends, 0)
		}
		ends[row] = right
		p.markRow = append(p.markRow, row)
	}
	y += float64(len(ends)) * 17
	p.top, p.bottom = y+8, y+8+p.frame.height
	p.ys.a, p.ys.b = p.bottom, p.top
	p.canvas.height = p.bottom + 22
	if p.x.heading() != "" {
		p.canvas.height += 22
	}
}

// markSpan returns from where to where the label of an x mark reaches.
func (p *plot) markSpan(m Mark) (left, right float64) {
	w := min(textWidth(m.Label, p.small), p.width/2)
	left = max(0, min(p.xs.at(m.Value)-w/2, p.width-w))
	return left, left + w
}

func (p *plot) grid() {
	for i, t := range p.ys.ticks {
		y := p.ys.at(t)
		class := "grid"
		if t == 0 {
			class = "base"
		}
		p.line(class, p.left, y, p.right, y)
		p.fitted(p.left-gutter, y+4, p.left-gutter, p.small, "tick end", p.ys.labels[i])
	}
	for i, t := range p.xs.ticks {
		x := p.xs.at(t)
		p.line("grid", x, p.bottom, x, p.bottom+5)
		w := (p.right - p.left) / float64(max(1, len(p.xs.ticks)-1))
		p.fitted(x, p.bottom+19, w, p.small, "tick mid", p.xs.labels[i])
	}
	if h := p.x.heading(); h != "" {
		p.fitted(p.right, p.bottom+40, p.right, p.size, "axis end", h)
	}
}

// finish draws marks and the names at line ends, over the data.
func (p *plot) finish() {
	for i, m := range p.x.Marks {
		if p.markRow[i] < 0 {
			continue
		}
		x := p.xs.at(m.Value)
		left, right := p.markSpan(m)
		y := p.top - 10 - float64(p.markRow[i])*17
		p.line("mark", x, y+5, x, p.bottom)
		p.fitted((left+right)/2, y, p.width/2, p.small, "over mid", m.Label)
	}
	if p.narrow {
		p.insideMarks()
	}
	at := make([]float64, len(p.ends))
	for i, e := range p.ends {
		at[i] = p.ys.at(e.value)
	}
	placed := spread(at, lineHeight-2, p.top+2, p.bottom)
	for i, e := range p.ends {
		class := seriesClass(max(e.series, 0))
		if e.series < 0 {
			p.line("mark", p.left, at[i], p.right, at[i])
			class = "marked"
		}
		p.open("g", "class", class)
		if e.series >= 0 || math.Abs(placed[i]-at[i]) > 3 {
			p.line("lead", p.right+3, at[i], p.right+gutter+4, placed[i])
		}
		p.fitted(p.right+gutter+8, placed[i]+4.5, nameWidth, p.size, "name", e.text)
		p.close("g")
	}
}

// insideMarks draws the marks of y with their labels inside the plot.
func (p *plot) insideMarks() {
	var at []float64
	var marks []Mark
	for _, m := range p.y.Marks {
		if p.y.shows(m.Value) {
			at, marks = append(at, p.ys.at(m.Value)), append(marks, m)
		}
	}
	for i, y := range spread(at, lineHeight-4, p.top+12, p.bottom) {
		p.line("mark", p.left, at[i], p.right, at[i])
		p.fitted(p.right, y-4, p.right-p.left, p.small, "over end", marks[i].Label)
	}
}

// drawLegend writes the keys in rows from y on and returns the y below them.
func (c *canvas) drawLegend(y, width float64, keys []key) float64 {
	if len(keys) == 0 {
		return y
	}
	const mark, gap = 18, 20
	x := 0.0
	for _, k := range keys {
		w := min(textWidth(k.name, c.size), width-mark)
		if x > 0 && x+mark+w > width {
			x, y = 0, y+lineHeight+2
		}
		c.legendKey(x, y, w, k)
		x += mark + w + gap
	}
	return y + lineHeight + 10
}

func (c *canvas) legendKey(x, y, width float64, k key) {
	c.open("g", "class", seriesClass(k.series))
	if k.swatch {
		c.shape("", "rect", "class", "fill", "x", x, "y", y+3.5, "width", 12.0, "height", 12.0, "rx", 2.0)
	} else {
		c.marker(k.series, x+6, y+9.5, 5, "")
	}
	c.fitted(x+18, y+14, width, c.size, "name", k.name)
	c.close("g")
}
