package ivf

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
)

// A segment ends where the norm has fallen by segmentFall since its start, if it has
// segmentMin slots by then. On real factors of matrix factorisation the norms of a list
// span a factor of ten.
const (
	segmentFall = 0.8
	segmentMin  = 32
)

// bias8 is what an int8 code exceeds its value by.
const bias8 = 128

// encode8 quantises x in steps of scale to code, and returns a bound of the length of
// what is lost.
func encode8(code []uint8, x []float32, scale float32) (lost float64) {
	if scale == 0 {
		for i := range code {
			code[i] = bias8
		}
		return 0
	}
	for i, v := range x {
		r := math.RoundToEven(float64(v) / float64(scale))
		r = max(-127, min(127, r))
		code[i] = uint8(int(r) + bias8)
		d := float64(v) - r*float64(scale)
		lost += float64(d * d)
	}
	return math.Sqrt(lost)
}

// scale8 returns the step that x can be quantised with.
func scale8(x []float32) float32 {
	var top float32
	for _, v := range x {
		top = max(top, v, -v)
	}
	if top/127 == 0 || top/127*127 > math.MaxFloat32 {
		return float32(math.Ceil(float64(top))) // what is so small counts as zero
	}
	// Not less than a 127th, so that the greatest value has a code.
	return math.Nextafter32(top/127, math.MaxFloat32)
}

// query8 quantises a query to int8, and returns the step and a bound of the length of
// what is lost.
func query8(dst []int8, q []float32) (scale float32, lost float64) {
	scale = scale8(q)
	if scale == 0 {
		clear(dst)
		return 0, 0
	}
	for i, v := range q {
		r := math.RoundToEven(float64(v) / float64(scale))
		r = max(-127, min(127, r))
		dst[i] = int8(r)
		d := float64(v) - r*float64(scale)
		lost += float64(d * d)
	}
	return scale, math.Sqrt(lost)
}

// segments8 cuts the vectors of a list into segments, in their order, and encodes them.
// norms are the lengths of the vectors.
func segments8(codes []uint8, vectors func(slot int) []float32, norms []float64, d int) []segment {
	var out []segment
	for at := 0; at < len(norms); {
		end := at + 1
		for end < len(norms) && (end-at < segmentMin || norms[end] >= segmentFall*norms[at]) && norms[end] >= 0.5*norms[at] {
			end++
		}
		g := segment{End: uint32(end)}
		var top float64
		for i := at; i < end; i++ {
			g.Scale = max(g.Scale, scale8(vectors(i)))
			top = max(top, norms[i])
		}
		var lost float64
		for i := at; i < end; i++ {
			lost = max(lost, encode8(codes[i*d:(i+1)*d], vectors(i), g.Scale))
		}
		g.Norm, g.Error = up(top, d), up(lost, d)
		out = append(out, g)
		at = end
	}
	return out
}

// norm returns the length of x, which neither overflows nor vanishes.
func norm(x []float32) float64 {
	_, s, _ := sums(x, x)
	return math.Sqrt(s)
}

// score returns the exact score of x.
func score(q, x []float32, l2 bool) float32 {
	if l2 {
		return -simd.L2Sq(q, x)
	}
	return simd.Dot(q, x)
}
