package sasrec

import (
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// shard is the part of a step that one goroutine works on: some sequences, their rows one
// behind the other, and the gradients that come of them. A row is an event that has a next
// one.
type shard struct {
	net     *network // shared, and only read in a pass
	dropout float64

	starts  []int32  // of the sequences among the rows, and their end
	keys    []uint64 // of the sequences, for dropout
	items   []int32  // by row: what comes in
	targets []int32  // by row: what should come out
	rows    int

	embedded, input, output []float32 // rows of Dim: before and after the input norm; what comes out
	last                    []float32 // what comes out of the last layer
	inputStats, outputStats []float32
	norms                   []float32 // of the output, with a temperature
	layers                  []layerPass

	grad      *network
	inputs    nn.Grads // of the items that came in, their gradients being dx
	positives nn.Grads // of the items that should have come out, theirs being output
	dx        []float32
	dy, dz    []float32
	dquery    []float32
	dmemory   []float32
	dhidden   []float32
	packed    simd.Packed
	attention nn.AttentionScratch

	logits []float32 // rows × (candidates + 1): the target is the last
	decay  []float32 // scratch of a row of them
	turned simd.Packed
	loss   float64 // sum over the rows
}

// layerPass is what a layer keeps of its pass for the way back: rows of Dim, but for memory,
// of 2·Dim, and hidden and active, of Hidden.
type layerPass struct {
	x, z             []float32 // what came in; what attention saw
	query, memory    []float32
	mixed            []float32 // by attention
	middle, zMiddle  []float32 // between attention and feed-forward network; what that saw
	hidden, active   []float32 // before and behind the activation
	slope            []float32 // of the activation, but for ReLU
	sum, y           []float32 // behind the feed-forward network; what went out
	stats, feedStats []float32
	traces           []nn.AttentionTrace // by sequence
}

func newShard(net *network, dropout float64) *shard {
	return &shard{
		net: net, dropout: max(dropout, 0),
		layers: make([]layerPass, net.arch.Layers),
		grad:   net.arch.network(make([]float32, len(net.all))),
	}
}

// load makes the shard hold the sequences of a batch; key names the step.
func (s *shard) load(all *sequences, batch []int32, key uint64) {
	s.starts, s.keys, s.items, s.targets = append(s.starts[:0], 0), s.keys[:0], s.items[:0], s.targets[:0]
	for _, at := range batch {
		items := all.at(int(at))
		s.items = append(s.items, items[:len(items)-1]...)
		s.targets = append(s.targets, items[1:]...)
		s.starts = append(s.starts, int32(len(s.items)))
		s.keys = append(s.keys, hash.Combine(key, uint64(at)))
	}
	s.rows = len(s.items)
	s.grow()
}

// grow makes the memory large enough for the rows.
func (s *shard) grow() {
	a := &s.net.arch
	for i := range s.layers {
		for len(s.layers[i].traces) < len(s.keys) {
			s.layers[i].traces = append(s.layers[i].traces, nn.AttentionTrace{})
		}
	}
	if len(s.output) >= s.rows*a.Dim {
		return
	}
	rows := s.rows + s.rows/4
	of := func(width int) []float32 { return make([]float32, rows*width) }
	d, h := a.Dim, a.Hidden
	s.embedded, s.input, s.output, s.inputStats, s.outputStats, s.norms = of(d), of(d), of(d), of(2), of(2), of(1)
	s.dx, s.dy, s.dz, s.dquery, s.dmemory, s.dhidden = of(d), of(d), of(d), of(d), of(2*d), of(h)
	for i := range s.layers {
		s.layers[i] = layerPass{
			z: of(d), query: of(d), memory: of(2 * d), mixed: of(d), middle: of(d), zMiddle: of(d),
			hidden: of(h), active: of(h), slope: of(h), sum: of(d), y: of(d), stats: of(2), feedStats: of(2),
			traces: s.layers[i].traces,
		}
	}
}

// The places of dropout in a layer, which draw differently.
const (
	dropInput = iota
	dropAttention
	dropMixed
	dropFed
	dropPlaces
)

// drop drops values of the rows of x behind a place of a layer, sequence by sequence, so that
// what is dropped does not depend on the shard that a sequence is in. On gradients it is its
// own way back.
func (s *shard) drop(x []float32, layer, place int) {
	if s.dropout == 0 {
		return
	}
	d := s.net.arch.Dim
	for i, key := range s.keys {
		nn.Dropout(x[int(s.starts[i])*d:int(s.starts[i+1])*d], s.dropout, hash.Combine(key, uint64(layer*dropPlaces+place)))
	}
}

// forward fills output with what the network makes of the rows.
func (s *shard) forward(vectors []float32) {
	net, d := s.net, s.net.arch.Dim
	for i := range s.keys {
		from, to := int(s.starts[i]), int(s.starts[i+1])
		for r := from; r < to; r++ {
			net.input(s.embedded[r*d:(r+1)*d], vectors[int(s.items[r])*d:][:d], r-from, to-from)
		}
	}
	x := s.embedded
	if net.inputNorm != nil {
		net.inputNorm.Forward(s.input, x, s.inputStats, s.rows)
		x = s.input
	}
	s.drop(x, 0, dropInput)
	for k := range s.layers {
		x = s.forwardLayer(k, x)
	}
	s.last = x
	if net.finalNorm != nil {
		net.finalNorm.Forward(s.output, x, s.outputStats, s.rows)
	} else {
		copy(s.output, x[:s.rows*d])
	}
	if t := net.arch.Temperature; t != 0 {
		nn.Normalize(s.output[:s.rows*d], s.norms[:s.rows], d)
		simd.Scale(float32(1/t), s.output[:s.rows*d])
	}
}

// forwardLayer returns what layer k makes of x.
func (s *shard) forwardLayer(k int, x []float32) []float32 {
	net, p, a, n := &s.net.layers[k], &s.layers[k], &s.net.arch, s.rows
	size := n * a.Dim
	p.x = x
	z := x
	if a.Norm == PreNorm {
		net.attentionNorm.Forward(p.z, x, p.stats, n)
		z = p.z
	}
	net.query.Forward(p.query, z, n)
	net.memory.Forward(p.memory, z, n)
	s.attend(k)
	net.output.Forward(p.middle, p.mixed, n)
	s.drop(p.middle, k, dropMixed)
	simd.Add(p.middle[:size], x[:size])
	residual := p.middle
	if a.Norm == PreNorm {
		net.feedNorm.Forward(p.zMiddle, p.middle, p.feedStats, n)
	} else {
		net.attentionNorm.Forward(p.zMiddle, p.middle, p.stats, n)
		residual = p.zMiddle
	}
	net.inner.Forward(p.hidden, p.zMiddle, n)
	if a.Activation == ReLU {
		copy(p.active, p.hidden[:n*a.Hidden])
		nn.ReLU(p.active[:n*a.Hidden])
	} else {
		nn.GELUSlope(p.active[:n*a.Hidden], p.slope[:n*a.Hidden], p.hidden[:n*a.Hidden])
	}
	net.outer.Forward(p.sum, p.active, n)
	s.drop(p.sum, k, dropFed)
	simd.Add(p.sum[:size], residual[:size])
	if a.Norm == PreNorm {
		return p.sum
	}
	net.feedNorm.Forward(p.y, p.sum, p.feedStats, n)
	return p.y
}

// attend fills mixed of layer k, sequence by sequence.
func (s *shard) attend(k int) {
	p, d := &s.layers[k], s.net.arch.Dim
	attention := nn.Attention{Dim: d, Heads: s.net.arch.Heads}
	for i, key := range s.keys {
		from, to := int(s.starts[i]), int(s.starts[i+1])
		attention.Forward(&p.traces[i], p.mixed[from*d:to*d], p.query[from*d:to*d], p.memory[2*from*d:2*to*d], to-from,
			s.dropout, hash.Combine(key, uint64(k*dropPlaces+dropAttention)))
	}
}

// backward turns dx, the gradient of output, into that of the items that came in, and adds up
// the gradients of the network.
func (s *shard) backward() {
	net, d := s.net, s.net.arch.Dim
	if t := net.arch.Temperature; t != 0 {
		unit := s.dz[:s.rows*d] // the output before it was divided, which others still read as it is
		copy(unit, s.output)
		simd.Scale(float32(t), unit)
		nn.NormalizeBackward(s.dx, unit, s.norms[:s.rows], d)
		simd.Scale(float32(1/t), s.dx[:s.rows*d])
	}
	if net.finalNorm != nil {
		net.finalNorm.Backward(s.grad.finalNorm, s.dx, s.dx, s.last, s.outputStats, s.rows)
	}
	for k := len(s.layers) - 1; k >= 0; k-- {
		s.backwardLayer(k)
	}
	s.drop(s.dx, 0, dropInput)
	if net.inputNorm != nil {
		net.inputNorm.Backward(s.grad.inputNorm, s.dx, s.dx, s.embedded, s.inputStats, s.rows)
	}
	s.inputs.Reset(s.dx, d)
	for i := range s.keys {
		from, to := int(s.starts[i]), int(s.starts[i+1])
		positions := s.grad.positions[(net.arch.Length-(to-from))*d:]
		simd.Add(positions[:(to-from)*d], s.dx[from*d:to*d])
		for r := from; r < to; r++ {
			s.inputs.Add(s.items[r], int32(r), net.arch.scale())
		}
	}
}

// backwardLayer turns dx, the gradient of what layer k gave, into that of what it got.
func (s *shard) backwardLayer(k int) {
	net, grad, p, a, n := &s.net.layers[k], &s.grad.layers[k], &s.layers[k], &s.net.arch, s.rows
	size := n * a.Dim
	dx, dy, dz := s.dx[:size], s.dy[:size], s.dz[:size]
	if a.Norm == PostNorm {
		net.feedNorm.Backward(grad.feedNorm, dx, dx, p.sum, p.feedStats, n)
	}
	copy(dz, dx)
	s.drop(dz, k, dropFed)
	net.outer.Backward(grad.outer, s.dhidden, dz, p.active, n, &s.packed)
	if a.Activation == ReLU {
		nn.ReLUBackward(s.dhidden[:n*a.Hidden], p.active[:n*a.Hidden])
	} else {
		simd.Mul(s.dhidden[:n*a.Hidden], p.slope[:n*a.Hidden])
	}
	net.inner.Backward(grad.inner, dy, s.dhidden, p.zMiddle, n, &s.packed)
	if a.Norm == PreNorm {
		net.feedNorm.Backward(grad.feedNorm, dy, dy, p.middle, p.feedStats, n)
		simd.Add(dx, dy)
	} else {
		simd.Add(dx, dy)
		net.attentionNorm.Backward(grad.attentionNorm, dx, dx, p.middle, p.stats, n)
	}
	copy(dz, dx)
	s.drop(dz, k, dropMixed)
	net.output.Backward(grad.output, dy, dz, p.mixed, n, &s.packed)
	s.attendBackward(k)
	z := p.x
	if a.Norm == PreNorm {
		z = p.z
	}
	net.query.Backward(grad.query, dy, s.dquery, z, n, &s.packed)
	net.memory.Backward(grad.memory, dz, s.dmemory, z, n, &s.packed)
	simd.Add(dy, dz)
	if a.Norm == PreNorm {
		net.attentionNorm.Backward(grad.attentionNorm, dy, dy, p.x, p.stats, n)
	}
	simd.Add(dx, dy)
}

// attendBackward turns dy, the gradient of mixed, into dquery and dmemory.
func (s *shard) attendBackward(k int) {
	p, d := &s.layers[k], s.net.arch.Dim
	attention := nn.Attention{Dim: d, Heads: s.net.arch.Heads}
	for i := range s.keys {
		from, to := int(s.starts[i]), int(s.starts[i+1])
		attention.Backward(&p.traces[i], s.dquery[from*d:to*d], s.dmemory[2*from*d:2*to*d], s.dy[from*d:to*d],
			p.query[from*d:to*d], p.memory[2*from*d:2*to*d], &s.attention)
	}
}
