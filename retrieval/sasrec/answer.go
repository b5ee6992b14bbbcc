package sasrec

import (
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// activations is the memory of one pass of a sequence of up to Length events.
type activations struct {
	x, z, query, memory, mixed, sum []float32 // rows of Dim; memory: of 2·Dim
	hidden                          []float32 // fedAtOnce rows of Hidden
	weights                         []float32 // Length
}

// fedAtOnce is how many rows go through a feed-forward network together: the width of a
// hidden layer and the length of a sequence, large both, would make memory that the weights
// are no measure of.
const fedAtOnce = 64

func (n *network) newActivations() *activations {
	a := &n.arch
	rows := func(width int) []float32 { return make([]float32, a.Length*width) }
	return &activations{
		x: rows(a.Dim), z: rows(a.Dim), query: rows(a.Dim), memory: rows(2 * a.Dim), mixed: rows(a.Dim), sum: rows(a.Dim),
		hidden: make([]float32, min(a.Length, fedAtOnce)*a.Hidden), weights: rows(1),
	}
}

// answer writes the vector of a user to dst: the output of the network, which is packed, at
// the last of the items, rows of vectors, oldest first, 1 to Length of them.
func (n *network) answer(dst []float32, s *activations, items []int32, vectors []float32) {
	d, count := n.arch.Dim, len(items)
	for i, item := range items {
		n.input(s.x[i*d:(i+1)*d], vectors[int(item)*d:][:d], i, count)
	}
	if n.inputNorm != nil {
		n.inputNorm.Forward(s.x, s.x, nil, count)
	}
	for k := range n.layers {
		from := 0
		if k == len(n.layers)-1 {
			from = count - 1 // nobody asks for what the earlier events give
		}
		n.layers[k].answer(&n.arch, s, from, count)
	}
	last := s.x[(count-1)*d : count*d]
	if n.finalNorm != nil {
		n.finalNorm.Forward(dst, last, nil, 1)
	} else {
		copy(dst, last)
	}
	if t := n.arch.Temperature; t != 0 {
		var norm [1]float32
		nn.Normalize(dst, norm[:], d)
		simd.Scale(float32(1/t), dst)
	}
}

// answer replaces rows from to count-1 of x by what the layer makes of the rows up to them.
func (l *layer) answer(a *Architecture, s *activations, from, count int) {
	d, rows := a.Dim, count-from
	x, z := s.x[from*d:], s.x
	if a.Norm == PreNorm {
		l.attentionNorm.Forward(s.z, s.x, nil, count)
		z = s.z
	}
	l.memory.Forward(s.memory, z, count)
	l.query.Forward(s.query, z[from*d:], rows)
	attention := nn.Attention{Dim: d, Heads: a.Heads}
	for i := range rows {
		attention.Attend(s.mixed[i*d:(i+1)*d], s.query[i*d:(i+1)*d], s.memory, from+i+1, s.weights)
	}
	l.output.Forward(s.sum, s.mixed, rows)
	simd.Add(x[:rows*d], s.sum[:rows*d])
	z = x
	if a.Norm == PreNorm {
		l.feedNorm.Forward(s.z, x, nil, rows)
		z = s.z
	} else {
		l.attentionNorm.Forward(x, x, nil, rows)
	}
	for i := 0; i < rows; i += fedAtOnce {
		n := min(fedAtOnce, rows-i)
		l.inner.Forward(s.hidden, z[i*d:], n)
		hidden := s.hidden[:n*a.Hidden]
		if a.Activation == ReLU {
			nn.ReLU(hidden)
		} else {
			nn.GELU(hidden, hidden)
		}
		l.outer.Forward(s.sum[i*d:], hidden, n)
	}
	simd.Add(x[:rows*d], s.sum[:rows*d])
	if a.Norm == PostNorm {
		l.feedNorm.Forward(x, x, nil, rows)
	}
}
