package simd

// Axpy computes y[i] += alpha·x[i]. The product is rounded, then the sum, so that the bits
// are the same on every tier. It panics if the lengths differ. x may be y, but must not
// overlap it otherwise.
func Axpy(alpha float32, x, y []float32) {
	if len(x) != len(y) {
		panic(errLengths)
	}
	axpy(alpha, x, y)
}

// Scale computes x[i] *= alpha.
func Scale(alpha float32, x []float32) { scale(alpha, x) }

// Sum returns Σ x[i]. Element i is added to partial sum i mod 16, then these are added in
// halves, 8 to 8, 4 to 4, 2 to 2 and 1 to 1, so that the bits are the same on every tier.
func Sum(x []float32) float32 { return sum(x) }
