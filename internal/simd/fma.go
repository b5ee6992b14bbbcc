package simd

import "math"

// fma32 returns x*y + z with one rounding, as the instructions VFMADD231SS and FMADD do.
//
// The product is exact in float64, so that their sum has one rounding to 53 bits, and the
// conversion a second one to 24. Two roundings differ from one only if the first lands
// exactly between two float32: when the 29 bits that the conversion drops are 100…0, or
// where float32 is subnormal and drops more bits than that.
//
// Source: Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved
// algorithms using rounding to odd", IEEE Trans. Computers 57(4), 2008.
func fma32(x, y, z float32) float32 {
	s := float64(x)*float64(y) + float64(z)
	if b := math.Float64bits(s); b&(1<<29-1) == 1<<28 || b&^(1<<63)-1 < minNormal32-1 {
		return fmaOdd(x, y, z)
	}
	return float32(s)
}

// minNormal32 holds the bits of 2^-126, the smallest normal float32, as a float64. Zero is
// exact: subtracting one makes it the largest number, so that one comparison excludes it.
const minNormal32 = (1023 - 126) << 52

// fmaOdd is fma32 with the sum rounded to odd: if it is inexact, the last bit is set, and
// the conversion sees on which side of the middle the exact sum lies.
func fmaOdd(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	// Knuth's TwoSum: s + e is exactly p + c.
	t := s - p
	e := (p - (s - t)) + (c - t)
	b := math.Float64bits(s)
	if s-s != 0 || e == 0 || b&1 != 0 {
		return float32(s)
	}
	if (e > 0) == (s > 0) {
		b++
	} else {
		b--
	}
	return float32(math.Float64frombits(b))
}
