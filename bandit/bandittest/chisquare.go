package bandittest

import (
	"cmp"
	"math"
	"slices"
)

// chiSquareP returns the probability that a chi-square variable of df degrees of
// freedom is at least x: Q(df/2, x/2). It is 1 for df = 0 or x <= 0, and 0 for x = +Inf.
func chiSquareP(x float64, df int) float64 {
	if df <= 0 || x <= 0 {
		return 1
	}
	return upperGamma(float64(df)/2, x/2)
}

// upperGamma returns the regularised upper incomplete gamma function Q(a, x), a > 0, x > 0.
//
// Source: NIST Digital Library of Mathematical Functions, 8.7.1 (series of P, for
// x < a+1) and 8.9.2 (continued fraction of Q, by Lentz's method, for the rest).
func upperGamma(a, x float64) float64 {
	if math.IsInf(x, 1) {
		return 0
	}
	const eps = 1e-16
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		term := 1 / a
		sum := term
		for i := 1.0; term > eps*sum; i++ {
			term *= x / (a + i)
			sum += term
		}
		return max(1-front*sum, 0)
	}
	const tiny = 1e-300
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for i := 1.0; i < 1e6; i++ {
		an := i * (a - i)
		b += 2
		d = an*d + b
		if math.Abs(d) < tiny {
			d = tiny
		}
		c = b + an/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		h *= d * c
		if math.Abs(d*c-1) < eps*4 {
			break
		}
	}
	return min(front*h, 1)
}

// cell is one outcome of a multinomial experiment.
type cell struct {
	seen int
	p    float64 // as claimed
}

// minExpected is the expectation below which cells are pooled (Cochran 1954).
const minExpected = 5

// chiSquare returns Pearson's statistic of n draws and its degrees of freedom. Cells
// whose expectation is below minExpected are pooled, with the next larger one if
// need be. The probabilities should sum to 1. It reorders cells.
func chiSquare(cells []cell, n int) (x float64, df int) {
	if n == 0 {
		return 0, 0
	}
	slices.SortFunc(cells, func(a, b cell) int { return cmp.Compare(a.p, b.p) })
	var pool cell
	used := 0
	for i, c := range cells {
		pool.seen, pool.p = pool.seen+c.seen, pool.p+c.p
		want := pool.p * float64(n)
		if want < minExpected && i < len(cells)-1 {
			continue
		}
		d := float64(pool.seen) - want
		x += d * d / want
		pool = cell{}
		used++
	}
	return x, max(used-1, 0)
}
