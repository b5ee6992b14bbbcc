package bandittest_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit/bandittest"
)

// For even df the survival function is a Poisson sum: exp(-x/2) Σ_{j<df/2} (x/2)^j / j!.
func TestChiSquarePEqualsThePoissonSum(t *testing.T) {
	for _, df := range []int{2, 4, 6, 10, 20, 50, 100, 300} {
		for _, f := range []float64{0.01, 0.1, 0.5, 0.9, 1, 1.1, 1.5, 2, 3} {
			x := f * float64(df)
			term := math.Exp(-x / 2)
			want := 0.0
			for j := range df / 2 {
				want += term
				term *= x / 2 / float64(j+1)
			}
			require.InEpsilon(t, want, bandittest.ChiSquareP(x, df), 1e-10, "x=%v df=%d", x, df)
		}
	}
}

// One degree of freedom is the square of a standard normal variable.
func TestChiSquarePOfOneDegreeIsTheNormalTail(t *testing.T) {
	for _, x := range []float64{1e-6, 0.1, 1, 2, 3.841458820694124, 10, 50, 700} {
		require.InEpsilon(t, math.Erfc(math.Sqrt(x/2)), bandittest.ChiSquareP(x, 1), 1e-10, "x=%v", x)
	}
	require.InDelta(t, 0.05, bandittest.ChiSquareP(3.841458820694124, 1), 1e-12, "the 5 %% point of any table")
	require.InDelta(t, 0.01, bandittest.ChiSquareP(23.209251158954356, 10), 1e-12)
}

// P(a+1, x) = P(a, x) - x^a exp(-x) / Γ(a+1): DLMF 8.8.5. The two sides take different
// branches around x = a+1.
func TestUpperGammaObeysItsRecurrence(t *testing.T) {
	for _, a := range []float64{0.5, 1, 3.5, 40, 333.5, 1000} {
		for _, f := range []float64{0.5, 0.9, 0.999, 1, 1.001, 1.1, 2} {
			x := a * f
			lg, _ := math.Lgamma(a + 1)
			step := math.Exp(a*math.Log(x) - x - lg)
			require.InDelta(t, bandittest.UpperGamma(a, x)+step, bandittest.UpperGamma(a+1, x), 1e-11, "a=%v x=%v", a, x)
		}
	}
}

func TestChiSquarePEdges(t *testing.T) {
	require.EqualValues(t, 1, bandittest.ChiSquareP(0, 5))
	require.EqualValues(t, 1, bandittest.ChiSquareP(3, 0))
	require.EqualValues(t, 0, bandittest.ChiSquareP(math.Inf(1), 5))
	require.EqualValues(t, 0, bandittest.ChiSquareP(1e6, 5))
	require.InDelta(t, 1, bandittest.ChiSquareP(1e-9, 100), 1e-15)
}

func TestChiSquarePoolsSmallCells(t *testing.T) {
	// Expectations 60, 36, 3, 1: the last two pool to 4 and join 36.
	x, df := bandittest.ChiSquare([]int{50, 40, 8, 2}, []float64{0.6, 0.36, 0.03, 0.01}, 100)
	require.Equal(t, 1, df)
	require.InDelta(t, 100.0/60+100.0/40, x, 1e-12)
	x, df = bandittest.ChiSquare([]int{7}, []float64{1}, 7)
	require.Zero(t, df)
	require.Zero(t, x)
	_, df = bandittest.ChiSquare(nil, nil, 0)
	require.Zero(t, df)
}

// Under the hypothesis p-values are uniform, so that 1e-4 means one in 10,000.
func TestPValuesAreUniform(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := []float64{0.4, 0.3, 0.15, 0.1, 0.04, 0.01}
	const trials, draws = 4000, 2000
	var below [3]int
	for range trials {
		seen := make([]int, len(p))
		for range draws {
			u, i := rng.Float64(), 0
			for ; i < len(p)-1 && u >= p[i]; i++ {
				u -= p[i]
			}
			seen[i]++
		}
		x, df := bandittest.ChiSquare(seen, append([]float64(nil), p...), draws)
		for j, level := range []float64{0.5, 0.1, 0.01} {
			if bandittest.ChiSquareP(x, df) < level {
				below[j]++
			}
		}
	}
	for j, level := range []float64{0.5, 0.1, 0.01} {
		sd := math.Sqrt(trials * level * (1 - level))
		require.InDelta(t, trials*level, float64(below[j]), 4*sd, "level %v", level)
	}
}
