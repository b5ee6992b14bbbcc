package page

// What tests of layout need from the inside.
var (
	TextWidth  = textWidth
	Fit        = fit
	Thin       = thin
	Spread     = spread
	TickLabels = tickLabels
	LogTicks   = logTicks
	Style      = pageStyle
)

const ThinnedTo = 4 * stretches

// Ticks returns the ends and the ticks of a rounded axis over lo..hi, and its step.
func Ticks(lo, hi float64, n int) (from, to float64, ticks []float64, m int64, e int) {
	s := stepFor(lo, hi, n)
	from, to = nice(lo, hi, s)
	return from, to, ticksIn(from, to, s), s.m, s.e
}

// Widen is what an axis shows of values from lo to hi.
func Widen(lo, hi float64) (float64, float64) { return widen(lo, hi) }

// CurveOf returns the points of the Lorenz curve of v, and its Gini coefficient.
func CurveOf(v []float64) ([]float64, float64) {
	l := newCurve(0, Shares{Values: v}, &leftOut{})
	return l.cum, l.gini
}

// BinsOf returns edges and counts of a histogram.
func BinsOf(h Histogram) ([]float64, []int) {
	b := h.bin(h.Values)
	return b.edges, b.counts
}
