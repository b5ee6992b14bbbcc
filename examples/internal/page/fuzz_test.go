package page_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// floats reads b as float64 values, of any bits.
func floats(b []byte) []float64 {
	var v []float64
	for ; len(b) >= 8 && len(v) < 200; b = b[8:] {
		v = append(v, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return v
}

// Whatever the numbers, a drawing is well-formed and stays on its canvas.
func FuzzNumbersAreDrawn(f *testing.F) {
	add := func(v ...float64) {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		for _, log := range []bool{false, true} {
			f.Add(b, log, uint8(3))
		}
	}
	add()
	add(1)
	add(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	add(nan, inf, -inf, 0, 5e-324, -5e-324, math.MaxFloat64, -math.MaxFloat64)
	add(1e300, -1e300, 1e-300, 1)
	add(1e16, 1e16+2, 1e16+4, 1e16)
	add(8.55e270)
	add(6.7e299)
	add(8.556e-73, 1, 1, 0)
	add(.1, .1+1e-17, .3, .30000000000000004)
	f.Fuzz(func(t *testing.T, data []byte, log bool, split uint8) {
		v := floats(data)
		k := int(split) % (len(v) + 1)
		a, b := v[:k], v[k:]
		x, y := page.Axis{Title: "x", Log: log}, page.Axis{Title: "y", Log: log}
		var points []page.Point
		for i := range min(len(a), len(b)) {
			points = append(points, page.Point{X: a[i], Y: b[i], Label: "p"})
		}
		if len(a) > 0 {
			y.Marks, x.Include = []page.Mark{{Value: a[0], Label: "mark"}}, a[:1]
		}
		names := make([]string, len(b))
		p := page.Page{}
		p.Add("",
			page.LineChart{X: x, Y: y, Series: []page.Series{{Name: "a", X: a, Y: b, Low: a, High: b}, {Name: "b", Y: v}}},
			page.Scatter{X: x, Y: y, Groups: []page.Group{{Points: points, Join: true}}},
			page.BarChart{Axis: y, Categories: names, Series: []page.Bars{{Values: b, Low: a, High: b}, {Values: a}}},
			page.StackedBars{Axis: y, Rows: names, Parts: []page.Bars{{Values: b}, {Values: a}}},
			page.Lorenz{Series: []page.Shares{{Values: v}}},
			page.Histogram{X: x, Values: v, Bins: int(split)},
			page.Table{Columns: []page.Column{{}, {}}, Rows: [][]any{{len(a), page.Estimate{Value: float64(k)}}}},
		)
		for _, s := range svgs(html(&p)) {
			if err := wellFormed(s); err != nil {
				t.Errorf("%v in %.200s", err, s)
			}
			d := parse(t, s)
			for _, c := range d.corners {
				if c[0] < -.1 || c[0] > d.width+.1 || c[1] < -.1 || c[1] > d.height+.1 {
					t.Errorf("shape at %v leaves %v by %v in %.400s", c, d.width, d.height, s)
				}
			}
		}
	})
}
