package ranking_test

import (
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/ranking"
)

// oracle is the objective of one head, computed the slow way: dense rows, one column per weight.
type oracle struct {
	x       [][]float64 // standardised, one-hot; column 0 is 1
	y, c    []float64
	total   float64
	weights func(m *ranking.Linear) []float64 // the model's weights in the order of x
}

func newOracle(d *ranking.Dataset, head string, positive float64, indicators bool) *oracle {
	h := slices.Index(d.Heads, head)
	o := &oracle{}
	mean, scale := make([]float64, len(d.Columns)), make([]float64, len(d.Columns))
	var flags []int
	for j := range d.Columns {
		var sum, square, mass float64
		gap := false
		for i := range d.Len() {
			v, c := float64(d.FloatRow(i)[j]), float64(d.Weight(i))
			if v != v {
				gap = gap || c > 0
				continue
			}
			sum, mass = sum+c*v, mass+c
		}
		mean[j] = sum / mass
		for i := range d.Len() {
			if v := float64(d.FloatRow(i)[j]); v == v {
				square += float64(d.Weight(i)) * (v - mean[j]) * (v - mean[j])
			}
		}
		scale[j] = math.Sqrt(square / mass)
		if gap && indicators {
			flags = append(flags, j)
		}
	}
	type one struct {
		column int
		id     uint64
	}
	var hot []one
	for k := range d.IDColumns {
		seen := map[uint64]bool{}
		for i := range d.Len() {
			if id := d.IDRow(i)[k]; !seen[id] {
				seen[id] = true
				hot = append(hot, one{k, id})
			}
		}
	}
	for i := range d.Len() {
		y := float64(d.LabelRow(i)[h])
		if y != y {
			continue
		}
		row := []float64{1}
		for j, v := range d.FloatRow(i) {
			z := (float64(v) - mean[j]) / scale[j]
			if z != z {
				z = 0
			}
			row = append(row, z)
		}
		for _, j := range flags {
			row = append(row, truth(math.IsNaN(float64(d.FloatRow(i)[j]))))
		}
		for _, o := range hot {
			row = append(row, truth(d.IDRow(i)[o.column] == o.id))
		}
		o.x, o.y, o.c = append(o.x, row), append(o.y, y), append(o.c, float64(d.Weight(i)))
	}
	for i, y := range o.y {
		o.total += o.c[i] * (positive*y + 1 - y)
	}
	o.weights = func(m *ranking.Linear) []float64 {
		b, _ := m.Intercept(head)
		w := []float64{b}
		coefficients, _ := m.Coefficients(head)
		for _, c := range coefficients {
			w = append(w, c.Weight)
		}
		for _, j := range flags {
			w = append(w, coefficients[j].Missing)
		}
		for _, o := range hot {
			v, _ := m.IDWeight(head, d.IDColumns[o.column], o.id)
			w = append(w, v)
		}
		return w
	}
	return o
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// loss is 1/C Σ c_i loss_i + l2/2 Σ_{j>0} w_j².
func (o *oracle) loss(w []float64, positive, l2 float64) float64 {
	sum := 0.0
	for i, row := range o.x {
		z := 0.0
		for j, v := range row {
			z += w[j] * v
		}
		sum += o.c[i] * (positive*o.y[i]*math.Log1p(math.Exp(-z)) + (1-o.y[i])*math.Log1p(math.Exp(z)))
	}
	penalty := 0.0
	for _, v := range w[1:] {
		penalty += v * v
	}
	return sum/o.total + l2/2*penalty
}

// newton minimises loss by Newton's method.
func (o *oracle) newton(positive, l2 float64) []float64 {
	d := len(o.x[0])
	w := make([]float64, d)
	for range 50 {
		g, h := make([]float64, d), make([][]float64, d)
		for j := range h {
			h[j] = make([]float64, d)
		}
		for i, row := range o.x {
			z := 0.0
			for j, v := range row {
				z += w[j] * v
			}
			p := 1 / (1 + math.Exp(-z))
			c := o.c[i] / o.total
			mass := positive*o.y[i] + 1 - o.y[i]
			for j, v := range row {
				g[j] += c * (mass*p - positive*o.y[i]) * v
				for k, u := range row {
					h[j][k] += c * mass * p * (1 - p) * v * u
				}
			}
		}
		for j := 1; j < d; j++ {
			g[j] += l2 * w[j]
			h[j][j] += l2
		}
		step := solve(h, g)
		moved := 0.0
		for j := range w {
			w[j] -= step[j]
			moved = max(moved, math.Abs(step[j]))
		}
		if moved < 1e-12 {
			break
		}
	}
	return w
}

// solve is Gaussian elimination with pivots.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	b = slices.Clone(b)
	for k := range n {
		p := k
		for i := k; i < n; i++ {
			if math.Abs(a[i][k]) > math.Abs(a[p][k]) {
				p = i
			}
		}
		a[k], a[p], b[k], b[p] = a[p], a[k], b[p], b[k]
		for i := k + 1; i < n; i++ {
			f := a[i][k] / a[k][k]
			for j := k; j < n; j++ {
				a[i][j] -= f * a[k][j]
			}
			b[i] -= f * b[k]
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			b[i] -= a[i][j] * b[j]
		}
		b[i] /= a[i][i]
	}
	return b
}

// Source: with the whole data as one batch, SGD at rate r moves the weights by -r times the
// gradient, which central differences of the loss give within 1e-7.
func TestStepIsTheGradientByFiniteDifferences(t *testing.T) {
	d := problem(300, 4, 0.15, 21)
	for i := range d.Labels { // soft labels too
		if i%5 == 0 {
			d.Labels[i] = 0.3
		}
	}
	const rate, positive = 0.5, 3.0
	at := func(epochs int) *ranking.Linear {
		return train(t, ranking.LinearConfig{
			Optimizer: ranking.SGD, BatchSize: 1 << 20, LearningRate: rate, Epochs: epochs,
			MissingIndicators: true, PositiveWeight: map[string]float64{"click": positive, "buy": positive},
		}, d)
	}
	for _, epochs := range []int{1, 4} {
		before, after := at(epochs), at(epochs+1)
		for _, head := range d.Heads {
			o := newOracle(d, head, positive, true)
			w, next := o.weights(before), o.weights(after)
			for j := range w {
				got := (w[j] - next[j]) / rate
				const h = 1e-5
				up, down := slices.Clone(w), slices.Clone(w)
				up[j] += h
				down[j] -= h
				want := (o.loss(up, positive, 0) - o.loss(down, positive, 0)) / (2 * h)
				if math.Abs(got-want) > 5e-7 {
					t.Errorf("%s, epoch %d, weight %d: gradient %v; by differences %v", head, epochs, j, got, want)
				}
			}
		}
	}
}

func TestTrainingFindsTheOptimumOfNewtonsMethod(t *testing.T) {
	d := problem(400, 5, 0.1, 22)
	whole := 1 << 20
	for _, c := range []struct {
		name string
		cfg  ranking.LinearConfig
	}{
		{"adagrad", ranking.LinearConfig{LearningRate: 0.5, Epochs: 3000, L2: 0.01, BatchSize: whole}},
		{"adagrad, indicators and weights", ranking.LinearConfig{
			LearningRate: 0.5, Epochs: 5000, L2: 0.01, BatchSize: whole,
			MissingIndicators: true, PositiveWeight: map[string]float64{"buy": 5},
		}},
		{"sgd", ranking.LinearConfig{Optimizer: ranking.SGD, LearningRate: 1, Epochs: 5000, L2: 0.01, BatchSize: whole}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Tolerance = 1e-9
			m := train(t, c.cfg, d)
			for _, head := range d.Heads {
				positive := max(c.cfg.PositiveWeight[head], 1)
				o := newOracle(d, head, positive, c.cfg.MissingIndicators)
				got, want := o.weights(m), o.newton(positive, c.cfg.L2)
				for j := range want {
					if math.Abs(got[j]-want[j]) > 1e-4 {
						t.Errorf("head %s, weight %d: %v; Newton's method gives %v", head, j, got[j], want[j])
					}
				}
			}
		})
	}
}
