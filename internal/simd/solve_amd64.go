//go:build !purego

package simd

import "unsafe"

func gemvT(y, a []float32, lda int, x []float32) {
	if tier == PureGo {
		gemvTGeneric(y, a, lda, x)
		return
	}
	// Pieces of at most 16,384 elements of A, columns first: a cache line of A is used up
	// before the next row.
	const elements, width = 1 << 14, 1 << 11
	for j := 0; j < len(y); j += width {
		n := min(width, len(y)-j)
		k := max(1, elements/n)
		for i := 0; i < len(x); i += k {
			to, from, by, count := &y[j], &a[i*lda+j], &x[i], min(k, len(x)-i)
			if tier == AVX512 {
				gemvTAVX512(to, from, 4*lda, count, by, n)
			} else {
				gemvTAVX2(to, from, 4*lda, count, by, n)
			}
		}
	}
}

func trsm8(b []float32, ldb, n int, u *[64]float32) {
	if tier == PureGo {
		trsm8Generic(b, ldb, n, u)
		return
	}
	const width = 1 << 11
	for j := 0; j < n; j += width {
		from, count := unsafe.SliceData(b[j:]), min(width, n-j)
		if tier == AVX512 {
			trsm8AVX512(from, 4*ldb, count, &u[0])
		} else {
			trsm8AVX2(from, 4*ldb, count, &u[0])
		}
	}
}
