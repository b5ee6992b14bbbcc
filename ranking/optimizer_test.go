package ranking_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/ranking"
)

// Without regularisation FTRL follows the gradient with rates of its own, so it ends where Newton's method does.
func TestFTRLFindsTheOptimumOfNewtonsMethod(t *testing.T) {
	d := problem(400, 5, 0, 23)
	d.IDColumns, d.IDs = nil, nil // with them the optimum is not unique
	m := train(t, ranking.LinearConfig{Optimizer: ranking.FTRL, BatchSize: 1 << 20, LearningRate: 0.5, Epochs: 5000, Tolerance: 1e-9}, d)
	for _, head := range d.Heads {
		o := newOracle(d, head, 1, false)
		got, want := o.weights(m), o.newton(1, 0)
		for j := range want {
			if math.Abs(got[j]-want[j]) > 1e-4 {
				t.Errorf("head %s, weight %d: %v; Newton's method gives %v", head, j, got[j], want[j])
			}
		}
	}
}

// Source: McMahan et al., KDD 2013, algorithm 1, by hand. One row with one ID, so that x is 1;
// label 0.75, alpha 0.1, beta 1, lambda1 0.1, lambda2 1.
//
//	step 1: p = sigmoid(0) = 0.5, g = -0.25, sigma = 0.25/0.1 = 2.5, z = -0.25, n = 0.0625,
//	        w = (0.25 - 0.1)/((1 + 0.25)/0.1 + 1) = 0.15/13.5 = 0.0111111
//	        intercept, not regularised: 0.25/12.5 = 0.02
//	step 2: logit 0.0311111, p = 0.5077771, g = -0.2422229, n = 0.1211719, sqrt(n) = 0.3480976,
//	        sigma = 0.980976, z = -0.25 - 0.2422229 - 0.980976*0.0111111 = -0.5031226,
//	        w = 0.4031226/(13.480976 + 1) = 0.0278381
//	        intercept: z = -0.4922229 - 0.980976*0.02 = -0.5118424, 0.5118424/13.480976 = 0.0379678
func TestFTRLWorkedSteps(t *testing.T) {
	d := &ranking.Dataset{IDColumns: []string{"ad"}, IDs: []uint64{7}, Heads: []string{"click"}, Labels: []float32{0.75}}
	for _, c := range []struct {
		epochs       int
		w, intercept float64
	}{{1, 0.0111111, 0.02}, {2, 0.0278381, 0.0379678}} {
		m := train(t, ranking.LinearConfig{Optimizer: ranking.FTRL, LearningRate: 0.1, Beta: 1, L1: 0.1, L2: 1, Epochs: c.epochs}, d)
		w, _ := m.IDWeight("click", "ad", 7)
		b, _ := m.Intercept("click")
		if math.Abs(w-c.w) > 1e-7 || math.Abs(b-c.intercept) > 1e-7 {
			t.Errorf("after %d steps: weight %v, intercept %v; want %v, %v", c.epochs, w, b, c.w, c.intercept)
		}
	}
}

// The algorithm as printed, with weights recomputed from z and n at each example and no batches,
// against the trainer, on columns that are 0 now and then.
func TestFTRLIsAlgorithmOne(t *testing.T) {
	const alpha, beta, l1, l2, epochs = 0.2, 0.5, 0.3, 0.7, 3
	d := problem(200, 3, 0.3, 24)
	m := train(t, ranking.LinearConfig{Optimizer: ranking.FTRL, LearningRate: alpha, Beta: beta, L1: l1, L2: l2, Epochs: epochs, Seed: 5}, d)
	o := newOracle(d, "click", 1, false)
	z, n := make([]float64, len(o.x[0])), make([]float64, len(o.x[0]))
	weight := func(i int) float64 {
		a, b := l1, l2
		if i == 0 {
			a, b = 0, 0
		}
		if math.Abs(z[i]) <= a {
			return 0
		}
		sign := 1.0
		if z[i] < 0 {
			sign = -1
		}
		return -(z[i] - sign*a) / ((beta+math.Sqrt(n[i]))/alpha + b)
	}
	for e := range epochs {
		order := make([]int32, len(o.x))
		for i := range order {
			order[i] = int32(i)
		}
		ranking.ShuffleRows(order, 5, uint64(e))
		for _, t := range order {
			logit := 0.0
			for i, x := range o.x[t] {
				logit += weight(i) * x
			}
			p := 1 / (1 + math.Exp(-logit))
			w := make([]float64, len(z))
			for i := range w {
				w[i] = weight(i)
			}
			for i, x := range o.x[t] {
				g := o.c[t] * (p - o.y[t]) * x
				sigma := (math.Sqrt(n[i]+g*g) - math.Sqrt(n[i])) / alpha
				z[i] += g - sigma*w[i]
				n[i] += g * g
			}
		}
	}
	for i, got := range o.weights(m) {
		if want := weight(i); math.Abs(got-want) > 1e-6 {
			t.Errorf("weight %d is %v; the algorithm gives %v", i, got, want)
		}
	}
}

// Source: Karush-Kuhn-Tucker conditions of the lasso: where a weight is 0 the gradient of the loss is
// at most L1, elsewhere it is L1 against the weight's sign.
func TestL1ReachesTheOptimumOfTheLasso(t *testing.T) {
	d := problem(500, 8, 0, 25)
	const l1 = 0.03
	m := train(t, ranking.LinearConfig{LearningRate: 0.3, Epochs: 20000, L1: l1, BatchSize: 1 << 20, Tolerance: 1e-10}, d)
	zeros := 0
	for _, head := range d.Heads {
		o := newOracle(d, head, 1, false)
		w := o.weights(m)
		for j := 1; j < len(w); j++ {
			const h = 1e-5
			up, down := slices.Clone(w), slices.Clone(w)
			up[j] += h
			down[j] -= h
			g := (o.loss(up, 1, 0) - o.loss(down, 1, 0)) / (2 * h)
			switch {
			case w[j] == 0:
				zeros++
				if math.Abs(g) > l1+1e-6 {
					t.Errorf("head %s, weight %d is 0 with gradient %v, beyond %v", head, j, g, l1)
				}
			case math.Abs(g+math.Copysign(l1, w[j])) > 1e-5:
				t.Errorf("head %s, weight %d is %v with gradient %v; want %v", head, j, w[j], g, -math.Copysign(l1, w[j]))
			}
		}
	}
	if zeros == 0 {
		t.Error("no weight is 0: the test shows nothing")
	}
}

func TestL1GivesExactZeros(t *testing.T) {
	r := rand.New(rand.NewPCG(26, 1))
	d := &ranking.Dataset{Columns: []string{"signal"}, IDColumns: []string{"noise"}, Heads: []string{"click"}}
	for j := range 10 {
		d.Columns = append(d.Columns, fmt.Sprint("noise", j))
	}
	for range 4000 {
		x := r.NormFloat64()
		d.Labels = append(d.Labels, draw(r, 2*x))
		d.Floats = append(d.Floats, float32(x))
		for range 10 {
			d.Floats = append(d.Floats, float32(r.NormFloat64()))
		}
		d.IDs = append(d.IDs, r.Uint64N(20))
	}
	for _, cfg := range []ranking.LinearConfig{
		{Optimizer: ranking.AdaGrad, L1: 0.1, BatchSize: 1000},
		{Optimizer: ranking.SGD, L1: 0.1, BatchSize: 1000},
		{Optimizer: ranking.FTRL, L1: 300, Epochs: 3},
	} {
		m := train(t, cfg, d)
		c, _ := m.Coefficients("click")
		if c[0].Weight < 0.1 {
			t.Errorf("%v: the signal has weight %v", cfg.Optimizer, c[0].Weight)
		}
		for _, c := range c[1:] {
			if c.Weight != 0 {
				t.Errorf("%v: %s has weight %v; want 0", cfg.Optimizer, c.Column, c.Weight)
			}
		}
		for id := range uint64(20) {
			if w, _ := m.IDWeight("click", "noise", id); w != 0 {
				t.Errorf("%v: id %d has weight %v; want 0", cfg.Optimizer, id, w)
			}
		}
	}
}

// The weights of IDs are brought up to date when a row has them; that must not differ from moving
// all of them at every step.
func TestLazyRegularisationIsTheEagerOne(t *testing.T) {
	d := problem(160, 2, 0, 27)
	for i := range d.Len() { // most ids are rare
		d.IDs[2*i] = uint64(i * i % 61)
	}
	for _, c := range []struct {
		o      ranking.Optimizer
		l1, l2 float64
	}{{ranking.SGD, 0.002, 0.03}, {ranking.SGD, 0.002, 0}, {ranking.SGD, 0, 0.03}, {ranking.AdaGrad, 0.002, 0.03}, {ranking.AdaGrad, 0.002, 0}} {
		const rate, decay, batch, epochs = 0.3, 0.5, 10, 3
		m := train(t, ranking.LinearConfig{Optimizer: c.o, L1: c.l1, L2: c.l2, LearningRate: rate, Decay: decay, BatchSize: batch, Epochs: epochs, Seed: 6}, d)
		o := newOracle(d, "click", 1, false)
		w, square := make([]float64, len(o.x[0])), make([]float64, len(o.x[0]))
		n := len(o.x)
		for e := range epochs {
			order := make([]int32, n)
			for i := range order {
				order[i] = int32(i)
			}
			ranking.ShuffleRows(order, 6, uint64(e))
			for from := 0; from < n; from += batch {
				g := make([]float64, len(w))
				for _, i := range order[from:min(n, from+batch)] {
					z := 0.0
					for j, x := range o.x[i] {
						z += w[j] * x
					}
					for j, x := range o.x[i] {
						g[j] += o.c[i] * (1/(1+math.Exp(-z)) - o.y[i]) * x
					}
				}
				size := float64(min(n, from+batch) - from)
				for j := range w {
					g[j] /= size * o.total / float64(n)
					step := rate / (1 + decay*float64(e))
					if c.o == ranking.AdaGrad {
						square[j] += g[j] * g[j]
						step /= math.Sqrt(square[j]) + 1e-10
					}
					w[j] -= step * g[j]
					if j > 0 {
						w[j] = math.Copysign(max(0, math.Abs(w[j])-step*c.l1), w[j]) / (1 + step*c.l2)
					}
				}
			}
		}
		for j, got := range o.weights(m) {
			if math.Abs(got-w[j]) > 1e-6 {
				t.Errorf("%v, L1 %v, L2 %v: weight %d is %v; eager steps give %v", c.o, c.l1, c.l2, j, got, w[j])
			}
		}
	}
}

// Source: King and Zeng, Political Analysis 2001, on prior correction: weighting the positives by c
// shifts the intercept of the true model by log c.
func TestPositiveWeightShiftsTheIntercept(t *testing.T) {
	r := rand.New(rand.NewPCG(28, 1))
	d := &ranking.Dataset{Columns: []string{"x"}, Heads: []string{"click"}}
	for range 40_000 {
		x := r.NormFloat64()
		d.Floats, d.Labels = append(d.Floats, float32(x)), append(d.Labels, draw(r, x-1))
	}
	fit := func(w float64) float64 {
		b, _ := train(t, ranking.LinearConfig{BatchSize: 1 << 20, LearningRate: 1, Epochs: 300, PositiveWeight: map[string]float64{"click": w}}, d).Intercept("click")
		return b
	}
	if shift := fit(4) - fit(1); math.Abs(shift-math.Log(4)) > 0.05 {
		t.Errorf("the intercept moves by %v; want log 4 = %v", shift, math.Log(4))
	}
}
