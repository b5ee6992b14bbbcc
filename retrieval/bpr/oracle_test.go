package bpr_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

// oracle is an epoch of BPR written down plainly: one goroutine, one loop after the other,
// whole lists in place of offsets. It has the same draws, and so the same bits.
type oracle struct {
	in        *retrieval.Interactions
	cfg       bpr.Config
	blocks    int
	a         [][]float32
	rate, reg float64
	rng       rand.PCG
	loss      float64
	steps     int
}

func (o *oracle) below(n int) int { return int((o.rng.Uint64() >> 32) * uint64(n) >> 32) }

func (o *oracle) permutation(n int, seed uint64) []int32 {
	o.rng.Seed(seed, 0x67726964)
	var p []int32
	for k := range n {
		p = append(p, int32(k))
	}
	for k := n - 1; k > 0; k-- {
		j := o.below(k + 1)
		p[k], p[j] = p[j], p[k]
	}
	return p
}

func (o *oracle) block(p []int32, b int) []int32 {
	return p[len(p)*b/o.blocks : len(p)*(b+1)/o.blocks]
}

func (o *oracle) epoch(epoch int) float64 {
	users, items, cell := bpr.Seeds(o.cfg.Seed, epoch)
	userOrder, itemOrder := o.permutation(o.in.NumUsers(), users), o.permutation(o.in.NumItems(), items)
	for round := range o.blocks {
		for b := range o.blocks {
			c := (b + round) % o.blocks
			block := o.block(itemOrder, c)
			var pool []int32
			for _, i := range block {
				for range o.repeats(i) {
					pool = append(pool, i)
				}
			}
			type pair struct{ u, i int32 }
			var pairs []pair
			for _, u := range o.block(userOrder, b) {
				row, weights := o.in.ByUser().Row(int(u))
				for k, i := range row {
					if weights[k] > 0 && slices.Contains(block, i) {
						pairs = append(pairs, pair{u, i})
					}
				}
			}
			o.rng.Seed(cell(b, c), 0x63656c6c)
			for k := range pairs {
				j := k + o.below(len(pairs)-k)
				pairs[k], pairs[j] = pairs[j], pairs[k]
				for range o.cfg.Negatives {
					if n := o.negative(pairs[k].u, pool); n >= 0 {
						o.step(pairs[k].u, pairs[k].i, n)
					}
				}
			}
		}
	}
	return o.loss / float64(max(o.steps, 1))
}

// repeats is users^Popularity, rounded.
func (o *oracle) repeats(i int32) int {
	n := 0
	_, weights := o.in.ByItem().Row(int(i))
	for _, w := range weights {
		if w > 0 {
			n++
		}
	}
	return int(math.Round(math.Pow(float64(max(n, 1)), max(o.cfg.Popularity, 0))))
}

func (o *oracle) negative(u int32, pool []int32) int32 {
	row, weights := o.in.ByUser().Row(int(u))
	for range 32 {
		j := pool[o.below(len(pool))]
		if at := slices.Index(row, j); at < 0 || weights[at] == 0 {
			return j
		}
	}
	return -1
}

func (o *oracle) step(u, i, j int32) {
	d := o.cfg.Factors
	row := func(a []float32, r int32) []float32 { return a[int(r)*d : int(r+1)*d] }
	wu, hi, hj := row(o.a[0], u), row(o.a[1], i), row(o.a[1], j)
	x := float64((simd.Dot(wu, hi) + o.a[2][i]) - (simd.Dot(wu, hj) + o.a[2][j]))
	g := fmath.Sigmoid(-x)
	o.loss += fmath.Softplus(-x)
	o.steps++
	user, diff := slices.Clone(wu), make([]float32, d)
	for k := range d {
		diff[k] = hi[k] - hj[k]
	}
	move := func(w []float32, squares *float32, g float64, v []float32) {
		*squares += float32(g * g * float64(simd.Dot(v, v)) / float64(d))
		rate := o.rate / math.Sqrt(float64(*squares)+1)
		keep, step := float32(max(1-float64(rate*o.reg), 0)), float32(rate*g)
		for k := range w {
			w[k] = float32(w[k]*keep) + float32(step*v[k])
		}
	}
	move(wu, &o.a[4][u], g, diff)
	move(hi, &o.a[5][i], g, user)
	move(hj, &o.a[5][j], -g, user)
	shift := func(i int32, g float64) {
		o.a[6][i] += float32(g * g)
		rate := o.rate / math.Sqrt(float64(o.a[6][i])+1)
		o.a[2][i] = float32(float64(float64(o.a[2][i])*max(1-float64(rate*o.reg), 0)) + float64(rate*g))
	}
	shift(i, g)
	shift(j, -g)
}

func TestShardedEpochIsTheNaiveLoop(t *testing.T) {
	for _, size := range [][3]int{{1, 1, 1}, {3, 2, 5}, {40, 70, 300}, {90, 700, 3000}} {
		for _, negatives := range []int{1, 3} {
			t.Run(fmt.Sprint(size, negatives), func(t *testing.T) {
				in := groups(t, size[0], size[1], size[2])
				cfg := bpr.Config{Factors: 6, Epochs: 3, LearningRate: 0.1, Regularization: 0.05, Negatives: negatives, Biases: true, Popularity: cmp.Or(float64(negatives-1)/4, -1), Seed: 7, Workers: 3}
				tr, start := bpr.NewTrainer(in, cfg), bpr.NewTrainer(in, cfg)
				for epoch := range 3 {
					o := &oracle{in: in, cfg: cfg, blocks: tr.Blocks(), a: start.Arrays(), rate: tr.Rate(epoch), reg: 0.05}
					want := o.epoch(epoch)
					require.InDelta(t, want, tr.Epoch(epoch), 1e-9)
					require.Equal(t, o.a, tr.Arrays(), "epoch %d", epoch)
				}
			})
		}
	}
}
