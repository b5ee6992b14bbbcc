package bandit_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// cascadeRun plays a cascade for some rounds and returns what Of has seen. Lists are drawn place by place.
func cascadeRun(t *testing.T, alg bandit.Algorithm, p []float64, places, rounds int, seed uint64, regret func(round int, r float64)) {
	arms, err := bandit.NewArms(alg)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(seed, 77))
	sorted := slices.Sorted(slices.Values(p))
	miss := 1.0
	for _, x := range sorted[len(p)-places:] {
		miss *= 1 - x
	}
	best := 1 - miss
	var chances []float64
	for round := range rounds {
		left := make([]uint64, len(p))
		for i := range left {
			left[i] = uint64(i)
		}
		var list []uint64
		miss := 1.0
		for range places {
			chances = arms.Probabilities(chances, left)
			at := bandit.Pick(chances, r.Float64())
			list = append(list, left[at])
			miss *= 1 - p[left[at]]
			left = slices.Delete(left, at, at+1)
		}
		regret(round, best-(1-miss))
		for place, arm := range list {
			reward := 0.0
			if r.Float64() < p[arm] {
				reward = 1
			}
			require.NoError(t, arms.Update(bandit.Outcome{Arm: arm, Reward: reward, Place: place}))
			if reward > 0 {
				break
			}
		}
	}
}

// Source: Kveton et al. 2015, Algorithm 1; Zhong et al. 2021, Algorithm 1.
func TestGoldenRegretOfCascades(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("100 runs of 10,000 rounds")
	}
	f := readRegret(t)
	spec := f.Envs["cascade"].Spec
	all := f.Checkpoints
	for _, c := range []struct {
		policy string
		alg    bandit.Algorithm
		rounds int
	}{
		{"cascade_ucb1", bandit.Cascade{Of: bandit.UCB1{C: 1.5}}, 10_000},
		{"cascade_klucb", bandit.Cascade{Of: bandit.KLUCB{C: 3}}, 2000},
		{"cascade_ts", bandit.Cascade{Of: bandit.Thompson{}}, 500},
	} {
		f.Checkpoints = slices.DeleteFunc(slices.Clone(all), func(n int) bool { return n > c.rounds })
		f.regrets(t, "cascade", c.policy, 20, func(seed uint64, regret func(int, float64)) {
			cascadeRun(t, c.alg, spec.P, spec.ListLen, c.rounds, seed, regret)
		})
	}
}
