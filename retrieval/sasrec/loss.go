package sasrec

import (
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// candidates are the items that stand against the ones that came next in a step: all, or
// those that were drawn.
type candidates struct {
	loss     Loss
	exponent float64 // of the probability of the item that came next, for GBCE
	stand    float64 // how many negatives the candidates stand for together, in the binary losses
	all      bool

	ids     []int32   // each once
	logw    []float32 // ln of how many items a candidate stands for, if not all
	slot    []int32   // by item: 1 + place in ids
	drawn   int
	vectors []float32 // of the candidates, one behind the other
	blocks  []candidateBlock
	grads   nn.Grads // of the candidates
	sums    []float32
}

// candidateBlock is some of the candidates, laid out for products.
type candidateBlock struct {
	from, to     int
	keys, values simd.Packed // vectors by column and by row
}

// blockSize is how many candidates are packed together.
const blockSize = 1024

func newCandidates(cfg *Config, items int) *candidates {
	c := &candidates{loss: cfg.Loss, drawn: cfg.Negatives, all: cfg.Negatives >= items, slot: make([]int32, items)}
	n := min(cfg.Negatives, items)
	c.exponent, c.stand = 1, 1
	if cfg.Loss == GBCE {
		c.stand = float64(min(n, max(items-1, 1)))
		alpha := c.stand / float64(max(items-1, 1)) // the sampling rate
		c.exponent = alpha * (cfg.Calibration*(1-1/alpha) + 1/alpha)
	}
	if c.all {
		for i := range items {
			c.ids, c.slot[i] = append(c.ids, int32(i)), int32(i+1)
		}
	}
	c.sums = make([]float32, n*cfg.Dim)
	if !c.all {
		c.vectors = make([]float32, n*cfg.Dim)
	}
	return c
}

// draw chooses the candidates of a step and readies their vectors.
func (c *candidates) draw(table *nn.Table, workers int, rng *rand.Rand) {
	if !c.all {
		for _, id := range c.ids {
			c.slot[id] = 0
		}
		c.ids, c.logw = c.ids[:0], c.logw[:0]
		expected := float64(c.drawn) / float64(table.Rows)
		for range c.drawn {
			id := int32(rng.IntN(table.Rows))
			if at := c.slot[id]; at > 0 {
				c.logw[at-1]++
				continue
			}
			c.ids, c.logw = append(c.ids, id), append(c.logw, 1)
			c.slot[id] = int32(len(c.ids))
		}
		for i, times := range c.logw {
			c.logw[i] = float32(fmath.Log(float64(times) / expected))
		}
	}
	n := (len(c.ids) + blockSize - 1) / blockSize
	for len(c.blocks) < n {
		c.blocks = append(c.blocks, candidateBlock{})
	}
	c.blocks = c.blocks[:n]
	d := table.Dim
	nn.Each(workers, n, func(i int) {
		b := &c.blocks[i]
		b.from, b.to = i*blockSize, min((i+1)*blockSize, len(c.ids))
		vectors := table.W[b.from*d : b.to*d]
		if !c.all {
			vectors = c.vectors[b.from*d : b.to*d]
			for k, id := range c.ids[b.from:b.to] {
				copy(vectors[k*d:(k+1)*d], table.Row(id))
			}
		}
		b.keys.PackT(vectors, d, b.to-b.from, d)
		b.values.Pack(vectors, d, b.to-b.from, d)
	})
}

// judge computes the loss of a shard's output, and its gradients: dx, the positives, and the
// logits', each times scale but for the logits'.
func (c *candidates) judge(s *shard, table *nn.Table, scale float32) {
	n, d, width := s.rows, table.Dim, len(c.ids)+1
	if cap(s.logits) < n*width {
		s.logits = make([]float32, n*width+n*width/8)
	}
	s.logits = s.logits[:n*width]
	for i := range c.blocks {
		b := &c.blocks[i]
		simd.Gemm(s.logits[b.from:], width, s.output, d, n, &b.keys, false)
	}
	s.loss = 0
	s.positives.Reset(s.output, d)
	for r, target := range s.targets {
		row := s.logits[r*width : (r+1)*width]
		row[width-1] = simd.Dot(s.output[r*d:(r+1)*d], table.Row(target))
		others := width - 1
		if at := c.slot[target]; at > 0 {
			row[at-1] = float32(math.Inf(-1))
			others--
		}
		s.loss += c.row(s, row, others)
		s.positives.Add(target, int32(r), scale*row[width-1])
	}
	for i := range c.blocks {
		b := &c.blocks[i]
		simd.Gemm(s.dx, d, s.logits[b.from:], width, n, &b.values, i > 0)
	}
	for r, target := range s.targets {
		simd.Axpy(s.logits[(r+1)*width-1], table.Row(target), s.dx[r*d:(r+1)*d])
	}
	simd.Scale(scale, s.dx[:n*d])
	s.turned.Pack(s.output, d, n, d)
}

// row turns the logits of one row into their gradient and returns its loss. The last is that of
// the item that came next; others are how many candidates are another item.
func (c *candidates) row(s *shard, row []float32, others int) float64 {
	last := len(row) - 1
	if c.loss == Softmax {
		if !c.all {
			simd.Add(row[:last], c.logw)
		}
		return nn.CrossEntropy(row, last, 1)
	}
	// Both the loss ln(1 + e^x) and its gradient come from e^-|x|.
	if cap(s.decay) < len(row) {
		s.decay = make([]float32, len(row)+len(row)/8)
	}
	e := s.decay[:len(row)]
	row[last] = -row[last]
	for i, x := range row {
		e[i] = -float32(math.Abs(float64(x)))
	}
	simd.Exp(e, e)
	each := c.stand / float64(max(others, 1))
	weight := float32(each)
	sum, product := 0.0, 1.0
	for i, x := range row[:last] {
		sum += float64(max(x, 0))
		product *= float64(1 + e[i])
		if i%64 == 63 { // at most 2^64
			sum += fmath.Log(product)
			product = 1
		}
		row[i] = weight * logistic(x, e[i])
	}
	sum = each * (sum + fmath.Log(product))
	x := row[last]
	row[last] = -float32(c.exponent) * logistic(x, e[last])
	return sum + c.exponent*(float64(max(x, 0))+fmath.Log(1+float64(e[last])))
}

// logistic returns 1/(1+e^-x), where e is e^-|x|.
func logistic(x, e float32) float32 {
	if x >= 0 {
		return 1 / (1 + e)
	}
	return e / (1 + e)
}

// collect adds up the gradients of the candidates over the shards.
func (c *candidates) collect(shards []*shard, d, workers int, scale float32) *nn.Grads {
	width := len(c.ids) + 1
	nn.Each(workers, len(c.blocks), func(i int) {
		b := &c.blocks[i]
		sums := c.sums[b.from*d : b.to*d]
		for k, s := range shards {
			simd.GemmTN(sums, d, s.logits[b.from:], width, b.to-b.from, &s.turned, k > 0)
		}
	})
	c.grads.Reset(c.sums, d)
	for i, id := range c.ids {
		c.grads.Add(id, int32(i), scale)
	}
	return &c.grads
}
