package simd

func gemvTGeneric(y, a []float32, lda int, x []float32) {
	for i, v := range x {
		axpyGeneric(v, a[i*lda:i*lda+len(y)], y)
	}
}

// trsm8Generic solves uᵀ·X = B in place, where B is 8 × n and u is 8 × 8, upper, with the
// inverses of the diagonal in the diagonal.
func trsm8Generic(b []float32, ldb, n int, u *[64]float32) {
	for t := range 8 {
		row := b[t*ldb : t*ldb+n]
		scaleGeneric(u[8*t+t], row)
		for s := t + 1; s < 8; s++ {
			axpyGeneric(-u[8*t+s], row, b[s*ldb:s*ldb+n])
		}
	}
}
