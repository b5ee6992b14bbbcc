package twotower

import (
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// tower turns rows of inputs into vectors of dim values. An input row holds parts vectors of
// dim values, then features. The vector is the sum of the parts and of what the layers
// make of the whole row.
type tower struct {
	dim, parts, width int
	layers            []*nn.Dense // ReLU after each but the last; none when features and Hidden are missing
	context           []float32   // of attention; nil without
}

// newTower takes the weights of a tower from s.
func newTower(s *nn.Slab, dim, parts, features int, hidden []int, attends bool) *tower {
	t := &tower{dim: dim, parts: parts, width: parts*dim + features}
	if features > 0 || len(hidden) > 0 {
		in := t.width
		for _, h := range hidden {
			t.layers = append(t.layers, nn.NewDense(s, in, h))
			in = h
		}
		t.layers = append(t.layers, nn.NewDense(s, in, dim))
	}
	if attends {
		t.context = s.Take(dim)
	}
	return t
}

// init draws the weights. The last layer starts with 0: the tower then is the sum of its
// parts, to which the layers learn a correction.
func (t *tower) init(rng *rand.Rand) {
	for i, l := range t.layers {
		l.Init(rng)
		if i == len(t.layers)-1 && t.parts > 0 && i > 0 {
			clear(l.W)
		}
	}
	clear(t.context)
}

// pack readies the layers; see [nn.Dense.Pack].
func (t *tower) pack(back bool) {
	for _, l := range t.layers {
		l.Pack(back)
	}
}

// activations are the memory of a tower's work on some rows.
type activations struct {
	rows    int
	in      []float32   // rows × width
	hidden  [][]float32 // outputs of the layers but the last
	norms   []float32
	din     []float32 // rows × width: the gradient
	dhidden [][]float32
	scratch simd.Packed
}

// resize makes room for rows; training keeps what the way back needs.
func (t *tower) resize(a *activations, rows int, training bool) {
	a.rows = rows
	a.in = grow(a.in, rows*t.width)
	a.norms = grow(a.norms, rows)
	if training {
		a.din = grow(a.din, rows*t.width)
	}
	for i := 0; i+1 < len(t.layers); i++ {
		if len(a.hidden) <= i {
			a.hidden, a.dhidden = append(a.hidden, nil), append(a.dhidden, nil)
		}
		a.hidden[i] = grow(a.hidden[i], rows*t.layers[i].Out)
		if training {
			a.dhidden[i] = grow(a.dhidden[i], rows*t.layers[i].Out)
		}
	}
}

// grow returns s with length n. What it holds is not kept.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n+n/4)[:n]
	}
	return s[:n]
}

// forward writes the vectors of a.in to out, rows × dim. unit makes them of length 1. With a
// rate > 0 hidden units are dropped, by the key.
func (t *tower) forward(a *activations, out []float32, unit bool, dropout float64, key uint64) {
	x := a.in
	if n := len(t.layers); n > 0 {
		for i, l := range t.layers[:n-1] {
			l.Forward(a.hidden[i], x, a.rows)
			x = a.hidden[i]
			nn.ReLU(x)
			if dropout > 0 {
				nn.Dropout(x, dropout, hash.Combine(key, uint64(i)))
			}
		}
		t.layers[n-1].Forward(out, x, a.rows)
	} else {
		clear(out[:a.rows*t.dim])
	}
	for r := range a.rows {
		row := out[r*t.dim : (r+1)*t.dim]
		for p := range t.parts {
			simd.Add(row, a.in[r*t.width+p*t.dim:][:t.dim])
		}
	}
	if unit {
		nn.Normalize(out[:a.rows*t.dim], a.norms, t.dim)
	}
}

// backward takes dout, the gradient of the rows out that forward wrote with the same
// arguments, and leaves that of a.in in a.din. It adds the gradient of the weights to grad,
// and writes to dout.
func (t *tower) backward(grad *tower, a *activations, dout, out []float32, unit bool, dropout float64, key uint64) {
	if unit {
		nn.NormalizeBackward(dout, out, a.norms, t.dim)
	}
	d := dout
	for i := len(t.layers) - 1; i >= 0; i-- {
		l := t.layers[i]
		if i == 0 {
			l.Backward(grad.layers[0], a.din, d, a.in, a.rows, &a.scratch)
			break
		}
		l.Backward(grad.layers[i], a.dhidden[i-1], d, a.hidden[i-1], a.rows, &a.scratch)
		d = a.dhidden[i-1]
		if dropout > 0 {
			nn.Dropout(d, dropout, hash.Combine(key, uint64(i-1)))
		}
		nn.ReLUBackward(d, a.hidden[i-1])
	}
	if len(t.layers) == 0 {
		clear(a.din[:a.rows*t.width])
	}
	for r := range a.rows {
		for p := range t.parts {
			simd.Add(a.din[r*t.width+p*t.dim:][:t.dim], dout[r*t.dim:(r+1)*t.dim])
		}
	}
}
