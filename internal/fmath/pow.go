package fmath

import "math"

// The functions in this file follow FDLIBM's e_pow.c:
//
// ====================================================
// Copyright (C) 2004 by Sun Microsystems, Inc. All rights reserved.
//
// Permission to use, copy, modify, and distribute this
// software is freely granted, provided that this notice
// is preserved.
// ====================================================

// Pow returns x**y, with an error below 1 ulp.
//
// Special cases are those of [math.Pow]: 1 for y = 0 or x = 1 even with a NaN,
// else NaN for a NaN; NaN for x < 0 and a y that is no integer; zeros and
// infinities as the limits say, with the sign of x for odd integers y.
//
// Source: FDLIBM 5.3, e_pow.c. log2(x) is computed as a sum of two float64, that
// is multiplied by y, and 2 is raised to it.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return math.NaN()
	case y == 1:
		return x
	}
	odd, integer := parity(y)
	sign := 1.0
	if math.Signbit(x) && odd {
		sign = -1
	}
	ax := math.Abs(x)
	switch large := ax > 1 == (y > 0); {
	case ax == 1 && (integer || math.IsInf(y, 0)):
		return sign
	case ax == 0 || ax > math.MaxFloat64 || math.IsInf(y, 0):
		if large {
			return sign * math.Inf(1)
		}
		return sign * 0
	case x < 0 && !integer:
		return math.NaN()
	}
	var t1, t2 float64
	switch near := math.Abs(y) > 0x1p31; {
	case near && (ax < 1-0x1p-20 || ax > 1+0x1p-20 || math.Abs(y) > 0x1p64):
		if ax > 1 == (y > 0) {
			return sign * math.Inf(1)
		}
		return sign * 0
	case near:
		t1, t2 = log2Near1(ax)
	default:
		t1, t2 = log2(ax)
	}
	y1 := high(y)
	lo := mul(y-y1, t1) + mul(y, t2)
	hi := mul(y1, t1)
	return sign * exp2(hi, lo)
}

// parity reports whether y is an odd integer, and whether it is an integer. An
// infinity is none.
func parity(y float64) (odd, integer bool) {
	a := math.Abs(y)
	switch {
	case a >= 0x1p53:
		return false, a <= math.MaxFloat64
	case a != math.Trunc(a):
		return false, false
	}
	return int64(a)&1 == 1, true
}

// high returns x with the lower 32 bits cleared, so that products of two are
// exact.
func high(x float64) float64 {
	return math.Float64frombits(math.Float64bits(x) &^ (1<<32 - 1))
}

// log2Near1 returns log2(x) as a sum for |x-1| <= 2^-20.
func log2Near1(x float64) (t1, t2 float64) {
	const (
		ivln2  = 1.44269504088896338700e+00
		ivln2h = 1.44269502162933349609e+00 // the upper 24 bits
		ivln2l = 1.92596299112661746887e-08
	)
	t := x - 1
	w := mul(mul(t, t), 0.5-mul(t, 0.3333333333333333333333-mul(t, 0.25)))
	// FDLIBM takes ivln2h*t for exact, but that has 24 + 33 bits: near overflow
	// the result was off by 350 ulp. So t is split too.
	th := high(t)
	u := mul(ivln2h, th)
	v := mul(ivln2h, t-th) + (mul(t, ivln2l) - mul(w, ivln2))
	t1 = high(u + v)
	return t1, v - (t1 - u)
}

// log2 returns log2(x) as a sum, for a finite x > 0.
func log2(x float64) (t1, t2 float64) {
	const (
		l1  = 5.99999999999994648725e-01 // 3/2 (log(x) - 2s - 2/3 s³) by s²
		l2  = 4.28571428578550184252e-01
		l3  = 3.33333329818377432918e-01
		l4  = 2.72728123808534006489e-01
		l5  = 2.30660745775561754067e-01
		l6  = 2.06975017800338417784e-01
		cp  = 9.61796693925975554329e-01 // 2/(3 ln 2)
		cph = 9.61796700954437255859e-01
		cpl = -7.02846165095275826516e-09
	)
	n := -1023
	if x < 0x1p-1022 {
		x *= 0x1p53
		n -= 53
	}
	b := math.Float64bits(x)
	n += int(b >> 52)
	b &= mantissaBits
	// x is brought near 1 or 3/2; dph + dpl is log2 of that.
	near, dph, dpl, k := 1.0, 0.0, 0.0, uint64(0)
	exponent := uint64(0x3ff)
	switch j := b >> 32; {
	case j <= 0x3988e: // below sqrt(3/2)
	case j < 0xbb67a: // below sqrt(3)
		near, dph, dpl, k = 1.5, 5.84962487220764160156e-01, 1.35003920212974897128e-08, 1
	default:
		n++
		exponent = 0x3fe
	}
	b |= exponent << 52
	x = math.Float64frombits(b)

	// s = (x - near) / (x + near), as a sum.
	u := x - near
	v := 1 / (x + near)
	s := mul(u, v)
	sh := high(s)
	th := math.Float64frombits((((b>>32)>>1 | 0x20000000) + 0x00080000 + k<<18) << 32) // the upper half of x + near
	tl := x - (th - near)
	sl := mul(v, (u-mul(sh, th))-mul(sh, tl))

	// log(x), as a sum.
	s2 := mul(s, s)
	r := mul(mul(s2, s2), l1+mul(s2, l2+mul(s2, l3+mul(s2, l4+mul(s2, l5+mul(s2, l6))))))
	r += mul(sl, sh+s)
	s2 = mul(sh, sh)
	th = high(3 + s2 + r)
	tl = r - ((th - 3) - s2)
	u = mul(sh, th)
	v = mul(sl, th) + mul(tl, s)
	ph := high(u + v)
	pl := v - (ph - u)
	zh := mul(cph, ph)
	zl := mul(cpl, ph) + mul(pl, cp) + dpl
	t := float64(n)
	t1 = high(((zh + zl) + dph) + t)
	return t1, zl - (((t1 - t) - dph) - zh)
}

// exp2 returns 2^(hi+lo).
func exp2(hi, lo float64) float64 {
	const (
		p1   = 1.66666666666666019037e-01
		p2   = -2.77777777770155933842e-03
		p3   = 6.61375632143793436117e-05
		p4   = -1.65339022054652515390e-06
		p5   = 4.13813679705723846039e-08
		ln2h = 6.93147182464599609375e-01 // ln 2 rounded to 24 bits
		ln2l = -1.90465429995776804525e-09
		ovt  = 8.0085662595372944372e-17 // -(1024 - log2(overflow + 0.5 ulp))
	)
	switch z := hi + lo; {
	case z > 1024 || z == 1024 && lo+ovt > z-hi:
		return math.Inf(1)
	case z < -1075 || z == -1075 && lo <= z-hi:
		return 0
	}
	n := 0.0
	if z := hi + lo; z > 0.5 || z < -0.5 {
		n = nearest(z)
		hi -= n
	}
	t := high(lo + hi)
	u := mul(t, ln2h)
	v := mul(lo-(t-hi), ln2) + mul(t, ln2l)
	z := u + v
	w := v - (z - u)
	t = mul(z, z)
	c := z - mul(t, p1+mul(t, p2+mul(t, p3+mul(t, p4+mul(t, p5)))))
	r := mul(z, c)/(c-2) - (w + mul(z, w))
	return scale(1-(r-z), int(n))
}
