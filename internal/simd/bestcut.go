package simd

// BestCut finds the cut of a histogram that gains most. A bin holds two packed sums, g<<32 + h,
// h >= 0, as [Histogram] makes them. With p the sum of the bins up to b and of left, a cut behind b
// leaves gl and hl on its left, from p, and gr and hr, from total - p, and is worth
//
//	(gl^2 (hr+l2) + gr^2 (hl+l2)) / ((hl+l2) (hr+l2))
//
// which is gl^2/(hl+l2) + gr^2/(hr+l2). BestCut returns the first b with the largest worth among those with
// hl and hr at least least, which must be positive, and that worth; -1 if there is none. Each operation
// rounds once, so every tier returns the same bits.
func BestCut(h []int64, left, total, least int64, l2 float64) (b int, worth float64) {
	if len(h) == 0 {
		return -1, 0
	}
	return bestCut(h, left, total, least, l2)
}

// bestLane returns the bin and the worth of the best of the lanes; of equal ones that of the
// lowest bin. worth is -1 in lanes without a cut.
func bestLane(worth []float64, bins []int64) (int, float64) {
	b, top := int64(-1), -1.0
	for i, w := range worth {
		if w > top || w == top && w >= 0 && bins[i] < b {
			b, top = bins[i], w
		}
	}
	return int(b), max(top, 0)
}
