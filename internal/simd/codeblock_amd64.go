//go:build !purego

package simd

import (
	"math"
	"math/bits"
)

// aboveCodes is the most codes for which a tile takes some microseconds at most, and no
// product leaves int32.
const aboveCodes = 8192

// above handles some rows at a time, which stay in the second-level cache.
func (b *CodeBlock) above(dst []CodePair, rows []uint8, stride, n int, base uint32, thresholds []int32) []CodePair {
	if !useVNNI() || b.d == 0 || b.d%4 != 0 || b.d > aboveCodes || b.m < fewQueries || n < fewRows {
		return b.oneByOne(dst, rows, stride, n, base, thresholds)
	}
	var limits [MaxQueries]int32
	for j := range limits {
		limits[j] = math.MaxInt32
		if j < b.m {
			limits[j] = int32(max(math.MinInt32, min(math.MaxInt32, int64(thresholds[j])+b.bias[j])))
		}
	}
	for j := 0; j < b.m; j += panel {
		dst = b.scan(dst, rows, stride, n, base, &limits, j)
	}
	return dst
}

// scan compares the rows, a tile or more of them, with the queries of the panel that starts
// at first.
func (b *CodeBlock) scan(dst []CodePair, rows []uint8, stride, n int, base uint32, limits *[MaxQueries]int32, first int) []CodePair {
	const height = 14
	valid := uint32(1)<<min(panel, b.m-first) - 1
	longest := max(1, 1<<15/(height*b.d/4))
	queries := b.packed[first*b.d:]
	var masks [height]uint32
	for i := 0; i < n; {
		tiles, seen := min((n-i)/height, longest), 0
		if tiles == 0 { // the last tile ends with the last row, and has some rows again
			tiles, seen = 1, height-(n-i)
			i -= seen
		}
		var passed int
		if b.m-first > 16 {
			passed = aboveCodesAVX512(tiles, b.d/4, &rows[i*stride], stride, &queries[0], &limits[first], &masks[0])
		} else {
			passed = aboveCodesNarrowAVX512(tiles, b.d/4, &rows[i*stride], stride, &queries[0], &limits[first], &masks[0])
		}
		i += passed * height
		if passed == tiles {
			continue
		}
		for r, mask := range masks[:] {
			if r < seen {
				continue
			}
			for mask &= valid; mask != 0; mask &= mask - 1 {
				dst = append(dst, CodePair{Query: uint32(first + bits.TrailingZeros32(mask)), Row: base + uint32(i+r)})
			}
		}
		i += height
	}
	return dst
}
