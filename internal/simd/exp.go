package simd

// Exp computes dst[i] = e**x[i], with an error below 0.501 ulp for every float32: above
// 88.7228 the result is +Inf, below -87.3365 it is subnormal, below -103.97 it is 0; NaN
// gives NaN. The bits are the same on every tier, those of a NaN excepted. dst may be x;
// it panics if the lengths differ.
//
// It computes in float64 with an error of 2^-34, so that the rounding to float32 is all that
// counts and neither end needs a case of its own.
func Exp(dst, x []float32) {
	if len(dst) != len(x) {
		panic(errLengths)
	}
	exp(dst, x, 0)
}

// Sigmoid computes dst[i] = 1 / (1 + e**-x[i]), with an error below 0.501 ulp on both
// tails: it is 0 below -103.97 and 1 above 17.33; NaN gives NaN. The bits are the same on
// every tier, those of a NaN excepted. dst may be x; it panics if the lengths differ.
func Sigmoid(dst, x []float32) {
	if len(dst) != len(x) {
		panic(errLengths)
	}
	sigmoid(dst, x)
}

// Softmax computes dst[i] = e**x[i] / Σ e**x[j]. The largest element is subtracted first,
// so that nothing overflows. The bits are the same on every tier, those of a NaN excepted.
//
// A NaN or +Inf in x makes all of dst NaN; -Inf gives 0 unless all of x is -Inf, which
// gives NaN. The sum is accumulated as by [Sum]: of n terms its relative error is below
// (n/16 + 5)·2^-24. dst may be x; it panics if the lengths differ.
func Softmax(dst, x []float32) {
	if len(dst) != len(x) {
		panic(errLengths)
	}
	exp(dst, x, Max(x))
	scale(1/sum(dst), dst)
}
