package code8

import "math"

const (
	// Bias is what a stored byte exceeds its code by.
	Bias = 128
	// MaxDim is the largest dimension for which integer products are exact and the bounds
	// hold.
	MaxDim = 131_071

	maxCode = 127
	// round is what covers the relative error of a norm computed in float64.
	round = 1 + 0x1p-30
)

// Stride returns the number of bytes of a coded row: the smallest of 16, 32 and the
// multiples of 64 that is at least dim. A row starts at a multiple of its size or of a
// cache line, so that it meets as few lines as possible.
func Stride(dim int) int {
	switch {
	case dim <= 16:
		return 16
	case dim <= 32:
		return 32
	}
	return (dim + 63) &^ 63
}

// MaxAbs returns the largest magnitude in x, 0 for nothing.
func MaxAbs(x []float32) float32 {
	// Four maxima, since one would wait for each comparison.
	const sign = 1 << 31
	var a, b, c, d uint32
	for ; len(x) >= 4; x = x[4:] {
		a, b = max(a, math.Float32bits(x[0])&^sign), max(b, math.Float32bits(x[1])&^sign)
		c, d = max(c, math.Float32bits(x[2])&^sign), max(d, math.Float32bits(x[3])&^sign)
	}
	for _, v := range x {
		a = max(a, math.Float32bits(v)&^sign)
	}
	return math.Float32frombits(max(a, b, c, d))
}

// Scale returns the scale under which values of magnitudes up to top fill the codes.
func Scale(top float32) float32 { return top / maxCode }

// Norm returns |x|, rounded up: never less than the true norm, and more by a relative
// 2^-22 at most. It is +Inf when that is beyond float32.
func Norm(x []float32) float32 { return up(norm(x)) }

// Low returns a number that is at most the norm that [Norm] rounded up to v, and at least 0.
func Low(v float32) float32 {
	return max(0, float32(v*(1-0x1p-21))-math.SmallestNonzeroFloat32)
}

// Encode writes the codes of x under a scale to dst, which has length Stride(len(x)), and
// returns the norm of the residual x - scale·codes, rounded up. Values beyond 127 scales
// are cut off there; the residual tells.
func Encode(dst []uint8, x []float32, scale float32) (residual float32) {
	s := float64(scale)
	inverse := 0.0
	if scale > 0 {
		inverse = 1 / s
	}
	n := len(x)
	dst = dst[:Stride(n)]
	// Two sums, since one would wait for each addition.
	var even, odd float64
	i := 0
	for ; i+1 < n; i += 2 {
		c0, c1 := nearest(float64(x[i])*inverse), nearest(float64(x[i+1])*inverse)
		dst[i], dst[i+1] = uint8(int32(c0)+Bias), uint8(int32(c1)+Bias)
		r0, r1 := float64(x[i])-float64(s*c0), float64(x[i+1])-float64(s*c1)
		even += float64(r0 * r0)
		odd += float64(r1 * r1)
	}
	if i < n {
		c := nearest(float64(x[i]) * inverse)
		dst[i] = uint8(int32(c) + Bias)
		r := float64(x[i]) - float64(s*c)
		even += float64(r * r)
		i++
	}
	for ; i < len(dst); i++ {
		dst[i] = Bias
	}
	return up(math.Sqrt(even+odd) * round)
}

// nearest returns the code nearest to v, halves to even.
func nearest(v float64) float64 {
	if v > maxCode {
		return maxCode
	}
	if v < -maxCode {
		return -maxCode
	}
	// The sum has no bits for a fraction, so that it is rounded as it should be.
	const shift = 0x1.8p52
	return float64(v+shift) - shift
}

// norm returns |x| rounded up.
func norm(x []float32) float64 {
	var even, odd float64
	i := 0
	for ; i+1 < len(x); i += 2 {
		a, b := float64(x[i]), float64(x[i+1])
		even += float64(a * a)
		odd += float64(b * b)
	}
	if i < len(x) {
		even += float64(float64(x[i]) * float64(x[i]))
	}
	return math.Sqrt(even+odd) * round
}

// up rounds v >= 0 up to float32.
func up(v float64) float32 {
	f := float32(v)
	if float64(f) < v {
		f = math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}
