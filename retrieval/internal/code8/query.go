package code8

import (
	"math"
	"slices"
)

// Query is a coded query vector with what the bounds need to know of it. The zero Query
// must be Set before use. A Query that is set is safe for concurrent reading.
type Query struct {
	codes []int8 // padded to Stride

	scale    float64
	coded    float64 // |scale·codes|, rounded up
	residual float64 // |q - scale·codes|, rounded up
	norm     float64 // |q|, rounded up
	low      float64 // |q|, rounded down
	dot      float64 // g of equation (2)
	l2       float64 // 1 + 2g' of equation (3)
	tiny     float64 // what underflow can cost
}

const (
	// slack covers the rounding of a bound that is evaluated in float64.
	slack = 1 + 0x1p-40
	// exact covers the rounding of Approx, which is below 2^-50 |q| |x|: since codes are
	// rounded values, |t·u| <= 2|q| and |s·c| <= 2|x|.
	exact = 0x1p-44
)

// Set codes q, which must be finite and of at most [MaxDim] components. It keeps nothing
// of q, and allocates only when q is longer than those before.
func (c *Query) Set(q []float32) {
	c.codes = slices.Grow(c.codes[:0], Stride(len(q)))[:Stride(len(q))]
	clear(c.codes[len(q):])
	top := float64(MaxAbs(q))
	c.scale = top / maxCode
	inverse := 0.0
	if top > 0 {
		inverse = maxCode / top
	}
	codes := c.codes[:len(q)]
	var even, odd float64 // two sums, since one would wait for each addition
	var coded int32
	for i, v := range q {
		u := nearest(float64(v) * inverse)
		codes[i] = int8(u)
		coded += int32(u) * int32(u)
		r := float64(v) - float64(c.scale*u)
		even, odd = odd, even+float64(r*r)
	}
	root := norm(q)
	rest := even + odd
	c.norm, c.low = root, root*(1-0x1p-28)
	// scale has 53 bits here, unlike the scale of a row: its product with a code is rounded.
	c.residual = math.Sqrt(rest)*round + c.norm*0x1p-50
	c.coded = c.scale * math.Sqrt(float64(coded)) * round
	n := float64((len(q)+15)/16+4) * 0x1p-24
	c.dot = n/(1-n) + exact
	n += 2 * 0x1p-24
	c.l2 = 1 + 2*n/(1-n)
	c.tiny = float64(len(q)) * 0x1p-149
}

// Codes returns the codes, of length Stride of the dimension; to be read only.
func (c *Query) Codes() []int8 { return c.codes }

// Norm returns |q|, rounded up.
func (c *Query) Norm() float64 { return c.norm }

// Scale returns the scale of the query: the product with a row is about Scale() times the
// scale of the row times the product of the codes.
func (c *Query) Scale() float64 { return c.scale }

// Safe reports whether no computation with a row of at most this norm can overflow: neither
// a product nor a squared distance. Otherwise the bounds do not hold.
func (c *Query) Safe(norm float32) bool {
	n := c.norm + float64(norm)
	return n < 0x1p62
}

// Bound returns how far simd.Dot(q, x) can be from Approx of the product of their codes,
// for every row x whose norm and residual are at most these.
func (c *Query) Bound(norm, residual float32) float64 {
	n := float64(norm)
	return (float64(c.coded*float64(residual)) + float64(c.residual*n) + float64(c.dot*float64(c.norm*n)) + c.tiny) * slack
}

// Approx returns the product of q and a row under a scale as their codes tell it.
func (c *Query) Approx(product int32, scale float32) float64 {
	return c.scale * float64(scale) * float64(product)
}

// Threshold returns the largest number that proves a row too low: simd.Dot(q, x) < score
// for every row x under the scale whose codes' product with q's is at most the result, and
// whose norm and residual are at most these. It is the threshold for simd.DotInt8Above;
// MinInt32 when nothing can be proven, MaxInt32 when no such row reaches the score.
func (c *Query) Threshold(score float64, scale, norm, residual float32) int32 {
	room := score - c.Bound(norm, residual)
	room -= math.Abs(room) * 0x1p-40 // it was rounded
	unit := c.scale * float64(scale)
	if unit == 0 { // all codes are 0, and so is Approx
		if room > 0 {
			return math.MaxInt32
		}
		return math.MinInt32
	}
	t := room / unit
	t = math.Ceil(t-math.Abs(t)*0x1p-40) - 1
	switch {
	case t >= math.MaxInt32:
		return math.MaxInt32
	case t > math.MinInt32:
		return int32(t)
	}
	return math.MinInt32 // also when t is not a number
}

// Max returns a bound on simd.Dot(q, x) and on -simd.Dot(q, x) for rows of at most this
// norm.
func (c *Query) Max(norm float32) float64 {
	n := float64(c.norm * float64(norm))
	return (n + float64(c.dot*n) + c.tiny) * slack
}

// Slack returns how far simd.Dot(q, x) can be from the true product for rows of at most
// this norm.
func (c *Query) Slack(norm float32) float64 {
	return (float64(c.dot*float64(c.norm*float64(norm))) + c.tiny) * slack
}

// Product returns a number that the true product q·x reaches for every row x with
// simd.L2Sq(q, x) <= distance and a norm of at least low.
func (c *Query) Product(distance, low float32) float64 {
	far := (float64(distance) + c.tiny) * c.l2
	near := float64(c.low*c.low) + float64(float64(low)*float64(low))
	return (near*(2-slack) - far*slack) / 2
}
