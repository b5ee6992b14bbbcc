package fmath

import "math"

// The functions in this file follow FDLIBM's e_log.c and s_log1p.c:
//
// ====================================================
// Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
//
// Developed at SunPro, a Sun Microsystems, Inc. business.
// Permission to use, copy, modify, and distribute this
// software is freely granted, provided that this notice
// is preserved.
// ====================================================

// The polynomial of both: log(1+f) = f - s(f - R), s = f/(2+f), R = logPoly(s²).
const (
	lg1 = 6.666666666666735130e-01
	lg2 = 3.999999999940941908e-01
	lg3 = 2.857142874366239149e-01
	lg4 = 2.222219843214978396e-01
	lg5 = 1.818357216161805012e-01
	lg6 = 1.531383769920937332e-01
	lg7 = 1.479819860511658591e-01
)

const (
	mantissaBits  = 1<<52 - 1
	sqrt2Mantissa = 0x6a09e667f3bcd // of the square root of 2
)

// Log returns the natural logarithm of x, with an error below 1 ulp.
//
// Special cases are those of [math.Log]: Log(+Inf) = +Inf, Log(±0) = -Inf,
// Log(x < 0) = NaN, Log(NaN) = NaN. Log(1) is exactly 0.
//
// Source: FDLIBM 5.3, e_log.c. With x = 2^k (1+f), sqrt(2)/2 < 1+f < sqrt(2),
// and s = f/(2+f), log(1+f) = f - (f²/2 - s(f²/2 + R(s²))).
func Log(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	k := 0
	if x < 0x1p-1022 { // subnormal
		x *= 0x1p54
		k = -54
	}
	e, f := split(x)
	if k += e; f == 0 {
		return mul(float64(k), ln2Hi) + mul(float64(k), ln2Lo)
	}
	hfsq := mul(mul(0.5, f), f)
	s := f / (2 + f)
	r := mul(s, hfsq+logPoly(mul(s, s)))
	if k == 0 {
		return f - (hfsq - r)
	}
	d := float64(k)
	return mul(d, ln2Hi) - ((hfsq - (r + mul(d, ln2Lo))) - f)
}

// Log1p returns the natural logarithm of 1 + x, with an error below 1 ulp also
// where x is near 0 and Log(1 + x) would lose digits.
//
// Special cases are those of [math.Log1p]: Log1p(+Inf) = +Inf,
// Log1p(±0) = ±0, Log1p(-1) = -Inf, Log1p(x < -1) = NaN, Log1p(NaN) = NaN.
//
// Source: FDLIBM 5.3, s_log1p.c.
func Log1p(x float64) float64 {
	const (
		sqrt2M1     = 4.142135623730950488017e-01  // sqrt(2) - 1
		sqrt2HalfM1 = -2.928932188134524755992e-01 // sqrt(2)/2 - 1
	)
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < -1:
		return math.NaN()
	case x == -1:
		return math.Inf(-1)
	case -0x1p-54 < x && x < 0x1p-54:
		return x
	case -0x1p-29 < x && x < 0x1p-29:
		return x - mul(mul(x, x), 0.5)
	}
	k, f, c := 0, x, 0.0 // c is what rounding took from 1+x
	if x <= sqrt2HalfM1 || x >= sqrt2M1 {
		u := x
		if x < 0x1p53 {
			u = 1 + x
			if u >= 2 {
				c = 1 - (u - x)
			} else {
				c = x - (u - 1)
			}
			c /= u
		}
		k, f = split(u)
	}
	d := float64(k)
	if f == 0 {
		return mul(d, ln2Hi) + (c + mul(d, ln2Lo))
	}
	hfsq := mul(mul(0.5, f), f)
	s := f / (2 + f)
	r := mul(s, hfsq+logPoly(mul(s, s)))
	if k == 0 {
		return f - (hfsq - r)
	}
	return mul(d, ln2Hi) - ((hfsq - (r + (mul(d, ln2Lo) + c))) - f)
}

// split returns k and f with x = 2^k (1+f), sqrt(2)/2 <= 1+f < sqrt(2), for a
// normal, positive, finite x.
func split(x float64) (k int, f float64) {
	b := math.Float64bits(x)
	k, b = int(b>>52)-1023, b&mantissaBits
	if b < sqrt2Mantissa {
		return k, math.Float64frombits(b|0x3ff<<52) - 1
	}
	return k + 1, math.Float64frombits(b|0x3fe<<52) - 1
}

func logPoly(z float64) float64 {
	return mul(z, lg1+mul(z, lg2+mul(z, lg3+mul(z, lg4+mul(z, lg5+mul(z, lg6+mul(z, lg7)))))))
}
