package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// Histogram draws how values are distributed, in bins whose edges are round numbers, on
// a logarithmic axis in bins of equal ratio.
type Histogram struct {
	Title  string
	Note   string // below the chart: what to see in it
	Desc   string // text alternative; empty: number, range and quartiles
	X      Axis   // of the values; its marks suit percentiles
	Count  string // what is counted; empty: "Count"
	Values []float64
	Bins   int // about how many, at most 200; 0: from the data (Freedman, Diaconis), 5 to 40
}

// bins holds n+1 edges, ascending, and n counts.
type bins struct {
	edges  []float64
	counts []int
}

func (h Histogram) render(r *renderer) (template.HTML, error) { return h.figure().render(r) }

func (h Histogram) figure() figure {
	f := figure{title: h.Title, note: h.Note}
	var out leftOut
	v := make([]float64, 0, len(h.Values))
	for _, x := range h.Values {
		if out.add(h.X, x) {
			v = append(v, x)
		}
	}
	f.remarks = out.remarks("values")
	slices.Sort(v)
	f.desc = h.describe(v)
	if len(v) == 0 {
		return f
	}
	b := h.bin(v)
	f.table = h.table(b)
	f.draw = func(cv *canvas) { h.draw(cv, b) }
	return f
}

// bin counts v, ascending, not empty. A value on an edge belongs to the bin right of
// it, the last edge to the last bin.
func (h Histogram) bin(v []float64) bins {
	var b bins
	if h.X.Log {
		b.edges = h.logEdges(v)
	} else {
		b.edges = h.edges(v)
	}
	b.counts = make([]int, len(b.edges)-1)
	for _, x := range v {
		i, found := slices.BinarySearch(b.edges, x)
		if !found {
			i--
		}
		b.counts[max(0, min(i, len(b.counts)-1))]++
	}
	return b
}

// edges returns round numbers as the edges of bins, whole ones for whole values.
func (h Histogram) edges(v []float64) []float64 {
	lo, hi := widen(v[0], v[len(v)-1])
	s := stepFor(lo, hi, h.number(v))
	if s.e < 0 && !slices.ContainsFunc(v, fractional) {
		s = step{1, 0}
	}
	from, to := nice(lo, hi, s)
	return ticksIn(from, to, s)
}

// logEdges returns edges in equal ratios from the first to the last value.
func (h Histogram) logEdges(v []float64) []float64 {
	t := make([]float64, len(v))
	for i, x := range v {
		t[i] = math.Log10(x)
	}
	lo, hi := t[0], t[len(t)-1]
	if hi-lo < 1e-9 {
		lo, hi = lo-.5, hi+.5
	}
	n := h.number(t)
	edges := make([]float64, n+1)
	for i := range edges {
		edges[i] = math.Pow(10, lo+float64((hi-lo)*float64(i))/float64(n))
	}
	return edges
}

// number returns how many bins there shall be for v, ascending.
func (h Histogram) number(v []float64) int {
	if h.Bins > 0 {
		return min(h.Bins, 200)
	}
	return freedmanDiaconis(v)
}

// freedmanDiaconis returns a number of bins for ascending values: width 2·IQR·n^(-1/3).
// Source: Freedman and Diaconis, On the Histogram as a Density Estimator, 1981.
func freedmanDiaconis(v []float64) int {
	iqr := quantile(v, .75) - quantile(v, .25)
	if iqr <= 0 {
		return 20
	}
	w := 2 * iqr / math.Cbrt(float64(len(v)))
	return int(max(5, min(40, (v[len(v)-1]-v[0])/w)))
}

// quantile returns the value at fraction q of ascending values, interpolated.
func quantile(v []float64, q float64) float64 {
	p := q * float64(len(v)-1)
	i := int(p)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + float64((p-float64(i))*(v[i+1]-v[i]))
}

func (h Histogram) count() string {
	if h.Count == "" {
		return "Count"
	}
	return h.Count
}

func (h Histogram) draw(cv *canvas, b bins) {
	most := slices.Max(b.counts)
	ends := extent{
		axis: h.X, lo: b.edges[0], hi: b.edges[len(b.edges)-1],
		any: true, parts: slices.ContainsFunc(b.edges, fractional),
	}
	f := frame{
		x: h.X, y: Axis{Title: h.count()}, yv: span{0, float64(max(1, most)), true},
		height: cv.pick(280, 220), inset: 4,
	}
	f.xv = ends.closed()
	p := cv.plot(f)
	p.open("g", "class", seriesClass(0))
	for i, n := range b.counts {
		if n == 0 {
			continue
		}
		left, right := p.xs.at(b.edges[i]), p.xs.at(b.edges[i+1])
		top := min(p.ys.at(float64(n)), p.bottom-1) // one value is seen among millions
		title := fmt.Sprintf("%s to %s: %s", h.X.value(b.edges[i]), h.X.value(b.edges[i+1]), Count(float64(n)))
		p.shape(title, "rect", "class", "fill", "x", left+.5, "y", top, "width", max(.5, right-left-1), "height", p.bottom-top)
	}
	p.close("g")
	p.finish()
}

func (h Histogram) describe(v []float64) string {
	if h.Desc != "" {
		return h.Desc
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Histogram of %s. ", h.X.name("values"))
	if len(v) == 0 {
		return b.String() + "No values."
	}
	fmt.Fprintf(&b, "%s from %s to %s, quartiles %s, %s and %s.", plural(len(v), "value", "values"), h.X.value(v[0]), h.X.value(v[len(v)-1]),
		h.X.value(quantile(v, .25)), h.X.value(quantile(v, .5)), h.X.value(quantile(v, .75)))
	return b.String()
}

func (h Histogram) table(b bins) Table {
	t := Table{Columns: []Column{
		{Name: h.X.name("Value") + " from", Unit: h.X.Unit, Format: h.X.Format},
		{Name: "to", Unit: h.X.Unit, Format: h.X.Format},
		{Name: h.count()},
	}}
	for i, n := range b.counts {
		t.Rows = append(t.Rows, []any{b.edges[i], b.edges[i+1], n})
	}
	return t
}
