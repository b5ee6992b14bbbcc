package ope

import (
	"math"
	"slices"
)

// placeSums holds what a sum of ratios over places is made of. A slate is the vector
// z = (w_1·r_1, w_1, 1, w_2·r_2, w_2, 1, …) over the places, with zeros for the places that it
// does not have. The estimate is Σ_k S_k·U_k/W_k of the means of z; its variance follows from
// the means and co-moments by the delta method.
type placeSums struct {
	n     int
	mean  []float64
	m2    []float64 // co-moments, the lower triangle by rows
	z     []float64
	block []float64 // z of the slates of the block, one after the other; kept for resamples
	boot  []float64 // per resample Σc·z
}

// add adds a slate, number at of its block.
func (p *placeSums) add(w, reward []float64, at int, keep bool) {
	if d := 3 * len(w); d > len(p.mean) {
		if !keep {
			at = 0
		}
		p.grow(d, at)
	}
	clear(p.z)
	for k, x := range w {
		p.z[3*k], p.z[3*k+1], p.z[3*k+2] = float64(x*reward[k]), x, 1
	}
	if keep {
		p.block = append(p.block, p.z...)
	}
	p.n++
	// Welford's update: z turns into the difference from the old mean.
	share := 1 / float64(p.n)
	for i, m := range p.mean {
		p.z[i] -= m
		p.mean[i] = m + float64(p.z[i]*share)
	}
	rest := 1 - share
	for i, d := range p.z {
		if d == 0 {
			continue
		}
		d *= rest
		row := p.m2[i*(i+1)/2:][:i+1]
		for j, x := range p.z[:i+1] {
			row[j] += float64(d * x)
		}
	}
}

// grow makes room for d numbers per slate. What the slates before, rows of them in the block, did
// not have was 0.
func (p *placeSums) grow(d, rows int) {
	old := len(p.mean)
	p.mean = append(p.mean, make([]float64, d-old)...)
	p.z = make([]float64, d)
	p.m2 = append(p.m2, make([]float64, d*(d+1)/2-len(p.m2))...)
	if rows > 0 {
		p.block = restride(p.block, rows, old, d)
	}
	if old > 0 && len(p.boot) > 0 {
		p.boot = restride(p.boot, len(p.boot)/old, old, d)
	}
}

// restride returns rows of length old as rows of length d, filled with zeros.
func restride(x []float64, rows, old, d int) []float64 {
	out := make([]float64, rows*d)
	for i := range rows {
		copy(out[i*d:], x[i*old:(i+1)*old])
	}
	return out
}

// merge adds the slates of o.
func (p *placeSums) merge(o *placeSums, resamples int) {
	if o.n == 0 {
		return
	}
	if len(p.mean) < len(o.mean) {
		p.grow(len(o.mean), 0)
	}
	d := len(p.mean)
	n := float64(p.n + o.n)
	delta := make([]float64, d)
	for i := range delta {
		delta[i] = -p.mean[i]
		if i < len(o.mean) {
			delta[i] += o.mean[i]
		}
	}
	weight := float64(p.n) * (float64(o.n) / n)
	for i := range d {
		for j := range i + 1 {
			p.m2[i*(i+1)/2+j] += float64(weight * delta[i] * delta[j])
		}
		p.mean[i] += float64(delta[i] * (float64(o.n) / n))
	}
	for i, x := range o.m2 {
		p.m2[i] += x
	}
	p.n += o.n
	if len(o.boot) > 0 {
		if len(p.boot) == 0 {
			p.boot = make([]float64, resamples*d)
		}
		from := len(o.mean)
		for i := range resamples {
			for j := range from {
				p.boot[i*d+j] += o.boot[i*from+j]
			}
		}
	}
}

// ratio returns Σ_k S_k·U_k/W_k and the sum of squares of its linearized terms; NaN if some
// place that slates have has no weight.
func (p *placeSums) ratio() (value, squares float64) {
	gradient := make([]float64, len(p.mean))
	for k := 0; k < len(p.mean); k += 3 {
		u, w, s := p.mean[k], p.mean[k+1], p.mean[k+2]
		if !(w > 0) {
			return nan, nan
		}
		ratio := u / w
		value += float64(s * ratio)
		gradient[k], gradient[k+1], gradient[k+2] = s/w, -s/w*ratio, ratio
	}
	for i, g := range gradient {
		for j := range i {
			squares += 2 * float64(g*gradient[j]*p.m2[i*(i+1)/2+j])
		}
		squares += float64(g * g * p.m2[i*(i+1)/2+i])
	}
	return value, max(squares, 0)
}

// resample adds the block to resample i of n.
func (p *placeSums) resample(i, n int, draws []float64) {
	d := len(p.mean)
	if len(p.boot) == 0 {
		p.boot = make([]float64, n*d)
	}
	sums := p.boot[i*d : (i+1)*d]
	for row, c := range draws {
		if c == 0 {
			continue
		}
		for j, x := range p.block[row*d : (row+1)*d] {
			sums[j] += float64(c * x)
		}
	}
}

// percentiles returns the ends of the percentile interval over the resamples.
func (p *placeSums) percentiles(counts []float64, alpha float64) (lower, upper float64) {
	d := len(p.mean)
	values := make([]float64, 0, len(counts))
	for i, count := range counts {
		if count == 0 {
			continue
		}
		var value float64
		for k := 0; k < d; k += 3 {
			u, w, s := p.boot[i*d+k], p.boot[i*d+k+1], p.boot[i*d+k+2]
			if s > 0 {
				value += float64(s / count * (u / w))
			}
		}
		if !math.IsNaN(value) {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return nan, nan
	}
	slices.Sort(values)
	return quantile(values, alpha/2), quantile(values, 1-alpha/2)
}
