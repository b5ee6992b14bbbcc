//go:build !purego

package simd

import "unsafe"

// The AVX2 kernels take whole registers of 8, since there is no masked load or store of 16
// bits; Go does the rest. Their conversions of half precision are of the extension F16C,
// which every processor with AVX2 has and x86-64-v3 includes.

func encodeF16(dst []uint16, x []float32) {
	for n := 0; len(x) > 0; dst, x = dst[n:], x[n:] {
		n = min(len(x), sweepChunk)
		to, from := unsafe.SliceData(dst), unsafe.SliceData(x)
		switch tier {
		case AVX512:
			encodeF16AVX512(to, from, n)
			continue
		case AVX2:
			if n = n &^ 7; n > 0 {
				encodeF16AVX2(to, from, n)
				continue
			}
			n = len(x)
		}
		encodeF16Generic(dst[:n], x[:n])
	}
}

func decodeF16(dst []float32, x []uint16) {
	for n := 0; len(x) > 0; dst, x = dst[n:], x[n:] {
		n = min(len(x), sweepChunk)
		to, from := unsafe.SliceData(dst), unsafe.SliceData(x)
		switch tier {
		case AVX512:
			decodeF16AVX512(to, from, n)
			continue
		case AVX2:
			if n = n &^ 7; n > 0 {
				decodeF16AVX2(to, from, n)
				continue
			}
			n = len(x)
		}
		decodeF16Generic(dst[:n], x[:n])
	}
}

func encodeBF16(dst []uint16, x []float32) {
	for n := 0; len(x) > 0; dst, x = dst[n:], x[n:] {
		n = min(len(x), sweepChunk)
		to, from := unsafe.SliceData(dst), unsafe.SliceData(x)
		switch tier {
		case AVX512:
			encodeBF16AVX512(to, from, n)
			continue
		case AVX2:
			if n = n &^ 7; n > 0 {
				encodeBF16AVX2(to, from, n)
				continue
			}
			n = len(x)
		}
		encodeBF16Generic(dst[:n], x[:n])
	}
}

func decodeBF16(dst []float32, x []uint16) {
	for n := 0; len(x) > 0; dst, x = dst[n:], x[n:] {
		n = min(len(x), sweepChunk)
		to, from := unsafe.SliceData(dst), unsafe.SliceData(x)
		switch tier {
		case AVX512:
			decodeBF16AVX512(to, from, n)
			continue
		case AVX2:
			if n = n &^ 7; n > 0 {
				decodeBF16AVX2(to, from, n)
				continue
			}
			n = len(x)
		}
		decodeBF16Generic(dst[:n], x[:n])
	}
}

// addLong adds the products of a and b to the 32 partial sums.
func addLong(acc *accum, a, b []float32) {
	switch tier {
	case AVX512:
		dotLongAVX512(&acc[0], unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	case AVX2:
		dotLongAVX2(&acc[0], unsafe.SliceData(a), unsafe.SliceData(b), len(a))
	default:
		acc.dot(a, b, true)
	}
}
