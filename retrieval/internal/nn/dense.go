package nn

import (
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/simd"
)

// Dense is the layer y = x·W + b, for rows x of In values and rows y of Out values.
type Dense struct {
	In, Out int
	W       []float32 // In × Out
	B       []float32 // Out
	forward simd.Packed
	back    simd.Packed // Wᵀ
}

// NewDense takes the weights of a layer from s.
func NewDense(s *Slab, in, out int) *Dense {
	return &Dense{In: in, Out: out, W: s.Take(in * out), B: s.Take(out)}
}

// Init draws the weights evenly from ±sqrt(6/(In+Out)) and sets the biases to 0.
//
// Source: Glorot and Bengio, AISTATS 2010, equation 16.
func (d *Dense) Init(rng *rand.Rand) {
	Uniform(d.W, sqrt(6/float64(d.In+d.Out)), rng)
	clear(d.B)
}

// Pack readies the weights for [Dense.Forward] and, if back is true, for [Dense.Backward].
// It must be called after each change of the weights, and not beside a call of either.
func (d *Dense) Pack(back bool) {
	d.forward.Pack(d.W, d.Out, d.In, d.Out)
	if back {
		d.back.PackT(d.W, d.Out, d.In, d.Out)
	}
}

// Forward computes rows of y from as many of x. It allocates nothing, and may be called
// concurrently for rows of different callers.
func (d *Dense) Forward(y, x []float32, rows int) {
	for i := range rows {
		copy(y[i*d.Out:(i+1)*d.Out], d.B)
	}
	simd.Gemm(y, d.Out, x, d.In, rows, &d.forward, true)
}

// Backward adds the gradient of the weights to grad, and writes that of x to dx unless dx is
// nil. dy is the gradient of y. scratch is memory that calls must not share.
func (d *Dense) Backward(grad *Dense, dx, dy, x []float32, rows int, scratch *simd.Packed) {
	if rows == 0 {
		return
	}
	scratch.Pack(dy, d.Out, rows, d.Out)
	simd.GemmTN(grad.W, d.Out, x, d.In, d.In, scratch, true)
	for i := range rows {
		simd.Add(grad.B, dy[i*d.Out:(i+1)*d.Out])
	}
	if dx != nil {
		simd.Gemm(dx, d.In, dy, d.Out, rows, &d.back, false)
	}
}
