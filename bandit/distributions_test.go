package bandit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
)

// The projection keeps the order, gives every action its floor, and takes the same from all that stay above it.
//
// Source: Duchi et al., ICML 2008, theorem 2 (optimality: p - θ where it is above the floor).
func TestMinProbabilityIsAProjection(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := 1 + rng.IntN(12)
		p, zeros, epsilon, sum := make([]float64, n), rng.IntN(2) == 0, rng.Float64(), 0.0
		for i := range p {
			p[i] = math.Exp(6 * rng.NormFloat64())
			if i > 0 && rng.IntN(3) == 0 {
				p[i] = 0
			}
			sum += p[i]
		}
		m := 0.0
		for i := range p {
			p[i] /= sum
			if zeros || p[i] > 0 {
				m++
			}
		}
		q := append([]float64(nil), p...)
		require.NoError(t, bandit.MinProbability(q, epsilon, zeros))
		total, theta := 0.0, math.NaN()
		for i := range q {
			total += q[i]
			if !zeros && p[i] == 0 {
				require.Zero(t, q[i])
				continue
			}
			require.GreaterOrEqual(t, q[i], epsilon/m-1e-12)
			if q[i] > epsilon/m+1e-12 {
				if math.IsNaN(theta) {
					theta = p[i] - q[i]
				}
				require.InDelta(t, theta, p[i]-q[i], 1e-12)
				require.GreaterOrEqual(t, theta, -1e-12)
			}
		}
		require.InDelta(t, 1, total, 1e-12)
		for i := range q {
			if q[i] == epsilon/m && !math.IsNaN(theta) && (zeros || p[i] > 0) {
				require.LessOrEqual(t, p[i]-theta, epsilon/m+1e-12, "what is at the floor would be below it")
			}
		}
	}
}

func TestDistributionsNameWhatIsWrong(t *testing.T) {
	nan := math.NaN()
	_, err := bandit.GreedyDistribution(nil, []float64{1}, 1.5)
	require.ErrorContains(t, err, "epsilon is 1.5")
	_, err = bandit.SoftmaxDistribution(nil, []float64{1}, nan)
	require.ErrorContains(t, err, "lambda is NaN")
	_, err = bandit.SoftmaxDistribution(nil, []float64{1, nan}, 1)
	require.ErrorContains(t, err, "score 1 is NaN")
	_, err = bandit.BagDistribution(nil, []int{1, -2})
	require.ErrorContains(t, err, "action 1 has -2 votes")
	require.ErrorContains(t, bandit.MinProbability([]float64{1}, -1, true), "epsilon is -1")
}

func TestDistributionsAtTheEdges(t *testing.T) {
	p, err := bandit.GreedyDistribution(nil, []float64{2, 1, 2}, 0.3)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{0.45, 0.1, 0.45}, p, 1e-15)
	p, err = bandit.GreedyDistribution(p, []float64{math.NaN(), math.NaN()}, 0.3)
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, 0.5}, p)
	p, err = bandit.SoftmaxDistribution(p, []float64{1e308, -1e308}, 1e308)
	require.NoError(t, err)
	require.Equal(t, []float64{1, 0}, p, "products beyond the range of floats")
	p, err = bandit.BagDistribution(p, []int{0, 0})
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, 0.5}, p)
	p, err = bandit.BagDistribution(p, nil)
	require.NoError(t, err)
	require.Empty(t, p)
	require.NoError(t, bandit.MinProbability(nil, 0.1, true))
	require.NoError(t, bandit.MinProbability([]float64{0, 0}, 0.1, false))
	require.Equal(t, -1, bandit.SampleSeed(nil, 1))
	require.Equal(t, 0, bandit.SampleSeed([]float64{0, 0}, 1))
}

func ExampleMinProbability() {
	p := []float64{0.8, 0.15, 0.05, 0}
	_ = bandit.MinProbability(p, 0.4, true)
	fmt.Printf("%.3f\n", p)
	// Output: [0.700 0.100 0.100 0.100]
}

func ExampleBagDistribution() {
	p, _ := bandit.BagDistribution(nil, []int{1, 3, 0}) // four models
	bandit.MixUniform(p, 0.1)
	fmt.Printf("%.3f\n", p)
	// Output: [0.258 0.708 0.033]
}
