package bandit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
)

// The weights of the paper, multiplied round by round.
//
// Source: Auer, Cesa-Bianchi, Freund and Schapire, SIAM Journal on Computing 32, 2002, figure 1: p_i = (1-γ) w_i/Σw + γ/K,
// w_i ← w_i exp(γ x̂_i/K) with x̂_i = x_i/p_i for the arm that was played.
func TestEXP3KeepsTheWeightsOfThePaper(t *testing.T) {
	const gamma, k = 0.15, 4
	a, err := bandit.NewArms(bandit.EXP3{Gamma: gamma})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(3, 4))
	w := []float64{1, 1, 1, 1}
	arms := []uint64{0, 1, 2, 3}
	for round := range 3000 {
		sum := 0.0
		for _, x := range w {
			sum += x
		}
		p := a.Probabilities(nil, arms)
		for i := range w {
			require.InDelta(t, (1-gamma)*w[i]/sum+gamma/k, p[i], 1e-9, "round %d, arm %d", round, i)
			w[i] /= sum
		}
		i := bandit.Pick(p, rng.Float64())
		reward := rng.Float64() * float64(i) / k
		require.NoError(t, a.Update(bandit.Outcome{Arm: uint64(i), Reward: reward, Propensity: p[i], Choices: k}))
		w[i] *= math.Exp(gamma * reward / p[i] / k)
	}
}

func TestEXP3RefusesUpdatesWithoutPropensity(t *testing.T) {
	a, err := bandit.NewArms(bandit.EXP3{})
	require.NoError(t, err)
	for _, o := range []bandit.Outcome{{Reward: 1}, {Reward: 1, Propensity: 0.5}, {Reward: 1, Propensity: 1.5, Choices: 2}, {Reward: 1, Propensity: math.NaN(), Choices: 2}} {
		var e *bandit.FeedbackError
		require.ErrorAs(t, a.Update(o), &e)
		require.Equal(t, "Propensity", e.Field)
	}
	require.ErrorContains(t, a.Update(bandit.Outcome{Reward: 2, Propensity: 1, Choices: 1}), "Reward is 2; want a number of [0, 1]")
}

func ExampleEXP3() {
	arms, _ := bandit.NewArms(bandit.EXP3{Gamma: 0.2})
	for range 20 {
		p := arms.Probabilities(nil, []uint64{1, 2})
		_ = arms.Update(bandit.Outcome{Arm: 2, Reward: 1, Propensity: p[1], Choices: 2})
	}
	fmt.Printf("%.3f\n", arms.Probabilities(nil, []uint64{1, 2}))
	// Output: [0.145 0.855]
}
