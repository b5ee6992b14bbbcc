package nn

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
)

// LayerNorm is the layer y = Gain (x - mean) / sqrt(variance + Epsilon) + Bias, with mean and
// variance over the values of a row.
//
// Source: Ba, Kiros and Hinton, arXiv 1607.06450.
type LayerNorm struct {
	Dim        int
	Epsilon    float32
	Gain, Bias []float32
}

// NewLayerNorm takes the weights of a layer from s.
func NewLayerNorm(s *Slab, dim int, epsilon float32) *LayerNorm {
	return &LayerNorm{Dim: dim, Epsilon: epsilon, Gain: s.Take(dim), Bias: s.Take(dim)}
}

// Init sets the gains to 1 and the biases to 0.
func (l *LayerNorm) Init() {
	for i := range l.Gain {
		l.Gain[i] = 1
	}
	clear(l.Bias)
}

// Forward computes rows of y from as many of x. y may be x if there is no way back. stats
// takes 2 values per row, mean and 1/sqrt(variance + Epsilon), for Backward; nil if it does
// not follow.
func (l *LayerNorm) Forward(y, x, stats []float32, rows int) {
	for r := range rows {
		from, to := x[r*l.Dim:(r+1)*l.Dim], y[r*l.Dim:(r+1)*l.Dim]
		mean := simd.Sum(from) / float32(l.Dim)
		for i, v := range from {
			to[i] = v - mean
		}
		inv := float32(1 / math.Sqrt(float64(simd.Dot(to, to)/float32(l.Dim)+l.Epsilon)))
		for i, v := range to {
			to[i] = float32(float32(v*inv)*l.Gain[i]) + l.Bias[i]
		}
		if stats != nil {
			stats[2*r], stats[2*r+1] = mean, inv
		}
	}
}

// Backward adds the gradient of the weights to grad and writes that of x to dx. dy is the
// gradient of y, and stats what Forward wrote. dx may be dy, but not x.
func (l *LayerNorm) Backward(grad *LayerNorm, dx, dy, x, stats []float32, rows int) {
	for r := range rows {
		from, dfrom, dto := x[r*l.Dim:(r+1)*l.Dim], dx[r*l.Dim:(r+1)*l.Dim], dy[r*l.Dim:(r+1)*l.Dim]
		mean, inv := stats[2*r], stats[2*r+1]
		var sum, product float32 // of g = dy·Gain, and of g·n, n = (x - mean)·inv
		for i, d := range dto {
			n := (from[i] - mean) * inv
			grad.Gain[i] += float32(d * n)
			grad.Bias[i] += d
			g := float32(d * l.Gain[i])
			sum += g
			product += float32(g * n)
		}
		sum, product = sum/float32(l.Dim), product/float32(l.Dim)
		for i, d := range dto {
			n := (from[i] - mean) * inv
			dfrom[i] = (float32(d*l.Gain[i]) - sum - float32(n*product)) * inv
		}
	}
}

// short is the norm below which a vector has no direction.
const short = 1e-9

// Normalize divides each row of x, of dim values, by its Euclidean norm and writes the norms.
// A row shorter than 1e-9 becomes 0, with the norm 0.
func Normalize(x, norms []float32, dim int) {
	for r := range norms {
		row := x[r*dim : (r+1)*dim]
		norm := math.Sqrt(float64(simd.Dot(row, row)))
		if norm < short { // false for NaN, which must come through
			norms[r] = 0
			clear(row)
			continue
		}
		norms[r] = float32(norm)
		simd.Scale(float32(1/norm), row)
	}
}

// NormalizeBackward turns dy, the gradient of the rows y that [Normalize] made, into that of
// the rows that it got; 0 for rows without a direction.
func NormalizeBackward(dy, y, norms []float32, dim int) {
	for r, norm := range norms {
		d, row := dy[r*dim:(r+1)*dim], y[r*dim:(r+1)*dim]
		if norm == 0 {
			clear(d)
			continue
		}
		simd.Axpy(-simd.Dot(d, row), row, d)
		simd.Scale(1/norm, d)
	}
}
