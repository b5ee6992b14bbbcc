package fmath

import "math"

// The functions in this file follow FDLIBM's e_exp.c and s_expm1.c:
//
// ====================================================
// Copyright (C) 2004 by Sun Microsystems, Inc. All rights reserved.
//
// Permission to use, copy, modify, and distribute this
// software is freely granted, provided that this notice
// is preserved.
// ====================================================

const (
	ln2Hi = 6.93147180369123816490e-01 // the upper 33 bits of ln 2, so that k*ln2Hi is exact
	ln2Lo = 1.90821492927058770002e-10 // ln 2 - ln2Hi
	log2e = 1.44269504088896338700e+00 // 1 / ln 2
	ln2   = 6.93147180559945286227e-01
)

// Exp returns e**x, with an error below 1 ulp.
//
// Special cases are those of [math.Exp]: Exp(+Inf) = +Inf, Exp(-Inf) = 0,
// Exp(NaN) = NaN. Above 709.78 the result is +Inf, below -745.13 it is 0.
//
// Source: FDLIBM 5.3, e_exp.c. With x = k ln2 + r, |r| <= ln2/2, a Remez
// polynomial in r² gives c(r), and e**r = 1 + r + r·c/(2-c).
func Exp(x float64) float64 {
	const (
		overflow  = 7.09782712893383973096e+02
		underflow = -7.45133219101941108420e+02
		tiny      = 0x1p-28
		p1        = 1.66666666666666019037e-01
		p2        = -2.77777777770155933842e-03
		p3        = 6.61375632143793436117e-05
		p4        = -1.65339022054652515390e-06
		p5        = 4.13813679705723846039e-08
	)
	switch {
	case x != x:
		return x
	case x > overflow:
		return math.Inf(1)
	case x < underflow:
		return 0
	case -tiny < x && x < tiny:
		return 1 + x
	}
	var k float64
	hi, lo := x, 0.0
	if x > 0.5*ln2 || x < -0.5*ln2 {
		k = nearest(mul(log2e, x))
		hi = x - mul(k, ln2Hi)
		lo = mul(k, ln2Lo)
	}
	r := hi - lo
	t := mul(r, r)
	c := r - mul(t, p1+mul(t, p2+mul(t, p3+mul(t, p4+mul(t, p5)))))
	return scale(1-((lo-mul(r, c)/(2-c))-hi), int(k))
}

// Expm1 returns e**x - 1, with an error below 1 ulp also where x is near 0 and
// Exp(x) - 1 would lose digits.
//
// Special cases are those of [math.Expm1]: Expm1(+Inf) = +Inf,
// Expm1(-Inf) = -1, Expm1(±0) = ±0, Expm1(NaN) = NaN. Above 709.78 the result is
// +Inf, below -38.8 it is -1.
//
// Source: FDLIBM 5.3, s_expm1.c.
func Expm1(x float64) float64 {
	const (
		overflow = 7.09782712893383973096e+02
		ln2X56   = 3.88162421113569373274e+01
		tiny     = 0x1p-54
		q1       = -3.33333333333331316428e-02
		q2       = 1.58730158725481460165e-03
		q3       = -7.93650757867487942473e-05
		q4       = 4.00821782732936239552e-06
		q5       = -2.01099218183624371326e-07
	)
	switch {
	case x != x:
		return x
	case x > overflow:
		return math.Inf(1)
	case x <= -ln2X56:
		return -1
	case -tiny < x && x < tiny:
		return x
	}
	var k, c float64 // c is what rounding took from the reduced argument
	if x > 0.5*ln2 || x < -0.5*ln2 {
		k = nearest(mul(log2e, x))
		hi := x - mul(k, ln2Hi)
		lo := mul(k, ln2Lo)
		x = hi - lo
		c = (hi - x) - lo
	}
	hfx := mul(0.5, x)
	hxs := mul(x, hfx)
	r1 := 1 + mul(hxs, q1+mul(hxs, q2+mul(hxs, q3+mul(hxs, q4+mul(hxs, q5)))))
	t := 3 - mul(r1, hfx)
	e := mul(hxs, (r1-t)/(6-mul(x, t)))
	if k == 0 {
		return x - (mul(x, e) - hxs)
	}
	e = (mul(x, e-c) - c) - hxs
	switch {
	case k == -1:
		return mul(0.5, x-e) - 0.5
	case k == 1 && x < -0.25:
		return mul(-2, e-(x+0.5))
	case k == 1:
		return 1 + mul(2, x-e)
	case k <= -2 || k > 56:
		return scale(1-(e-x), int(k)) - 1
	case k < 20:
		return scale((1-scale(1, -int(k)))-(e-x), int(k))
	default:
		return scale((x-(e+scale(1, -int(k))))+1, int(k))
	}
}

// nearest returns the integer nearest to x, halves away from 0, |x| < 2^31.
func nearest(x float64) float64 {
	if x < 0 {
		return float64(int32(x - 0.5))
	}
	return float64(int32(x + 0.5))
}

// mul returns x*y, rounded: the compiler cannot fuse it with a following
// addition.
func mul(x, y float64) float64 { return float64(x * y) }

// scale returns y * 2^k for y in [0.5, 2] and k in [-1075, 1024], rounded once.
func scale(y float64, k int) float64 {
	switch {
	case k > 1023:
		return mul(mul(y, 0x1p1023), pow2(k-1023))
	case k < -1021:
		return mul(mul(y, pow2(k+54)), 0x1p-54)
	}
	return mul(y, pow2(k))
}

// pow2 returns 2^k for k in [-1022, 1023].
func pow2(k int) float64 { return math.Float64frombits(uint64(k+1023) << 52) }
