package bandit_test

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/reference"
)

func readJSON(t *testing.T, into any, elem ...string) {
	t.Helper()
	require.NoError(t, json.NewDecoder(reference.Open(t, elem...)).Decode(into))
}

// The action distributions of Vowpal Wabbit's explore library are slates of one place. It
// works in float32: tolerance 1e-6.
func TestGoldenVWActionDistributions(t *testing.T) {
	var golden struct {
		EpsilonGreedy []struct {
			K   int       `json:"k"`
			Eps float64   `json:"eps"`
			Top int       `json:"top"`
			PMF []float64 `json:"pmf"`
		} `json:"epsilon_greedy"`
		Softmax []struct {
			Lambda float64   `json:"lambda"`
			Scores []float32 `json:"scores"`
			PMF    []float64 `json:"pmf"`
		} `json:"softmax"`
	}
	readJSON(t, &golden, "golden", "bandit", "vw_explore.json")
	require.NotEmpty(t, golden.EpsilonGreedy)
	for i, x := range golden.EpsilonGreedy {
		u := make([]float32, x.K)
		u[x.Top] = 1
		distribution(t, bandit.EpsilonGreedy(x.Eps), u, x.PMF, "epsilon_greedy", i)
	}
	require.NotEmpty(t, golden.Softmax)
	for i, x := range golden.Softmax {
		if x.Lambda == 0 {
			distribution(t, bandit.Uniform{}, x.Scores, x.PMF, "softmax", i)
			continue
		}
		// A negative lambda prefers small scores.
		u := make([]float32, len(x.Scores))
		for j, s := range x.Scores {
			u[j] = float32(math.Copysign(1, x.Lambda)) * s
		}
		distribution(t, bandit.PlackettLuce(1/math.Abs(x.Lambda)), u, x.PMF, "softmax", i)
	}
}

func distribution(t *testing.T, e recsys.Judge, utility []float32, want []float64, kind string, i int) {
	t.Helper()
	c, order := table(utility)
	for row, p := range want {
		dst := make([]float64, 1)
		require.NoError(t, e.Propensities(context.Background(), query(1), c, c.Slate(1, order), []int32{int32(row)}, dst))
		require.InDelta(t, p, dst[0], 1e-6, "%s %d, row %d", kind, i, row)
	}
}

// The Open Bandit Pipeline gives its slates' probabilities under a Plackett–Luce policy, by
// prefix and as a whole.
func TestGoldenOBPSlateProbabilities(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(reference.Dir(t, "golden", "ope"), "slate_*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var golden struct {
				Rounds int         `json:"n_rounds"`
				Places int         `json:"len_list"`
				Action []int32     `json:"action"`
				Logit  [][]float64 `json:"eval_logit"`
				Prefix []float64   `json:"eval_pscore_cascade"`
				Whole  []float64   `json:"eval_pscore"`
			}
			readJSON(t, &golden, "golden", "ope", filepath.Base(file))
			require.Len(t, golden.Logit, golden.Rounds)
			k := golden.Places
			for i, logit := range golden.Logit {
				p, err := bandit.PlackettLucePropensities(nil, logit, 1, golden.Action[i*k:(i+1)*k])
				require.NoError(t, err)
				product := 1.0
				for j, x := range p {
					product *= x
					require.InEpsilon(t, golden.Prefix[i*k+j], product, 1e-9, "round %d, place %d", i, j)
				}
				require.InEpsilon(t, golden.Whole[i*k], product, 1e-9, "round %d", i)
			}
		})
	}
}
