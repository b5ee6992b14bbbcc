package bandit_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/bandit"
)

func TestGoldenThompsonExact(t *testing.T) {
	type problem struct {
		Beta   [][2]float64 `json:"alpha_beta"`
		Normal [][2]float64 `json:"mu_sigma"`
		Best   []float64    `json:"p_best"`
	}
	var golden struct {
		Beta   []problem `json:"beta"`
		Normal []problem `json:"normal"`
	}
	readJSON(t, &golden, "golden", "bandit", "thompson_exact.json")
	require.NotEmpty(t, golden.Beta)
	require.NotEmpty(t, golden.Normal)
	columns := func(rows [][2]float64) (a, b []float64) {
		for _, r := range rows {
			a, b = append(a, r[0]), append(b, r[1])
		}
		return a, b
	}
	for i, x := range golden.Beta {
		a, b := columns(x.Beta)
		got, err := bandit.BestBeta(nil, a, b)
		require.NoError(t, err)
		require.InDeltaSlice(t, x.Best, got, 1e-11, "beta %d", i)
	}
	for i, x := range golden.Normal {
		a, b := columns(x.Normal)
		got, err := bandit.BestNormal(nil, a, b)
		require.NoError(t, err)
		require.InDeltaSlice(t, x.Best, got, 1e-11, "normal %d", i)
	}
}

// Vowpal Wabbit works in float32: tolerance 1e-6.
func TestGoldenVWDistributions(t *testing.T) {
	var golden struct {
		EpsilonGreedy []struct {
			K   int       `json:"k"`
			Eps float64   `json:"eps"`
			Top int       `json:"top"`
			PMF []float64 `json:"pmf"`
		} `json:"epsilon_greedy"`
		Softmax []struct {
			Lambda float64   `json:"lambda"`
			Scores []float64 `json:"scores"`
			PMF    []float64 `json:"pmf"`
		} `json:"softmax"`
		Bag []struct {
			Votes []int     `json:"votes"`
			PMF   []float64 `json:"pmf"`
		} `json:"bag"`
		MinProb []struct {
			Eps   float64   `json:"eps"`
			Zeros bool      `json:"update_zero"`
			In    []float64 `json:"in"`
			PMF   []float64 `json:"pmf"`
		} `json:"min_prob"`
		Mix []struct {
			Eps float64   `json:"eps"`
			In  []float64 `json:"in"`
			PMF []float64 `json:"pmf"`
		} `json:"mix_uniform"`
		Seeds []struct {
			Seed  string    `json:"seed"`
			Index int       `json:"index"`
			PMF   []float64 `json:"pmf"`
		} `json:"sample_uint64"`
		Strings []struct {
			Seed  string    `json:"seed"`
			Index int       `json:"index"`
			PMF   []float64 `json:"pmf"`
		} `json:"sample_string"`
	}
	readJSON(t, &golden, "golden", "bandit", "vw_explore.json")
	const tolerance = 1e-6
	require.NotEmpty(t, golden.EpsilonGreedy)
	for i, x := range golden.EpsilonGreedy {
		scores := make([]float64, x.K)
		scores[x.Top] = 1
		got, err := bandit.GreedyDistribution(nil, scores, x.Eps)
		require.NoError(t, err)
		require.InDeltaSlice(t, x.PMF, got, tolerance, "epsilon_greedy %d", i)
	}
	require.NotEmpty(t, golden.Softmax)
	for i, x := range golden.Softmax {
		got, err := bandit.SoftmaxDistribution(nil, x.Scores, x.Lambda)
		require.NoError(t, err)
		require.InDeltaSlice(t, x.PMF, got, tolerance, "softmax %d", i)
	}
	require.NotEmpty(t, golden.Bag)
	for i, x := range golden.Bag {
		got, err := bandit.BagDistribution(nil, x.Votes)
		require.NoError(t, err)
		require.InDeltaSlice(t, x.PMF, got, tolerance, "bag %d", i)
	}
	require.NotEmpty(t, golden.MinProb)
	for i, x := range golden.MinProb {
		require.NoError(t, bandit.MinProbability(x.In, min(x.Eps, 1), x.Zeros))
		require.InDeltaSlice(t, x.PMF, x.In, tolerance, "min_prob %d", i)
	}
	require.NotEmpty(t, golden.Mix)
	for i, x := range golden.Mix {
		bandit.MixUniform(x.In, x.Eps)
		require.InDeltaSlice(t, x.PMF, x.In, tolerance, "mix_uniform %d", i)
	}
	require.NotEmpty(t, golden.Seeds)
	for i, x := range golden.Seeds {
		seed, err := strconv.ParseUint(x.Seed, 10, 64)
		require.NoError(t, err)
		require.Equal(t, x.Index, bandit.SampleSeed(x.PMF, seed), "sample_uint64 %d", i)
	}
	require.NotEmpty(t, golden.Strings)
	for i, x := range golden.Strings {
		require.Equal(t, x.Index, bandit.SampleString(x.PMF, x.Seed), "sample_string %d", i)
	}
}
