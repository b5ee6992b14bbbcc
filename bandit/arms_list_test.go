package bandit_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// listed returns arms that have learned a little, fewer of them than are asked for.
func listed(t *testing.T, alg bandit.Algorithm) *bandit.Arms {
	t.Helper()
	arms, err := bandit.NewArms(alg)
	require.NoError(t, err)
	for i, r := range []float64{1, 0, 0, 1, 0.5, 0, 1} {
		require.NoError(t, arms.Update(bandit.Outcome{Arm: uint64(i % 3), Reward: r, Propensity: 0.25, Choices: 4}))
	}
	return arms
}

// What List takes for both places comes as often as Probabilities tells.
func TestListFollowsTheProbabilities(t *testing.T) {
	n := 400_000
	if testing.Short() || race.Enabled {
		n = 40_000
	}
	all := []uint64{0, 1, 2, 3}
	for name, alg := range map[string]bandit.Algorithm{
		"mean greedy":       bandit.MeanGreedy{Epsilon: 0.3},
		"Boltzmann":         bandit.Boltzmann{Temperature: 0.5},
		"EXP3":              bandit.EXP3{Gamma: 0.2},
		"UCB1":              bandit.UCB1{},
		"Thompson":          bandit.Thompson{},
		"Thompson, sparse":  bandit.Thompson{Alpha: 0.01, Beta: 0.02},
		"Thompson, decay":   bandit.Thompson{Alpha: 0.5, Beta: 3, Decay: 0.9},
		"Gaussian Thompson": bandit.GaussianThompson{Mean: 0.2, SD: 0.7, Noise: 0.4},
		"cascade":           bandit.Cascade{Of: bandit.Thompson{}},
	} {
		t.Run(name, func(t *testing.T) {
			arms := listed(t, alg)
			first := append([]float64(nil), arms.Probabilities(nil, all)...)
			want := make([]float64, 16)
			for i := range all {
				rest := append(append([]uint64(nil), all[:i]...), all[i+1:]...)
				for j, p := range arms.Probabilities(nil, rest) {
					want[4*i+int(rest[j])] = first[i] * p
				}
			}
			got := make([]int, 16)
			rng := rand.New(rand.NewPCG(7, 1))
			var list []bandit.Outcome
			for range n {
				list = arms.List(list[:0], all, 2, rng)
				require.Len(t, list, 2)
				got[4*list[0].Arm+list[1].Arm]++
			}
			for i, p := range want {
				require.InDelta(t, p, float64(got[i])/float64(n), 4*math.Sqrt(p*(1-p)/float64(n)), "pair %d", i)
			}
			require.Equal(t, 0, list[0].Place)
			require.Equal(t, 1, list[1].Place)
			require.Equal(t, 4, list[0].Choices)
			require.Equal(t, 3, list[1].Choices)
			if list[0].Propensity != 0 {
				require.InDelta(t, first[list[0].Arm], list[0].Propensity, 1e-15)
			}
		})
	}
}

// One draw for the list: its first place is that of List, the second follows from the order of the same values. Against
// values drawn here.
func TestListOnceTakesTheHighestOfOneDraw(t *testing.T) {
	const n = 200_000
	arms, err := bandit.NewArms(bandit.GaussianThompson{})
	require.NoError(t, err)
	require.NoError(t, arms.Update(bandit.Outcome{Arm: 0, Reward: 2}))
	mean, sd := []float64{1, 0, 0}, []float64{math.Sqrt(0.5), 1, 1}
	var want, got [3][3]float64
	rng := rand.New(rand.NewPCG(5, 1))
	var list []bandit.Outcome
	for range n {
		var x [3]float64
		order := []int{0, 1, 2}
		for i := range x {
			x[i] = mean[i] + sd[i]*rng.NormFloat64()
		}
		slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[j], x[i]) })
		want[order[0]][order[1]]++
		list = arms.ListOnce(list[:0], []uint64{0, 1, 2}, 2, rng)
		got[list[0].Arm][list[1].Arm]++
	}
	for i := range want {
		for j, w := range want[i] {
			p := w / n
			require.InDelta(t, p, got[i][j]/n, 4*math.Sqrt(2*p*(1-p)/n), "%d, %d", i, j)
		}
	}
}

func TestListTakesWhatThereIs(t *testing.T) {
	arms := listed(t, bandit.Thompson{})
	rng := rand.New(rand.NewPCG(1, 1))
	require.Empty(t, arms.List(nil, nil, 3, rng))
	require.Empty(t, arms.List(nil, []uint64{1, 2}, 0, rng))
	require.Empty(t, arms.List(nil, []uint64{1, 2}, -1, rng))
	list := arms.List(nil, []uint64{9, 5}, 3, rng)
	require.Len(t, list, 2)
	require.Equal(t, uint64(14), list[0].Arm+list[1].Arm)
	require.Equal(t, 1.0, list[1].Propensity, "the last one left")
}

func TestListAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	all := []uint64{0, 1, 2, 3}
	for _, alg := range []bandit.Algorithm{bandit.Thompson{}, bandit.KLUCB{}, bandit.Cascade{Of: bandit.UCB1{}}} {
		arms := listed(t, alg)
		rng := rand.New(rand.NewPCG(1, 1))
		list := arms.List(nil, all, 4, rng)
		require.Zero(t, testing.AllocsPerRun(100, func() { list = arms.List(list[:0], all, 4, rng) }))
	}
}
