//go:build !purego

package simd

import "unsafe"

// sweepChunk elements take some microseconds at most: a call into assembly cannot be
// preempted.
const sweepChunk = 8192

func axpy(alpha float32, x, y []float32) {
	if tier == PureGo {
		axpyGeneric(alpha, x, y)
		return
	}
	for len(x) > 0 {
		n := min(len(x), sweepChunk)
		if tier == AVX512 {
			axpyAVX512(alpha, unsafe.SliceData(x), unsafe.SliceData(y), n)
		} else {
			axpyAVX2(alpha, unsafe.SliceData(x), unsafe.SliceData(y), n)
		}
		x, y = x[n:], y[n:]
	}
}

func scale(alpha float32, x []float32) {
	if tier == PureGo {
		scaleGeneric(alpha, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), sweepChunk)
		if tier == AVX512 {
			scaleAVX512(alpha, unsafe.SliceData(x), n)
		} else {
			scaleAVX2(alpha, unsafe.SliceData(x), n)
		}
		x = x[n:]
	}
}

func sum(x []float32) float32 {
	if tier == PureGo {
		return sumGeneric(x)
	}
	var acc [16]float32
	for len(x) > 0 {
		n := min(len(x), sweepChunk)
		if tier == AVX512 {
			sumAVX512(&acc[0], unsafe.SliceData(x), n)
		} else {
			sumAVX2(&acc[0], unsafe.SliceData(x), n)
		}
		x = x[n:]
	}
	return foldSum(&acc)
}

func adamStep(w, g, m, v []float32, c *[8]float32) {
	if tier == PureGo {
		adamGeneric(w, g, m, v, c)
		return
	}
	for len(w) > 0 {
		n := min(len(w), sweepChunk)
		pw, pg, pm, pv := unsafe.SliceData(w), unsafe.SliceData(g), unsafe.SliceData(m), unsafe.SliceData(v)
		if tier == AVX512 {
			adamAVX512(pw, pg, pm, pv, n, &c[0])
		} else {
			adamAVX2(pw, pg, pm, pv, n, &c[0])
		}
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
}

func adaGradStep(w, g, s []float32, c *[2]float32) {
	if tier == PureGo {
		adaGradGeneric(w, g, s, c)
		return
	}
	for len(w) > 0 {
		n := min(len(w), sweepChunk)
		pw, pg, ps := unsafe.SliceData(w), unsafe.SliceData(g), unsafe.SliceData(s)
		if tier == AVX512 {
			adaGradAVX512(pw, pg, ps, n, &c[0])
		} else {
			adaGradAVX2(pw, pg, ps, n, &c[0])
		}
		w, g, s = w[n:], g[n:], s[n:]
	}
}
