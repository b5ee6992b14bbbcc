package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

func normals(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// naiveAttention is the definition in float64; mask multiplies weight (head, i, j).
func naiveAttention(query, memory []float32, n, dim, heads int, mask func(head, i, j int) float64) []float64 {
	y := make([]float64, n*dim)
	width := dim / heads
	for head := range heads {
		for i := range n {
			e, sum := make([]float64, i+1), 0.0
			for j := range e {
				dot := 0.0
				for c := range width {
					dot += float64(query[i*dim+head*width+c]) * float64(memory[2*j*dim+head*width+c])
				}
				e[j] = math.Exp(dot / math.Sqrt(float64(width)))
				sum += e[j]
			}
			for j := range e {
				for c := range width {
					y[i*dim+head*width+c] += mask(head, i, j) * e[j] / sum * float64(memory[2*j*dim+dim+head*width+c])
				}
			}
		}
	}
	return y
}

var attentionShapes = []struct{ n, dim, heads int }{{1, 4, 1}, {2, 6, 3}, {5, 8, 2}, {7, 3, 1}, {17, 32, 2}, {33, 20, 4}}

func TestAttentionIsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range attentionShapes {
		a := nn.Attention{Dim: s.dim, Heads: s.heads}
		query, memory := normals(rng, s.n*s.dim), normals(rng, 2*s.n*s.dim)
		y := normals(rng, s.n*s.dim) // what was there plays no part
		var trace nn.AttentionTrace
		a.Forward(&trace, y, query, memory, s.n, 0, 0)
		want := naiveAttention(query, memory, s.n, s.dim, s.heads, func(_, _, _ int) float64 { return 1 })
		for i := range want {
			require.InDelta(t, want[i], float64(y[i]), 1e-5, "%v", s)
		}
		row, scratch := make([]float32, s.dim), make([]float32, s.n)
		for i := range s.n {
			a.Attend(row, query[i*s.dim:], memory, i+1, scratch)
			require.Equal(t, y[i*s.dim:(i+1)*s.dim], row, "one row of %v", s)
		}
	}
}

// A later row never changes an earlier one.
func TestAttentionIsCausal(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, dim = 9, 8
	a := nn.Attention{Dim: dim, Heads: 2}
	query, memory := normals(rng, n*dim), normals(rng, 2*n*dim)
	y, other := make([]float32, n*dim), make([]float32, n*dim)
	var trace nn.AttentionTrace
	a.Forward(&trace, y, query, memory, n, 0, 0)
	for cut := range n {
		q, m := append([]float32(nil), query...), append([]float32(nil), memory...)
		copy(q[cut*dim:], normals(rng, (n-cut)*dim))
		copy(m[2*cut*dim:], normals(rng, 2*(n-cut)*dim))
		a.Forward(&trace, other, q, m, n, 0, 0)
		require.Equal(t, y[:cut*dim], other[:cut*dim])
		require.NotEqual(t, y[cut*dim:], other[cut*dim:])
	}
}

// The gradient of Σ c·y against central differences, with and without dropout, whose mask is
// a function of the key.
func TestAttentionGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range attentionShapes {
		for _, rate := range []float64{0, 0.3} {
			t.Run(fmt.Sprintf("n=%d/dim=%d/heads=%d/rate=%v", s.n, s.dim, s.heads, rate), func(t *testing.T) {
				a := nn.Attention{Dim: s.dim, Heads: s.heads}
				query, memory, c := normals(rng, s.n*s.dim), normals(rng, 2*s.n*s.dim), normals(rng, s.n*s.dim)
				y := make([]float32, s.n*s.dim)
				var trace nn.AttentionTrace
				a.Forward(&trace, y, query, memory, s.n, rate, 77)
				mask := func(head, i, j int) float64 { return nn.TraceRatio(&trace, head, i, j) }
				loss := func() float64 {
					sum := 0.0
					for i, v := range naiveAttention(query, memory, s.n, s.dim, s.heads, mask) {
						sum += v * float64(c[i])
					}
					return sum
				}
				dquery, dmemory := normals(rng, len(query)), normals(rng, len(memory))
				var scratch nn.AttentionScratch
				a.Backward(&trace, dquery, dmemory, c, query, memory, &scratch)
				check := func(name string, x, grad []float32) {
					for i := 0; i < len(x); i += 1 + len(x)/97 {
						const h = 1.0 / 256
						old := x[i]
						x[i] = old + h
						up := loss()
						x[i] = old - h
						down := loss()
						x[i] = old
						require.InDelta(t, (up-down)/(2*h), float64(grad[i]), 1e-3, "%s %d", name, i)
					}
				}
				check("query", query, dquery)
				check("memory", memory, dmemory)
			})
		}
	}
}

func TestAttentionReusesItsMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const n, dim = 12, 8
	a := nn.Attention{Dim: dim, Heads: 2}
	query, memory, dy := normals(rng, n*dim), normals(rng, 2*n*dim), normals(rng, n*dim)
	y, dquery, dmemory := make([]float32, n*dim), make([]float32, n*dim), make([]float32, 2*n*dim)
	var trace nn.AttentionTrace
	var scratch nn.AttentionScratch
	pass := func() {
		for _, m := range []int{n, 3, n - 1} {
			a.Forward(&trace, y, query, memory, m, 0.1, 1)
			a.Backward(&trace, dquery, dmemory, dy, query, memory, &scratch)
		}
	}
	pass()
	require.Zero(t, testing.AllocsPerRun(10, pass))
}

func TestGELUSlopeIsGELUAndItsGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, n := range []int{0, 1, 255, 256, 257, 600} {
		x := normals(rng, n)
		y, slope, want, back := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		nn.GELUSlope(y, slope, x)
		nn.GELU(want, x)
		require.Equal(t, want, y)
		for i := range back {
			back[i] = 1
		}
		nn.GELUBackward(back, x)
		require.Equal(t, back, slope)
	}
}
