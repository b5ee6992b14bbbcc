package bandit_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/hash"
)

// featured adds the columns that linearModels read, hashes of the item.
func featured() recsys.Option {
	return recsys.Features(recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "float"}, {Name: "vector", Kind: recsys.Vector, Dim: 2}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			number := func(item recsys.ItemID, j uint64) float32 {
				return float32(int64(hash.Combine(j, uint64(item)))>>40) / (1 << 23)
			}
			for i, item := range items {
				out.FloatRow(i)[0] = number(item, 1)
				copy(out.VectorAt(0, i), []float32{number(item, 2), number(item, 3)})
			}
			return nil
		},
	})
}

func TestContextualPoliciesReplayTheLoggedBits(t *testing.T) {
	const n = 60
	for kind, m := range linearModels {
		for name, alg := range contextual(m) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				var p *recsys.Pipeline
				records := 0
				sink := recsys.ExposureSinkFunc(func(ctx context.Context, x *recsys.Exposure) error {
					if records++; records <= 40 {
						return nil // of the training
					}
					dst := make([]float64, x.Shown)
					require.NoError(t, p.Propensities(ctx, x, dst))
					for i := range dst {
						require.Equal(t, math.Float64bits(x.Rows[i].Propensity), math.Float64bits(dst[i]), "place %d", i)
						if x.Exploration == recsys.ExplorationEstimated && dst[i] < 1 {
							require.Positive(t, x.Rows[i].PropensityError)
						}
					}
					res, err := p.Replay(ctx, x)
					require.NoError(t, err)
					require.NoError(t, x.Diff(res))
					policy, err := bandit.New(alg, bandit.Config{})
					require.NoError(t, err)
					require.Equal(t, policy.Exploration(), x.Exploration)
					return nil
				})
				var policy *bandit.Policy
				policy, p = skilled(t, alg, n, featured(), recsys.Constrain(byItem(n, false)), recsys.Depth(12), recsys.Log(sink, recsys.LogFull))
				for seed := range uint64(10) {
					res, err := p.Recommend(context.Background(), &recsys.Request{K: 6, Seed: seed + 1, Now: epoch})
					require.NoError(t, err)
					require.Empty(t, res.Degraded)
				}
				require.EqualValues(t, 50, policy.Stats().Decisions)
			})
		}
	}
}

// These numbers must not change, on any machine: logged propensities are compared with what is computed years later.
func TestContextualPoliciesStayWhatTheyWere(t *testing.T) {
	want := map[string]uint64{
		"disjoint lin-greedy":  0x9b8c6591eb327a93,
		"disjoint lints":       0x240c42edb77b6d7d,
		"disjoint linucb":      0x5cb102b651131c6a,
		"disjoint logistic-ts": 0x265b281b635ec927,
		"disjoint marginal":    0x240c42edb77b6d7d,
		"disjoint squarecb":    0x05be1c086b982b5b,
		"shared lin-greedy":    0x5bdeb569fdabfc04,
		"shared lints":         0x19da87fef380453b,
		"shared linucb":        0xa8dfb591a572d08b,
		"shared logistic-ts":   0x9a4ab2bc2b464c08,
		"shared marginal":      0x80c95069fbe5caf6,
		"shared squarecb":      0xa9f77c979640480b,
	}
	got := map[string]uint64{}
	for kind, m := range linearModels {
		for name, alg := range contextual(m) {
			_, p := skilled(t, alg, 60, featured(), recsys.Constrain(byItem(60, false)))
			sum := uint64(0)
			for seed := range uint64(20) {
				res, err := p.Recommend(context.Background(), &recsys.Request{K: 6, Seed: seed + 1, Now: epoch})
				require.NoError(t, err)
				for _, item := range res.Items {
					sum = hash.Combine(sum, math.Float64bits(item.Propensity), uint64(item.ID))
				}
			}
			got[kind+" "+name] = sum
		}
	}
	require.Equal(t, want, got)
}
