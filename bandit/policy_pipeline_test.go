package bandit_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// skilled returns a policy and a pipeline of n items around it that has had 40 requests with clicks on items 3, 6, 9 ….
func skilled(t testing.TB, alg bandit.Algorithm, n int, opts ...recsys.Option) (*bandit.Policy, *recsys.Pipeline) {
	t.Helper()
	policy, err := bandit.New(alg, bandit.Config{Window: -1})
	require.NoError(t, err)
	p, err := recsys.NewPipeline(catalogue(n, append(opts, recsys.Explore(policy, recsys.Required(), recsys.Name("x")))...)...).Build()
	require.NoError(t, err)
	for i := range 40 {
		id := fmt.Sprint("training ", i)
		res, err := p.Recommend(context.Background(), &recsys.Request{ID: id, K: 4, Now: epoch})
		require.NoError(t, err)
		var feedback []recsys.Feedback
		for _, item := range res.Items {
			f := recsys.Feedback{Request: id, Item: item.ID, Kind: recsys.Skip, Time: epoch}
			if item.ID%3 == 0 {
				f.Kind = recsys.Click
			}
			feedback = append(feedback, f)
		}
		require.NoError(t, p.Learn(context.Background(), feedback))
	}
	require.EqualValues(t, 160, policy.Stats().Settled)
	return policy, p
}

// While nothing is learned in between, judging and replaying what was just explored gives the same bits.
func TestPoliciesJudgeAndReplayTheLoggedBits(t *testing.T) {
	const n = 60
	for name, alg := range algorithms {
		for rule, opts := range map[string][]recsys.Option{
			"free": nil, "re-admitting and capped, backfill": {recsys.Constrain(byItem(n, false)), recsys.Constrain(byItem(n, true)), recsys.Depth(6)},
		} {
			t.Run(name+"/"+rule, func(t *testing.T) {
				var p *recsys.Pipeline
				records := 0
				sink := recsys.ExposureSinkFunc(func(ctx context.Context, x *recsys.Exposure) error {
					records++
					if records <= 40 {
						return nil // of the training
					}
					dst := make([]float64, x.Shown)
					require.NoError(t, p.Propensities(ctx, x, dst))
					for i := range dst {
						require.Equal(t, math.Float64bits(x.Rows[i].Propensity), math.Float64bits(dst[i]), "place %d", i)
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
				policy, p = skilled(t, alg, n, append(opts, recsys.Log(sink, recsys.LogFull))...)
				for seed := range uint64(15) {
					res, err := p.Recommend(context.Background(), &recsys.Request{K: 9, Seed: seed + 1, Now: epoch})
					require.NoError(t, err)
					require.Empty(t, res.Degraded)
				}
				require.Equal(t, 55, records)
				require.EqualValues(t, 55, policy.Stats().Decisions)
			})
		}
	}
}

// These numbers must not change, on any machine: logged propensities are compared with what is computed years later.
func TestPoliciesStayWhatTheyWere(t *testing.T) {
	want := map[string]uint64{
		"boltzmann":           0x1d226e1332c47d22,
		"declining":           0x6f3a0e165fd45fe3,
		"discounted":          0x476a33e2d4e01aea,
		"exp3":                0x9806a6067a0a6c4b,
		"gaussian":            0x3b3beba8da66af2f,
		"greedy":              0x7fab605c794098b5,
		"kl-ucb":              0x9e223495dcbe39cb,
		"mean-greedy":         0x60c36703233a3b4a,
		"sliding-ucb":         0x3a48d0b2103a081d,
		"thompson":            0x35166121a2ad4222,
		"top-two":             0x0e0ffd2fb59029e2,
		"top-two of gaussian": 0x06a1f96c5892875f,
		"ucb1":                0xfb98d0b2103a0850,
	}
	got := map[string]uint64{}
	for name, alg := range algorithms {
		_, p := skilled(t, alg, 60, recsys.Constrain(byItem(60, false)))
		sum := uint64(0)
		for seed := range uint64(20) {
			res, err := p.Recommend(context.Background(), &recsys.Request{K: 6, Seed: seed + 1, Now: epoch})
			require.NoError(t, err)
			for _, item := range res.Items {
				sum = sum*0x9e3779b97f4a7c15 + math.Float64bits(item.Propensity)
				sum = sum*0x9e3779b97f4a7c15 + uint64(item.ID)
			}
		}
		got[name] = sum
	}
	require.Equal(t, want, got)
}
