package simd

// Gemv computes y = A·x, where A is len(y) × len(x) with rows lda elements apart. y[i] has
// the bits of Dot(x, row i): it is [DotBatch] under its name in the BLAS.
func Gemv(y, a []float32, lda int, x []float32) {
	checkMatrix(len(a), len(y), len(x), lda)
	dotBatch(y, x, a, lda)
}

// GemvT computes y += Aᵀ·x, where A is len(x) × len(y) with rows lda elements apart. It has
// the bits of Axpy(x[i], row i, y) for each row in turn, on every tier, and reads and writes
// y less often.
func GemvT(y, a []float32, lda int, x []float32) {
	checkMatrix(len(a), len(x), len(y), lda)
	if len(x) > 0 && len(y) > 0 {
		gemvT(y, a, lda, x)
	}
}
