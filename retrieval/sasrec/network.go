package sasrec

import (
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// network is the parameters, but for the vectors of items, as layers over one slice: a file
// holds it, an optimizer steps through it, and gradients have the same form.
type network struct {
	arch Architecture
	all  []float32

	positions []float32     // Length × Dim, the newest event last
	inputNorm *nn.LayerNorm // nil without InputNorm
	layers    []layer
	finalNorm *nn.LayerNorm // nil with PostNorm
}

type layer struct {
	attentionNorm *nn.LayerNorm
	query         *nn.Dense // Dim → Dim
	memory        *nn.Dense // Dim → 2·Dim: keys and values
	output        *nn.Dense // Dim → Dim
	feedNorm      *nn.LayerNorm
	inner         *nn.Dense // Dim → Hidden
	outer         *nn.Dense // Hidden → Dim
}

// build takes a network from s. What is taken, and in which order, is the layout of files of
// version 1.
func (a *Architecture) build(s *nn.Slab) *network {
	n := &network{arch: *a, positions: s.Take(a.Length * a.Dim)}
	eps := float32(a.Epsilon)
	if a.InputNorm {
		n.inputNorm = nn.NewLayerNorm(s, a.Dim, eps)
	}
	for range a.Layers {
		n.layers = append(n.layers, layer{
			attentionNorm: nn.NewLayerNorm(s, a.Dim, eps),
			query:         nn.NewDense(s, a.Dim, a.Dim),
			memory:        nn.NewDense(s, a.Dim, 2*a.Dim),
			output:        nn.NewDense(s, a.Dim, a.Dim),
			feedNorm:      nn.NewLayerNorm(s, a.Dim, eps),
			inner:         nn.NewDense(s, a.Dim, a.Hidden),
			outer:         nn.NewDense(s, a.Hidden, a.Dim),
		})
	}
	if a.Norm == PreNorm {
		n.finalNorm = nn.NewLayerNorm(s, a.Dim, eps)
	}
	return n
}

// parameters returns how many weights a network has.
func (a *Architecture) parameters() int { return nn.Size(a.build) }

// network returns the network whose weights lie in all, a.parameters() of them.
func (a *Architecture) network(all []float32) *network {
	n := a.build(nn.NewSlab(all))
	n.all = all
	return n
}

// spread is the standard deviation of vectors before training, as in BERT and S3-Rec.
const spread = 0.02

// draw fills the network and the vectors of the items with what training starts from.
func (n *network) draw(vectors []float32, rng *rand.Rand) {
	for _, x := range [][]float32{vectors, n.positions} {
		for i := range x {
			x[i] = float32(spread * rng.NormFloat64())
		}
	}
	n.direct(vectors)
	n.each(func(l *nn.LayerNorm) { l.Init() }, func(d *nn.Dense) { d.Init(rng) })
}

// direct gives vectors of items the length that they have: 1 with a temperature.
func (n *network) direct(vectors []float32) {
	if n.arch.Temperature != 0 {
		nn.Normalize(vectors, make([]float32, len(vectors)/n.arch.Dim), n.arch.Dim)
	}
}

// each calls norm for every layer norm and dense for every dense layer.
func (n *network) each(norm func(*nn.LayerNorm), dense func(*nn.Dense)) {
	if n.inputNorm != nil {
		norm(n.inputNorm)
	}
	for i := range n.layers {
		l := &n.layers[i]
		norm(l.attentionNorm)
		norm(l.feedNorm)
		for _, d := range []*nn.Dense{l.query, l.memory, l.output, l.inner, l.outer} {
			dense(d)
		}
	}
	if n.finalNorm != nil {
		norm(n.finalNorm)
	}
}

// pack readies the weights for passes, with back those on the way back too.
func (n *network) pack(back bool) {
	n.each(func(*nn.LayerNorm) {}, func(d *nn.Dense) { d.Pack(back) })
}

// input writes what stands for an item at a position, counted from the newest of count, to x.
func (n *network) input(x, vector []float32, at, count int) {
	d := n.arch.Dim
	copy(x, n.positions[(n.arch.Length-count+at)*d:][:d])
	simd.Axpy(n.arch.scale(), vector, x)
}
