package bandit_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
)

// taught returns arms of which arm i has had these rewards.
func taught(t testing.TB, alg bandit.Algorithm, rewards ...[]float64) *bandit.Arms {
	t.Helper()
	a, err := bandit.NewArms(alg)
	require.NoError(t, err)
	for arm, list := range rewards {
		for _, r := range list {
			require.NoError(t, a.Update(bandit.Outcome{Arm: uint64(arm), Reward: r, Propensity: 0.5, Choices: 2}))
		}
	}
	return a
}

// ε stays at its value for the first cK/d² rounds and then falls as 1/n.
//
// Source: Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002, figure 3: ε_n = min(1, cK/(d²n)).
func TestEpsilonDeclinesWithTheRounds(t *testing.T) {
	const c, d, k = 0.5, 0.4, 3
	alg := bandit.MeanGreedy{Epsilon: 1, Decline: c * k / (d * d)}
	a := taught(t, alg)
	for n := 1; n <= 60; n++ {
		reward := 0.0
		if n%3 == 1 {
			reward = 1 // arm 1 is the best
		}
		require.NoError(t, a.Update(bandit.Outcome{Arm: uint64(n % 3), Reward: reward}))
		epsilon := math.Min(1, c*k/(d*d*float64(n)))
		p := a.Probabilities(nil, []uint64{0, 1, 2})
		require.InDeltaSlice(t, []float64{epsilon / k, 1 - epsilon + epsilon/k, epsilon / k}, p, 1e-12, "round %d", n)
	}
}

// Arms of the same mean share what the best one has; an arm without feedback has the prior mean.
//
// Source: Sutton and Barto, Reinforcement Learning, 2nd edition, 2018, section 2.2 (ties are broken at random).
func TestTiesShareTheGreedyChance(t *testing.T) {
	a := taught(t, bandit.MeanGreedy{Epsilon: 0.2, Prior: 0.5}, []float64{1, 0}, []float64{0, 0, 1}, []float64{0.5})
	require.InDeltaSlice(t, []float64{0.8/3 + 0.05, 0.05, 0.8/3 + 0.05, 0.8/3 + 0.05}, a.Probabilities(nil, []uint64{0, 1, 2, 3}), 1e-12)
}

// π(a) = exp(H(a)/T) / Σ exp(H(b)/T), with means for the preferences H.
//
// Source: Sutton and Barto, Reinforcement Learning, 2nd edition, 2018, section 2.8, equation 2.11.
func TestBoltzmannIsSoftmaxOfMeans(t *testing.T) {
	a := taught(t, bandit.Boltzmann{Temperature: 0.25, Prior: 0.1}, []float64{1, 0, 1, 1}, []float64{0.5}, nil)
	w := []float64{math.Exp(0.75 / 0.25), math.Exp(0.5 / 0.25), math.Exp(0.1 / 0.25)}
	sum := w[0] + w[1] + w[2]
	require.InDeltaSlice(t, []float64{w[0] / sum, w[1] / sum, w[2] / sum}, a.Probabilities(nil, []uint64{0, 1, 2}), 1e-12)
	far := taught(t, bandit.Boltzmann{}, []float64{1e100}, []float64{-1e100})
	require.Equal(t, []float64{1, 0}, far.Probabilities(nil, []uint64{0, 1}), "means as far apart as may be")
}

func ExampleMeanGreedy() {
	arms, _ := bandit.NewArms(bandit.MeanGreedy{Epsilon: 0.1})
	for _, reward := range []float64{1, 0, 1} {
		_ = arms.Update(bandit.Outcome{Arm: 7, Reward: reward})
	}
	fmt.Printf("%.2f\n", arms.Probabilities(nil, []uint64{7, 8}))
	// Output: [0.95 0.05]
}

func ExampleBoltzmann() {
	arms, _ := bandit.NewArms(bandit.Boltzmann{Temperature: 0.5})
	_ = arms.Update(bandit.Outcome{Arm: 7, Reward: 1})
	fmt.Printf("%.3f\n", arms.Probabilities(nil, []uint64{7, 8}))
	// Output: [0.881 0.119]
}
