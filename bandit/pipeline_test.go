package bandit_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// explorers are those of this package; all judge.
var explorers = map[string]recsys.Explorer{
	"plackett-luce":  bandit.PlackettLuce(0.3),
	"cold":           bandit.PlackettLuce(0.01),
	"epsilon-greedy": bandit.EpsilonGreedy(0.2),
	"greedy":         bandit.EpsilonGreedy(0),
	"uniform":        bandit.Uniform{},
}

// catalogue proposes n items and ranks them by a number of their own.
func catalogue(n int, opts ...recsys.Option) []recsys.Option {
	r := rand.New(rand.NewPCG(7, 7))
	score := make([]float32, n)
	for i := range score {
		score[i] = float32(r.IntN(1000)) / 256
	}
	return append([]recsys.Option{
		recsys.Retrieve("all", recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for i := range n {
				out.Add(recsys.ItemID(i), 0)
			}
			return nil
		}), recsys.Quota(n)),
		recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i, id := range c.IDs() {
				out.Score[i] = score[id]
			}
			return nil
		})),
	}, opts...)
}

// byItem applies a rule on items: rows and items agree in these pipelines.
func byItem(n int, hereditary bool) recsys.Constraint {
	class := classes(rand.New(rand.NewPCG(8, 8)), n, 5)
	if hereditary {
		return maxPer{class, 3}
	}
	return apart{class}
}

// Judging what was just explored, and replaying it, gives the same bits; also
// through backfill, where the window is shorter than the rules need.
func TestJudgeAndReplayGiveTheLoggedBits(t *testing.T) {
	const n = 150
	for name, e := range explorers {
		for _, x := range []struct {
			name string
			opts []recsys.Option
		}{
			{"free", nil},
			{"capped", []recsys.Option{recsys.Constrain(byItem(n, true))}},
			{"re-admitting", []recsys.Option{recsys.Constrain(byItem(n, false))}},
			{"both", []recsys.Option{recsys.Constrain(byItem(n, false)), recsys.Constrain(byItem(n, true), recsys.Relax())}},
			{"both, backfill", []recsys.Option{recsys.Constrain(byItem(n, false)), recsys.Constrain(byItem(n, true)), recsys.Depth(6)}},
		} {
			t.Run(name+"/"+x.name, func(t *testing.T) {
				records := 0
				var p *recsys.Pipeline
				var err error
				sink := recsys.ExposureSinkFunc(func(ctx context.Context, record *recsys.Exposure) error {
					records++
					dst := make([]float64, record.Shown)
					require.NoError(t, p.Propensities(ctx, record, dst))
					for i := range dst {
						require.Equal(t, math.Float64bits(record.Rows[i].Propensity), math.Float64bits(dst[i]), "place %d", i)
					}
					res, err := p.Replay(ctx, record)
					require.NoError(t, err)
					require.NoError(t, record.Diff(res))
					return nil
				})
				p, err = recsys.NewPipeline(catalogue(n, append(x.opts, recsys.Explore(e, recsys.Required()), recsys.Log(sink, recsys.LogFull))...)...).Build()
				require.NoError(t, err)
				for seed := range uint64(30) {
					_, err := p.Recommend(context.Background(), &recsys.Request{K: 18, Seed: seed + 1})
					require.NoError(t, err)
				}
				require.Equal(t, 30, records)
			})
		}
	}
}

// The window is the choice: rows below it are never shown while it has rows, and have
// propensity 0.
func TestDepthIsTheWindow(t *testing.T) {
	const n, depth = 60, 12
	for name, e := range explorers {
		p, err := recsys.NewPipeline(catalogue(n, recsys.Explore(e), recsys.Depth(depth))...).Build()
		require.NoError(t, err)
		greedy, err := recsys.NewPipeline(catalogue(n)...).Build()
		require.NoError(t, err)
		top, err := greedy.Recommend(context.Background(), &recsys.Request{K: depth})
		require.NoError(t, err)
		window := map[recsys.ItemID]bool{}
		for _, item := range top.Items {
			window[item.ID] = true
		}
		for seed := range uint64(40) {
			res, err := p.Recommend(context.Background(), &recsys.Request{K: depth + 2, Seed: seed + 1})
			require.NoError(t, err)
			require.Len(t, res.Items, depth+2)
			for i, item := range res.Items {
				require.Equal(t, i < depth, window[item.ID], "%s: seed %d, place %d", name, seed+1, i)
			}
			for _, item := range res.Items[depth-1:] {
				require.EqualValues(t, 1, item.Propensity, "one row is left, then each comes from below")
			}
		}
	}
}

// These numbers must not change: logged propensities are compared with what is computed
// years later, on another machine.
func TestSlatesStayWhatTheyWere(t *testing.T) {
	const n = 200
	want := map[string]uint64{
		"plackett-luce": 0x481e63e5c7f37527, "cold": 0xb0d356ca24eb4795,
		"epsilon-greedy": 0x74ac03322edf4f02, "greedy": 0x99f832ceae2103e8,
		"uniform": 0x7492646b047915c6,
	}
	got := map[string]uint64{}
	for name, e := range explorers {
		p, err := recsys.NewPipeline(catalogue(n, recsys.Constrain(byItem(n, false)), recsys.Constrain(byItem(n, true)), recsys.Explore(e, recsys.Name("x")))...).Build()
		require.NoError(t, err)
		sum := uint64(0)
		for seed := range uint64(100) {
			res, err := p.Recommend(context.Background(), &recsys.Request{K: 12, Seed: seed + 1})
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
