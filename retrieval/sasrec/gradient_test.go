package sasrec

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/nn"
)

// walks returns histories that mostly go from an item to the next one.
func walks(t testing.TB, users, items int, seed uint64) *retrieval.Interactions {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	for u := range users {
		at := rng.IntN(items)
		for range 2 + rng.IntN(9) {
			r.Users, r.Items = append(r.Users, recsys.UserID(u)), append(r.Items, recsys.ItemID(10*at))
			if at = (at + 1) % items; rng.IntN(5) == 0 {
				at = rng.IntN(items)
			}
		}
	}
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	require.NoError(t, err)
	return in
}

// lossOf is lossWith the same draw each time.
func (t *trainer) lossOf(back bool) (loss float64, network, vectors []float32) {
	return t.lossWith(rand.New(rand.NewPCG(3, 3)), back)
}

// lossWith computes the mean loss of all sequences with the weights as they are, and, with
// back, its gradients: of the network and of the vectors, densely.
func (t *trainer) lossWith(rng *rand.Rand, back bool) (loss float64, network, vectors []float32) {
	var batch []int32
	for i := range t.learn.len() {
		batch = append(batch, int32(i))
	}
	t.net.pack(true)
	shards := t.cut(batch, 99)
	events := 0
	for _, s := range shards {
		events += s.rows
	}
	t.judge.draw(t.table, 1, rng)
	scale := 1 / float32(events)
	for _, s := range shards {
		s.forward(t.table.W)
		t.judge.judge(s, t.table, scale)
		loss += s.loss
	}
	loss /= float64(events)
	if !back {
		return loss, nil, nil
	}
	lists := []*nn.Grads{t.judge.collect(shards, t.cfg.Dim, 1, scale)}
	var parts [][]float32
	for _, s := range shards {
		clear(s.grad.all)
		s.backward()
		parts, lists = append(parts, s.grad.all), append(lists, &s.positives, &s.inputs)
	}
	network, vectors = make([]float32, len(t.net.all)), make([]float32, len(t.table.W))
	nn.Reduce(1, network, parts...)
	for _, l := range lists {
		for _, touch := range l.Touches {
			for j := range t.cfg.Dim {
				vectors[int(touch.Row)*t.cfg.Dim+j] += touch.Scale * l.G[int(touch.From)*l.Stride+j]
			}
		}
	}
	return loss, network, vectors
}

// The gradients of every part of the network and of the vectors, of every loss, against
// central differences. Dropout draws the same in each pass.
func TestGradients(t *testing.T) {
	in := walks(t, 12, 15, 1)
	for _, norm := range []Norm{PreNorm, PostNorm} {
		for _, loss := range []Loss{Softmax, BCE, GBCE} {
			for _, negatives := range []int{6, 15} {
				for _, activation := range []Activation{GELU, ReLU} {
					if testing.Short() && (negatives == 6) == (activation == ReLU) {
						continue
					}
					a := Architecture{
						Dim: 8, Heads: 2, Layers: 2, Hidden: 12, Length: 7, Norm: norm, Activation: activation,
						InputNorm: norm == PostNorm, Scaled: activation == ReLU, Epsilon: 1e-5,
					}
					if activation == GELU && (negatives == 6) == (norm == PreNorm) {
						a.Temperature = 0.5
					}
					t.Run(fmt.Sprintf("%v/%v/negatives=%d/%v", norm, loss, negatives, activation), func(t *testing.T) {
						testGradients(t, in, Config{Architecture: a, Loss: loss, Negatives: negatives, Dropout: 0.2, Workers: 1, Share: -1})
					})
				}
			}
		}
	}
}

func testGradients(t *testing.T, in *retrieval.Interactions, cfg Config) {
	cfg, err := cfg.withDefaults()
	require.NoError(t, err)
	tr := newTrainer(in, cfg, -1)
	rng := rand.New(rand.NewPCG(7, 7))
	for _, x := range [][]float32{tr.weights.W, tr.table.W} { // away from the start, where much is 0
		for i := range x {
			x[i] += float32(0.3 * rng.NormFloat64())
		}
	}
	_, network, vectors := tr.lossOf(true)
	check := func(name string, x, grad []float32) {
		// Along a direction of random signs the difference is far above rounding.
		direction := make([]float32, len(x))
		want := 0.0
		for i := range direction {
			direction[i] = float32(2*rng.IntN(2) - 1)
			want += float64(direction[i]) * float64(grad[i])
		}
		const h = 1.0 / 2048
		old := append([]float32(nil), x...)
		move := func(h float32) float64 {
			for i := range x {
				x[i] = old[i] + h*direction[i]
			}
			loss, _, _ := tr.lossOf(false)
			copy(x, old)
			return loss
		}
		got := (move(h) - move(-h)) / (2 * h)
		tolerance := 2e-3
		if cfg.Activation == ReLU { // whose kinks the difference steps over
			tolerance = 1e-2
		}
		require.InDelta(t, got, want, tolerance*max(1, abs(got)), name)
	}
	grads := cfg.network(network)
	part := func(name string, x, grad []float32) {
		for range 3 {
			check(name, x, grad)
		}
	}
	part("vectors", tr.table.W, vectors)
	part("positions", tr.net.positions, grads.positions)
	norms := func(name string, x, g *nn.LayerNorm) {
		if x != nil {
			part(name+" gain", x.Gain, g.Gain)
			part(name+" bias", x.Bias, g.Bias)
		}
	}
	dense := func(name string, x, g *nn.Dense) {
		part(name+" weight", x.W, g.W)
		part(name+" bias", x.B, g.B)
	}
	norms("input norm", tr.net.inputNorm, grads.inputNorm)
	norms("final norm", tr.net.finalNorm, grads.finalNorm)
	for k := range tr.net.layers {
		x, g := &tr.net.layers[k], &grads.layers[k]
		norms("attention norm", x.attentionNorm, g.attentionNorm)
		norms("feed norm", x.feedNorm, g.feedNorm)
		dense("query", x.query, g.query)
		dense("memory", x.memory, g.memory)
		dense("output", x.output, g.output)
		dense("inner", x.inner, g.inner)
		dense("outer", x.outer, g.outer)
	}
}

func abs(x float64) float64 { return max(x, -x) }
