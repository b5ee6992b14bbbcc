package bandit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// Source: Zhong et al. 2021, CTS.
func TestGoldenRegretOfCascadingThompson(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("100 runs of 10,000 rounds")
	}
	f := readRegret(t)
	spec := f.Envs["cascade"].Spec
	best := 1 - 0.8*0.8*0.85*0.85
	f.regrets(t, "cascade", "cascade_ts", regretRuns, func(seed uint64, regret func(int, float64)) {
		r := rand.New(rand.NewPCG(seed, 5))
		m, err := bandit.NewCascadeSampler(len(spec.P), 1, 1)
		require.NoError(t, err)
		var list []int
		for round := range f.Checkpoints[len(f.Checkpoints)-1] {
			list = m.List(list, spec.ListLen, r)
			miss, click := 1.0, -1
			for place, item := range list {
				miss *= 1 - spec.P[item]
				if click < 0 && r.Float64() < spec.P[item] {
					click = place
				}
			}
			regret(round, best-(1-miss))
			require.NoError(t, m.Update(list, click))
		}
	})
}

// With one place a list is the draw of Thompson sampling, whose probabilities [bandit.BestBeta] knows.
func TestCascadeSamplerDrawsFromThePosterior(t *testing.T) {
	for _, prior := range [][2]float64{{1, 1}, {0.1, 0.3}} {
		m, err := bandit.NewCascadeSampler(3, prior[0], prior[1])
		require.NoError(t, err)
		alpha, beta := []float64{prior[0], prior[0], prior[0]}, []float64{prior[1], prior[1], prior[1]}
		for _, x := range []struct {
			list  []int
			click int
		}{{[]int{0, 1, 2}, 1}, {[]int{2, 0}, -1}, {[]int{1, 2, 0}, 0}, {[]int{1}, -7}} {
			require.NoError(t, m.Update(x.list, x.click))
		}
		// Seen: 0 twice without a click, 1 thrice with two, 2 once without.
		for i, n := range [][2]float64{{0, 2}, {2, 1}, {0, 1}} {
			alpha[i], beta[i] = alpha[i]+n[0], beta[i]+n[1]
		}
		want, err := bandit.BestBeta(nil, alpha, beta)
		require.NoError(t, err)
		const n = 200_000
		r := rand.New(rand.NewPCG(1, 1))
		seen := make([]float64, 3)
		var list []int
		for range n {
			list = m.List(list, 1, r)
			seen[list[0]]++
		}
		for i, p := range want {
			require.InDelta(t, p, seen[i]/n, 4*math.Sqrt(p*(1-p)/n), "prior %v, item %d", prior, i)
		}
		require.Len(t, m.List(list, 10, r), 3)
		require.Empty(t, m.List(list, -1, r))
	}
}

func TestCascadeSamplerRefusesWhatCannotBe(t *testing.T) {
	m, err := bandit.NewCascadeSampler(3, 1, 1)
	require.NoError(t, err)
	require.ErrorContains(t, m.Update([]int{0, 1}, 2), "click at place 2 of a list of 2")
	require.ErrorContains(t, m.Update([]int{3}, 0), "item 3; want 0 to 2")
	for _, bad := range [][2]float64{{0, 1}, {1, math.NaN()}} {
		_, err = bandit.NewCascadeSampler(3, bad[0], bad[1])
		require.Error(t, err)
	}
	_, err = bandit.NewCascadeSampler(0, 1, 1)
	require.ErrorContains(t, err, "0 items")
}
