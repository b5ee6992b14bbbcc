package ranking

import (
	"math"

	"github.com/recsyskit/recsys/internal/parallel"
)

// standardise computes, over the rows' weights, the mean and standard deviation of
// the values that are there in each float column, and the share of missing ones.
// The sums are made of fixed blocks of rows, so they do not depend on workers.
func (x *design) standardise(workers int) {
	mean, missing := x.average(workers, func(_ int, v float64) float64 { return v })
	variance, _ := x.average(workers, func(j int, v float64) float64 { return float64((v - mean[j]) * (v - mean[j])) })
	x.mean, x.missing = mean, missing
	x.scale, x.inv = make([]float64, len(mean)), make([]float64, len(mean))
	for j, v := range variance {
		// A constant column's variance is what rounding leaves of the mean.
		if s := math.Sqrt(v); s > 1e-12*math.Abs(mean[j]) {
			x.scale[j], x.inv[j] = s, 1/s
		} else {
			x.scale[j], x.inv[j] = 1, 0
		}
	}
}

// average returns the weighted mean of f over the values v of each column j, 0
// where there are none, and the weighted share of missing ones.
func (x *design) average(workers int, f func(j int, v float64) float64) (mean, missing []float64) {
	d := x.data
	n, w := d.Len(), len(d.Columns)
	block := max(1024, (n+255)/256)
	blocks := (n + block - 1) / block
	sums, masses, totals := make([]float64, blocks*w), make([]float64, blocks*w), make([]float64, blocks)
	parallel.Do(workers, blocks, func(b int) {
		sum, mass := sums[b*w:(b+1)*w], masses[b*w:(b+1)*w]
		for i := b * block; i < min(n, (b+1)*block); i++ {
			c := float64(d.Weight(i))
			totals[b] += c
			for j, v := range d.FloatRow(i) {
				if v == v {
					sum[j] += float64(c * f(j, float64(v)))
					mass[j] += c
				}
			}
		}
	})
	mean, missing = make([]float64, w), make([]float64, w)
	for j := range mean {
		sum, mass, total := 0.0, 0.0, 0.0
		for b := range blocks {
			sum += sums[b*w+j]
			mass += masses[b*w+j]
			total += totals[b]
		}
		if mass > 0 {
			mean[j] = sum / mass
		}
		if total > 0 {
			missing[j] = (total - mass) / total
		}
	}
	return mean, missing
}
