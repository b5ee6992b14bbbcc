package simd

import "math"

// aboveGeneric takes the fast products from the generic tile, in plain float32: the fused
// multiply-add of Dot is slow in Go.
func (b *QueryBlock) aboveGeneric(dst []BlockHit, rows []float32, stride, n int, base uint32, thresholds []float32) []BlockHit {
	var limits [MaxQueries]float32
	if b.d == 0 || b.m < 2 || !b.limits(&limits, thresholds, b.longestGeneric(rows, stride, n)) {
		return b.oneByOne(dst, rows, stride, n, base, thresholds)
	}
	const height = 4
	var products [height * panel]float32
	for i := 0; i < n; i += height {
		mr := min(height, n-i)
		for first := 0; first < b.m; first += panel {
			t := tile{k: b.d, rs: stride, cs: 1, b: b.packed.data[first*b.d:], ldb: panel, ldc: panel, w: min(panel, b.m-first)}
			t.runGeneric(mr, rows[i*stride:], products[:])
			for r := range mr {
				for j, s := range products[r*panel : r*panel+t.w] {
					if s <= limits[first+j] {
						continue
					}
					q := first + j
					if s := dot(b.Query(q), rows[(i+r)*stride:(i+r)*stride+b.d]); s > thresholds[q] {
						dst = append(dst, BlockHit{Query: uint32(q), Row: base + uint32(i+r), Score: s})
					}
				}
			}
		}
	}
	return dst
}

// longestGeneric returns a bound on the lengths of the rows.
func (b *QueryBlock) longestGeneric(rows []float32, stride, n int) float64 {
	longest := 0.0
	for i := range n {
		sum := 0.0
		for _, x := range rows[i*stride : i*stride+b.d] {
			sum += float64(float64(x) * float64(x))
		}
		longest = max(longest, sum)
	}
	return math.Sqrt(longest) * (1 + 0x1p-30)
}

// limits sets what a fast product of a row of at most the given length must exceed for Dot to
// be above the threshold. It returns false if a partial sum could overflow, or if something
// is NaN.
func (b *QueryBlock) limits(limits *[MaxQueries]float32, thresholds []float32, longest float64) bool {
	for j := range limits {
		if j >= b.m {
			limits[j] = float32(math.Inf(1))
			continue
		}
		size := float64(b.norm[j] * longest)
		if !(size < 1e38) {
			return false
		}
		limits[j] = roundDown(float64(thresholds[j]) - (float64(b.slack*size) + b.tiny))
	}
	return true
}

// roundDown returns the largest float32 that is not above x; NaN for NaN.
func roundDown(x float64) float32 {
	y := float32(x)
	if float64(y) > x {
		return math.Nextafter32(y, float32(math.Inf(-1)))
	}
	return y
}
