package fmath

import "math"

// Turn returns the sine and the cosine of the given part of a turn, sin 2πx and cos 2πx, with an error
// below 2 ulp or 1e-16, whichever is more. The part is finite and of a magnitude below 2^50; quarters of a turn are exact, and no
// result is -0.
//
// Source: FDLIBM 5.3, k_sin.c and k_cos.c, behind a reduction that is exact since the argument is in turns: with
// q = round(4x), x - q/4 has no rounding, and |2π(x - q/4)| <= π/4.
func Turn(x float64) (sin, cos float64) {
	const (
		s1 = -1.66666666666666324348e-01
		s2 = 8.33333333332248946124e-03
		s3 = -1.98412698298579493134e-04
		s4 = 2.75573137070700676789e-06
		s5 = -2.50507602534068634195e-08
		s6 = 1.58969099521155010221e-10

		c1 = 4.16666666666666019037e-02
		c2 = -1.38888888888741095749e-03
		c3 = 2.48015872894767294178e-05
		c4 = -2.75573143513906633035e-07
		c5 = 2.08757232129817482790e-09
		c6 = -1.13596475577881948265e-11
	)
	q := math.Floor(mul(4, x) + 0.5)
	r := mul(2*math.Pi, x-mul(0.25, q))
	z := mul(r, r)
	s := r + mul(mul(z, r), s1+mul(z, s2+mul(z, s3+mul(z, s4+mul(z, s5+mul(z, s6))))))
	half := mul(0.5, z)
	w := 1 - half
	c := w + ((1 - w - half) + mul(mul(z, z), c1+mul(z, c2+mul(z, c3+mul(z, c4+mul(z, c5+mul(z, c6)))))))
	switch int64(q) & 3 {
	case 1:
		return c, 0 - s // not -0
	case 2:
		return 0 - s, 0 - c
	case 3:
		return 0 - c, s
	}
	return s, c
}
