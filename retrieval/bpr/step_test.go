package bpr_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

const (
	tu, ti, tj = 3, 5, 8 // the user and items of a step
	dim        = 7
)

// stirred returns a trainer whose parameters are away from their start.
func stirred(t *testing.T, loss bpr.Loss) (bpr.Trainer, bpr.Config) {
	t.Helper()
	cfg := bpr.Config{Loss: loss, Factors: dim, LearningRate: 0.01, Regularization: 0.3, BiasRegularization: 0.2, Biases: true, Epochs: 1}
	tr := bpr.NewTrainer(groups(t, 12, 40, 200), cfg)
	rnd := rand.New(rand.NewPCG(1, 1))
	for k, a := range tr.Arrays() {
		for n := range a {
			if a[n] = rnd.Float32() - 0.5; k >= 4 {
				a[n] = 1
			}
		}
	}
	return tr, cfg
}

func snapshot(a [][]float32) [][]float32 {
	var c [][]float32
	for _, x := range a {
		c = append(c, slices.Clone(x))
	}
	return c
}

// Every step goes along the gradient of its loss and of the squares of what it touches, at
// the rate of its row.
//
// Source: Rendle et al., UAI 2009, section 4.3 (BPR-MF); Johnson 2014, equations 4 to 6.
func TestStepsFollowTheGradient(t *testing.T) {
	softplus := func(x float64) float64 { return math.Log1p(math.Exp(x)) }
	for _, tt := range []struct {
		name            string
		kind            bpr.Loss
		weight, target  float64
		loss            func(xi, xj, userBias float64) float64
		items           []int32
		userBiasTouched bool
	}{
		{"bpr", bpr.BPR, 1, 0, func(xi, xj, _ float64) float64 { return softplus(xj - xi) }, []int32{ti, tj}, false},
		{"logistic, taken", bpr.Logistic, 2.5, 1, func(xi, _, b float64) float64 { return 2.5 * softplus(-xi-b) }, []int32{ti}, true},
		{"logistic, drawn", bpr.Logistic, 1, 0, func(xi, _, b float64) float64 { return softplus(xi + b) }, []int32{ti}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr, cfg := stirred(t, tt.kind)
			before := snapshot(tr.Arrays())
			wide := func(a []float32, from int) []float64 {
				var v []float64
				for _, x := range a[from*dim : (from+1)*dim] {
					v = append(v, float64(x))
				}
				return v
			}
			// The parameters that a step touches, in one row: user, items, their biases, user bias.
			var w []float64
			w = append(w, wide(before[0], tu)...)
			for _, i := range []int{ti, tj} {
				w = append(w, wide(before[1], i)...)
			}
			w = append(w, float64(before[2][ti]), float64(before[2][tj]))
			if w = append(w, 0); tt.userBiasTouched {
				w[len(w)-1] = float64(before[3][tu])
			}
			objective := func(w []float64) float64 {
				u, i, j, b := w[:dim], w[dim:2*dim], w[2*dim:3*dim], w[3*dim:]
				dot := func(a, b []float64) (s float64) {
					for k := range a {
						s += a[k] * b[k]
					}
					return s
				}
				l := tt.loss(dot(u, i)+b[0], dot(u, j)+b[1], b[2])
				l += cfg.Regularization / 2 * (dot(u, u) + dot(i, i) + dot(j, j))
				l += cfg.BiasRegularization / 2 * dot(b, b)
				return l
			}
			added := tr.Step(tt.kind, tu, ti, tj, tt.weight, tt.target, nil)
			after := tr.Arrays()
			moved := func(array, at int, squares float32) float64 {
				rate := cfg.LearningRate / math.Sqrt(float64(squares)+1)
				return (float64(after[array][at]) - float64(before[array][at])) / rate
			}
			var steps []float64
			for k := range dim {
				steps = append(steps, moved(0, tu*dim+k, after[4][tu]))
			}
			for _, i := range []int{ti, tj} {
				for k := range dim {
					steps = append(steps, moved(1, i*dim+k, after[5][i]))
				}
			}
			steps = append(steps, moved(2, ti, after[6][ti]), moved(2, tj, after[6][tj]))
			if steps = append(steps, 0); tt.userBiasTouched {
				steps[len(steps)-1] = moved(3, tu, after[7][tu])
			}
			touched := func(k int) bool {
				switch {
				case k >= 2*dim && k < 3*dim || k == 3*dim+1:
					return len(tt.items) == 2
				case k == 3*dim+2:
					return tt.userBiasTouched
				}
				return true
			}
			const h = 1e-5
			for k := range w {
				up, down := slices.Clone(w), slices.Clone(w)
				up[k] += h
				down[k] -= h
				gradient := (objective(up) - objective(down)) / (2 * h)
				if !touched(k) {
					require.Zero(t, steps[k])
					continue
				}
				require.InDelta(t, -gradient, steps[k], 2e-5, "parameter %d", k)
			}
			plain := slices.Clone(w)
			cfg.Regularization, cfg.BiasRegularization = 0, 0
			require.InDelta(t, objective(plain), added, 1e-6, "the loss is that before the step")
			// Nothing else moves.
			for a := range before[:4] {
				for n := range before[a] {
					row := n
					if a < 2 {
						row /= dim
					}
					if (a == 0 || a == 3) && row != tu || (a == 1 || a == 2) && !slices.Contains(tt.items, int32(row)) {
						require.Equal(t, before[a][n], after[a][n])
					}
				}
			}
		})
	}
}

// A row's rate falls with the mean square of what it has seen.
//
// Source: Duchi, Hazan and Singer, JMLR 2011, figure 1, with one sum for a row.
func TestSquaresAreThoseOfTheGradient(t *testing.T) {
	tr, _ := stirred(t, bpr.BPR)
	before := snapshot(tr.Arrays())
	user, hi, hj := before[0][tu*dim:][:dim], before[1][ti*dim:][:dim], before[1][tj*dim:][:dim]
	x := float64(simd.Dot(user, hi)+before[2][ti]) - float64(simd.Dot(user, hj)+before[2][tj])
	g := 1 / (1 + math.Exp(x))
	var ofUser, ofItem float64
	for k := range dim {
		d := float64(hi[k]) - float64(hj[k])
		ofUser += g * g * d * d / dim
		ofItem += g * g * float64(user[k]) * float64(user[k]) / dim
	}
	tr.Step(bpr.BPR, tu, ti, tj, 1, 0, nil)
	after := tr.Arrays()
	require.InDelta(t, 1+ofUser, after[4][tu], 1e-6)
	require.InDelta(t, 1+ofItem, after[5][ti], 1e-6)
	require.InDelta(t, 1+ofItem, after[5][tj], 1e-6)
	require.InDelta(t, 1+g*g, after[6][ti], 1e-6)
}

// The step of WARP is as large as Σ 1/k over the estimated rank, which is the number of items
// that the user lacks over the number of trials; and none is taken within the margin.
//
// Source: Weston, Bengio and Usunier, IJCAI 2011, algorithm 1 and equation 3 with α_k = 1/k.
func TestWARPWeighsByTheEstimatedRank(t *testing.T) {
	in := groups(t, 12, 40, 200)
	cfg := bpr.Config{Loss: bpr.WARP, Factors: dim, LearningRate: 0.01, Regularization: -1, Epochs: 1, Negatives: 10, Biases: true}
	items, _ := in.ByUser().Row(tu)
	var lacking []int32
	for i := range int32(in.NumItems()) {
		if !slices.Contains(items, i) {
			lacking = append(lacking, i)
		}
	}
	for _, tt := range []struct {
		name   string
		margin float32 // of the taken item above all others
		weight func(trials int) float64
	}{
		{"violated at once", 0.5, func(int) float64 { return harmonicSum(len(lacking)) }},
		{"within the margin", 1.5, func(int) float64 { return 0 }},
	} {
		tr := bpr.NewTrainer(in, cfg)
		a := tr.Arrays()
		for _, x := range a[:2] {
			clear(x)
		}
		a[2][items[0]] = tt.margin
		loss := tr.Step(bpr.WARP, tu, items[0], -1, 1, 1, lacking)
		want := tt.weight(1)
		require.InDelta(t, want*(1-float64(tt.margin)), loss, 1e-5, tt.name)
		require.InDelta(t, want*want, a[6][items[0]], 1e-3, "%s: the square of the bias's gradient", tt.name)
	}
	// One item in the pool violates, the others do not: the more trials it took, the less counts.
	tr := bpr.NewTrainer(in, cfg)
	a := tr.Arrays()
	for _, x := range a[:2] {
		clear(x)
	}
	a[2][items[0]] = 2
	a[2][lacking[0]] = 1.5
	loss := tr.Step(bpr.WARP, tu, items[0], -1, 1, 1, lacking[:2])
	var possible []float64
	for trials := 1; trials <= 10; trials++ {
		possible = append(possible, 0.5*harmonicSum(len(lacking)/trials))
	}
	require.True(t, slices.ContainsFunc(possible, func(x float64) bool { return math.Abs(x-loss) < 1e-5 }), "%v is none of %v", loss, possible)
}

func harmonicSum(n int) (sum float64) {
	for k := 1; k <= n; k++ {
		sum += 1 / float64(k)
	}
	return sum
}

func TestTheRateFallsLinearly(t *testing.T) {
	in := groups(t, 12, 40, 200)
	tr := bpr.NewTrainer(in, bpr.Config{LearningRate: 2, Epochs: 101})
	require.Equal(t, 2.0, tr.Rate(0))
	require.InDelta(t, 1.01, tr.Rate(50), 1e-12)
	require.InDelta(t, 0.02, tr.Rate(100), 1e-12)
	require.Equal(t, 2.0, bpr.NewTrainer(in, bpr.Config{LearningRate: 2, Epochs: 1}).Rate(0))
}
