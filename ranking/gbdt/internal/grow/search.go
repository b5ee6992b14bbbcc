package grow

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/bins"
)

// split is a way to divide a leaf.
type split struct {
	gain   float64 // > 0, or there is no split
	column int32
	bin    int32 // numeric: values up to this bin go left; the last bin of values: all do
	left   int64 // packed sum of what goes left

	missingLeft bool
	categorical bool
	several     bool      // categorical: CatL2 counts
	set         [4]uint64 // categorical: the bins that go left
}

// searcher finds the best split of a leaf.
type searcher struct {
	g    *Grower
	seed uint64

	l           *leaf
	counts      []int64 // rows by bin like a histogram; nil: rows are estimated from hessians
	rowsPerHess float64
	least       int64   // hessian in units that a side has at least
	base        float64 // by how much the leaf as it is lowers the loss
	floor       float64 // what the sides must lower the loss more than
	l2          float64 // in units of hessians
	lossUnit    float64 // a loss in units is so much
	general     bool    // values are bound, smoothed or thresholded

	candidates []int32
	found      []split
	job        func(int)
}

func (s *searcher) init(g *Grower) {
	s.g = g
	s.job = func(k int) {
		const step = searchColumns
		for i := k * step; i < min((k+1)*step, len(s.candidates)); i++ {
			s.found[i] = s.column(s.candidates[i])
		}
	}
}

// searchColumns is how many columns are one part of the work.
const searchColumns = 8

// tiny is what a hessian must be more than, to count.
const tiny = 1e-15

// find sets the best split of the leaf with number at; its gain is 0 if there is none.
func (s *searcher) find(l *leaf, at int) {
	g := s.g
	s.l = l
	s.prepare()
	s.choose(at)
	s.found = s.found[:0]
	for range s.candidates {
		s.found = append(s.found, split{})
	}
	if len(s.candidates)*binsPerColumn < 1<<12 {
		for i, c := range s.candidates {
			s.found[i] = s.column(c)
		}
	} else {
		g.crew.run((len(s.candidates)+searchColumns-1)/searchColumns, s.job)
	}
	l.best = split{}
	for i := range s.found {
		if s.found[i].gain > l.best.gain {
			l.best = s.found[i]
		}
	}
	if l.best.gain > 0 && !l.best.categorical && !s.general {
		s.complete(&l.best)
	}
}

// prepare computes what the columns of the leaf have in common.
func (s *searcher) prepare() {
	g, l, c := s.g, s.l, &s.g.cfg
	n, h := float64(l.count()), float64(hessOf(l.sum))
	s.rowsPerHess = n / max(h, 1)
	s.l2 = c.L2 / g.hessUnit
	s.lossUnit = g.gradUnit * g.gradUnit / g.hessUnit
	s.general = c.L1 > 0 || c.PathSmooth > 0 || !math.IsInf(l.lo, -1) || !math.IsInf(l.hi, 1) || len(c.Monotone) > 0 || s.counts != nil
	// A sum of m hessians is off by sqrt(m)/2 units; what is meant to be just enough passes.
	least := max(c.MinHessian, tiny) / g.hessUnit
	least = math.Ceil(least - float64(2*math.Sqrt(least*s.rowsPerHess)))
	if s.counts == nil {
		least = max(least, math.Ceil((float64(c.MinRows)-0.5)/s.rowsPerHess))
	}
	s.least = int64(min(max(least, 1), math.MaxUint32))
	// Rounding a gradient at random changes it by a unit at most, with a variance of at most
	// 1/4. A gain that this could make is none.
	noise := 16 * s.rowsPerHess
	gr, hr := s.real(l.sum)
	w := s.value(gr, hr, n, l.above, c.L2, l.lo, l.hi)
	s.base = s.loss(l.sum, w, c.L2)
	rounding := 1e-12 * (math.Abs(gr*w) + float64(float64((hr+c.L2)*w)*w)) // of the two terms of a loss, which may cancel
	s.floor = s.base + max(c.MinGain, rounding, float64(noise*s.lossUnit))
}

// column returns the best split by a column.
func (s *searcher) column(c int32) split {
	f := &s.g.t.Features[s.g.t.Used[c]]
	h := s.l.hist[int(c)*binsPerColumn:][:f.Bins]
	var best split
	switch {
	case f.Categorical:
		best = s.categories(f, h, c)
	case s.general:
		best = s.numericGeneral(f, h, c)
	default:
		best = s.numeric(f, h)
	}
	best.column = c
	return best
}

// numeric looks at all cuts, with missing values on either side. What goes left is summed for
// the best column only: see complete.
func (s *searcher) numeric(f *bins.Feature, h []int64) split {
	values := f.ValueBins()
	missing := int64(0)
	if f.MissingBin >= 0 {
		missing = h[f.MissingBin]
	}
	var best split
	end := values
	if missing == 0 {
		end--
	}
	top := s.floor / s.lossUnit
	if b, worth := simd.BestCut(h[:end], 0, s.l.sum, s.least, s.l2); worth > top {
		top = worth
		best.bin, best.gain = int32(b), 1
	}
	if missing != 0 {
		if b, worth := simd.BestCut(h[:values-1], missing, s.l.sum, s.least, s.l2); worth > top {
			top = worth
			best.bin, best.gain, best.missingLeft = int32(b), 1, true
		}
	}
	if best.gain > 0 {
		best.gain = max(float64(top*s.lossUnit)-s.base, 0)
	}
	return best
}

// complete sums what goes left in the best split of a numeric column. Missing values that the
// leaf has none of go to the heavier side.
func (s *searcher) complete(best *split) {
	f := &s.g.t.Features[s.g.t.Used[best.column]]
	h := s.l.hist[int(best.column)*binsPerColumn:][:f.Bins]
	best.left = 0
	if best.missingLeft {
		best.left = h[f.MissingBin]
	}
	for _, v := range h[:best.bin+1] {
		best.left += v
	}
	if f.MissingBin >= 0 && h[f.MissingBin] == 0 {
		best.missingLeft = hessOf(best.left) > hessOf(s.l.sum-best.left)
	}
}
