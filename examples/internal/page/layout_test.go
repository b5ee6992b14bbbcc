package page_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// shown is a text of a drawing with the rectangle that it takes.
type shown struct {
	text                     string
	left, top, right, bottom float64
}

// drawing is what a test sees of an SVG.
type drawing struct {
	width, height float64
	texts         []shown
	corners       [][2]float64 // of shapes
	circles       [][2]float64 // centres
	rects         []shown
}

var number = regexp.MustCompile(`-?[0-9.]+`)

func parse(t *testing.T, svg string) drawing {
	t.Helper()
	var d drawing
	narrow := strings.Contains(svg[:40], `class="narrow"`)
	x := xml.NewDecoder(strings.NewReader(svg))
	var text *shown
	var class string
	turned, title := 0, false
	for {
		token, err := x.Token()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			a := map[string]string{}
			f := func(name string) float64 {
				v, err := strconv.ParseFloat(a[name], 64)
				if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("<%s> has %s=%q in %.300s", e.Name.Local, name, a[name], svg)
				}
				return v
			}
			for _, attr := range e.Attr {
				a[attr.Name.Local] = attr.Value
			}
			switch e.Name.Local {
			case "svg":
				box := number.FindAllString(a["viewBox"], -1)
				d.width, _ = strconv.ParseFloat(box[2], 64)
				d.height, _ = strconv.ParseFloat(box[3], 64)
			case "g":
				if turned > 0 || a["transform"] != "" {
					turned++
				}
			case "title":
				title = true
			case "text":
				class = a["class"]
				text = &shown{left: f("x"), bottom: f("y")}
			case "rect":
				if f("width") < 0 || f("height") < 0 {
					t.Errorf("rectangle of %s by %s", a["width"], a["height"])
				}
				r := shown{left: f("x"), top: f("y"), right: f("x") + f("width"), bottom: f("y") + f("height")}
				d.corners = append(d.corners, [2]float64{r.left, r.top}, [2]float64{r.right, r.bottom})
				d.rects = append(d.rects, r)
			case "circle":
				d.corners = append(d.corners, [2]float64{f("cx"), f("cy")})
				d.circles = append(d.circles, [2]float64{f("cx"), f("cy")})
			case "line":
				d.corners = append(d.corners, [2]float64{f("x1"), f("y1")}, [2]float64{f("x2"), f("y2")})
			case "path":
				for _, m := range regexp.MustCompile(`[ML](\S+?) ([^MLZhv]+)`).FindAllStringSubmatch(a["d"], -1) {
					px, err1 := strconv.ParseFloat(m[1], 64)
					py, err2 := strconv.ParseFloat(m[2], 64)
					if err1 != nil || err2 != nil {
						t.Errorf("path %.80q", a["d"])
					}
					d.corners = append(d.corners, [2]float64{px, py})
				}
			}
		case xml.CharData:
			if text != nil && !title {
				text.text += string(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "title":
				title = false
			case "g":
				turned = max(0, turned-1)
			case "text":
				if turned == 0 {
					d.texts = append(d.texts, text.placed(class, narrow))
				}
				text = nil
			}
		}
	}
}

// placed works out the rectangle of a text from its class, as the style sheet has it.
func (s *shown) placed(class string, narrow bool) shown {
	size := 13.5
	small := strings.Contains(class, "tick") || strings.Contains(class, "value") || strings.Contains(class, "over") || strings.HasPrefix(class, "on")
	switch {
	case small && narrow:
		size = 12
	case small || narrow:
		size = 12.5
	}
	w := page.TextWidth(s.text, size)
	out := shown{text: s.text, left: s.left, top: s.bottom - size*.75, bottom: s.bottom + size*.2}
	for c := range strings.FieldsSeq(class) {
		switch c {
		case "mid":
			out.left -= w / 2
		case "end":
			out.left -= w
		}
	}
	out.right = out.left + w
	return out
}

func TestNoTextIsClippedOrOverlaps(t *testing.T) {
	for name, c := range charts() {
		t.Run(name, func(t *testing.T) {
			p := page.Page{}
			p.Add("", c)
			for _, s := range svgs(html(&p)) {
				d := parse(t, s)
				kind := s[12:16]
				for i, a := range d.texts {
					if a.left < -1 || a.right > d.width+1 || a.top < -1 || a.bottom > d.height+1 {
						t.Errorf("%s: %q at %.0f..%.0f, %.0f..%.0f leaves %v by %v", kind, a.text, a.left, a.right, a.top, a.bottom, d.width, d.height)
					}
					for _, b := range d.texts[:i] {
						if a.left+1 < b.right && b.left+1 < a.right && a.top+1 < b.bottom && b.top+1 < a.bottom {
							t.Errorf("%s: %q lies on %q", kind, a.text, b.text)
						}
					}
				}
			}
		})
	}
}

func TestShapesStayOnTheCanvas(t *testing.T) {
	for name, c := range charts() {
		p := page.Page{}
		p.Add("", c)
		for _, s := range svgs(html(&p)) {
			d := parse(t, s)
			for _, c := range d.corners {
				if c[0] < -.1 || c[0] > d.width+.1 || c[1] < -.1 || c[1] > d.height+.1 {
					t.Errorf("%s: shape at %v leaves %v by %v", name, c, d.width, d.height)
				}
			}
		}
	}
}

// The sizes that the layout counts with are those of the style sheet.
func TestStyleHasTheSizesOfTheLayout(t *testing.T) {
	for _, rule := range []string{
		"text { font-family: inherit; font-size: 13.5px;",
		".narrow text { font-size: 12.5px; }",
		"text:is(.tick, .value, .over, .on) { font-size: 12.5px; }",
		".narrow text:is(.tick, .value, .over, .on) { font-size: 12px; }",
	} {
		if !strings.Contains(page.Style, rule) {
			t.Errorf("style sheet lacks %q", rule)
		}
	}
}
