package quad_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit/internal/quad"
	"github.com/recsyskit/recsys/internal/race"
)

const tolerance = 1e-11

func all(n int) []int32 {
	open := make([]int32, n)
	for i := range open {
		open[i] = int32(i)
	}
	return open
}

func bestBeta(alpha, beta []float64) []float64 {
	var s quad.Solver
	s.Beta(alpha, beta)
	dst := make([]float64, len(alpha))
	s.Best(dst, all(len(dst)))
	return dst
}

func bestNormal(mu, sigma []float64) []float64 {
	var s quad.Solver
	s.Normal(mu, sigma)
	dst := make([]float64, len(mu))
	s.Best(dst, all(len(dst)))
	return dst
}

// Beta(a, 1) has the distribution function x^a: the best of several is arm i with probability a_i/Σa, whatever
// the scales.
func TestPowersHaveShares(t *testing.T) {
	for _, a := range [][]float64{
		{1, 1}, {1e-6, 1}, {1e-3, 1e3}, {0.5, 0.5, 0.5}, {1e-4, 1e-2, 1, 1e2, 1e4}, {1e6, 1e6 + 1}, {3, 1e-5, 7e5, 2, 2, 2},
	} {
		b, total := make([]float64, len(a)), 0.0
		for i := range a {
			b[i] = 1
			total += a[i]
		}
		for i, p := range bestBeta(a, b) {
			require.InDelta(t, a[i]/total, p, tolerance, "%v, arm %d", a, i)
		}
	}
}

// Arms that are equal are equally likely, in any number: the distribution of the best of many is much
// narrower than that of each.
func TestEqualArmsAreEquallyLikely(t *testing.T) {
	counts := []int{1, 2, 3, 10, 100, 700}
	if race.Enabled {
		counts = counts[:4]
	}
	for _, k := range counts {
		for _, ab := range [][2]float64{{1, 1}, {0.5, 0.5}, {1e5, 9e5}, {0.01, 100}, {100, 0.01}, {1e-3, 1e-3}, {40, 474}, {1, 50}, {1e9, 3}} {
			a, b := make([]float64, k), make([]float64, k)
			for i := range a {
				a[i], b[i] = ab[0], ab[1]
			}
			for i, p := range bestBeta(a, b) {
				require.InDelta(t, 1/float64(k), p, tolerance, "%d arms of Beta%v, arm %d", k, ab, i)
			}
		}
		mu, sigma := make([]float64, k), make([]float64, k)
		for i := range mu {
			mu[i], sigma[i] = -3, 1e-7
		}
		for i, p := range bestNormal(mu, sigma) {
			require.InDelta(t, 1/float64(k), p, tolerance, "%d normal arms, arm %d", k, i)
		}
	}
}

// P(X > Y) of two Beta variables of integer α is a finite sum.
//
// Source: Evan Miller, "Formulas for Bayesian A/B Testing", 2015, equation 6; Cook, "Exact Calculation of Beta
// Inequalities", 2005.
func TestTwoBetaArmsEqualTheFiniteSum(t *testing.T) {
	lbeta := func(a, b float64) float64 {
		x, _ := math.Lgamma(a)
		y, _ := math.Lgamma(b)
		z, _ := math.Lgamma(a + b)
		return x + y - z
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		a := []float64{math.Exp(6*r.Float64() - 3), float64(1 + r.IntN(60))}
		b := []float64{math.Exp(9*r.Float64() - 3), math.Exp(9*r.Float64() - 3)}
		want := 0.0 // P(arm 1 > arm 0)
		for i := range int(a[1]) {
			want += math.Exp(lbeta(a[0]+float64(i), b[0]+b[1]) - math.Log(b[1]+float64(i)) - lbeta(1+float64(i), b[1]) - lbeta(a[0], b[0]))
		}
		p := bestBeta(a, b)
		require.InDelta(t, want, p[1], 1e-10, "Beta(%v, %v) against Beta(%v, %v)", a[1], b[1], a[0], b[0])
		require.InDelta(t, 1-want, p[0], 1e-10)
	}
}

// P(X > Y) of two normal variables is Φ of the standardised difference, whatever the scales.
func TestTwoNormalArmsEqualTheClosedForm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		sigma := []float64{math.Exp(30*r.Float64() - 15), math.Exp(30*r.Float64() - 15)}
		d := math.Hypot(sigma[0], sigma[1])
		mu := []float64{5, 5 + 4*d*(r.Float64()-0.5)}
		want := math.Erfc((mu[0]-mu[1])/d/math.Sqrt2) / 2
		p := bestNormal(mu, sigma)
		require.InDelta(t, want, p[1], tolerance, "%v %v", mu, sigma)
	}
}

// Arms of very different scales, against panels of a quarter of the width.
func TestNarrowerPanelsChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	rounds := 60
	if testing.Short() || race.Enabled {
		rounds = 6
	}
	for round := range rounds {
		k := 2 + r.IntN(40)
		a, b, mu, sigma := make([]float64, k), make([]float64, k), make([]float64, k), make([]float64, k)
		for i := range a {
			n, x := math.Exp(16*r.Float64()-2), 0.05+0.9*r.Float64()
			switch r.IntN(4) {
			case 0:
				x = 1e-4 + 0.01*r.Float64()
			case 1:
				n = 0.01 + 2*r.Float64()
			}
			a[i], b[i] = n*x, n*(1-x)
			mu[i], sigma[i] = r.NormFloat64(), math.Exp(12*r.Float64()-9)
		}
		for name, prepare := range map[string]func(s *quad.Solver){
			"beta":   func(s *quad.Solver) { s.Beta(a, b) },
			"normal": func(s *quad.Solver) { s.Normal(mu, sigma) },
		} {
			var wide, narrow quad.Solver
			narrow.Narrow(0.25)
			prepare(&wide)
			prepare(&narrow)
			x, y := make([]float64, k), make([]float64, k)
			open := all(k)
			for len(open) > 1 { // all, then ever fewer: those that were best go
				x, y = x[:len(open)], y[:len(open)]
				wide.Best(x, open)
				narrow.Best(y, open)
				best := 0
				for i := range x {
					require.InDelta(t, y[i], x[i], tolerance, "round %d, %s, %d arms of %d", round, name, len(open), k)
					if x[i] > x[best] {
						best = i
					}
				}
				open = append(open[:best], open[best+1:]...)
			}
		}
	}
}

// The best of a subset does not depend on what was asked before.
func TestSubsetsDoNotDependOnOrder(t *testing.T) {
	alpha, beta := []float64{50, 40, 3, 1, 900, 0.5}, []float64{50, 70, 9, 1, 1000, 0.5}
	subsets := [][]int32{{0, 1, 2, 3, 4, 5}, {1, 2}, {2, 3, 5}, {4}, {0, 4, 5}, {5, 3, 2, 1}}
	fresh := make([][]float64, len(subsets))
	for i, open := range subsets {
		var s quad.Solver
		s.Beta(alpha, beta)
		fresh[i] = make([]float64, len(open))
		s.Best(fresh[i], open)
	}
	var s quad.Solver
	s.Beta(alpha, beta)
	for i := len(subsets) - 1; i >= 0; i-- {
		got := make([]float64, len(subsets[i]))
		s.Best(got, subsets[i])
		require.Equal(t, fresh[i], got, "%v", subsets[i])
	}
}

func TestExtremesStayProbabilities(t *testing.T) {
	for _, x := range []struct{ alpha, beta []float64 }{
		{[]float64{1e-6, 1e12, 1}, []float64{1e-6, 1e12, 1}},
		{[]float64{1e-300, 1}, []float64{1, 1}},
		{[]float64{1e300, 1e30}, []float64{1e-300, 2e30}},
		{[]float64{1e-9, 1e15}, []float64{1e15, 1e-9}},
		{[]float64{5e14, 5e14}, []float64{5e14, 5e14 + 1}},
		{[]float64{1e-3, 1e-3}, []float64{1e-3, 1e-3}},
	} {
		sum := 0.0
		for _, p := range bestBeta(x.alpha, x.beta) {
			require.True(t, p >= 0 && p <= 1, "%v: %v", x, p)
			sum += p
		}
		require.InDelta(t, 1, sum, 1e-12)
	}
	require.Equal(t, []float64{0, 1}, bestNormal([]float64{-1e300, 1e300}, []float64{1e-300, 1}))
	require.Equal(t, []float64{0.5, 0.5}, bestNormal([]float64{1, 1}, []float64{1e-40, 1e-40}))
	require.Empty(t, bestBeta(nil, nil))
}

func TestStirlingRemainderEqualsLgamma(t *testing.T) {
	for _, z := range []float64{1e-12, 1e-5, 1e-3, 0.01, 0.5, 1, 2.5, 9.9, 10, 11, 50, 1e3} {
		lg, _ := math.Lgamma(z)
		want := lg - (z-0.5)*math.Log(z) + z - math.Log(2*math.Pi)/2
		require.InDelta(t, want, quad.Stirling(z), 1e-15*max(1, math.Abs(lg), z*math.Abs(math.Log(z))), "z=%v", z)
	}
}

func TestBestAllocatesNothingInSteadyState(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	var s quad.Solver
	alpha, beta := []float64{1, 20, 300, 5}, []float64{1, 30, 200, 0.5}
	dst, open := make([]float64, 4), all(4)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.Beta(alpha, beta)
		s.Best(dst, open)
		s.Best(dst[:2], open[:2])
	}))
}
