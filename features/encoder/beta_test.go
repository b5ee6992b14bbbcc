package encoder_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/features/encoder"
)

// counts parses "s/n s/n …".
func counts(t *testing.T, text string) (s, n []float64) {
	t.Helper()
	for _, pair := range strings.Fields(text) {
		a, b, _ := strings.Cut(pair, "/")
		x, err := strconv.ParseFloat(a, 64)
		require.NoError(t, err)
		y, err := strconv.ParseFloat(b, 64)
		require.NoError(t, err)
		s, n = append(s, x), append(n, y)
	}
	return s, n
}

// tumors are 71 groups of rats with tumors.
// Source: Tarone, Biometrics 38, 1982, as printed in Gelman et al., Bayesian Data Analysis, 3rd edition, table 5.1.
const tumors = `0/20 0/20 0/20 0/20 0/20 0/20 0/20 0/19 0/19 0/19 0/19 0/18 0/18 0/17 1/20 1/20 1/20 1/20 1/19 1/19 1/18 1/18
2/25 2/24 2/23 2/20 2/20 2/20 2/20 2/20 2/20 1/10 5/49 2/19 5/46 3/27 2/17 7/49 7/47 3/20 3/20 2/13 9/48 10/50 4/20 4/20 4/20 4/20
4/20 4/20 4/20 10/48 4/19 4/19 4/19 5/22 11/46 12/49 5/20 5/20 6/23 5/19 6/22 6/20 6/20 6/20 16/52 15/47 15/46 9/24 4/14`

// The estimates are those of another optimizer, Nelder and Mead's simplex over the logarithms in Python, on the likelihood
// written with math.lgamma.
func TestFitBetaFindsTheLikeliestPrior(t *testing.T) {
	for _, c := range []struct {
		counts      string
		alpha, beta float64
	}{
		{tumors, 2.3416144786576654, 14.114805513355334},
		{"2/10 0/5 7/9 3/30 1/1 12/40 0/2", 1.1338986282536923, 2.6736685378209724},
		{"1/1000 30/1200 0/15 4/900 12/300 9/100 2/2000 1/5", 0.5646518620992836, 18.934218728244094},
		{"0/20 0/1 0/9 1/50 0/7 2/8", 0.6862527591326376, 15.782022223636998},
	} {
		s, n := counts(t, c.counts)
		alpha, beta, err := encoder.FitBeta(s, n)
		require.NoError(t, err)
		require.InEpsilon(t, c.alpha, alpha, 1e-6, c.counts)
		require.InEpsilon(t, c.beta, beta, 1e-6, c.counts)
		s, n = append(s, 0, 0), append(n, 0, 0) // nothing seen, nothing said
		again, _, err := encoder.FitBeta(s, n)
		require.NoError(t, err)
		require.Equal(t, alpha, again)
	}
}

// Source: Gelman et al., Bayesian Data Analysis, 3rd edition, section 5.1: the mean and the deviation of the rates y/n of the 70 earlier
// groups give Beta(1.4, 8.6). They do not weigh groups by their size; with groups of one size, weights have no effect.
func TestFitBetaMomentsOfGroupsOfOneSize(t *testing.T) {
	// Of n trials each, mean m and variance v of the rates: γ follows from v·k/(k-1) = m(1-m)(1/n + γ(1-1/n)).
	s, n := []float64{1, 3, 5, 9, 2}, []float64{10, 10, 10, 10, 10}
	const m, k = 0.4, 5.0
	v := (0.3*0.3 + 0.1*0.1 + 0.1*0.1 + 0.5*0.5 + 0.2*0.2) / k
	gamma := (v*k/(k-1)/(m*(1-m)) - 0.1) / 0.9
	alpha, beta, err := encoder.FitBetaMoments(s, n)
	require.NoError(t, err)
	require.InEpsilon(t, m*(1/gamma-1), alpha, 1e-12)
	require.InEpsilon(t, (1-m)*(1/gamma-1), beta, 1e-12)
}

// draw returns counts of entities whose rates are drawn from Beta(alpha, beta), of integers alpha and beta.
func draw(rng *rand.Rand, alpha, beta, entities int) (s, n []float64) {
	gamma := func(k int) float64 { // a sum of k exponentials
		sum := 0.0
		for range k {
			sum += rng.ExpFloat64()
		}
		return sum
	}
	for range entities {
		a := gamma(alpha)
		p := a / (a + gamma(beta))
		trials, successes := rng.IntN(rng.IntN(200)+1), 0
		for range trials {
			if rng.Float64() < p {
				successes++
			}
		}
		s, n = append(s, float64(successes)), append(n, float64(trials))
	}
	return s, n
}

func TestFitsRecoverTheSimulatedPrior(t *testing.T) {
	for _, c := range []struct{ alpha, beta int }{{1, 1}, {2, 40}, {8, 12}, {1, 9}} {
		s, n := draw(rand.New(rand.NewPCG(uint64(c.alpha), uint64(c.beta))), c.alpha, c.beta, 20000)
		alpha, beta, err := encoder.FitBeta(s, n)
		require.NoError(t, err)
		require.InEpsilon(t, float64(c.alpha), alpha, 0.1, "%v", c)
		require.InEpsilon(t, float64(c.beta), beta, 0.1, "%v", c)
		alpha, beta, err = encoder.FitBetaMoments(s, n)
		require.NoError(t, err)
		require.InEpsilon(t, float64(c.alpha), alpha, 0.15, "%v", c)
		require.InEpsilon(t, float64(c.beta), beta, 0.15, "%v", c)
	}
}

func TestRatesThatDifferByChanceAloneGetTheStrongestPrior(t *testing.T) {
	s, n := []float64{30, 30, 30, 30}, []float64{100, 100, 100, 100}
	for _, fit := range []func(s, n []float64) (float64, float64, error){encoder.FitBeta, encoder.FitBetaMoments} {
		alpha, beta, err := fit(s, n)
		require.NoError(t, err)
		require.InEpsilon(t, 1e6, alpha+beta, 1e-9)
		require.InEpsilon(t, 0.3, alpha/(alpha+beta), 1e-9)
	}
}

func TestFitBetaDoesNotDependOnTheOrder(t *testing.T) {
	s, n := counts(t, tumors)
	alpha, beta, err := encoder.FitBeta(s, n)
	require.NoError(t, err)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(s), func(i, j int) {
		s[i], s[j] = s[j], s[i]
		n[i], n[j] = n[j], n[i]
	})
	a, b, err := encoder.FitBeta(s, n)
	require.NoError(t, err)
	require.Equal(t, []float64{alpha, beta}, []float64{a, b})
}

func TestFitBetaNamesCountsThatTellNothing(t *testing.T) {
	for _, c := range []struct {
		s, n []float64
		want string
		none bool
	}{
		{nil, nil, "0 entities with trials", true},
		{[]float64{1}, []float64{2}, "1 entities with trials", true},
		{[]float64{0, 0}, []float64{2, 5}, "no successes", true},
		{[]float64{0, 1, 1}, []float64{1, 1, 1}, "no entity has more than one trial", true},
		{[]float64{2, 5}, []float64{2, 5}, "no failures", true},
		{[]float64{1}, nil, "1 successes for 0 trials", false},
		{[]float64{1, 3}, []float64{2, 2}, "entity 1 has 3 successes of 2 trials", false},
		{[]float64{1, -1}, []float64{2, 2}, "entity 1 has -1 successes", false},
		{[]float64{math.NaN(), 1}, []float64{2, 2}, "entity 0 has NaN successes", false},
		{[]float64{1, 1}, []float64{2, math.Inf(1)}, "entity 1 has 1 successes of +Inf trials", false},
	} {
		_, _, err := encoder.FitBeta(c.s, c.n)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, c.none, isNoData(err), "%v", err)
		_, _, err = encoder.FitBetaMoments(c.s, c.n)
		require.ErrorContains(t, err, c.want)
	}
}
