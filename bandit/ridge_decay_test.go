package bandit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
)

// A decay that leaves little of an observation is computed as exactly as any other: against sums that are made anew.
func TestRidgeForgetsFast(t *testing.T) {
	for _, c := range []struct {
		d     int
		decay float64
	}{{4, 1e-300}, {4, 1e-3}, {20, 0.3}, {64, 1e-6}, {64, 0.5}} {
		r := rand.New(rand.NewPCG(1, uint64(c.d)))
		m, err := bandit.NewRidge(c.d, bandit.RidgeConfig{Decay: c.decay, Lambda: 2})
		require.NoError(t, err)
		l, err := bandit.NewLogistic(c.d, bandit.RidgeConfig{Decay: c.decay, Lambda: 2})
		require.NoError(t, err)
		var xs [][]float64
		var rewards []float64
		for range 150 {
			x := make([]float64, c.d)
			for j := range x {
				x[j] = r.NormFloat64()
			}
			reward := float64(r.IntN(2))
			xs, rewards = append(xs, x), append(rewards, reward)
			require.NoError(t, m.Update(x, reward, 1))
			require.NoError(t, l.Update(x, reward, 1))
		}
		slow, err := bandit.NewRidge(c.d, bandit.RidgeConfig{Lambda: 2})
		require.NoError(t, err)
		for i, x := range xs {
			if w := math.Pow(c.decay, float64(len(xs)-1-i)); w > 1e-25 {
				require.NoError(t, slow.Update(x, rewards[i], w))
			}
		}
		for range 5 {
			x := make([]float64, c.d)
			for j := range x {
				x[j] = r.NormFloat64()
			}
			mean, variance := m.Moments(x)
			wantMean, wantVariance := slow.Moments(x)
			require.InDelta(t, wantMean, mean, 1e-9, "%v", c)
			require.InDelta(t, wantVariance, variance, 1e-9, "%v", c)
			mean, variance = l.Moments(x)
			require.Less(t, math.Abs(mean), 100.0, "%v", c)
			require.Positive(t, variance, "%v", c)
			require.Less(t, variance, 2*float64(c.d), "the prior's is about d/2: %v", c)
		}
	}
}
