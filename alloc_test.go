package recsys_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
)

// All stages of the funnel run in process, with constraints, explorer, log and observer.
func TestRecommendIntoAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	sources, store, model := benchSetup()
	opts := []recsys.Option{
		recsys.Features(store), recsys.Rank(model), recsys.ReRank(keepOrder), recsys.FilterBy(keepAll),
		recsys.Rank(headRankerFunc(func(_ *recsys.Candidates, out recsys.Scores) {
			for i := range out.Score {
				out.Heads[i*out.Stride] = float32(i)
			}
		})),
		recsys.Score(sumObjective{"h"}), recsys.Constrain(capMod(100, 2)), recsys.Constrain(apart(3)), recsys.Explore(uniform{}),
		recsys.Features(recsys.FeatureFunc{Cols: []recsys.Column{{Name: "u", Scope: recsys.PerRequest}, {Name: "maker", Kind: recsys.ID}, {Name: "v", Kind: recsys.Vector, Dim: 8}}, Func: fillAny}),
		recsys.Context(recsys.Column{Name: "hour"}),
		recsys.Log(discard, recsys.Name("slate"), recsys.Sample(5)), recsys.Log(discard, recsys.Name("full"), recsys.LogFull),
		recsys.Observe(recsys.ObserverFunc(func(*recsys.Query, *recsys.Candidates, *recsys.Result) {})),
		recsys.MaxCandidates(900),
	}
	for i, s := range sources {
		opts = append(opts, recsys.Retrieve(string(rune('a'+i)), s, recsys.Quota(benchQuota)))
	}
	p := build(t, opts...)
	hour, err := p.Context(map[string]any{"hour": 3})
	require.NoError(t, err)
	req := &recsys.Request{ID: "r", K: 50, Now: time.Unix(1, 0), Context: hour, Exclude: ids{1, 2, 3}}
	res := new(recsys.Result)
	serve := func() {
		if err := p.RecommendInto(context.Background(), req, res); err != nil || len(res.Items) != 50 || len(res.Degraded) > 0 {
			t.Fatal(err, len(res.Items), res.Degraded)
		}
	}
	for range 10 {
		serve()
	}
	require.Zero(t, testing.AllocsPerRun(200, serve))
	req.Explain = true
	for range 10 {
		serve()
	}
	require.Zero(t, testing.AllocsPerRun(200, serve), "explaining reuses the result's memory")
}

func fillAny(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	for i, id := range items {
		out.ID[0][i] = uint64(id)
		clear(out.VectorAt(0, i))
	}
	return nil
}
