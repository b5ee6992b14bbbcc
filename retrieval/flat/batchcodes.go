package flat

import (
	"math"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/code8"
)

// codeBatch is the memory of a batch search by codes.
type codeBatch struct {
	block      simd.CodeBlock
	queries    []int8 // of the active searches
	thresholds []int32
	pairs      []simd.CodePair
	kept       []int // rows of a block that each active search has to look at
}

// scanCodes compares the codes of a block with all active searches at once; each then
// compares what the error bound does not exclude in float32.
func (b *batch) scanCodes(i int) {
	start, end, m := b.active[0].read.main.block(i)
	if !b.narrow(m) {
		return
	}
	c := &b.codes
	stride := code8.Stride(b.active[0].set.Dim)
	if !b.set {
		c.queries = c.queries[:0]
		for _, s := range b.active {
			c.queries = append(c.queries, s.query.Codes()...)
		}
		c.block.Set(c.queries, stride, len(b.active), stride)
		b.set = true
	}
	c.thresholds, c.kept = c.thresholds[:0], c.kept[:0]
	for _, s := range b.active {
		threshold := int32(math.MaxInt32) // nothing is above
		if target := s.target(m.low); i != s.seeded && s.query.Max(m.norm) >= target {
			threshold = s.query.Threshold(target, m.scale, m.norm, m.residual)
			s.scored += end - start
		}
		c.thresholds, c.kept = append(c.thresholds, threshold), append(c.kept, 0)
	}
	rows := b.active[0].read.main.codes[start*stride:]
	c.pairs = c.block.Above(c.pairs[:0], rows, stride, end-start, uint32(start), c.thresholds)
	for _, p := range c.pairs {
		b.active[p.Query].ids[c.kept[p.Query]] = p.Row
		c.kept[p.Query]++
	}
	for j, s := range b.active {
		if n := c.kept[j]; n > 0 {
			s.rescore(s.read.main, s.ids[:n])
		}
	}
}
