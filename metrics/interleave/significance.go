package interleave

import (
	"math"

	"github.com/recsyskit/recsys/metrics"
)

// SignTest returns the two-sided p-value of winsA against winsB if each win were a fair coin, exactly:
//
//	p = min(1, 2 P(X >= max(winsA, winsB))),  X ~ Binomial(winsA+winsB, 1/2)
//
// Ties are left out. It is 1 without wins, and NaN for negative numbers. The relative error is below 1e-9 for up to a million wins.
func SignTest(winsA, winsB int) float64 {
	n, most := winsA+winsB, max(winsA, winsB)
	switch {
	case winsA < 0 || winsB < 0:
		return math.NaN()
	case winsA == winsB:
		return 1
	}
	return min(1, 2*incompleteBeta(float64(most), float64(n-most+1), 0.5))
}

// Mean is the mean of values with its test against 0.
type Mean struct {
	N            int
	Mean, SE     float64
	T            float64 // Mean/SE, with N-1 degrees of freedom
	P            float64 // two-sided
	Lower, Upper float64 // of the 95 % interval
}

// TTest returns the mean of values and Student's two-sided test that the true mean is 0. Values must be independent: one for each
// user, not for each impression ([Experiment] sees to it). NaN among them makes all results NaN, as fewer than two values do
// for all but the mean. If all values are equal, SE is 0, and P is 0 or, of zeros, 1.
//
// Source: Student 1908; the distribution by the incomplete beta function, Abramowitz and Stegun 26.7.1.
func TTest(values []float64) Mean {
	var acc metrics.Accumulator
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			nan := math.NaN()
			return Mean{len(values), nan, nan, nan, nan, nan, nan}
		}
		acc.Add(v)
	}
	s := acc.Summary()
	m := Mean{N: len(values), Mean: s.Mean, SE: s.StdErr}
	if m.N < 2 {
		nan := math.NaN()
		m.SE, m.T, m.P, m.Lower, m.Upper = nan, nan, nan, nan, nan
		return m
	}
	df := float64(m.N - 1)
	switch {
	case m.SE > 0:
		m.T = m.Mean / m.SE
		m.P = studentTails(m.T, df)
	case m.Mean == 0:
		m.P = 1
	default:
		m.T = math.Copysign(math.Inf(1), m.Mean)
	}
	half := m.SE * studentQuantile(0.05, df)
	m.Lower, m.Upper = m.Mean-half, m.Mean+half
	return m
}

// studentTails returns P(|T| >= |t|).
func studentTails(t, df float64) float64 { return incompleteBeta(df/2, 0.5, df/(df+t*t)) }

// studentQuantile returns the t with P(|T| >= t) = p, by halving.
func studentQuantile(p, df float64) float64 {
	lo, hi := 0.0, 1.0
	for studentTails(hi, df) > p {
		hi *= 2
	}
	for range 100 {
		if mid := (lo + hi) / 2; studentTails(mid, df) > p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// incompleteBeta returns I_x(a, b), regularised, for a, b > 0 and x in [0, 1], by the continued fraction of Abramowitz and
// Stegun 26.5.8 in the form of Lentz.
func incompleteBeta(a, b, x float64) float64 {
	if x <= 0 || x >= 1 {
		return min(max(x, 0), 1)
	}
	if x > (a+1)/(a+b+2) { // the fraction converges fast on the other side
		return 1 - incompleteBeta(b, a, 1-x)
	}
	ab, _ := math.Lgamma(a + b)
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	front := math.Exp(ab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	f := d
	for i := 1; i < 100_000; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		c, d = away(1+even/c), 1/away(1+even*d)
		f *= c * d
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		c, d = away(1+odd/c), 1/away(1+odd*d)
		f *= c * d
		if math.Abs(c*d-1) < 1e-15 {
			break
		}
	}
	return front * f
}
