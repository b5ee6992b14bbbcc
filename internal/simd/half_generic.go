package simd

import "math"

func encodeF16Generic(dst []uint16, x []float32) {
	for i, v := range x {
		dst[i] = f16(v)
	}
}

func decodeF16Generic(dst []float32, x []uint16) {
	for i, v := range x {
		dst[i] = fromF16(v)
	}
}

func encodeBF16Generic(dst []uint16, x []float32) {
	for i, v := range x {
		dst[i] = bf16(v)
	}
}

func decodeBF16Generic(dst []float32, x []uint16) {
	for i, v := range x {
		dst[i] = math.Float32frombits(uint32(v) << 16)
	}
}

// f16 returns x in half precision: 1 bit of sign, 5 of exponent, 10 of fraction.
func f16(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b>>16) & 0x8000
	switch b &= 0x7fffffff; {
	case b > 0x7f800000: // NaN, made quiet
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // 65520, halfway from the largest one, 65504, to the next
		return sign | 0x7c00
	case b >= 0x38800000: // 2^-14, the smallest normal one
		b += 0xfff + b>>13&1
		return sign | uint16((b-112<<23)>>13)
	}
	// Next to 0.5 a float32 has steps of 2^-24, as subnormal halves have.
	return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
}

func fromF16(h uint16) float32 {
	sign, b := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case b > 0x7c00: // NaN, made quiet
		return math.Float32frombits(sign | 0x7fc00000 | b<<13)
	case b == 0x7c00:
		return math.Float32frombits(sign | 0x7f800000)
	case b >= 0x0400:
		return math.Float32frombits(sign | (b<<13 + 112<<23))
	}
	return math.Float32frombits(sign | math.Float32bits(float32(b)*0x1p-24))
}

func bf16(x float32) uint16 {
	b := math.Float32bits(x)
	if x != x {
		return uint16(b>>16) | 0x40 // quiet: the fraction that is left may be 0
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
