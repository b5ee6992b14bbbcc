package bandit_test

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// oracle returns the propensity of each admissible row, written down plainly.
func oracle(utility []float32, admissible recsys.Bits, t float64) []float64 {
	best := math.Inf(-1)
	for i, u := range utility {
		if admissible.Has(i) {
			best = max(best, float64(u))
		}
	}
	p := make([]float64, len(utility))
	sum := 0.0
	for i, u := range utility {
		switch {
		case !admissible.Has(i):
			continue
		case float64(u) == best: // also where all are -Inf
			p[i] = 1
		default:
			p[i] = math.Exp((float64(u) - best) / t)
		}
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Source: Luce 1959 and Plackett 1975: P(row | above) = w_row / Σ w over what is left, w
// = exp(u/T).
func TestPlackettLucePropensitiesEqualThePlainFormula(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for trial := range 400 {
		n := 1 + r.IntN(150)
		temperature := math.Exp(3 * r.NormFloat64())
		c, order := table(normal(r, n, 1), randomRules(r, n)...)
		s := c.Slate(1+r.IntN(n+2), order)
		require.NoError(t, bandit.PlackettLuce(temperature).Explore(context.Background(), query(uint64(trial+1)), c, s))

		rows, props := slices.Clone(s.Rows()), slices.Clone(s.Propensities())
		s = c.Slate(len(rows), order)
		for i, row := range rows {
			require.True(t, s.Next())
			want := oracle(c.Utility(), s.Admissible(), temperature)[row]
			require.InEpsilon(t, want, props[i], 1e-12, "trial %d, place %d of %d, T=%v", trial, i, len(rows), temperature)
			s.Pick(row, 1)
		}
	}
}

// The weights are exact to 1e-12 also against 200 bits of precision, over utilities
// hundreds of T apart.
func TestPlackettLuceIsExactAgainstLongArithmetic(t *testing.T) {
	const temperature = 0.125
	utility := []float32{0, -1, -3, -9, -20, -36, -1.25, -1.2499999}
	c, order := table(utility)
	s := c.Slate(1, order)
	require.True(t, s.Next())
	sum := new(big.Float).SetPrec(200)
	weights := make([]*big.Float, len(utility))
	for i, u := range utility {
		weights[i] = bigExp(float64(u) / temperature) // exact: T is a power of 2
		sum.Add(sum, weights[i])
	}
	for i := range utility {
		dst := make([]float64, 1)
		require.NoError(t, bandit.PlackettLuce(temperature).Propensities(context.Background(), query(1), c, c.Slate(1, order), []int32{int32(i)}, dst))
		want, _ := new(big.Float).Quo(weights[i], sum).Float64()
		require.InEpsilon(t, want, dst[0], 1e-12, "utility %v", utility[i])
	}
}

func TestPlackettLuceIsExactOverALongWindow(t *testing.T) {
	const n = 100_000
	utility := normal(rand.New(rand.NewPCG(8, 8)), n, 3)
	best := slices.Max(utility)
	sum := new(big.Float).SetPrec(200)
	for _, u := range utility {
		sum.Add(sum, big.NewFloat(math.Exp(float64(u)-float64(best))))
	}
	for _, row := range []int32{0, 1, 77_777, n - 1, int32(slices.Index(utility, best))} {
		got, err := bandit.PlackettLucePropensities(nil, utility, 1, []int32{row})
		require.NoError(t, err)
		want, _ := new(big.Float).Quo(big.NewFloat(math.Exp(float64(utility[row])-float64(best))), sum).Float64()
		require.InEpsilon(t, want, got[0], 1e-12)
	}
}

// bigExp returns e^x by the series of e^(x/2^k), squared k times.
func bigExp(x float64) *big.Float {
	const halvings = 20
	y := new(big.Float).SetPrec(400).SetFloat64(math.Ldexp(x, -halvings))
	sum, term := big.NewFloat(1).SetPrec(400), big.NewFloat(1).SetPrec(400)
	for i := 1; i < 60; i++ {
		term.Mul(term, y)
		term.Quo(term, big.NewFloat(float64(i)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// Source: Luce 1959, the choice axiom: the odds of two rows do not depend on what else
// may come.
func TestPlackettLuceOddsIgnoreTheOtherRows(t *testing.T) {
	e := bandit.PlackettLuce(0.5)
	all, _ := table([]float32{0.3, -0.2, 0.9, 0.1})
	two, _ := table([]float32{0.3, -0.2})
	require.InEpsilon(t, first(t, e, all, 0)/first(t, e, all, 1), first(t, e, two, 0)/first(t, e, two, 1), 1e-13)
	require.InEpsilon(t, math.Exp(1), first(t, e, all, 0)/first(t, e, all, 1), 1e-6, "worse by T: e times less often")
}

// first returns the propensity of a row at the first place.
func first(t *testing.T, e recsys.Judge, c *recsys.Candidates, row int32) float64 {
	t.Helper()
	order := make([]int32, c.Len())
	for i := range order {
		order[i] = int32(i)
	}
	dst := make([]float64, 1)
	require.NoError(t, e.Propensities(context.Background(), query(1), c, c.Slate(1, order), []int32{row}, dst))
	return dst[0]
}

// Source: Plackett 1975: the probabilities of all orders sum to 1.
func TestPlackettLuceProbabilitiesOfAllPermutationsSumToOne(t *testing.T) {
	utility := []float64{0.1, 2, -1, 0.7, 0.65}
	sum, count := 0.0, 0
	permute([]int32{0, 1, 2, 3, 4}, func(slate []int32) {
		p, err := bandit.PlackettLucePropensities(nil, utility, 0.7, slate)
		require.NoError(t, err)
		product := 1.0
		for _, x := range p {
			product *= x
		}
		require.EqualValues(t, 1, p[4], "the last row is one choice")
		sum += product
		count++
	})
	require.Equal(t, 120, count)
	require.InDelta(t, 1, sum, 1e-14)
}

func permute(rows []int32, f func([]int32)) {
	var visit func(k int)
	visit = func(k int) {
		if k == len(rows) {
			f(rows)
		}
		for i := k; i < len(rows); i++ {
			rows[k], rows[i] = rows[i], rows[k]
			visit(k + 1)
			rows[k], rows[i] = rows[i], rows[k]
		}
	}
	visit(0)
}

// Shifting all utilities, and scaling them with T, by numbers that float32 holds exactly,
// changes no bit.
func TestPlackettLuceKnowsDifferencesInUnitsOfTemperatureOnly(t *testing.T) {
	utility := []float32{0.5, -0.25, 2, 1.75, 0.0625, -3}
	explore := func(u []float32, temperature float64, seed uint64) string {
		c, order := table(u)
		s := c.Slate(4, order)
		require.NoError(t, bandit.PlackettLuce(temperature).Explore(context.Background(), query(seed), c, s))
		return fmt.Sprint(s.Rows(), s.Propensities())
	}
	shifted, scaled := slices.Clone(utility), slices.Clone(utility)
	for i := range utility {
		shifted[i] += 1024
		scaled[i] *= 8
	}
	for seed := range uint64(50) {
		want := explore(utility, 0.5, seed+1)
		require.Equal(t, want, explore(shifted, 0.5, seed+1))
		require.Equal(t, want, explore(scaled, 4, seed+1))
	}
}

func TestPlackettLuceLimits(t *testing.T) {
	utility := []float32{1, 3, 2, 0}
	c, order := table(utility)
	for seed := range uint64(100) {
		s := c.Slate(4, order)
		require.NoError(t, bandit.PlackettLuce(1e-3).Explore(context.Background(), query(seed), c, s))
		require.Equal(t, []int32{1, 2, 0, 3}, s.Rows(), "cold: the order")
		for _, p := range s.Propensities() {
			require.EqualValues(t, 1, p)
		}
		s = c.Slate(4, order)
		require.NoError(t, bandit.PlackettLuce(1e12).Explore(context.Background(), query(seed), c, s))
		for i, p := range s.Propensities() {
			require.InEpsilon(t, 1/float64(4-i), p, 1e-11, "hot: uniform")
		}
	}
}

func TestPlackettLuceInfiniteUtilities(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, x := range []struct {
		name    string
		utility []float32
		slate   []int32
		want    []float64
	}{
		{"all -Inf are equal", []float32{-inf, -inf, -inf, -inf}, []int32{2, 0, 3, 1}, []float64{0.25, 1.0 / 3, 0.5, 1}},
		{"all +Inf are equal", []float32{inf, inf, inf, inf}, []int32{2, 0, 3, 1}, []float64{0.25, 1.0 / 3, 0.5, 1}},
		{"all equal", []float32{7, 7, 7, 7}, []int32{2, 0, 3, 1}, []float64{0.25, 1.0 / 3, 0.5, 1}},
		{"-Inf comes last", []float32{-inf, 1, -inf, 1}, []int32{3, 1, 0, 2}, []float64{0.5, 1, 0.5, 1}},
		{"-Inf cannot come before", []float32{-inf, 1, -inf, 1}, []int32{3, 0, 1, 2}, []float64{0.5, 0, 0, 0}},
		{"+Inf comes first", []float32{0, inf, -inf, inf}, []int32{1, 3, 0, 2}, []float64{0.5, 1, 1, 1}},
		{"NaN is -Inf", []float32{nan, 1, -inf, 1}, []int32{1, 3, 2, 0}, []float64{0.5, 1, 0.5, 1}},
		{"all NaN", []float32{nan, nan}, []int32{1, 0}, []float64{0.5, 1}},
		{"the ends of float32", []float32{math.MaxFloat32, -math.MaxFloat32, math.MaxFloat32, 0}, []int32{2, 0, 3, 1}, []float64{0.5, 1, 1, 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, _ := table(x.utility)
			order := []int32{0, 1, 2, 3}[:len(x.utility)]
			dst := make([]float64, len(x.slate))
			require.NoError(t, bandit.PlackettLuce(0.1).Propensities(context.Background(), query(1), c, c.Slate(4, order), x.slate, dst))
			require.Equal(t, x.want, dst)

			got, err := bandit.PlackettLucePropensities([]float64{9}, x.utility, 0.1, x.slate)
			require.NoError(t, err)
			require.Equal(t, append([]float64{9}, x.want...), got)

			for seed := range uint64(20) {
				s := c.Slate(4, order)
				require.NoError(t, bandit.PlackettLuce(0.1).Explore(context.Background(), query(seed), c, s))
				require.Len(t, s.Rows(), len(order))
			}
		})
	}
}

// The best rows go first and the next are far below: weights must be taken anew, and
// again when a rule re-admits what is far above.
func TestPlackettLuceKeepsItsPrecisionFarFromTheBest(t *testing.T) {
	const gap = 400 // temperatures between neighbours: e^-400 squared underflows
	utility := make([]float32, 12)
	class := make([]int32, 12)
	for i := range utility {
		utility[i] = -gap * float32(i/2) // pairs of equals
		class[i] = int32(i / 2 % 2)
	}
	c, order := table(utility, apart{class})
	for seed := range uint64(200) {
		s := c.Slate(12, order)
		require.NoError(t, bandit.PlackettLuce(1).Explore(context.Background(), query(seed), c, s))
		require.Len(t, s.Rows(), 12)
		left := map[int32]int{}
		for i, row := range s.Rows() {
			pair := row / 2
			require.Equal(t, 1/float64(2-left[pair]), s.Propensities()[i], "place %d of %v", i, s.Rows())
			left[pair]++
		}
	}
}

func TestPlackettLuceValidate(t *testing.T) {
	for _, bad := range []float64{0, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1)} {
		e := bandit.PlackettLuce(bad)
		require.ErrorContains(t, e.Validate(), fmt.Sprintf("temperature is %v; want > 0", bad))
		c, order := table([]float32{1, 2})
		require.Error(t, e.Explore(context.Background(), query(1), c, c.Slate(1, order)))
		require.Error(t, e.Propensities(context.Background(), query(1), c, c.Slate(1, order), nil, nil))
		_, err := bandit.PlackettLucePropensities(nil, []float32{1}, bad, nil)
		require.Error(t, err)
	}
	for _, good := range []bandit.PlackettLuce{5e-324, 0.05, math.MaxFloat64} {
		require.NoError(t, good.Validate())
	}
	_, err := recsys.NewPipeline(recsys.Retrieve("none", nil), recsys.Explore(bandit.PlackettLuce(0))).Build()
	require.ErrorContains(t, err, "bandit: PlackettLuce: temperature is 0; want > 0 and finite")
}

func TestPropensitiesOfLengthsThatDiffer(t *testing.T) {
	c, order := table([]float32{1, 2})
	for _, e := range []recsys.Judge{bandit.PlackettLuce(1), bandit.EpsilonGreedy(0.5), bandit.Uniform{}} {
		require.ErrorContains(t, e.Propensities(context.Background(), query(1), c, c.Slate(1, order), []int32{1}, nil), "differ in length")
	}
}

func TestPlackettLucePropensitiesOfImpossibleSlates(t *testing.T) {
	for _, slate := range [][]int32{{0, 0, 1}, {0, -1, 1}, {0, 3, 1}} {
		got, err := bandit.PlackettLucePropensities(nil, []float32{5, 5, 5}, 1, slate)
		require.NoError(t, err)
		require.Equal(t, []float64{1.0 / 3, 0, 0}, got)
	}
	got, err := bandit.PlackettLucePropensities[float64](nil, nil, 1, []int32{0})
	require.NoError(t, err)
	require.Equal(t, []float64{0}, got)
}

func TestVersionsNameRuleAndParameter(t *testing.T) {
	require.Equal(t, "plackett-luce/1 T=0.05", bandit.PlackettLuce(0.05).Version())
	require.Equal(t, "epsilon-greedy/1 e=0.1", bandit.EpsilonGreedy(0.1).Version())
	require.Equal(t, "uniform/1", bandit.Uniform{}.Version())
}
