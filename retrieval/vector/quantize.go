package vector

import "math"

// QuantizeInt8 fills dst with codes in [-127, 127] such that v[i] is close to
// scale·dst[i], and returns the scale: max |v[i]| / 127. Halves round to even, so the error
// |v[i] - scale·dst[i]| is at most scale/2, but for the rounding of the scale itself, which
// adds 2^-18 of it; a subnormal scale, of vectors below 1.5e-36, may add more.
//
// A vector of zeros has scale 0 and codes 0. If v has a NaN or an infinity the scale is NaN
// and all codes are 0. It panics if the lengths differ.
func QuantizeInt8(dst []int8, v []float32) (scale float32) {
	if len(dst) != len(v) {
		panic(errLengths)
	}
	clear(dst)
	var top float64
	for _, x := range v {
		top = max(top, math.Abs(float64(x)))
	}
	switch {
	case top-top != 0:
		return float32(math.NaN())
	case top == 0:
		return 0
	}
	for i, x := range v {
		dst[i] = int8(math.RoundToEven(float64(x) / top * 127))
	}
	return float32(top / 127)
}
