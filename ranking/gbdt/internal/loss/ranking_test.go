package loss_test

import (
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/loss"
)

// groups returns the rows of each query that count.
func groups(d *loss.Data) [][]int {
	var all [][]int
	for g := 0; g+1 < len(d.Starts); g++ {
		var rows []int
		for _, i := range d.Order[d.Starts[g]:d.Starts[g+1]] {
			if known(d, int(i)) {
				rows = append(rows, int(i))
			}
		}
		if len(rows) > 0 {
			all = append(all, rows)
		}
	}
	return all
}

// naivePairs is the definition: all ordered pairs, ranks counted, nothing sorted twice.
func naivePairs(p loss.Params, d *loss.Data, s []float64) (grad, hess []float64) {
	n := len(s)
	grad, hess = make([]float64, n), make([]float64, n)
	for _, rows := range groups(d) {
		rank := map[int]int{}
		for a, i := range rows {
			for b, j := range rows {
				if s[j] > s[i] || s[j] == s[i] && b < a {
					rank[i]++
				}
			}
		}
		gain := func(i int) float64 { return math.Pow(2, float64(d.Labels[i])) - 1 }
		if len(p.Gains) > 0 {
			gain = func(i int) float64 { return p.Gains[int(d.Labels[i])] }
		}
		gains := []float64{}
		best, worst := math.Inf(-1), math.Inf(1)
		for _, i := range rows {
			if p.Kind == loss.LambdaMART {
				gains = append(gains, gain(i))
			}
			best, worst = max(best, s[i]), min(worst, s[i])
		}
		sort.Sort(sort.Reverse(sort.Float64Slice(gains)))
		ideal := 0.0
		for k, g := range gains[:min(len(gains), p.Truncation)] {
			ideal += g / math.Log2(float64(k+2))
		}
		if p.Kind == loss.LambdaMART && ideal == 0 {
			continue
		}
		g, h, sum := map[int]float64{}, map[int]float64{}, 0.0
		for _, i := range rows {
			for _, j := range rows {
				if !(d.Labels[i] > d.Labels[j]) || min(rank[i], rank[j]) >= p.Truncation {
					continue
				}
				delta := 1.0
				if p.Kind == loss.LambdaMART {
					delta = (gain(i) - gain(j)) * math.Abs(1/math.Log2(float64(rank[i]+2))-1/math.Log2(float64(rank[j]+2))) / ideal
					if !p.Raw && best != worst {
						delta /= 0.01 + math.Abs(s[i]-s[j])
					}
				}
				if len(p.Examination) > 0 && d.Labels[i] > 0 {
					delta /= p.Examination[d.Positions[i]]
				}
				rho := 1 / (1 + math.Exp(p.Sigma*(s[i]-s[j])))
				g[i] -= p.Sigma * rho * delta
				g[j] += p.Sigma * rho * delta
				h[i] += p.Sigma * p.Sigma * rho * (1 - rho) * delta
				h[j] += p.Sigma * p.Sigma * rho * (1 - rho) * delta
				sum += 2 * p.Sigma * rho * delta
			}
		}
		scale := 1.0
		if !p.Raw && sum > 0 {
			scale = math.Log2(1+sum) / sum
		}
		for _, i := range rows {
			grad[i] = g[i] * scale * float64(d.Weights[i])
			hess[i] = h[i] * scale * float64(d.Weights[i])
		}
	}
	return grad, hess
}

// Source: Burges, "From RankNet to LambdaRank to LambdaMART", MSR-TR-2010-82, section 7 (lambdas and their
// derivatives); LightGBM's truncation and normalisation on top.
func TestPairsEqualTheNaiveLoop(t *testing.T) {
	const n = 300
	for _, kind := range []loss.Kind{loss.LambdaMART, loss.Pairwise} {
		for _, p := range []loss.Params{
			{Truncation: 30, Sigma: 1},
			{Truncation: 3, Sigma: 2},
			{Truncation: 1, Sigma: 1, Raw: true},
			{Truncation: 30, Sigma: 1, Examination: []float64{1, 0.5, 0.25}},
			{Truncation: 5, Sigma: 1, Gains: []float64{0, 1, 1, 7}},
		} {
			p.Kind = kind
			d := sample(kind, n, 3)
			if kind == loss.Pairwise {
				p.Gains = nil
			}
			for i := range n {
				d.Positions = append(d.Positions, int32(i%3))
			}
			for _, s := range [][]float64{scores(n, 4), make([]float64, n)} {
				_, grad, hess := gradients(t, p, d, s)
				wantGrad, wantHess := naivePairs(p, &d, s)
				for i := range n {
					require.InDelta(t, wantGrad[i], grad[i], 1e-5*(1+math.Abs(wantGrad[i])), "%+v row %d", p, i)
					require.InDelta(t, wantHess[i], hess[i], 1e-5*(1+math.Abs(wantHess[i])), "%+v row %d", p, i)
				}
			}
		}
	}
}

// Source: Burges et al., "Learning to Rank using Gradient Descent", ICML 2005, eq. 3: the cost
// of a pair is log(1 + exp(-(s_i - s_j))).
func TestPairwiseGradientsAreDerivatives(t *testing.T) {
	const n, eps = 60, 1e-5
	p, d, s := params(loss.Pairwise), sample(loss.Pairwise, n, 5), scores(n, 6)
	p.Raw, p.Truncation = true, n
	for i, w := range d.Weights {
		if w > 0 {
			d.Weights[i] = 1
		}
	}
	_, grad, _ := gradients(t, p, d, s)
	cost := func() (sum float64) {
		for _, rows := range groups(&d) {
			for _, i := range rows {
				for _, j := range rows {
					if d.Labels[i] > d.Labels[j] {
						sum += math.Log1p(math.Exp(s[j] - s[i]))
					}
				}
			}
		}
		return sum
	}
	for i := range n {
		at := s[i]
		s[i] = at + eps
		up := cost()
		s[i] = at - eps
		down := cost()
		s[i] = at
		require.InDelta(t, (up-down)/(2*eps), grad[i], 1e-5)
	}
}

func TestUnnormalisedLambdasOfAQueryCancel(t *testing.T) {
	const n = 500
	for _, k := range []loss.Kind{loss.LambdaMART, loss.Pairwise} {
		d, s := sample(k, n, 8), scores(n, 9)
		for i, w := range d.Weights {
			if w > 0 {
				d.Weights[i] = 1
			}
		}
		_, grad, _ := gradients(t, params(k), d, s)
		for _, rows := range groups(&d) {
			sum := 0.0
			for _, i := range rows {
				sum += float64(grad[i])
			}
			require.InDelta(t, 0, sum, 1e-5)
		}
	}
}

// Source: Bruch, "An Alternative Cross Entropy Loss for Learning-to-Rank", WWW 2021, eq. 7: the
// target is proportional to 2^y - u.
func TestXENDCGEqualsTheNaiveFormula(t *testing.T) {
	const n, round = 120, 3
	p, d, s := params(loss.XENDCG), sample(loss.XENDCG, n, 3), scores(n, 4)
	_, grad, hess := gradients(t, p, d, s)
	seed := hash.Combine(p.Seed, round)
	want := make([]float64, n)
	for _, rows := range groups(&d) {
		if len(rows) < 2 {
			continue
		}
		rho, phi, sumRho, sumPhi := map[int]float64{}, map[int]float64{}, 0.0, 0.0
		for _, i := range rows {
			u := float64(hash.Combine(seed, uint64(i))>>11) / (1 << 53)
			rho[i], phi[i] = math.Exp(s[i]), math.Pow(2, float64(d.Labels[i]))-u
			sumRho, sumPhi = sumRho+rho[i], sumPhi+phi[i]
		}
		first := map[int]float64{}
		for _, i := range rows {
			rho[i] /= sumRho
			first[i] = rho[i] - phi[i]/sumPhi
		}
		for _, i := range rows {
			second, third := 0.0, 0.0
			for _, j := range rows {
				if j == i {
					continue
				}
				second += first[j] / (1 - rho[j])
				inner := 0.0
				for _, k := range rows {
					if k != j {
						inner += first[k] / (1 - rho[k])
					}
				}
				third += rho[j] * inner / (1 - rho[j])
			}
			want[i] = float64(d.Weights[i]) * (first[i] + rho[i]*second + rho[i]*third)
			require.InDelta(t, float64(d.Weights[i])*rho[i]*(1-rho[i]), hess[i], 1e-6)
		}
	}
	for i := range n {
		require.InDelta(t, want[i], grad[i], 1e-5*(1+math.Abs(want[i])), "row %d", i)
	}
}

func TestXENDCGDrawsAnewEachRound(t *testing.T) {
	const n = 50
	d, s := sample(loss.XENDCG, n, 3), scores(n, 4)
	o, err := loss.New(params(loss.XENDCG), d)
	require.NoError(t, err)
	var grads [3][]float32
	for k, round := range []int{1, 2, 1} {
		grads[k] = make([]float32, n)
		o.Gradients(round, s, grads[k], make([]float32, n))
	}
	require.NotEqual(t, grads[0], grads[1])
	require.Equal(t, grads[0], grads[2])
}

func TestClicksNeedPositionsWithinTheExamination(t *testing.T) {
	p := params(loss.LambdaMART)
	p.Examination = []float64{1, 0.5}
	d := loss.Data{Labels: []float32{0, 1, 0}, Order: []int32{0, 1, 2}, Starts: []int{0, 3}, Workers: 1}
	_, err := loss.New(p, d)
	require.ErrorContains(t, err, "there are none")
	d.Positions = []int32{-1, 2, 0}
	_, err = loss.New(p, d)
	require.ErrorContains(t, err, "Positions: row 1 is 2; want 0 to 1")
	d.Positions[1] = 1
	_, err = loss.New(p, d)
	require.NoError(t, err)
}

func TestQueryOfAHundredThousandRows(t *testing.T) {
	const n = 100_000
	d := loss.Data{Starts: []int{0, n}, Workers: 2}
	for i := range n {
		d.Order, d.Labels = append(d.Order, int32(i)), append(d.Labels, float32(i%7%3))
	}
	s := scores(n, 1)
	_, grad, hess := gradients(t, params(loss.LambdaMART), d, s)
	moved := 0
	for i := range n {
		if grad[i] != 0 {
			require.Positive(t, hess[i])
			moved++
		}
	}
	require.Greater(t, moved, n/2)
}
