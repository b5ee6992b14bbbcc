//go:build !purego

package simd

import (
	"math"
	"math/bits"
)

// aboveDim is the largest dimension for which a tile, of 14 rows by 32 queries, takes some
// microseconds at most.
const aboveDim = 2048

// Fewer queries are compared one by one, since up to 16 take the same time as one in a
// tile; and so are fewer rows, since a tile needs as many.
const (
	fewQueries = 6
	fewRows    = 14
)

// above handles at most b.rows() rows.
func (b *QueryBlock) above(dst []BlockHit, rows []float32, stride, n int, base uint32, thresholds []float32) []BlockHit {
	if tier == PureGo {
		return b.aboveGeneric(dst, rows, stride, n, base, thresholds)
	}
	if b.d == 0 || b.d > aboveDim || b.m < fewQueries || n < fewRows {
		return b.oneByOne(dst, rows, stride, n, base, thresholds)
	}
	var limits [MaxQueries]float32
	if !b.limits(&limits, thresholds, b.longest(rows, stride, n)) {
		return b.oneByOne(dst, rows, stride, n, base, thresholds)
	}
	for j := 0; j < b.m; j += panel {
		queries := b.packed.data[j*b.d:]
		if tier == AVX512 && b.m-j > 16 {
			dst = b.scan(dst, rows, stride, n, base, thresholds, limits[j:], queries, j, panel)
			continue
		}
		for h := j; h < min(j+panel, b.m); h += 16 {
			dst = b.scan(dst, rows, stride, n, base, thresholds, limits[h:], queries[h-j:], h, 16)
		}
	}
	return dst
}

// longest returns a bound on the lengths of the rows.
func (b *QueryBlock) longest(rows []float32, stride, n int) float64 {
	var squares [16]float32
	// A row takes as many cycles as it has elements, at most.
	chunk := max(1, 1<<14/b.d)
	for i := 0; i < n; i += chunk {
		from, count := &rows[i*stride], min(chunk, n-i)
		if tier == AVX512 {
			maxSquaresAVX512(&squares[0], from, 4*stride, b.d, count)
		} else {
			maxSquaresAVX2(&squares[0], from, 4*stride, b.d, count)
		}
	}
	sum := 0.0
	for _, x := range squares {
		sum += float64(x)
	}
	// The squares are off by d/16 roundings and by as many underflows.
	return math.Sqrt(float64(sum*1.001) + float64(float64(b.d)*0x1p-148))
}

// scan compares the rows, a tile or more of them, with width queries from first on, and
// computes again what may be above.
func (b *QueryBlock) scan(dst []BlockHit, rows []float32, stride, n int, base uint32, thresholds, limits, queries []float32, first, width int) []BlockHit {
	height := 14
	if tier == AVX2 {
		height = 6
	}
	valid := uint32(1)<<min(width, b.m-first) - 1
	// A tile takes d·14 cycles.
	longest := max(1, 1<<15/(14*b.d))
	var masks [14]uint32
	for i := 0; i < n; {
		tiles, seen := min((n-i)/height, longest), 0
		if tiles == 0 { // the last tile ends with the last row, and has some rows again
			tiles, seen = 1, height-(n-i)
			i -= seen
		}
		var passed int
		if width == panel {
			passed = aboveAVX512(tiles, b.d, &rows[i*stride], 4*stride, &queries[0], &limits[0], &masks[0])
		} else if tier == AVX512 {
			passed = aboveNarrowAVX512(tiles, b.d, &rows[i*stride], 4*stride, &queries[0], &limits[0], &masks[0])
		} else {
			passed = aboveAVX2(tiles, b.d, &rows[i*stride], 4*stride, &queries[0], &limits[0], &masks[0])
		}
		i += passed * height
		if passed == tiles {
			continue
		}
		for r, mask := range masks[:height] {
			if r < seen {
				continue
			}
			row := rows[(i+r)*stride : (i+r)*stride+b.d]
			for mask &= valid; mask != 0; mask &= mask - 1 {
				j := first + bits.TrailingZeros32(mask)
				if s := dot(b.Query(j), row); s > thresholds[j] {
					dst = append(dst, BlockHit{Query: uint32(j), Row: base + uint32(i+r), Score: s})
				}
			}
		}
		i += height
	}
	return dst
}
