//go:build !purego

package simd

import "unsafe"

// expChunk elements take some microseconds: a call into assembly cannot be preempted.
const expChunk = 4096

func exp(dst, x []float32, shift float32) {
	if tier == PureGo {
		expGeneric(dst, x, shift)
		return
	}
	for len(x) > 0 {
		n := min(len(x), expChunk)
		to, from := unsafe.SliceData(dst), unsafe.SliceData(x)
		if tier == AVX512 {
			expAVX512(to, from, n, float64(shift))
		} else {
			expAVX2(to, from, n, float64(shift))
		}
		dst, x = dst[n:], x[n:]
	}
}

func sigmoid(dst, x []float32) {
	if tier == PureGo {
		sigmoidGeneric(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), expChunk)
		to, from := unsafe.SliceData(dst), unsafe.SliceData(x)
		if tier == AVX512 {
			sigmoidAVX512(to, from, n)
		} else {
			sigmoidAVX2(to, from, n)
		}
		dst, x = dst[n:], x[n:]
	}
}
