package page

import (
	"fmt"
	"strings"
)

// canvas is one drawing of a chart under way. Charts are drawn twice, wide and narrow,
// and the style sheet shows the one that reads at the width there is.
type canvas struct {
	b      strings.Builder
	width  float64
	height float64 // set by the drawing
	narrow bool
	size   float64 // of text, in pixels
	small  float64 // of tick labels
}

func newCanvas(narrow bool) *canvas {
	if narrow {
		return &canvas{width: 360, narrow: true, size: 12.5, small: 12}
	}
	return &canvas{width: 840, size: 13.5, small: 12.5}
}

// pick returns wide or narrow, whichever the canvas is.
func (c *canvas) pick(wide, narrow float64) float64 {
	if c.narrow {
		return narrow
	}
	return wide
}

// open starts an element. attrs are names and values in turn; values are strings, which
// are escaped, or float64 pixels. Empty strings are left out.
func (c *canvas) open(name string, attrs ...any) {
	c.start(name, attrs)
	c.b.WriteString(">\n")
}

func (c *canvas) close(name string) { c.b.WriteString("</" + name + ">\n") }

// shape writes an element, with a tooltip unless title is empty.
func (c *canvas) shape(title, name string, attrs ...any) {
	c.start(name, attrs)
	if title == "" {
		c.b.WriteString("/>\n")
		return
	}
	c.b.WriteString("><title>" + escape(tooltip(title)) + "</title></" + name + ">\n")
}

func (c *canvas) start(name string, attrs []any) {
	c.b.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		switch v := attrs[i+1].(type) {
		case float64:
			fmt.Fprintf(&c.b, ` %s="%s"`, attrs[i], px(v))
		case string:
			if v != "" {
				fmt.Fprintf(&c.b, ` %s="%s"`, attrs[i], escape(v))
			}
		}
	}
}

// text writes s at x, y; class holds the alignment (mid, end) and the kind of text.
func (c *canvas) text(x, y float64, class, s string) { c.textOf(x, y, class, s, "") }

// fitted writes s cut to width, with the whole as a tooltip when it was cut.
func (c *canvas) fitted(x, y, width, size float64, class, s string) {
	if short, cut := fit(s, width, size); cut {
		c.textOf(x, y, class, short, s)
		return
	}
	c.textOf(x, y, class, s, "")
}

func (c *canvas) textOf(x, y float64, class, s, title string) {
	c.start("text", []any{"x", x, "y", y, "class", class})
	c.b.WriteString(">" + escape(s))
	if title != "" {
		c.b.WriteString("<title>" + escape(tooltip(title)) + "</title>")
	}
	c.b.WriteString("</text>\n")
}

// tooltip cuts a text that thousands of points may repeat; tables have it whole.
func tooltip(s string) string {
	n := 0
	for i := range s {
		if n++; n > 300 {
			return s[:i] + "…"
		}
	}
	return s
}

// line writes a straight line.
func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	c.shape("", "line", "class", class, "x1", x1, "y1", y1, "x2", x2, "y2", y2)
}

// svg returns the drawing as an element. id is the beginning of its ids; title and desc
// are its text alternative.
func (c *canvas) svg(id, title, desc string) string {
	class := "wide"
	if c.narrow {
		class = "narrow"
	}
	return fmt.Sprintf(`<svg class="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="%[4]s-t" aria-describedby="%[4]s-d">`+
		"\n<title id=\"%[4]s-t\">%[5]s</title>\n<desc id=\"%[4]s-d\">%[6]s</desc>\n%[7]s</svg>\n",
		class, px(c.width), px(c.height), id, escape(title), escape(desc), c.b.String())
}

// colours is the number of colours of the style sheet, c1 to c6.
const colours = 6

// seriesClass is the class that sets the colour of series i; after the colours
// are used up they come again, with other marker shapes and dashes.
func seriesClass(i int) string {
	class := fmt.Sprintf("s%d", i%colours+1)
	if i >= colours {
		class += " again"
	}
	return class
}

// shapes is the number of marker shapes; colour and shape come together again after
// colours*shapes series.
const shapes = 5

// marker draws the symbol of series i; the shapes tell series apart without colour.
func (c *canvas) marker(i int, x, y, r float64, title string) {
	shape := (i + i/colours) % shapes
	if shape == 0 {
		c.shape(title, "circle", "class", "dot", "cx", x, "cy", y, "r", r)
		return
	}
	d := ""
	for k, p := range symbols[shape] {
		d += string("ML"[min(k, 1)]) + px(x+float64(p[0]*r)) + " " + px(y+float64(p[1]*r))
	}
	c.shape(title, "path", "class", "dot", "d", d+"Z")
}

// symbols holds the corners of the marker shapes about a circle of radius 1.
var symbols = [shapes][][2]float64{
	1: {{-.9, -.9}, {.9, -.9}, {.9, .9}, {-.9, .9}},
	2: {{0, -1.25}, {1.15, .85}, {-1.15, .85}},
	3: {{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}},
	4: {{0, 1.25}, {1.15, -.85}, {-1.15, -.85}},
}
