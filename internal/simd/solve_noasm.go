//go:build purego || !amd64

package simd

func gemvT(y, a []float32, lda int, x []float32)    { gemvTGeneric(y, a, lda, x) }
func trsm8(b []float32, ldb, n int, u *[64]float32) { trsm8Generic(b, ldb, n, u) }
