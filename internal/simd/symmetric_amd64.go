//go:build !purego

package simd

// Matrices of more than symRows rows, a megabyte, take the Go code: a call into assembly
// cannot be preempted.
const symRows = 512

func quadForm(m, v, x []float64, nb int) (dot, s float64) {
	switch {
	case tier == PureGo || len(x) > symRows:
		return quadFormGeneric(m, v, x, nb)
	case tier == AVX512:
		return quadFormAVX512(&m[0], &v[0], &x[0], nb)
	}
	return quadFormAVX2(&m[0], &v[0], &x[0], nb)
}

func symv(y, m, x []float64, nb int) {
	switch {
	case tier == PureGo || len(x) > symRows:
		symvGeneric(y, m, x, nb)
	case tier == AVX512:
		symvAVX512(&y[0], &m[0], &x[0], nb)
	default:
		symvAVX2(&y[0], &m[0], &x[0], nb)
	}
}

func rank1(m []float64, alpha float64, x []float64, nb int) {
	switch {
	case tier == PureGo || len(x) > symRows:
		rank1Generic(m, alpha, x, nb)
	case tier == AVX512:
		rank1AVX512(&m[0], alpha, &x[0], nb)
	default:
		rank1AVX2(&m[0], alpha, &x[0], nb)
	}
}

// Lengths that are no multiple of 8 take the Go code: vectors beside a matrix are padded.
func dot64(x, y []float64) float64 {
	switch {
	case tier == PureGo || len(x)&7 != 0 || len(x) == 0 || len(x) > sweepChunk:
		return dot64Generic(x, y)
	case tier == AVX512:
		return dot64AVX512(&x[0], &y[0], len(x))
	}
	return dot64AVX2(&x[0], &y[0], len(x))
}

func axpy64(alpha float64, x, y []float64) {
	if tier == PureGo {
		axpy64Generic(alpha, x, y)
		return
	}
	for len(x) > 0 {
		n := min(len(x), sweepChunk)
		if tier == AVX512 {
			axpy64AVX512(alpha, &x[0], &y[0], n)
		} else {
			axpy64AVX2(alpha, &x[0], &y[0], n)
		}
		x, y = x[n:], y[n:]
	}
}
