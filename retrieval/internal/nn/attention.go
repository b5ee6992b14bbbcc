package nn

import (
	"math"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
)

// Attention is causal self-attention with several heads: row i of a sequence gets a mean of
// the values of rows 0 to i, each head its own part of the columns by its own weights,
//
//	y_i = Σ_j w_ij v_j,  w_i = softmax over j <= i of q_i·k_j / sqrt(Dim/Heads)
//
// It has no parameters: queries, keys and values come from dense layers, and y goes into
// another. A sequence is as long as it is; nothing is padded. It takes time in proportion to
// the square of the length.
//
// Rows of queries and of y have Dim values; rows of memory have 2·Dim, a key and a value.
//
// Source: Vaswani et al., NIPS 2017, section 3.2.
type Attention struct {
	Dim, Heads int // Heads divides Dim
}

// Attend computes the row y of one query from the first count rows of memory. scratch holds
// count values.
func (a Attention) Attend(y, query, memory []float32, count int, scratch []float32) {
	width := a.Dim / a.Heads
	clear(y[:a.Dim])
	for head := 0; head < a.Dim; head += width {
		a.weigh(scratch[:count], query[head:head+width], memory[head:])
		simd.GemvT(y[head:head+width], memory[a.Dim+head:], 2*a.Dim, scratch[:count])
	}
}

// weigh writes the weights of one query of one head, whose keys stand first in memory.
func (a Attention) weigh(weights, query, memory []float32) {
	simd.DotBatch(weights, query, memory, 2*a.Dim)
	simd.Scale(a.scale(), weights)
	simd.Softmax(weights, weights)
}

func (a Attention) scale() float32 { return float32(1 / math.Sqrt(float64(a.Dim/a.Heads))) }

// AttentionTrace is what [Attention.Forward] keeps of a sequence of n rows for the way back:
// Heads × n × n weights, of which those above the diagonals are not used. It can be used
// again, and then allocates only to grow.
type AttentionTrace struct {
	n       int
	weights []float32
	dropped []float32 // weights after dropout
}

// Forward computes the n rows of y. Weights are dropped at a rate, as [Dropout] does with a
// key for each row; key names the sequence.
func (a Attention) Forward(t *AttentionTrace, y, query, memory []float32, n int, rate float64, key uint64) {
	width := a.Dim / a.Heads
	t.n = n
	t.weights = resize(t.weights, a.Heads*n*n)
	t.dropped = resize(t.dropped, len(t.weights))
	clear(y[:n*a.Dim])
	for head := range a.Heads {
		col := head * width
		for i := range n {
			at := (head*n + i) * n
			weights, dropped := t.weights[at:at+i+1], t.dropped[at:at+i+1]
			a.weigh(weights, query[i*a.Dim+col:][:width], memory[col:])
			copy(dropped, weights)
			if rate > 0 {
				Dropout(dropped, rate, hash.Combine(key, uint64(head*n+i)))
			}
			simd.GemvT(y[i*a.Dim+col:][:width], memory[a.Dim+col:], 2*a.Dim, dropped)
		}
	}
}

// AttentionScratch is the memory of a call of [Attention.Backward], which calls must not
// share. It allocates only to grow.
type AttentionScratch struct {
	back, turned, droppedTurned []float32 // n × n
}

// Backward writes the gradients of query and memory to dquery and dmemory. dy is the gradient
// of y, the trace that of the forward pass.
//
// With p the weights and p' those after dropout, the gradient of p' is g_ij = dy_i·v_j, and
// that of the logits p'_ij g_ij - p_ij Σ_k p'_ik g_ik, which needs no mask.
func (a Attention) Backward(t *AttentionTrace, dquery, dmemory, dy, query, memory []float32, s *AttentionScratch) {
	n, d, width := t.n, a.Dim, a.Dim/a.Heads
	s.back, s.turned, s.droppedTurned = resize(s.back, n*n), resize(s.turned, n*n), resize(s.droppedTurned, n*n)
	clear(dquery[:n*d])
	clear(dmemory[:2*n*d])
	for head := range a.Heads {
		col := head * width
		for i := range n {
			at := (head*n + i) * n
			a.logits(s.back[i*n:i*n+i+1], t.weights[at:at+i+1], t.dropped[at:at+i+1], dy[i*d+col:][:width], memory[d+col:])
			simd.GemvT(dquery[i*d+col:][:width], memory[col:], 2*d, s.back[i*n:i*n+i+1])
			for j := range i + 1 {
				s.turned[j*n+i], s.droppedTurned[j*n+i] = s.back[i*n+j], t.dropped[at+j]
			}
		}
		for j := range n {
			simd.GemvT(dmemory[2*j*d+col:][:width], query[j*d+col:], d, s.turned[j*n+j:(j+1)*n])
			simd.GemvT(dmemory[2*j*d+d+col:][:width], dy[j*d+col:], d, s.droppedTurned[j*n+j:(j+1)*n])
		}
	}
}

// logits writes the gradient of the products of one query and its keys to back.
func (a Attention) logits(back, weights, dropped, dy, values []float32) {
	simd.DotBatch(back, dy, values, 2*a.Dim)
	mean, scale := simd.Dot(dropped, back), a.scale()
	for j, g := range back {
		back[j] = scale * (float32(dropped[j]*g) - float32(weights[j]*mean))
	}
}

// resize returns a slice of n elements, x itself if it is large enough.
func resize(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}
