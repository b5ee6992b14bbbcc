package page_test

import (
	"encoding/xml"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
	"github.com/recsyskit/recsys/metrics"
)

func chartHTML(c page.Chart) string {
	p := page.Page{}
	p.Add("", c)
	return html(&p)
}

// The metrics package computes curve and index another way.
func TestLorenzCurveIsThatOfMetrics(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, n := range []int{1, 2, 3, 10, 500} {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Floor(r.ExpFloat64() * 4)
		}
		v[r.IntN(n)] = 7
		curve, gini := page.CurveOf(v)
		if want := metrics.Gini(v); math.Abs(gini-want) > 1e-12 {
			t.Errorf("Gini of %d items is %v, want %v", n, gini, want)
		}
		want := metrics.Lorenz(nil, v)
		for i, y := range want[max(0, len(want)-n):] {
			if got := curve[i+1]; math.Abs(got-y) > 1e-12 {
				t.Fatalf("share of the %d least of %d items is %v, want %v", i+1, n, got, y)
			}
		}
	}
}

func TestHistogramCountsEveryValueOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, log := range []bool{false, true} {
		for range 200 {
			v := make([]float64, 1+r.IntN(300))
			for i := range v {
				v[i] = math.Exp(r.NormFloat64() * 3)
				if r.IntN(2) == 0 {
					v[i] = math.Ceil(v[i])
				}
			}
			slices.Sort(v)
			edges, counts := page.BinsOf(page.Histogram{X: page.Axis{Log: log}, Values: v, Bins: r.IntN(50)})
			if len(edges) != len(counts)+1 || !slices.IsSorted(edges) {
				t.Fatalf("%d edges of %d bins: %v", len(edges), len(counts), edges)
			}
			last := len(counts) - 1
			for i, got := range counts {
				want := 0
				for _, x := range v {
					if x >= edges[i] && x < edges[i+1] || i == last && x >= edges[i+1] || i == 0 && x < edges[0] {
						want++
					}
				}
				if got != want {
					t.Fatalf("bin %d, %v to %v, counts %d, want %d", i, edges[i], edges[i+1], got, want)
				}
			}
			if !log && (edges[0] > v[0] || edges[last+1] < v[len(v)-1]) {
				t.Fatalf("edges %v leave out some of %v..%v", edges, v[0], v[len(v)-1])
			}
		}
	}
}

func TestHistogramOfWholeNumbersHasWholeEdges(t *testing.T) {
	edges, _ := page.BinsOf(page.Histogram{Values: []float64{1, 1, 2, 2, 3, 4}, Bins: 40})
	if want := []float64{1, 2, 3, 4}; !slices.Equal(edges, want) {
		t.Errorf("edges %v, want %v", edges, want)
	}
}

func TestWhatIsLeftOutIsSaid(t *testing.T) {
	for _, tt := range []struct {
		chart page.Chart
		want  string
	}{
		{page.LineChart{Series: []page.Series{{Y: []float64{1, nan, inf, 2}}}}, "Left out: 2 points that are not finite numbers."},
		{page.LineChart{Series: []page.Series{{Y: []float64{1, nan, 2}}}}, "Left out: 1 point that is not a finite number."},
		{page.LineChart{Y: page.Axis{Log: true}, Series: []page.Series{{Y: []float64{0, -1, 2}}}}, "Left out: 2 points at or below zero, which a logarithmic axis cannot show."},
		{page.LineChart{Series: []page.Series{{Name: "a", X: []float64{1, 2, 3}, Y: []float64{1}}}}, "a has 3 x values and 1 y value; the first 1 are shown."},
		{page.LineChart{Series: []page.Series{{Name: "a", Y: []float64{1, 2}, Low: []float64{0}, High: []float64{3, 4}}}}, "The band of a is left out beyond its ends: it has 1 low and 2 high values for 2 points."},
		{page.LineChart{Series: []page.Series{{Y: make([]float64, 1000)}}}, "drawn thinned"},
		{page.Scatter{Groups: []page.Group{{Points: []page.Point{{X: 1, Y: 1}, {X: nan, Y: 1}}}}}, "Left out: 1 point that is not a finite number."},
		{page.BarChart{Categories: []string{"a", "b"}, Series: []page.Bars{{Values: []float64{1, inf}}}}, "Left out: 1 value that is not a finite number."},
		{page.BarChart{Categories: []string{"a", "b"}, Series: []page.Bars{{Values: []float64{1}}}}, "A series has 1 value and 2 category names; the first 1 are shown."},
		{page.BarChart{Categories: make([]string, 61), Series: []page.Bars{{Values: make([]float64, 61)}}}, "The first 60 of 61 categories are drawn; the table has more."},
		{page.StackedBars{Rows: []string{"a"}, Parts: []page.Bars{{Name: "p", Values: []float64{1}}, {Name: "q", Values: []float64{-1}}}}, "Left out: 1 value below zero, which a stack cannot show."},
		{page.StackedBars{Rows: []string{"a"}, Parts: []page.Bars{{Name: "p", Values: []float64{1e300}}, {Name: "q", Values: []float64{1e300}}}}, "Left out: 2 values that are not finite numbers."},
		{page.Lorenz{Series: []page.Shares{{Name: "a", Values: []float64{1, -1}}, {Name: "b"}}}, "Left out: 1 value below zero."},
		{page.Lorenz{Series: []page.Shares{{Name: "b", Values: []float64{0}}}}, "b has nothing to share out."},
		{page.Histogram{X: page.Axis{Log: true}, Values: []float64{0, 1}}, "Left out: 1 value at or below zero, which a logarithmic axis cannot show."},
	} {
		if out := chartHTML(tt.chart); !strings.Contains(out, tt.want) {
			t.Errorf("%+v does not say %q", tt.chart, tt.want)
		}
	}
}

func TestGapBreaksTheLine(t *testing.T) {
	svg := page.SVG(page.LineChart{Series: []page.Series{{Y: []float64{1, 2, nan, 3, nan, 4}}}})
	path := svg[strings.Index(svg, `class="line" d="`):]
	path = path[:strings.Index(path, "/>")]
	if m, l := strings.Count(path, "M"), strings.Count(path, "L"); m != 3 || l != 1 {
		t.Errorf("%d parts and %d segments in %s, want 3 and 1", m, l, path)
	}
	if n := strings.Count(svg, "<circle"); n != 4 {
		t.Errorf("%d markers, want 4", n)
	}
}

func TestPeakOfALongSeriesIsDrawn(t *testing.T) {
	y := make([]float64, 50000)
	y[31234] = 1000
	d := parse(t, page.SVG(page.LineChart{Series: []page.Series{{Y: y}}}))
	top := math.Inf(1)
	for _, c := range d.corners {
		top = min(top, c[1])
	}
	if len(d.corners) > 1000 || top > 20 {
		t.Errorf("%d corners, the highest at %v; the peak is lost or nothing was thinned", len(d.corners), top)
	}
}

func TestBarsLieDownWhereNamesDoNotFit(t *testing.T) {
	short := page.BarChart{Categories: []string{"a", "b"}, Series: []page.Bars{{Values: []float64{1, 2}}}}
	long := page.BarChart{Categories: []string{longName + longName, "b"}, Series: []page.Bars{{Values: []float64{1, 2}}}}
	if s := page.SVG(short); strings.Contains(s, `class="name end"`) {
		t.Error("bars with short names lie")
	}
	if s := page.SVG(long); !strings.Contains(s, `class="name end"`) {
		t.Error("bars with long names stand")
	}
}

func TestValuesStandBesideTheirBars(t *testing.T) {
	for _, names := range [][]string{{"a", "b"}, {longName + longName, "b"}} {
		d := parse(t, page.SVG(page.BarChart{Categories: names, Series: []page.Bars{
			{Values: []float64{.123, -.456}, Low: []float64{.1, nan}, High: []float64{.2, nan}},
		}}))
		found := 0
		for _, s := range d.texts {
			if s.text != "0.123" && s.text != "−0.456" {
				continue
			}
			found++
			for _, r := range d.rects {
				if s.left < r.right && r.left < s.right && s.top < r.bottom && r.top < s.bottom {
					t.Errorf("%s lies on a bar", s.text)
				}
			}
		}
		if found != 2 {
			t.Errorf("%d values shown, want 2", found)
		}
	}
}

func TestLinesAreNamedAtTheirEndsOrInALegend(t *testing.T) {
	named := func(lines ...page.Series) (x float64) {
		for _, s := range parse(t, page.SVG(page.LineChart{Series: lines})).texts {
			if s.text == "first" {
				return s.left
			}
		}
		t.Fatal("the line has no name")
		return 0
	}
	a, b := page.Series{Name: "first", Y: []float64{1, 2, 3}}, page.Series{Name: "second", Y: []float64{3, 2, 1}}
	if x := named(a, b); x < 700 {
		t.Errorf("the name of a line that ends at the right stands at %v", x)
	}
	b.Y = b.Y[:2]
	if x := named(a, b); x > 100 {
		t.Errorf("the name stands at %v though another line ends before the edge, want a legend", x)
	}
}

func TestPointsOnOneSpotAreDrawnOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	g := page.Group{Points: make([]page.Point, 20000)}
	for i := range g.Points {
		g.Points[i] = page.Point{X: r.NormFloat64(), Y: r.NormFloat64()}
	}
	g.Points[0], g.Points[1] = page.Point{X: -9, Y: -9}, page.Point{X: 9, Y: 9}
	d := parse(t, page.SVG(page.Scatter{Groups: []page.Group{g}}))
	if n := len(d.circles); n < 1000 || n > 10000 {
		t.Errorf("%d of 20,000 points drawn", n)
	}
	left, right := inf, -inf
	for _, c := range d.circles {
		left, right = min(left, c[0]), max(right, c[0])
	}
	if right-left < 600 {
		t.Errorf("points from %v to %v, the outer ones are lost", left, right)
	}
}

func TestTruncatedTextHasATooltip(t *testing.T) {
	svg := page.SVG(page.Scatter{Groups: []page.Group{{Points: []page.Point{{X: 1, Y: 2, Label: longName}}}}})
	if !strings.Contains(svg, "…<title>"+longName+"</title></text>") {
		t.Error("no tooltip at the text that was cut")
	}
}

func TestWholeNumbersHaveWholeTicks(t *testing.T) {
	d := parse(t, page.SVG(page.LineChart{Series: []page.Series{{Y: []float64{1, 2, 3}}}}))
	for _, s := range d.texts {
		if strings.Contains(s.text, ".") {
			t.Errorf("tick %s on an axis of whole numbers", s.text)
		}
	}
}

func TestChartsDoNotChangeTheirData(t *testing.T) {
	values := []float64{3, -1, nan, 2}
	x := []float64{4, 3, 2, 1}
	for _, c := range []page.Chart{
		page.LineChart{Series: []page.Series{{X: x, Y: values, Low: values, High: values}}},
		page.BarChart{Categories: make([]string, 4), Series: []page.Bars{{Values: values, Low: values, High: values}}},
		page.StackedBars{Rows: make([]string, 4), Parts: []page.Bars{{Values: values}}},
		page.Lorenz{Series: []page.Shares{{Values: values}}},
		page.Histogram{Values: values},
	} {
		chartHTML(c)
		if values[0] != 3 || values[1] != -1 || !math.IsNaN(values[2]) || values[3] != 2 || x[0] != 4 {
			t.Fatalf("%T left %v", c, values)
		}
	}
}

func TestImageIsTheDrawingWithItsStyle(t *testing.T) {
	chart := page.LineChart{Title: "a < b", Series: []page.Series{{Name: "x & y", Y: []float64{1, 2, 3}}}}
	image := page.Image(chart)
	if err := xml.Unmarshal([]byte(image), new(struct {
		XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	})); err != nil {
		t.Fatalf("not an SVG document: %v", err)
	}
	_, drawing, _ := strings.Cut(page.SVG(chart), ">")
	if !strings.HasSuffix(image, drawing) || !strings.Contains(image, "--c1:") {
		t.Error("another drawing, or no colours")
	}
}
