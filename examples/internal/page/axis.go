package page

import (
	"math"
	"strconv"
)

// Axis describes an axis of a chart. The zero value is a linear axis over the data.
type Axis struct {
	Title string // what it measures; empty for none
	Unit  string // set behind the title in parentheses
	Log   bool   // logarithmic; values at or below 0 are left out and counted below the chart
	// Include holds values that the axis must reach, for instance 0, or 0 and 1.
	// What is not finite, or not positive on a logarithmic axis, is passed over.
	Include []float64
	// Marks are lines across the chart at fixed values: a target, a known truth, a percentile.
	Marks  []Mark
	Format Format // of tick labels and values; nil: as few decimals as tell ticks apart
}

// Mark is a line across a chart.
type Mark struct {
	Value float64
	Label string
}

// shows reports whether v has a place on the axis.
func (a Axis) shows(v float64) bool {
	return math.Abs(v) <= largestShown && (!a.Log || v >= smallestLog)
}

// heading is the title with the unit.
func (a Axis) heading() string {
	switch {
	case a.Unit == "":
		return a.Title
	case a.Title == "":
		return a.Unit
	}
	return a.Title + " (" + a.Unit + ")"
}

// name is what the axis is called in tables and descriptions.
func (a Axis) name(fallback string) string {
	if a.Title == "" {
		return fallback
	}
	return a.Title
}

// value shows a value of the axis in a tooltip or a description.
func (a Axis) value(v float64) string {
	if a.Format != nil {
		return a.Format(v)
	}
	return Number(v)
}

// extent collects the ends of what an axis must show.
type extent struct {
	axis   Axis
	lo, hi float64
	any    bool
	parts  bool // a value is not a whole number
}

func (a Axis) extent() *extent { return &extent{axis: a, lo: math.Inf(1), hi: math.Inf(-1)} }

func fractional(v float64) bool { return v != math.Trunc(v) }

// span is what an axis shows, lo < hi.
type span struct {
	lo, hi float64
	whole  bool // ticks between whole numbers make no sense
}

// add widens the extent to v, if the axis can show it, and reports that.
func (e *extent) add(v float64) bool {
	if !e.axis.shows(v) {
		return false
	}
	e.lo, e.hi, e.any = min(e.lo, v), max(e.hi, v), true
	e.parts = e.parts || fractional(v)
	return true
}

// closed adds what the axis includes and marks, and returns what it shows.
func (e *extent) closed() span {
	whole := !e.parts
	for _, v := range e.axis.Include {
		e.add(v)
	}
	for _, m := range e.axis.Marks {
		e.add(m.Value)
	}
	if !e.any {
		return span{lo: 1, hi: 10}
	}
	lo, hi := e.lo, e.hi
	if !e.axis.Log {
		lo, hi = widen(lo, hi)
		return span{lo, hi, whole && hi-lo >= 1} // a mark may lie next to equal values
	}
	if math.Log10(hi)-math.Log10(lo) < 1e-9 {
		lo, hi = lo/math.Sqrt(10), hi*math.Sqrt(10)
	}
	return span{lo: lo, hi: hi}
}

// scale maps values of an axis to pixels.
type scale struct {
	axis   Axis
	lo, hi float64 // values at the ends
	a, b   float64 // pixels there
	ticks  []float64
	labels []string
}

// newScale returns a scale over v with at most about n ticks; round moves the ends
// out to ticks.
func newScale(axis Axis, v span, n int, round bool) scale {
	s := scale{axis: axis, lo: v.lo, hi: v.hi}
	n = max(n, 2)
	if axis.Log {
		if round {
			s.lo, s.hi = niceLog(v.lo, v.hi)
		}
		s.ticks = logTicks(s.lo, s.hi, n)
		s.labels = logTickLabels(s.ticks)
	} else {
		st := stepFor(v.lo, v.hi, n)
		if v.whole && st.e < 0 {
			st = step{1, 0}
		}
		if round {
			s.lo, s.hi = nice(v.lo, v.hi, st)
		}
		s.ticks = ticksIn(s.lo, s.hi, st)
		s.labels = tickLabels(s.ticks)
	}
	if axis.Format != nil {
		s.labels = mapTicks(s.ticks, axis.Format)
	}
	return s
}

// at returns the pixel of v. The conversions keep the compiler from fusing
// operations, so that all platforms draw the same.
func (s scale) at(v float64) float64 {
	t := 0.0
	if s.axis.Log {
		t = (math.Log10(v) - math.Log10(s.lo)) / (math.Log10(s.hi) - math.Log10(s.lo))
	} else {
		t = (v - s.lo) / (s.hi - s.lo)
	}
	return s.a + float64(t*(s.b-s.a))
}

// labelWidth returns the width of the widest tick label.
func (s scale) labelWidth(size float64) float64 {
	w := 0.0
	for _, l := range s.labels {
		w = max(w, textWidth(l, size))
	}
	return w
}

// roomy reports whether tick labels side by side keep a distance.
func (s scale) roomy(size float64) bool {
	end := math.Inf(-1)
	for i, t := range s.ticks {
		half := textWidth(s.labels[i], size) / 2
		if s.at(t)-half < end+size {
			return false
		}
		end = s.at(t) + half
	}
	return true
}

// plural shows n with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(float64(n)) + " " + many
}

// px shows a pixel, rounded to a tenth.
func px(v float64) string {
	r := math.Round(v*10) / 10
	if r == 0 {
		return "0"
	}
	return strconv.FormatFloat(r, 'f', -1, 64)
}
