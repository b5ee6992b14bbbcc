package bins

import "math"

// run is a value of the sample and how often it is there.
type run struct {
	value float32
	count int
}

// cutsOf returns cuts between the runs, which are ascending, for at most bins bins of at least
// minRows rows each. If each value can have a bin it gets one. Else a value that is as
// frequent as a whole bin ends one, with half a bin of smaller values at most, and the
// others share the rest evenly.
func cutsOf(runs []run, bins, minRows int) []float64 {
	total := 0
	for _, r := range runs {
		total += r.count
	}
	bins = max(1, min(bins, total/minRows))
	var cuts []float64
	inBin, behind := 0, total // rows of the bin being filled, rows not yet in a bin that is closed
	cut := func(i int) {
		cuts = append(cuts, between(runs[i].value, runs[i+1].value))
		behind -= inBin
		inBin = 0
	}
	if len(runs) <= bins {
		for i := range max(len(runs)-1, 0) {
			if inBin += runs[i].count; inBin >= minRows && behind-inBin >= minRows {
				cut(i)
			}
		}
		return cuts
	}
	s := newShares(runs, bins)
	for i := range len(runs) - 1 {
		if len(cuts) == bins-1 {
			break
		}
		s.take(runs[i].count)
		inBin += runs[i].count
		full := s.big(runs[i].count) || float64(inBin) >= s.mean || s.big(runs[i+1].count) && float64(inBin) >= s.mean/2
		if full && inBin >= minRows && behind-inBin >= minRows {
			cut(i)
			s.close(runs[i].count)
		}
	}
	return cuts
}

// shares keeps how many rows a bin should have: values with at least limit rows have bins
// of their own, the rows and bins of all others are left for the mean.
type shares struct {
	limit, mean float64
	rows, bins  int
}

func newShares(runs []run, bins int) shares {
	s := shares{bins: bins}
	for _, r := range runs {
		s.rows += r.count
	}
	s.limit = float64(s.rows) / float64(bins)
	for _, r := range runs {
		if s.big(r.count) {
			s.rows -= r.count
			s.bins--
		}
	}
	s.renew()
	return s
}

func (s *shares) big(count int) bool { return float64(count) >= s.limit }

func (s *shares) renew() { s.mean = float64(s.rows) / float64(max(s.bins, 1)) }

func (s *shares) take(count int) {
	if !s.big(count) {
		s.rows -= count
	}
}

// close counts the bin that was just closed by a value with count rows.
func (s *shares) close(count int) {
	if !s.big(count) {
		s.bins--
		s.renew()
	}
}

// between returns a number with a <= it < b: the middle. In place of infinities stands what
// every float32 and every sensible threshold is within.
func between(a, b float32) float64 {
	const far = 1e300
	lo, hi := math.IsInf(float64(a), -1), math.IsInf(float64(b), 1)
	switch {
	case lo && hi:
		return 0
	case lo:
		return -far
	case hi:
		return far
	}
	return (float64(a) + float64(b)) / 2
}
