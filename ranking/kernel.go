package ranking

import "math"

// exp2s holds the bits of 2^(i/32), rounded to nearest.
var exp2s = [32]uint64{
	0x3ff0000000000000, 0x3ff059b0d3158574, 0x3ff0b5586cf9890f, 0x3ff11301d0125b51,
	0x3ff172b83c7d517b, 0x3ff1d4873168b9aa, 0x3ff2387a6e756238, 0x3ff29e9df51fdee1,
	0x3ff306fe0a31b715, 0x3ff371a7373aa9cb, 0x3ff3dea64c123422, 0x3ff44e086061892d,
	0x3ff4bfdad5362a27, 0x3ff5342b569d4f82, 0x3ff5ab07dd485429, 0x3ff6247eb03a5585,
	0x3ff6a09e667f3bcd, 0x3ff71f75e8ec5f74, 0x3ff7a11473eb0187, 0x3ff82589994cce13,
	0x3ff8ace5422aa0db, 0x3ff93737b0cdc5e5, 0x3ff9c49182a3f090, 0x3ffa5503b23e255d,
	0x3ffae89f995ad3ad, 0x3ffb7f76f2fb5e47, 0x3ffc199bdd85529c, 0x3ffcb720dcef9069,
	0x3ffd5818dcfba487, 0x3ffdfc97337b9b5f, 0x3ffea4afa2a490da, 0x3fff50765b6e4540,
}

// sigmoids replaces each z by the logistic function of z, to within 0.51 ulp of a
// float32: 0 below -87.3, where float32 is subnormal, and NaN for NaN. It takes a
// quarter of the time of fmath.Sigmoid, which is exact to a float64 (BenchmarkSigmoid).
//
// e**-z is 2^(n/32) e**r with n an integer and |r| <= ln2/64, where the Taylor
// polynomial of degree 3 errs by 6e-10 relatively, the same at both ends, so that
// the result does not decrease. Products are rounded explicitly: the bits are the
// same everywhere.
func sigmoids(z []float32) {
	const (
		limit = 126 * 32
		round = 0x1.8p52 // adding it leaves the nearest integer in the low bits
		step  = math.Ln2 / 32
	)
	for i, v := range z {
		x := float64(widen(v) * (-32 * math.Log2E))
		if !(x > -limit && x < limit) {
			if v == v {
				z[i] = step01(v)
			}
			continue
		}
		t := x + round
		r := float64(step * (x - (t - round)))
		n := math.Float64bits(t)
		p := 1 + float64(r*(1+float64(r*(1.0/2+float64(r*(1.0/6))))))
		e := float64(math.Float64frombits(exp2s[n%32]+(n/32)<<52) * p)
		z[i] = float32(1 / (1 + e))
	}
}

// widen returns v as a float64, but 2^-127 for 0, about as little for a subnormal v,
// and 2^128 or more for an infinity or NaN. It does not use the instruction for it:
// CVTSS2SD waits for the last value of the register that it writes, so that in a loop
// each round may wait for the one before (then sigmoids takes 15 ns a value, not 3).
func widen(v float32) float64 {
	b := uint64(math.Float32bits(v))
	return math.Float64frombits(b&(1<<31)<<32 | b&(1<<31-1)<<29 + (1023-127)<<52)
}

// step01 returns 1 for a positive number and 0 for a negative one.
func step01(v float32) float32 {
	if v > 0 {
		return 1
	}
	return 0
}

// dot2 returns the products of w with two rows, x and y, that are at least as long.
// Each is summed in two parts: even and odd columns. Products are rounded before
// they are added, so that the bits are the same everywhere. Two rows share the loads
// of w and hide the latency of the additions: 100 columns take 22 ns a row, one row
// at a time in four or eight sums 28 ns.
func dot2(w, x, y []float32) (float32, float32) {
	n := len(w)
	x, y = x[:n], y[:n]
	var a0, a1, b0, b1 float32
	for j := 0; j < n-1; j += 2 {
		u := w[j]
		a0 += float32(u * x[j])
		b0 += float32(u * y[j])
		u = w[j+1]
		a1 += float32(u * x[j+1])
		b1 += float32(u * y[j+1])
	}
	if n%2 == 1 {
		u := w[n-1]
		a0 += float32(u * x[n-1])
		b0 += float32(u * y[n-1])
	}
	return a0 + a1, b0 + b1
}

// dot2At is dot2 with the columns at in place of the first ones, to the bit.
func dot2At(w, x, y []float32, at []int32) (float32, float32) {
	n := len(w)
	at = at[:n]
	var a0, a1, b0, b1 float32
	for j := 0; j < n-1; j += 2 {
		u, k := w[j], at[j]
		a0 += float32(u * x[k])
		b0 += float32(u * y[k])
		u, k = w[j+1], at[j+1]
		a1 += float32(u * x[k])
		b1 += float32(u * y[k])
	}
	if n%2 == 1 {
		u, k := w[n-1], at[n-1]
		a0 += float32(u * x[k])
		b0 += float32(u * y[k])
	}
	return a0 + a1, b0 + b1
}

// dotGaps returns the product of w with the columns at of x, in four parts, with
// gap[j] in place of the product where x[at[j]] is NaN or infinite.
func dotGaps(w, gap, x []float32, at []int32) float32 {
	at, gap = at[:len(w)], gap[:len(w)]
	var s0, s1, s2, s3 float32
	n := len(w) &^ 3
	for j := 0; j < n; j += 4 {
		s0 += orGap(w[j], x[at[j]], gap[j])
		s1 += orGap(w[j+1], x[at[j+1]], gap[j+1])
		s2 += orGap(w[j+2], x[at[j+2]], gap[j+2])
		s3 += orGap(w[j+3], x[at[j+3]], gap[j+3])
	}
	for j := n; j < len(w); j++ {
		s0 += orGap(w[j], x[at[j]], gap[j])
	}
	return (s0 + s1) + (s2 + s3)
}

// orGap returns w*x, or gap where x is not finite.
func orGap(w, x, gap float32) float32 {
	if x-x != 0 {
		return gap
	}
	return float32(w * x)
}
