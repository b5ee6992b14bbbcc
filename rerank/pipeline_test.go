package rerank_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/rerank"
)

// funnel is a pipeline of 400 candidates with attributes, and the stages given.
func funnel(t *testing.T, opts ...recsys.Option) *recsys.Pipeline {
	t.Helper()
	source := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		for i := range recsys.ItemID(400) {
			out.Add(i, float32(400-i))
		}
		return nil
	})
	features := recsys.FeatureFunc{
		Cols: []recsys.Column{
			{Name: "embedding", Kind: recsys.Vector, Dim: dim},
			{Name: "creator", Kind: recsys.ID},
			{Name: "category", Kind: recsys.ID},
			{Name: "published", Kind: recsys.ID},
		},
		Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				if id%13 == 5 {
					out.Miss(i)
					continue
				}
				var r rand.PCG
				r.Seed(uint64(id), 1)
				v := out.VectorAt(0, i)
				for j := range v {
					v[j] = float32(r.Uint64()>>40)/(1<<24) - 0.5
				}
				out.ID[0][i], out.ID[1][i] = r.Uint64()%40, r.Uint64()%4
				out.ID[2][i] = uint64(q.Now.Unix()) - r.Uint64()%(100*3600)
			}
			return nil
		},
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("all", source, recsys.Quota(400)), recsys.Features(features)).With(opts...).Build()
	require.NoError(t, err)
	return p
}

var wholeStage = []recsys.Option{
	recsys.Constrain(rerank.MaxPer("creator", 2)),
	recsys.Constrain(rerank.Deny{Attribute: "category", Values: []uint64{3}}),
	recsys.Constrain(rerank.Require("category", 4, 1)),
	recsys.Constrain(rerank.Spread("creator", 3)),
	recsys.ReRank(rerank.Freshness{Column: "published", HalfLife: day, Weight: 0.5}),
	recsys.ReRank(rerank.MMR{Lambda: 0.6, Vector: "embedding"}),
}

func TestStagesInAPipeline(t *testing.T) {
	p := funnel(t, wholeStage...)
	for seed := range uint64(10) {
		res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 20, Now: now, Seed: seed, Explain: true})
		require.NoError(t, err)
		require.Empty(t, res.Degraded)
		require.Len(t, res.Items, 20)
		for i := 1; i < len(res.Items); i++ {
			require.GreaterOrEqual(t, res.Items[i-1].Utility, res.Items[i].Utility)
		}
	}
	versions := map[string]string{}
	for _, v := range p.Versions() {
		versions[v.Stage] = v.Version
	}
	require.Equal(t, `lambda=0.6 vector="embedding" attributes=[] depth=1000 top=0 relevance=min-max`, versions["rerank/rerank.MMR"])
	require.Equal(t, `attribute="creator" max=2 count-missing=false`, versions["constrain/rerank.Cap"])
	require.Len(t, versions, 7, "six stages and the wiring")
}

// What a stage was declared with is part of the pipeline's version, so that replay finds out a change.
func TestLambdaChangesThePipelinesVersion(t *testing.T) {
	a := funnel(t, recsys.ReRank(rerank.MMR{Lambda: 0.6, Vector: "embedding"}))
	b := funnel(t, recsys.ReRank(rerank.MMR{Lambda: 0.7, Vector: "embedding"}))
	require.NotEqual(t, a.Version(), b.Version())
}

func TestBuildReportsEveryMistakeOfTheStages(t *testing.T) {
	source := recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return nil })
	_, err := recsys.NewPipeline(
		recsys.Retrieve("s", source),
		recsys.Constrain(rerank.MaxPer("creator", 0)),
		recsys.Constrain(rerank.Spread("nothing", 1)),
		recsys.ReRank(rerank.MMR{Lambda: 2}),
		recsys.ReRank(rerank.Freshness{}),
	).Build()
	for _, want := range []string{
		"constrain/rerank.Cap: rerank: Cap.Max is 0",
		`constrain/rerank.Cap: rerank: Cap.Attribute: feature "creator"`,
		`constrain/rerank.Gap: rerank: Gap.Attribute: feature "nothing"`,
		"rerank/rerank.MMR: rerank: MMR.Lambda is 2",
		"rerank/rerank.MMR: rerank: MMR.Vector and MMR.Attributes are empty",
		"rerank/rerank.Freshness: rerank: Freshness.HalfLife is 0s",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestPipelineWithAllStagesDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops items under the race detector")
	}
	p := funnel(t, wholeStage...)
	req, res := &recsys.Request{ID: "r", K: 20, Now: now, Seed: 1}, new(recsys.Result)
	serve := func() {
		if err := p.RecommendInto(context.Background(), req, res); err != nil {
			t.Fatal(err)
		}
	}
	serve()
	require.Zero(t, testing.AllocsPerRun(30, serve))
}
