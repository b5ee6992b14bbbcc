package calibrate

import (
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
)

// problem is a logistic regression of one or two columns against soft targets.
type problem struct {
	k         int // columns
	intercept bool
	x         []float64 // n x k, row-major
	target    []float64
	weight    []float64
	total     float64 // of weight
}

func newProblem(n, k int, intercept bool) *problem {
	return &problem{k: k, intercept: intercept, x: make([]float64, n*k), target: make([]float64, n), weight: make([]float64, n)}
}

func (p *problem) row(i int) []float64 { return p.x[i*p.k : (i+1)*p.k] }

// params are coefficients of the columns and, last, the intercept.
type params [3]float64

// fit returns the coefficients, none of them negative, with the intercept at place k.
// A column whose coefficient comes out negative is left out and the others fitted anew:
// Kull et al., section 4.
func (p *problem) fit() []float64 {
	p.total = sumOf(p.weight)
	scale, shift := p.standardise()
	var use [3]bool
	for j := range p.k {
		use[j] = scale[j] > 0
	}
	use[p.k] = p.intercept
	b := p.newton(use)
	for again := true; again; {
		again = false
		worst := -1
		for j := range p.k {
			if b[j] < 0 && (worst < 0 || b[j] < b[worst]) {
				worst = j
			}
		}
		if worst >= 0 {
			use[worst], again = false, true
			b = p.newton(use)
		}
	}
	out := make([]float64, p.k+1)
	out[p.k] = b[p.k]
	for j := range p.k {
		if scale[j] > 0 {
			out[j] = b[j] / scale[j]
			out[p.k] -= float64(out[j] * shift[j])
		}
	}
	return out
}

// standardise brings the columns to mean 0, if there is an intercept, and deviation 1: else scores in
// the millions would make the Hessian singular. A scale of 0 marks a column that says nothing.
func (p *problem) standardise() (scale, shift [2]float64) {
	n := len(p.target)
	for j := range p.k {
		largest := 0.0
		for i := range n {
			largest = max(largest, math.Abs(p.row(i)[j]))
		}
		if largest == 0 {
			continue
		}
		mean := 0.0
		for i := range n {
			mean += float64(p.weight[i] / p.total * p.row(i)[j])
		}
		if !p.intercept {
			mean = 0
		}
		square := 0.0
		for i := range n {
			d := (p.row(i)[j] - mean) / largest
			square += float64(p.weight[i] / p.total * float64(d*d))
		}
		// What rounding leaves of a constant column is no deviation.
		if d := math.Sqrt(square); d > 1e-12 {
			scale[j], shift[j] = float64(d*largest), mean
		}
		for i := range n {
			if r := p.row(i); scale[j] > 0 {
				r[j] = (r[j] - shift[j]) / scale[j]
			} else {
				r[j] = 0
			}
		}
	}
	return scale, shift
}

// newton minimises the mean log loss over the coefficients in use. Lin, Lin, Weng, "A
// note on Platt's probabilistic outputs", Machine Learning 68, 2007, section 3: Newton steps
// with backtracking, on a Hessian that is lifted a little.
func (p *problem) newton(use [3]bool) (b params) {
	const (
		steps     = 100
		gradient  = 1e-12 // of the mean loss
		lift      = 1e-12
		smallest  = 1e-10 // step length
		decrease  = 1e-4
		shrinking = 0.5
	)
	loss := p.loss(b)
	for range steps {
		g, h := p.derivatives(b, use)
		largest := 0.0
		for _, v := range g {
			largest = max(largest, math.Abs(v))
		}
		if largest < gradient {
			break
		}
		for j := range h {
			h[j][j] += lift
		}
		d := solve(h, g)
		slope := 0.0
		for j := range d {
			slope -= float64(d[j] * g[j])
		}
		moved := false
		for t := 1.0; t >= smallest && !moved; t *= shrinking {
			next := b
			for j := range next {
				next[j] -= float64(t * d[j])
			}
			if l := p.loss(next); l < loss+float64(decrease*t*slope) {
				b, loss, moved = next, l, true
			}
		}
		if !moved {
			break // as close as rounding lets it
		}
	}
	return b
}

func (p *problem) logit(i int, b *params) float64 {
	z := 0.0
	for j, v := range p.row(i) {
		z += float64(b[j] * v)
	}
	if p.intercept {
		z += b[p.k]
	}
	return z
}

func (p *problem) loss(b params) float64 {
	sum := 0.0
	for i, t := range p.target {
		z := p.logit(i, &b)
		sum += float64(p.weight[i] * (float64(t*fmath.Softplus(-z)) + float64((1-t)*fmath.Softplus(z))))
	}
	return sum / p.total
}

// derivatives returns gradient and Hessian of the mean loss; what is not in use has
// gradient 0 and a Hessian of 1, so that a step leaves it alone.
func (p *problem) derivatives(b params, use [3]bool) (g params, h [3]params) {
	for i, t := range p.target {
		q := fmath.Sigmoid(p.logit(i, &b))
		var x params
		copy(x[:], p.row(i))
		if p.intercept {
			x[p.k] = 1
		}
		w := p.weight[i] / p.total
		e, v := float64(w*(q-t)), float64(w*float64(q*(1-q)))
		for j := range x {
			g[j] += float64(e * x[j])
			for k := range j + 1 {
				h[j][k] += float64(v * float64(x[j]*x[k]))
			}
		}
	}
	for j := range use {
		for k := range j {
			if !use[j] || !use[k] {
				h[j][k] = 0
			}
			h[k][j] = h[j][k]
		}
		if !use[j] {
			g[j], h[j][j] = 0, 1
		}
	}
	return g, h
}

// solve returns h⁻¹ g by Cholesky's method; h is positive definite.
func solve(h [3]params, g params) (d params) {
	var l [3]params
	for j := range l {
		for k := range j + 1 {
			s := h[j][k]
			for m := range k {
				s -= float64(l[j][m] * l[k][m])
			}
			if j == k {
				l[j][j] = math.Sqrt(max(s, 1e-300))
			} else {
				l[j][k] = s / l[k][k]
			}
		}
	}
	for j := range d {
		s := g[j]
		for k := range j {
			s -= float64(l[j][k] * d[k])
		}
		d[j] = s / l[j][j]
	}
	for j := len(d) - 1; j >= 0; j-- {
		s := d[j]
		for k := j + 1; k < len(d); k++ {
			s -= float64(l[k][j] * d[k])
		}
		d[j] = s / l[j][j]
	}
	return d
}
