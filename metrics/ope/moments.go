package ope

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
)

// moments holds the mean, the sum of squared differences from it, and the ends of some numbers.
// Blocks are summed in two passes and merged, which keeps full precision for any mean.
//
// Source: Chan, Golub and LeVeque, The American Statistician 37 (1983), equation 2.1.
type moments struct {
	n        int
	mean, m2 float64
	min, max float64
}

// add adds a block of numbers.
func (m *moments) add(xs []float64) {
	if len(xs) == 0 {
		return
	}
	b := moments{n: len(xs), mean: sum(xs) / float64(len(xs))}
	b.m2, b.min, b.max = simd.Spread64(xs, b.mean)
	m.merge(&b)
}

// merge adds the numbers of b.
func (m *moments) merge(b *moments) {
	switch {
	case b.n == 0:
		return
	case m.n == 0:
		*m = *b
		return
	}
	n := float64(m.n + b.n)
	delta := b.mean - m.mean
	m.m2 += b.m2 + float64(delta*delta*(float64(m.n)*(float64(b.n)/n)))
	m.mean += float64(delta * (float64(b.n) / n))
	m.n += b.n
	m.min, m.max = min(m.min, b.min), max(m.max, b.max)
}

// sum returns the sum of xs in an order that depends on their number alone.
func sum(xs []float64) float64 { return simd.Sum64(xs) }

// dot returns the sum of products of two slices of one length.
func dot(xs, ys []float64) float64 {
	ys = ys[:len(xs)]
	var s0, s1, s2, s3 float64
	k := 0
	for ; k+4 <= len(xs); k += 4 {
		x, y := xs[k:k+4:k+4], ys[k:k+4:k+4]
		s0 += float64(x[0] * y[0])
		s1 += float64(x[1] * y[1])
		s2 += float64(x[2] * y[2])
		s3 += float64(x[3] * y[3])
	}
	for ; k < len(xs); k++ {
		s0 += float64(xs[k] * ys[k])
	}
	return (s0 + s1) + (s2 + s3)
}

// total is the sum of the numbers.
func (m *moments) total() float64 { return float64(m.n) * m.mean }

// exported returns the moments as users see them.
func (m *moments) exported() Moments {
	if m.n == 0 {
		return Moments{}
	}
	return Moments{N: m.n, Mean: m.mean, Var: m.m2 / float64(m.n), Min: m.min, Max: m.max}
}

// ess returns (Σw)²/Σw²; 0 if all are 0.
func (m *moments) ess() float64 {
	second := m.m2 + float64(m.total()*m.mean)
	if !(second > 0) {
		return 0
	}
	return m.total() / second * m.total()
}

// comoments holds means and co-moments of triples (d, u, w): the direct term, a weighted
// residual, and its weight.
type comoments struct {
	d, u, w    moments
	du, dw, uw float64 // sums of products of differences from the means
}

// add adds a block; d is nil for all zeros.
func (c *comoments) add(d, u, w []float64) {
	var b comoments
	b.u.add(u)
	b.w.add(w)
	b.uw = codeviation(u, w, b.u.mean, b.w.mean)
	if d == nil {
		b.d = moments{n: len(u)}
	} else {
		b.d.add(d)
		b.du = codeviation(d, u, b.d.mean, b.u.mean)
		b.dw = codeviation(d, w, b.d.mean, b.w.mean)
	}
	c.merge(&b)
}

// codeviation returns the sum of products of differences from mx and my.
func codeviation(xs, ys []float64, mx, my float64) float64 {
	var s0, s1, s2, s3 float64
	k := 0
	for ; k+4 <= len(xs); k += 4 {
		x, y := xs[k:k+4:k+4], ys[k:k+4:k+4]
		s0 += float64((x[0] - mx) * (y[0] - my))
		s1 += float64((x[1] - mx) * (y[1] - my))
		s2 += float64((x[2] - mx) * (y[2] - my))
		s3 += float64((x[3] - mx) * (y[3] - my))
	}
	for ; k < len(xs); k++ {
		s0 += float64((xs[k] - mx) * (ys[k] - my))
	}
	return (s0 + s1) + (s2 + s3)
}

// merge adds the triples of b.
func (c *comoments) merge(b *comoments) {
	if b.u.n == 0 {
		return
	}
	if c.u.n > 0 {
		n := float64(c.u.n) * (float64(b.u.n) / float64(c.u.n+b.u.n))
		d, u, w := b.d.mean-c.d.mean, b.u.mean-c.u.mean, b.w.mean-c.w.mean
		c.du += float64(n * d * u)
		c.dw += float64(n * d * w)
		c.uw += float64(n * u * w)
	}
	c.du += b.du
	c.dw += b.dw
	c.uw += b.uw
	c.d.merge(&b.d)
	c.u.merge(&b.u)
	c.w.merge(&b.w)
}

// shift replaces u by u + delta·w. The ends of u become bounds.
func (c *comoments) shift(delta float64) {
	if delta == 0 || c.u.n == 0 {
		return
	}
	c.u.m2 += float64(delta * (2*c.uw + float64(delta*c.w.m2)))
	c.uw += float64(delta * c.w.m2)
	c.du += float64(delta * c.dw)
	c.u.mean += float64(delta * c.w.mean)
	c.u.min += min(delta*c.w.min, delta*c.w.max)
	c.u.max += max(delta*c.w.min, delta*c.w.max)
	c.u.m2 = max(c.u.m2, 0)
}

// ratio returns mean(d) + mean(u)/mean(w) and the sum of squares of its linearized terms,
//
//	d - mean(d) + (u - κw)/mean(w),  κ = mean(u)/mean(w);
//
// NaN if no row has weight.
func (c *comoments) ratio() (value, squares float64) {
	if !(c.w.mean > 0) {
		return math.NaN(), math.NaN()
	}
	k := c.u.mean / c.w.mean
	cross := 2 * (c.du - float64(k*c.dw)) / c.w.mean
	weighted := (c.u.m2 - float64(2*k*c.uw) + float64(k*k*c.w.m2)) / c.w.mean / c.w.mean
	return c.d.mean + k, max(c.d.m2+cross+weighted, 0)
}
