package loss_test

import (
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
)

func value(t *testing.T, m loss.MetricKind, k int, p loss.Params, d loss.Data, s []float64) float64 {
	t.Helper()
	x, err := loss.NewMetric(m, k, p, d)
	require.NoError(t, err)
	return x.Value(s)
}

func TestMetricsEqualTheirDefinitions(t *testing.T) {
	const n = 150
	average := func(d *loss.Data, s []float64, f func(s, y float64) float64) float64 {
		sum, total := 0.0, 0.0
		for i := range s {
			if known(d, i) {
				sum += float64(d.Weights[i]) * f(s[i], float64(d.Labels[i]))
				total += float64(d.Weights[i])
			}
		}
		return sum / total
	}
	sigmoid := func(s float64) float64 { return 1 / (1 + math.Exp(-s)) }
	s := scores(n, 3)
	for _, c := range []struct {
		kind loss.Kind
		m    loss.MetricKind
		f    func(s, y float64) float64
	}{
		{loss.L1, loss.MAE, func(s, y float64) float64 { return math.Abs(s - y) }},
		{loss.Poisson, loss.MAE, func(s, y float64) float64 { return math.Abs(math.Exp(s) - y) }},
		{loss.Quantile, loss.Pinball, func(s, y float64) float64 {
			if y > s {
				return 0.9 * (y - s)
			}
			return 0.1 * (s - y)
		}},
		{loss.LogLoss, loss.BinaryLoss, func(s, y float64) float64 { return -y*math.Log(sigmoid(s)) - (1-y)*math.Log(1-sigmoid(s)) }},
		{loss.CrossEntropy, loss.BinaryLoss, func(s, y float64) float64 { return -y*math.Log(sigmoid(s)) - (1-y)*math.Log(1-sigmoid(s)) }},
		{loss.Poisson, loss.PoissonDeviance, func(s, y float64) float64 {
			if y == 0 {
				return 2 * math.Exp(s)
			}
			return 2 * (y*math.Log(y/math.Exp(s)) - y + math.Exp(s))
		}},
		{loss.Huber, loss.Loss, func(s, y float64) float64 {
			if r := math.Abs(s - y); r > 0.4 {
				return 0.4 * (r - 0.2)
			}
			return (s - y) * (s - y) / 2
		}},
	} {
		d := sample(c.kind, n, 2)
		require.InDelta(t, average(&d, s, c.f), value(t, c.m, 0, params(c.kind), d, s), 1e-12, "metric %d", c.m)
	}
	d := sample(loss.L2, n, 2)
	want := math.Sqrt(average(&d, s, func(s, y float64) float64 { return (s - y) * (s - y) }))
	require.InDelta(t, want, value(t, loss.RMSE, 0, params(loss.L2), d, s), 1e-12)
}

func TestAUCIsTheShareOfOrderedPairs(t *testing.T) {
	const n = 120
	for _, kind := range []loss.Kind{loss.LogLoss, loss.CrossEntropy} {
		d, s := sample(kind, n, 2), scores(n, 3)
		for i := range s {
			s[i] = math.Round(2 * s[i]) // ties
		}
		wins, total := 0.0, 0.0
		for i := range s {
			for j := range s {
				if !known(&d, i) || !known(&d, j) {
					continue
				}
				w := float64(d.Weights[i]) * float64(d.Labels[i]) * float64(d.Weights[j]) * (1 - float64(d.Labels[j]))
				total += w
				switch {
				case s[i] > s[j]:
					wins += w
				case s[i] == s[j]:
					wins += w / 2
				}
			}
		}
		require.InDelta(t, wins/total, value(t, loss.AUC, 0, params(kind), d, s), 1e-12)
	}
	one := loss.Data{Labels: []float32{1, 1}, Workers: 1}
	require.True(t, math.IsNaN(value(t, loss.AUC, 0, params(loss.LogLoss), one, []float64{1, 2})))
}

func TestAUCOfScoresThatAreNoNumbersEnds(t *testing.T) {
	d := loss.Data{Labels: []float32{0, 1, 1, 0}, Workers: 1}
	s := []float64{math.NaN(), 1, math.NaN(), 2}
	require.Equal(t, 0.375, value(t, loss.AUC, 0, params(loss.LogLoss), d, s), "NaN ties with NaN, below all")
}

func TestNDCGEqualsTheNaiveLoop(t *testing.T) {
	const n = 200
	d, s := sample(loss.LambdaMART, n, 2), scores(n, 3)
	for _, k := range []int{1, 3, 10, 1000} {
		sum, all := 0.0, groups(&d)
		for _, rows := range all {
			dcg := func() (sum float64) {
				for r, i := range rows[:min(k, len(rows))] {
					sum += (math.Pow(2, float64(d.Labels[i])) - 1) / math.Log2(float64(r+2))
				}
				return sum
			}
			sort.SliceStable(rows, func(a, b int) bool { return d.Labels[rows[a]] > d.Labels[rows[b]] })
			ideal := dcg()
			sort.SliceStable(rows, func(a, b int) bool { return s[rows[a]] > s[rows[b]] })
			if ideal == 0 {
				sum++
			} else {
				sum += dcg() / ideal
			}
		}
		require.InDelta(t, sum/float64(len(all)), value(t, loss.NDCG, k, params(loss.LambdaMART), d, s), 1e-12, "k = %d", k)
	}
}

func TestMetricsThatDoNotFitAreErrors(t *testing.T) {
	d := loss.Data{Labels: []float32{0, 1}, Order: []int32{0, 1}, Starts: []int{0, 2}, Workers: 1}
	for _, c := range []struct {
		m loss.MetricKind
		k loss.Kind
	}{
		{loss.BinaryLoss, loss.L2},
		{loss.RMSE, loss.LambdaMART},
		{loss.MultiLoss, loss.LogLoss},
		{loss.AUC, loss.Softmax},
		{loss.PoissonDeviance, loss.L2},
		{loss.Loss, loss.XENDCG},
		{loss.NDCG, loss.Softmax},
	} {
		_, err := loss.NewMetric(c.m, 3, params(c.k), d)
		require.ErrorIs(t, err, loss.ErrMetric, "%+v", c)
	}
	nan := float32(math.NaN())
	_, err := loss.NewMetric(loss.AUC, 0, params(loss.LogLoss), loss.Data{Labels: []float32{nan}, Workers: 1})
	require.ErrorIs(t, err, loss.ErrNoRows)
	for k := loss.L2; k <= loss.XENDCG; k++ {
		p := params(k)
		p.Classes = 2
		_, err := loss.NewMetric(k.Default(), 3, p, loss.Data{Labels: []float32{1, 1}, Order: d.Order, Starts: d.Starts, Workers: 1})
		if k != loss.LambdaMART && k != loss.XENDCG && k != loss.Pairwise {
			require.NoError(t, err)
		}
	}
}
