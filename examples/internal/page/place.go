package page

import "slices"

// spread moves positions as little as it can so that neighbours are at least gap apart
// and all lie in lo..hi; their order stays. When they do not fit the gap shrinks.
func spread(at []float64, gap, lo, hi float64) []float64 {
	n := len(at)
	if n == 0 {
		return nil
	}
	if n > 1 {
		gap = min(gap, (hi-lo)/float64(n-1))
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case at[a] < at[b]:
			return -1
		case at[a] > at[b]:
			return 1
		}
		return 0
	})
	// Taking i*gap off the i-th turns distances into order: the least-squares answer
	// pools neighbours that are out of order (isotonic regression).
	type pool struct{ sum, n float64 }
	var pools []pool
	for i, o := range order {
		p := pool{at[o] - float64(float64(i)*gap), 1}
		for len(pools) > 0 && pools[len(pools)-1].sum/pools[len(pools)-1].n > p.sum/p.n {
			last := pools[len(pools)-1]
			p = pool{p.sum + last.sum, p.n + last.n}
			pools = pools[:len(pools)-1]
		}
		pools = append(pools, p)
	}
	out := make([]float64, n)
	i := 0
	for _, p := range pools {
		v := max(lo, min(p.sum/p.n, hi-float64(float64(n-1)*gap)))
		for range int(p.n) {
			out[order[i]] = v + float64(float64(i)*gap)
			i++
		}
	}
	return out
}

// box is a rectangle in pixels.
type box struct{ left, top, right, bottom float64 }

func (b box) overlaps(o box) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

// crosses reports whether the segment from x1, y1 to x2, y2 meets the box (Liang, Barsky 1984).
func (b box) crosses(x1, y1, x2, y2 float64) bool {
	t0, t1 := 0.0, 1.0
	for _, e := range [4][2]float64{{x1 - x2, x1 - b.left}, {x2 - x1, b.right - x1}, {y1 - y2, y1 - b.top}, {y2 - y1, b.bottom - y1}} {
		switch {
		case e[0] == 0 && e[1] < 0:
			return false
		case e[0] < 0:
			t0 = max(t0, e[1]/e[0])
		case e[0] > 0:
			t1 = min(t1, e[1]/e[0])
		}
	}
	return t0 <= t1
}
