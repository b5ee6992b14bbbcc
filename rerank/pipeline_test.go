package rerank_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
			{Name: "taste", Kind: recsys.Vector, Dim: dim, Scope: recsys.PerRequest},
		},
		Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			if items == nil {
				for j := range dim {
					out.VectorAt(0, 0)[j] = float32(j)
				}
				return nil
			}
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

// everyReRanker has the re-rankers that wholeStage has not, on the same pipeline. Each is followed by an explorer's greedy fill under
// the constraints, so that what it makes must be what they admit.
func everyReRanker(t *testing.T) []recsys.ReRanker {
	ledger := newLedger(t, nil)
	require.NoError(t, ledger.Restore([]rerank.Account{{Group: 3, Due: 2}, {Group: 5, Received: 3}}))
	return []recsys.ReRanker{
		rerank.DPP{Theta: 0.6, Vector: "embedding"},
		rerank.DPP{Theta: 0.97, Vector: "embedding"},
		rerank.DPP{Theta: 0.6, Vector: "embedding", Window: 5},
		rerank.XQuAD{Lambda: 0.5, Aspects: "embedding"},
		rerank.Calibration{Lambda: 0.5, Shares: "embedding", Wanted: "taste"},
		rerank.Fair{Attribute: "category", Values: []uint64{2}, Share: 0.6},
		rerank.Interleave{Attribute: "category", Slots: []rerank.Slot{{Value: 1, Share: 1}, {Value: 2, Share: 2}}, Rest: 1},
		rerank.Interleave{Slots: []rerank.Slot{{Source: "all", Share: 1}}, Method: rerank.DHondt},
		rerank.ExposureParity{Ledger: ledger, Lambda: 0.5},
		rerank.LongTail{Lambda: 0.5, Popularity: "published", Head: 1.7e9 - 50*3600, Tail: 0.6, Smooth: true},
	}
}

// Under constraints and by itself every re-ranker fills the slate, changes it, and allocates nothing.
func TestEveryReRankerInAPipeline(t *testing.T) {
	plain, err := funnel(t, wholeStage[:4]...).Recommend(t.Context(), &recsys.Request{ID: "r", K: 20, Now: now, Seed: 1})
	require.NoError(t, err)
	for i, x := range everyReRanker(t) {
		t.Run(fmt.Sprintf("%d %T", i, x), func(t *testing.T) {
			p := funnel(t, append(slices.Clone(wholeStage[:4]), recsys.ReRank(x))...)
			req, res := &recsys.Request{ID: "r", K: 20, Now: now, Seed: 1}, new(recsys.Result)
			require.NoError(t, p.RecommendInto(t.Context(), req, res))
			require.Empty(t, res.Degraded)
			require.Len(t, res.Items, 20)
			same, creators := true, map[uint64]int{}
			for j := range res.Items {
				same = same && res.Items[j].ID == plain.Items[j].ID
				if j > 0 {
					require.GreaterOrEqual(t, res.Items[j-1].Utility, res.Items[j].Utility)
				}
				var r rand.PCG
				r.Seed(uint64(res.Items[j].ID), 1)
				if res.Items[j].ID%13 != 5 {
					for range dim {
						r.Uint64()
					}
					creators[r.Uint64()%40]++
				}
			}
			for creator, n := range creators {
				require.LessOrEqual(t, n, 2, "creator %d", creator)
			}
			if s, ok := x.(rerank.Interleave); !ok || s.Attribute != "" { // one source has all the turns
				require.False(t, same, "it changed nothing")
			}
			again, err := p.Recommend(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, res.Items, again.Items)
			if race.Enabled {
				return
			}
			require.Zero(t, testing.AllocsPerRun(20, func() {
				if err := p.RecommendInto(context.Background(), req, res); err != nil {
					t.Fatal(err)
				}
			}))
		})
	}
}

// Utilities that are infinite, NaN, equal, huge or not sorted give a list all the same.
func TestEveryReRankerTakesAnyUtility(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for name, utilities := range map[string][]float32{
		"infinite": {inf, 1, -inf, 0.5}, "all infinite": {inf}, "none": {-inf}, "NaN": {nan, 1, nan, 2},
		"all NaN": {nan}, "huge": {3e38, -3e38, 1e38}, "equal": {7}, "tiny": {1e-45, 0}, "not sorted": {1, 5, 2, 9, 3},
	} {
		for i, x := range everyReRanker(t) {
			if cal, ok := x.(rerank.Calibration); ok {
				cal.Wanted = "user"
				x = cal
			}
			if l, ok := x.(rerank.Interleave); ok && l.Attribute == "" {
				continue // these tables have no sources
			}
			for _, k := range []int{0, 3, 40, 100} {
				c, order := table(t, 40, dim, 3)
				for j, row := range order {
					c.Utility()[row] = utilities[j%len(utilities)]
				}
				q := recsys.NewQuery(&recsys.Request{K: k, Now: now, Seed: 1}, c.Schema(), "test")
				q.Vector(field(t, c.Schema(), "user").Index)[1] = 1
				got := reRank(t, x, q, c, order)
				sortedRows, changed := slices.Clone(got), !slices.Equal(got, order)
				slices.Sort(sortedRows)
				for j, row := range sortedRows {
					require.Equal(t, int32(j), row, "%s, %d %T: not a permutation", name, i, x)
				}
				for j := 1; changed && j < len(got); j++ {
					require.GreaterOrEqual(t, c.Utility()[got[j-1]], c.Utility()[got[j]], "%s, %d %T, K %d", name, i, x, k)
				}
			}
		}
	}
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
