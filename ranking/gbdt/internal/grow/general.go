package grow

import (
	"math"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
)

// The search below knows all that simd.BestCut does not: L1, bounds, monotone
// features, smoothing, and rows that are counted. It computes in real numbers, not units.

// threshold takes l1 off the magnitude of g.
func threshold(g, l1 float64) float64 {
	return math.Copysign(max(math.Abs(g)-l1, 0), g)
}

// optimum returns the value that a leaf of the sums g and h would have if nothing bound it: 0 if
// neither hessians nor l2 hold it.
func optimum(g, h, l1, l2 float64) float64 {
	if !(h+l2 > tiny) {
		return 0
	}
	return (0 - threshold(g, l1)) / (h + l2) // 0 - 0 is not -0
}

// value returns what a leaf with the sums g and h over n rows would be worth within the bounds of its
// parent l, smoothed to the value above it.
func (s *searcher) value(g, h, n, above, l2 float64, lo, hi float64) float64 {
	c := &s.g.cfg
	w := optimum(g, h, c.L1, l2)
	if c.PathSmooth > 0 {
		w = (float64(w*n) + float64(above*c.PathSmooth)) / (n + c.PathSmooth)
	}
	return min(max(w, lo), hi)
}

// real returns a packed sum in real numbers.
func (s *searcher) real(p int64) (g, h float64) {
	return float64(float64(gradOf(p)) * s.g.gradUnit), float64(float64(hessOf(p)) * s.g.hessUnit)
}

// loss returns by how much a leaf of the packed sum p lowers the loss, twice, if its value is w.
func (s *searcher) loss(p int64, w, l2 float64) float64 {
	g, h := s.real(p)
	return -(float64(2*threshold(g, s.g.cfg.L1)*w) + float64(float64((h+l2)*w)*w))
}

// sides evaluates a split into the packed sum left with n rows and the rest, for a feature
// with the direction. It returns by how much both lower the loss; ok tells whether the split may
// be made.
func (s *searcher) sides(left int64, n, l2 float64, direction int8) (loss float64, ok bool) {
	l, c := s.l, &s.g.cfg
	right := l.sum - left
	m := float64(l.count()) - n
	if hessOf(left) < s.least || hessOf(right) < s.least || n < float64(c.MinRows) || m < float64(c.MinRows) {
		return 0, false
	}
	gl, hl := s.real(left)
	gr, hr := s.real(right)
	a := s.value(gl, hl, n, l.value, l2, l.lo, l.hi)
	b := s.value(gr, hr, m, l.value, l2, l.lo, l.hi)
	if direction > 0 && a > b || direction < 0 && a < b {
		return 0, false
	}
	return s.loss(left, a, l2) + s.loss(right, b, l2), true
}

// rows returns how many rows the bin has, given its packed sum.
func (s *searcher) rows(c int32, bin int, p int64) float64 {
	if s.counts != nil {
		return float64(s.counts[int(c)*binsPerColumn+bin])
	}
	return float64(float64(hessOf(p)) * s.rowsPerHess)
}

// whole rounds an estimate of rows.
func whole(n float64) float64 { return math.Floor(n + 0.5) }

func (s *searcher) direction(c int32) int8 {
	if m := s.g.cfg.Monotone; len(m) > 0 {
		return m[s.g.t.Used[c]]
	}
	return 0
}

func (s *searcher) numericGeneral(f *bins.Feature, h []int64, c int32) split {
	values := f.ValueBins()
	var best split
	top := s.floor
	direction := s.direction(c)
	try := func(end int, left int64, n float64, missingLeft bool) {
		for b, v := range h[:end] {
			left += v
			n += s.rows(c, b, v)
			if loss, ok := s.sides(left, whole(n), s.g.cfg.L2, direction); ok && loss > top {
				top = loss
				best.bin, best.left, best.missingLeft = int32(b), left, missingLeft
			}
		}
	}
	missing, n := int64(0), 0.0
	if f.MissingBin >= 0 {
		missing = h[f.MissingBin]
		n = s.rows(c, f.MissingBin, missing)
	}
	if missing == 0 && n == 0 {
		try(values-1, 0, 0, false)
		best.missingLeft = f.MissingBin >= 0 && hessOf(best.left) > hessOf(s.l.sum-best.left)
	} else {
		try(values, 0, 0, false)
		try(values-1, missing, n, true)
	}
	s.settle(&best, top)
	return best
}

// settle turns the loss that the two sides of a split take off into a gain.
func (s *searcher) settle(best *split, loss float64) {
	if loss > s.floor && hessOf(best.left) > 0 {
		best.gain = loss - s.base
	}
}

// setValue sets the value of the leaf on its sums in integers; above is its parent's.
func (s *searcher) setValue(l *leaf, above float64, smooth bool) {
	g, h := s.real(l.sum)
	if !smooth {
		above = optimum(g, h, s.g.cfg.L1, l.l2)
	}
	l.above = above
	l.value = s.value(g, h, float64(l.count()), above, l.l2, l.lo, l.hi)
}

// inherit sets what the children a and b have from their parent l and its split.
func (s *searcher) inherit(a, b, l *leaf, by *split) {
	a.l2 = s.g.cfg.L2
	if by.several {
		a.l2 += s.g.cfg.CatL2
	}
	b.l2 = a.l2
	s.setValue(a, l.value, true)
	s.setValue(b, l.value, true)
	middle := a.value + float64((b.value-a.value)/2)
	switch s.direction(by.column) {
	case 1:
		a.hi, b.lo = middle, middle
	case -1:
		a.lo, b.hi = middle, middle
	}
}
