package loss_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
)

// params has usual parameters of an objective.
func params(k loss.Kind) loss.Params {
	p := loss.Params{Kind: k, PositiveWeight: 1, Alpha: 0.9, Power: 1.5, Sigma: 1, Truncation: 30, Seed: 7}
	if k == loss.Huber {
		p.Alpha = 0.4
	}
	return p
}

// sample has n rows with weights, some of them 0, and labels that suit the objective, some of
// them unknown; groups of 1 to 12 rows that are not contiguous in the table.
func sample(k loss.Kind, n int, seed uint64) loss.Data {
	r := rand.New(rand.NewPCG(seed, 1))
	d := loss.Data{Workers: 1, Starts: []int{0}}
	for i := range n {
		y := r.NormFloat64()
		switch k {
		case loss.LogLoss:
			y = float64(r.IntN(2))
		case loss.CrossEntropy:
			y = r.Float64()
		case loss.Poisson, loss.Tweedie, loss.LambdaMART, loss.XENDCG, loss.Softmax:
			y = float64(r.IntN(4))
		case loss.Gamma:
			y = 0.1 + 3*r.Float64()
		case loss.Pairwise:
			y = float64(r.IntN(3)) - 1
		}
		w := 0.5 + r.Float64()
		if i%11 == 5 {
			w = 0
		}
		if i%13 == 7 {
			y = math.NaN()
		}
		d.Labels, d.Weights = append(d.Labels, float32(y)), append(d.Weights, float32(w))
	}
	for _, i := range r.Perm(n) {
		d.Order = append(d.Order, int32(i))
	}
	for d.Starts[len(d.Starts)-1] < n {
		d.Starts = append(d.Starts, min(n, d.Starts[len(d.Starts)-1]+1+r.IntN(12)))
	}
	return d
}

func scores(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	s := make([]float64, n)
	for i := range s {
		s[i] = r.NormFloat64()
	}
	return s
}

func known(d *loss.Data, i int) bool { return d.Labels[i] == d.Labels[i] && d.Weights[i] > 0 }

var pointwise = []loss.Kind{loss.L2, loss.L1, loss.Quantile, loss.Huber, loss.LogLoss, loss.CrossEntropy, loss.Poisson, loss.Gamma, loss.Tweedie}

func gradients(t *testing.T, p loss.Params, d loss.Data, s []float64) (o loss.Objective, grad, hess []float32) {
	t.Helper()
	o, err := loss.New(p, d)
	require.NoError(t, err)
	grad, hess = make([]float32, len(s)), make([]float32, len(s))
	for i := range grad { // what was there before must not matter
		grad[i], hess[i] = 99, 99
	}
	o.Gradients(3, s, grad, hess)
	return o, grad, hess
}

func TestPointwiseGradientsAreDerivatives(t *testing.T) {
	const n, eps = 200, 1e-5
	for _, k := range pointwise {
		for _, positive := range []float64{1, 3} {
			p, d := params(k), sample(k, n, uint64(k))
			p.PositiveWeight = positive
			s := scores(n, 5)
			o, grad, hess := gradients(t, p, d, s)
			value := o.(interface{ Loss(s []float64) float64 }).Loss
			total := 0.0
			for i := range n {
				if known(&d, i) {
					w := float64(d.Weights[i])
					if k == loss.LogLoss && d.Labels[i] == 1 {
						w *= positive
					}
					total += w
				}
			}
			for i := range n {
				at := s[i]
				s[i] = at + eps
				up := value(s)
				s[i] = at - eps
				down := value(s)
				s[i] = at
				require.InDelta(t, (up-down)/(2*eps)*total, float64(grad[i]), 1e-4*(1+math.Abs(float64(grad[i]))), "kind %d row %d", k, i)
				require.Equal(t, known(&d, i), hess[i] > 0, "kind %d row %d", k, i)
			}
		}
	}
}

func TestHessiansAreDerivativesOfGradients(t *testing.T) {
	const n, eps = 100, 1e-3
	for _, k := range []loss.Kind{loss.L2, loss.LogLoss, loss.CrossEntropy, loss.Gamma, loss.Tweedie, loss.Poisson} {
		p, d, s := params(k), sample(k, n, 9), scores(n, 5)
		p.MaxStep = 0
		o, _, hess := gradients(t, p, d, s)
		up, down, rest := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range s {
			s[i] += eps
		}
		o.Gradients(0, s, up, rest)
		for i := range s {
			s[i] -= 2 * eps
		}
		o.Gradients(0, s, down, rest)
		for i := range s {
			require.InDelta(t, float64(up[i]-down[i])/(2*eps), float64(hess[i]), 2e-3*(1+float64(hess[i])), "kind %d row %d", k, i)
		}
	}
}

// Source: Friedman, "Greedy function approximation", 2001: the best constant starts boosting
// (algorithm 1, line 1). The loss must not be lower nearby.
func TestBaseMinimisesTheLoss(t *testing.T) {
	const n = 400
	for _, k := range pointwise {
		p, d := params(k), sample(k, n, 3)
		p.PositiveWeight = 2.5
		o, err := loss.New(p, d)
		require.NoError(t, err)
		value := func(b float64) float64 {
			s := make([]float64, n)
			for i := range s {
				s[i] = b
			}
			return o.(interface{ Loss(s []float64) float64 }).Loss(s)
		}
		base, slack := o.Base()[0], 1e-12
		if k == loss.Huber { // a one-step estimate
			slack = 1e-3
		}
		for _, step := range []float64{1e-3, 0.1, 1} {
			require.LessOrEqual(t, value(base), value(base+step)+slack, "kind %d", k)
			require.LessOrEqual(t, value(base), value(base-step)+slack, "kind %d", k)
		}
	}
}

func TestRenewedLeafMinimisesTheLossOfItsRows(t *testing.T) {
	const n = 60
	for _, k := range []loss.Kind{loss.L1, loss.Quantile, loss.Huber} {
		p, d, s := params(k), sample(k, n, 4), scores(n, 8)
		o, err := loss.New(p, d)
		require.NoError(t, err)
		rows := []int32{3, 5, 7, 8, 20, 21, 40, 55} // 5 has weight 0, 7 no label
		v := o.(loss.Renewer).Renew(s, rows, new(loss.Scratch))
		value := func(v float64) (sum float64) {
			for _, i := range rows {
				if known(&d, int(i)) {
					s2 := append([]float64(nil), s...)
					s2[i] += v
					sum += o.(interface{ Loss(s []float64) float64 }).Loss(s2)
				}
			}
			return sum
		}
		slack := 1e-12
		if k == loss.Huber {
			slack = 1e-2
		}
		for _, step := range []float64{0.01, 0.3} {
			require.LessOrEqual(t, value(v), value(v+step)+slack, "kind %d", k)
			require.LessOrEqual(t, value(v), value(v-step)+slack, "kind %d", k)
		}
	}
}

func TestQuantileEqualsSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 3, 23, 24, 25, 26, 27, 60, 61, 500, 4096} {
		for _, span := range []int{1, 2, 7, 1 << 40} {
			for _, alpha := range []float64{0.5, 0.25, 0.9, 1.0 / 3, 1e-9, 1 - 1e-9} {
				values, weights, order := make([]float64, n), make([]float64, n), make([]int, n)
				total := 0.0
				for i := range values {
					values[i], weights[i], order[i] = float64(r.IntN(span)), float64(1+r.IntN(2)), i
					total += weights[i]
				}
				slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
				want, below := 0.0, 0.0
				for k, i := range order {
					below += weights[i]
					if below >= alpha*total {
						want = values[i]
						if below == alpha*total && k+1 < n {
							want = (values[i] + values[order[k+1]]) / 2
						}
						break
					}
				}
				require.Equal(t, want, loss.WeightedQuantile(values, weights, alpha), "%d of %d at %v", n, span, alpha)
			}
		}
	}
}

func TestMedianOfAnEvenCountIsTheMiddle(t *testing.T) {
	o, err := loss.New(params(loss.L1), loss.Data{Labels: []float32{4, 1, 3, 10}, Workers: 1})
	require.NoError(t, err)
	require.Equal(t, []float64{3.5}, o.Base())
}

func TestSoftmaxGradientsAreDerivatives(t *testing.T) {
	const n, classes, eps = 50, 4, 1e-5
	p, d := params(loss.Softmax), sample(loss.Softmax, n, 6)
	p.Classes = classes
	s := scores(n*classes, 3)
	o, grad, hess := gradients(t, p, d, s)
	require.Equal(t, classes, o.Outputs())
	m, err := loss.NewMetric(loss.MultiLoss, 0, p, d)
	require.NoError(t, err)
	total := 0.0
	for i := range n {
		if known(&d, i) {
			total += float64(d.Weights[i])
		}
	}
	for at := range s {
		old := s[at]
		s[at] = old + eps
		up := m.Value(s)
		s[at] = old - eps
		down := m.Value(s)
		s[at] = old
		require.InDelta(t, (up-down)/(2*eps)*total, float64(grad[at]), 1e-4)
		require.Equal(t, known(&d, at%n), hess[at] > 0)
	}
	sum := 0.0
	for _, b := range o.Base() {
		sum += math.Exp(b)
	}
	require.InDelta(t, 1, sum, 1e-12, "base probabilities")
}

func TestGradientsDoNotDependOnWorkers(t *testing.T) {
	const n = 40_000
	for k := loss.L2; k <= loss.XENDCG; k++ {
		p, d := params(k), sample(k, n, 1)
		outputs := 1
		if k == loss.Softmax {
			p.Classes, outputs = 4, 4
		}
		s := scores(n*outputs, 2)
		_, g1, h1 := gradients(t, p, d, s)
		d.Workers = 5
		_, g5, h5 := gradients(t, p, d, s)
		require.Equal(t, g1, g5)
		require.Equal(t, h1, h5)
	}
}

func TestBadLabelsNameTheRow(t *testing.T) {
	inf := float32(math.Inf(1))
	groups := loss.Data{Order: []int32{0, 1, 2}, Starts: []int{0, 3}}
	for _, c := range []struct {
		kind   loss.Kind
		labels []float32
		want   string
	}{
		{loss.L2, []float32{0, inf, 0}, "Labels: row 1 is +Inf"},
		{loss.LogLoss, []float32{0, 1, 0.5}, "row 2 is 0.5; want 0 or 1 (CrossEntropy"},
		{loss.CrossEntropy, []float32{0, -0.1, 1}, "row 1 is -0.1; want 0 to 1"},
		{loss.Poisson, []float32{1, 1, -1}, "row 2 is -1; want >= 0"},
		{loss.Gamma, []float32{1, 1, 0}, "row 2 is 0; want > 0"},
		{loss.Tweedie, []float32{-1, 1, 0}, "row 0"},
		{loss.Softmax, []float32{0, 1.5, 1}, "row 1 is 1.5; want a class"},
		{loss.Softmax, []float32{0, 1, 1e9}, "row 2 is 1e+09; want a class"},
		{loss.LambdaMART, []float32{0, 1, 32}, "row 2 is 32; want a grade in [0, 31]"},
		{loss.XENDCG, []float32{0, -1, 2}, "row 1 is -1"},
	} {
		d := groups
		d.Labels, d.Workers = c.labels, 1
		_, err := loss.New(params(c.kind), d)
		require.ErrorContains(t, err, c.want)
		var row *loss.RowError
		require.ErrorAs(t, err, &row)
	}
	_, err := loss.New(params(loss.L2), loss.Data{Labels: []float32{1, 2}, Weights: []float32{1, float32(math.NaN())}, Workers: 1})
	require.ErrorContains(t, err, "Weights: row 1 is NaN; want a finite number >= 0")
}

func TestOneClassIsAnError(t *testing.T) {
	for k, labels := range map[loss.Kind][]float32{
		loss.LogLoss:      {1, 1, float32(math.NaN())},
		loss.CrossEntropy: {0, 0},
		loss.Poisson:      {0, 0},
		loss.Softmax:      {2, 2},
	} {
		_, err := loss.New(params(k), loss.Data{Labels: labels, Workers: 1})
		require.ErrorIs(t, err, loss.ErrOneClass)
	}
	d := loss.Data{Labels: []float32{1, 1, 2}, Order: []int32{0, 1, 2}, Starts: []int{0, 2, 3}, Workers: 1}
	for _, k := range []loss.Kind{loss.LambdaMART, loss.Pairwise, loss.XENDCG} {
		_, err := loss.New(params(k), d)
		require.ErrorIs(t, err, loss.ErrNoPairs, "each group has labels of one value")
		_, err = loss.New(params(k), loss.Data{Labels: d.Labels, Workers: 1})
		require.ErrorContains(t, err, "no groups")
	}
}

// The gradient of a row that is all but certain is small and must still be right: it is the
// difference of numbers next to each other.
func TestLogisticGradientsAreExactInTheTails(t *testing.T) {
	var d loss.Data
	var s []float64
	for v := -60.0; v <= 60; v += 0.37 {
		s, d.Labels = append(s, v, v), append(d.Labels, 0, 1)
	}
	d.Workers = 1
	_, grad, hess := gradients(t, params(loss.LogLoss), d, s)
	for i, v := range s {
		want := 1 / (1 + math.Exp(-v))
		if d.Labels[i] == 1 {
			want = -1 / (1 + math.Exp(v))
		}
		size := math.Abs(want)
		require.InEpsilon(t, want, grad[i], 1e-5)
		require.InDelta(t, size*(1-size), hess[i], 1e-5*size*max(1-size, 6e-3))
	}
}

func TestExtremeScoresGiveFiniteGradients(t *testing.T) {
	for k := loss.L2; k <= loss.XENDCG; k++ {
		p, d := params(k), sample(k, 40, 2)
		p.Classes = 4
		n := 40
		if k == loss.Softmax {
			n *= 4
		}
		s := scores(n, 1)
		for i := range s {
			s[i] *= 800
		}
		_, grad, hess := gradients(t, p, d, s)
		for i := range grad {
			require.False(t, math.IsNaN(float64(grad[i])) || math.IsInf(float64(grad[i]), 0), fmt.Sprint("kind ", k))
			require.True(t, hess[i] >= 0 && !math.IsInf(float64(hess[i]), 0), fmt.Sprint("kind ", k))
		}
	}
}
