package ope

import "math"

// studentQuantile returns the p-quantile of Student's t with df degrees of freedom, p in (0, 1).
// It inverts the distribution function by bracketed Newton steps, to about 1e-11 relative; from
// 10,000 degrees of freedom on it takes four terms of the expansion around the normal quantile,
// since the gamma functions then lose digits to cancellation.
//
// Source: Abramowitz and Stegun 1964, formula 26.7.5, for the expansion.
func studentQuantile(p, df float64) float64 {
	if !(df > 0) || !(p > 0 && p < 1) {
		return math.NaN()
	}
	if p < 0.5 {
		return -studentQuantile(1-p, df)
	}
	if p == 0.5 {
		return 0
	}
	if df >= 1e4 {
		z := normalQuantile(2*p - 1)
		z2 := z * z
		return z * (1 + (z2+1)/(4*df) + ((5*z2+16)*z2+3)/(96*df*df) + (((3*z2+19)*z2+17)*z2-15)/(384*df*df*df))
	}
	lo, hi := 0.0, 1.0
	for studentTail(hi, df) > 1-p {
		lo, hi = hi, 2*hi
		if math.IsInf(hi, 1) {
			return hi
		}
	}
	t := (lo + hi) / 2
	for range 200 {
		f := studentTail(t, df) - (1 - p)
		if f > 0 {
			lo = t
		} else {
			hi = t
		}
		next := t + f/studentDensity(t, df)
		if !(next > lo && next < hi) {
			next = (lo + hi) / 2
		}
		if math.Abs(next-t) <= 1e-15*t {
			return next
		}
		t = next
	}
	return t
}

// studentTail returns P(T > t) for t >= 0.
func studentTail(t, df float64) float64 {
	return betaIncomplete(df/2, 0.5, df/(df+t*t)) / 2
}

func studentDensity(t, df float64) float64 {
	a, _ := math.Lgamma((df + 1) / 2)
	b, _ := math.Lgamma(df / 2)
	return math.Exp(a-b-(df+1)/2*math.Log1p(t*t/df)) / math.Sqrt(df*math.Pi)
}

// betaIncomplete returns the regularized incomplete beta function I_x(a, b), by its continued
// fraction.
//
// Source: DLMF 8.17.22, evaluated by Lentz's method (Thompson and Barnett, J. Comput. Phys. 64,
// 1986).
func betaIncomplete(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - betaIncomplete(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	c, d, f := 1.0, 0.0, 1.0
	for i := range 10000 {
		m := float64(i / 2)
		var numerator float64
		switch {
		case i == 0:
			numerator = 1
		case i%2 == 0:
			numerator = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			numerator = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + numerator*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		c = 1 + numerator/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(c*d-1) < 1e-16 {
			break
		}
	}
	return front * (f - 1)
}
