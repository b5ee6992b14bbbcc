package recsys_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

// only admits the rows of some items.
func only(items ...recsys.ItemID) recsys.Constraint {
	return recsys.ConstraintFunc(func(c *recsys.Candidates, _ int, _ []int32, ok recsys.Bits) {
		for i, id := range c.IDs() {
			keep := false
			for _, x := range items {
				keep = keep || x == id
			}
			if !keep {
				ok.Clear(i)
			}
		}
	})
}

func TestTheConstraintThatWasGivenUpIsNamed(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(0, 1, 2)), recsys.Constrain(only(0, 1), recsys.Name("A"), recsys.Relax()), recsys.Constrain(only(2), recsys.Name("B")))
	res := recommend(t, p, &recsys.Request{K: 2})
	require.Equal(t, ids{2}, items(res))
	require.Equal(t, []recsys.Degradation{{Stage: "constrain/A", Reason: recsys.ReasonRelaxed}, {Stage: "constrain/B", Reason: recsys.ReasonDeadEnd}}, res.Degraded)
}

func TestPropensitiesOfADegradedPolicyAreAnError(t *testing.T) {
	log := &memory{}
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Log(log, recsys.LogFull))
	recommend(t, p, &recsys.Request{K: 2})
	dst := make([]float64, 2)
	bad := recsys.RankerFunc(func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error {
		return errors.New("gone")
	})
	target := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Rank(bad, recsys.Name("m")))
	require.ErrorContains(t, target.Propensities(t.Context(), log.records[0], dst), "rank/m")
	liar := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Explore(lyingJudge{}, recsys.Name("liar")))
	require.ErrorContains(t, liar.Propensities(t.Context(), log.records[0], dst), "explore/liar")
}

type lyingJudge struct{ uniform }

func (lyingJudge) Propensities(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, _ *recsys.Slate, _ []int32, dst []float64) error {
	dst[0] = math.NaN()
	return nil
}

func TestCancelledRequestIsNotLogged(t *testing.T) {
	log := &memory{}
	ctx, cancel := context.WithCancelCause(t.Context())
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Log(log), recsys.Rank(recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, out recsys.Scores) error {
		clear(out.Score)
		cancel(errors.New("client is gone"))
		return nil
	})))
	_, err := p.Recommend(ctx, &recsys.Request{K: 1})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "client is gone")
	require.Empty(t, log.records)
}

func TestRankerThatLeavesRowsOutShowsNoEarlierRequest(t *testing.T) {
	lazy := headRankerFunc(func(c *recsys.Candidates, out recsys.Scores) {
		if c.IDs()[0] == 1 {
			for i := range out.Score {
				out.Score[i], out.Heads[i*out.Stride] = 42, 43
			}
		}
	})
	src := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		out.Add(recsys.ItemID(q.User), 1)
		return nil
	})
	for _, opts := range [][]recsys.StageOption{nil, {recsys.Remote(time.Minute)}} {
		p := build(t, recsys.Retrieve("a", src), recsys.Rank(lazy, opts...))
		require.Equal(t, float32(42), recommend(t, p, &recsys.Request{K: 1, User: 1}).Items[0].Score)
		for range 20 {
			require.True(t, math.IsNaN(float64(recommend(t, p, &recsys.Request{K: 1, User: 2}).Items[0].Score)))
		}
	}
}

func TestSourceThatReplacesSlicesOfItsBlockFailsAndKeepsItsMemory(t *testing.T) {
	own := [][]uint64{{7, 8}}
	outer := recsys.FeatureFunc{Cols: []recsys.Column{{Name: "c", Kind: recsys.ID}}, Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
		out.ID = own
		return nil
	}}
	for _, opts := range [][]recsys.StageOption{{recsys.Name("s")}, {recsys.Name("s"), recsys.Remote(time.Minute)}} {
		p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Features(outer, opts...))
		for range 3 {
			require.Len(t, recommend(t, p, &recsys.Request{K: 1}).Degraded, 1)
		}
		require.Equal(t, [][]uint64{{7, 8}}, own)
	}

	store := []float32{1, 2}
	for _, size := range []int{2, 1} {
		src := recsys.FeatureFunc{Cols: []recsys.Column{{Name: "v", Kind: recsys.Vector, Dim: 2}}, Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
			out.Vector[0] = store[:size]
			return nil
		}}
		for _, opts := range [][]recsys.StageOption{{recsys.Name("s")}, {recsys.Name("s"), recsys.Remote(time.Minute)}} {
			p := build(t, recsys.Retrieve("a", ranked(1)), recsys.Features(src, opts...))
			for range 3 {
				res := recommend(t, p, &recsys.Request{K: 1})
				require.Len(t, res.Degraded, 1)
				require.ErrorContains(t, res.Degraded[0].Err, "a slice of the block was replaced")
			}
			require.Equal(t, []float32{1, 2}, store)
		}
	}
}

func TestReRankersSliceStaysItsOwn(t *testing.T) {
	fixed := []int32{2, 1, 0}
	first := recsys.ReRankerFunc(func(context.Context, *recsys.Query, *recsys.Candidates, []int32) ([]int32, error) { return fixed, nil })
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3)), recsys.ReRank(first), recsys.ReRank(recsys.ReRankerFunc(
		func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, o []int32) ([]int32, error) {
			o[0], o[1] = o[1], o[0]
			return o, nil
		})))
	for range 3 {
		recommend(t, p, &recsys.Request{K: 3})
	}
	require.Equal(t, []int32{2, 1, 0}, fixed)
}

func TestExplorersSeeTheSameOrderLiveAndReplayed(t *testing.T) {
	log := &memory{}
	var seen []int
	e := recsys.ExplorerFunc(func(_ context.Context, q *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
		seen = append(seen, len(s.Order()))
		if q.Explain {
			t.Error("stages see Explain")
		}
		for s.Next() {
			s.Pick(s.Best(), 1)
		}
		return nil
	})
	p := build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4, 5, 6, 7)), recsys.Explore(e), recsys.Depth(2), recsys.Log(log, recsys.LogFull))
	recommend(t, p, &recsys.Request{K: 1})
	recommend(t, p, &recsys.Request{K: 1, Explain: true})
	_, err := p.Replay(t.Context(), log.records[0])
	require.NoError(t, err)
	require.Equal(t, []int{7, 7, 7}, seen)
}

func TestEverySettingIsPartOfTheVersion(t *testing.T) {
	log := &memory{}
	src := recsys.Retrieve("a", ranked(1, 2, 3))
	explore := recsys.Explore(uniform{})
	recommend(t, build(t, src, explore, recsys.Version("1"), recsys.Log(log, recsys.LogFull)), &recsys.Request{K: 2})
	for name, opts := range map[string][]recsys.Option{
		"depth": {src, explore, recsys.Depth(3)}, "cap": {src, explore, recsys.MaxCandidates(9)}, "merge": {src, explore, recsys.MergeBy(recsys.MaxScore)},
		"quota": {recsys.Retrieve("a", ranked(1, 2, 3), recsys.Quota(7)), explore}, "weight": {recsys.Retrieve("a", ranked(1, 2, 3), recsys.Weight(2)), explore},
	} {
		_, err := build(t, append(opts, recsys.Version("1"))...).Replay(t.Context(), log.records[0])
		require.ErrorIs(t, err, recsys.ErrVersionMismatch, name)
	}
}

func TestCloseClosesEachStageOnceAndFinishesASwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared, own atomic.Int32
		common := &closing{ranked(5), &shared}
		old := build(t, recsys.Retrieve("common", common), recsys.Retrieve("twice", common),
			recsys.Retrieve("own", &closing{slow(time.Minute, ranked(6)), &own}, recsys.Remote(time.Millisecond)))
		next := build(t, recsys.Retrieve("common", common))
		live := recsys.NewLive(old)
		_, err := live.Recommend(t.Context(), &recsys.Request{K: 1})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, live.Swap(ctx, next), context.DeadlineExceeded)
		require.NoError(t, old.Close(t.Context()))
		require.NoError(t, old.Close(t.Context()))
		require.Equal(t, [2]int32{0, 1}, [2]int32{shared.Load(), own.Load()}, "the new pipeline keeps what it uses")
		require.ErrorIs(t, live.Swap(t.Context(), old), recsys.ErrClosed)
		require.Error(t, live.Swap(t.Context(), nil))
		_, err = live.Recommend(t.Context(), &recsys.Request{K: 1})
		require.NoError(t, err, "a refused swap leaves the old pipeline in place")
		done, stop := context.WithCancel(t.Context())
		stop()
		require.NoError(t, next.Close(done), "an idle pipeline needs no time to close")
		require.NoError(t, next.Close(t.Context()))
		require.Equal(t, int32(1), shared.Load(), "one object under two names closes once")
	})
}

func TestStageThatEndsItsGoroutineGivesItsPlaceBack(t *testing.T) {
	exit := recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { runtime.Goexit(); return nil })
	p := build(t, recsys.Retrieve("exit", exit, recsys.Remote(time.Minute), recsys.InFlight(1)), recsys.Retrieve("a", ranked(1)))
	for range 3 {
		res := recommend(t, p, &recsys.Request{K: 1})
		require.Equal(t, recsys.ReasonError, res.Degraded[0].Reason)
	}
	require.NoError(t, p.Close(t.Context()))
}

func TestHugeKIsServed(t *testing.T) {
	for _, k := range []int{math.MaxInt, 1 << 62} {
		p := build(t, recsys.Retrieve("a", ranked(1, 2, 3)), recsys.Explore(uniform{}))
		res := recommend(t, p, &recsys.Request{K: k})
		require.Len(t, res.Items, 3)
		require.Empty(t, res.Degraded)
		require.InDelta(t, 1.0/3, res.Items[0].Propensity, 1e-12)
	}
}

func TestMergeOfExtremeScoresIsFinite(t *testing.T) {
	scored := func(s ...float32) recsys.Retriever {
		return recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
			for i, x := range s {
				out.Add(recsys.ItemID(i), x)
			}
			return nil
		})
	}
	inf := float32(math.Inf(1))
	for _, c := range []struct{ scores, want []float32 }{
		{[]float32{1e-39, 0}, []float32{1, 0}},
		{[]float32{math.MaxFloat32, 0, -math.MaxFloat32}, []float32{1, 0.5, 0}},
		{[]float32{5, -inf}, []float32{1, 0}},
		{[]float32{inf, 3, 1}, []float32{1, 1, 0}},
		{[]float32{2, 2}, []float32{1, 1}},
	} {
		res := recommend(t, build(t, recsys.Retrieve("a", scored(c.scores...)), recsys.MergeBy(recsys.WeightedScore)), &recsys.Request{K: 5})
		require.Empty(t, res.Degraded)
		for _, x := range res.Items {
			require.Equal(t, c.want[x.ID], x.Score, "%v", c.scores)
		}
	}
}

func TestScratchSlateSurvivesAnOrderPermutedInPlace(t *testing.T) {
	worst := recsys.ReRankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, order []int32) ([]int32, error) {
		s := c.Slate(len(order), order)
		for n := 0; s.Next(); n++ {
			row := s.Best()
			s.Pick(row, 1)
			order[len(order)-1-n] = row
		}
		for i, row := range order {
			c.Utility()[row] = float32(-i)
		}
		return order, s.Err()
	})
	res := recommend(t, build(t, recsys.Retrieve("a", ranked(1, 2, 3, 4)), recsys.ReRank(worst)), &recsys.Request{K: 4})
	require.Empty(t, res.Degraded)
	require.Equal(t, ids{4, 3, 2, 1}, items(res))
}

func TestRequestsWithoutIDHaveDifferentIDs(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1, 2)), recsys.Clock(func() time.Time { return time.Unix(5, 0) }))
	seen := map[string]bool{}
	for _, req := range []*recsys.Request{
		{K: 1, Seed: 42, User: 1},
		{K: 1, Seed: 42, User: 2},
		{K: 2, Seed: 42, User: 1},
		{K: 1, Seed: 42, User: 1, Items: ids{3}},
		{K: 1, Seed: 42, User: 1, History: []recsys.Event{{Item: 4}}},
		{K: 1, User: 1},
		{K: 1, User: 1, Surface: "s"},
	} {
		id := recommend(t, p, req).ID
		require.False(t, seen[id], "%+v", req)
		seen[id] = true
	}
}

func TestPanicsWhileBuildingAreMistakesOfTheStage(t *testing.T) {
	a := recsys.Retrieve("a", ranked(1))
	for want, opt := range map[string]recsys.Option{
		"features/f: panic": recsys.Features(panicky{}, recsys.Name("f")),
		"rank/r: panic":     recsys.Rank(panicky{}, recsys.Name("r")),
		"explore/e: panic":  recsys.Explore(panicky{}, recsys.Name("e")),
	} {
		_, err := recsys.NewPipeline(a, opt).Build()
		require.ErrorContains(t, err, want)
	}
	_, err := recsys.NewPipeline(a, recsys.Rank(keepMerge, recsys.Name("m"), recsys.Required()), recsys.Rank(keepMerge, recsys.Name("f"), recsys.AsFallback())).Build()
	require.ErrorContains(t, err, `rank/m: Required, so the fallback "rank/f" would never serve`)
	_, err = recsys.NewPipeline(recsys.Retrieve("a", ranked(1), recsys.Name("z"))).Build()
	require.ErrorContains(t, err, "retrieve/a: Name has no meaning here")
}

// panicky panics when it is asked what it is.
type panicky struct{ uniform }

func (panicky) Columns() []recsys.Column { panic("x") }
func (panicky) Heads() []string          { panic("x") }
func (panicky) Version() string          { panic("x") }
func (panicky) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return nil
}

func (panicky) Rank(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error {
	return nil
}

func TestSinkThatWasOverwrittenByAPanickingSourceIsDisowned(t *testing.T) {
	own := recsys.NewSink(5)
	own.Add(10, 1)
	own.Add(11, 1)
	n := 0
	src := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		if n++; n == 1 {
			reflect.ValueOf(out).Elem().Set(reflect.ValueOf(own).Elem())
			panic("x")
		}
		out.Add(77, 1)
		return nil
	})
	p := build(t, recsys.Retrieve("s", src), recsys.Retrieve("a", ranked(1)))
	recommend(t, p, &recsys.Request{K: 1})
	recommend(t, p, &recsys.Request{K: 1})
	got, _ := own.Items()
	require.Equal(t, ids{10, 11}, got)
}

func TestObserversOfAFailedRequestSeeNothingOfEarlierOnes(t *testing.T) {
	fail := false
	first := recsys.FeatureFunc{Cols: []recsys.Column{{Name: "x"}}, Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
		if fail {
			return errors.New("down")
		}
		return nil
	}}
	second := recsys.FeatureFunc{Cols: []recsys.Column{{Name: "secret"}}, Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
		out.FloatRow(0)[0] = 4242
		return nil
	}}
	var got float32
	var missing bool
	p := build(t, recsys.Retrieve("a", ranked(1)), recsys.Features(first, recsys.Name("first"), recsys.Required()), recsys.Features(second, recsys.Name("second")),
		recsys.Observe(recsys.ObserverFunc(func(_ *recsys.Query, c *recsys.Candidates, _ *recsys.Result) {
			f, _ := c.Schema().Field("secret")
			got, missing = c.Row(0)[f.Index], c.Missing(f.Group).Has(0)
		})))
	recommend(t, p, &recsys.Request{K: 1})
	require.Equal(t, float32(4242), got)
	fail = true
	_, err := p.Recommend(t.Context(), &recsys.Request{K: 1})
	require.ErrorContains(t, err, "features/first")
	require.True(t, missing && math.IsNaN(float64(got)), "got %v", got)
}

func TestSinkThatCancelsLeavesTheAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := build(t, recsys.Retrieve("a", ranked(1)), recsys.Log(recsys.ExposureSinkFunc(func(context.Context, *recsys.Exposure) error {
		cancel()
		return nil
	})))
	res, err := p.Recommend(ctx, &recsys.Request{K: 1})
	require.NoError(t, err, "what was logged was shown")
	require.Len(t, res.Items, 1)
}

func TestReplacedPipelineKeepsSharedStagesOpenWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Int32
		x := &closing{slow(time.Minute, ranked(5)), &closed}
		with := func() *recsys.Pipeline {
			return build(t, recsys.Retrieve("x", x, recsys.Remote(time.Millisecond)), recsys.Retrieve("b", ranked(1)))
		}
		live := recsys.NewLive(with())
		_, err := live.Recommend(t.Context(), &recsys.Request{K: 1})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := with()
		require.ErrorIs(t, live.Swap(ctx, b), context.DeadlineExceeded)
		require.ErrorIs(t, live.Swap(ctx, build(t, recsys.Retrieve("b", ranked(1)))), context.DeadlineExceeded, "the first pipeline still runs on x")
		require.Zero(t, closed.Load())
		time.Sleep(2 * time.Minute)
		require.NoError(t, b.Close(t.Context()))
		require.Equal(t, int32(1), closed.Load())
	})
}

func TestOptionsOfEveryStageArePartOfTheVersion(t *testing.T) {
	a := recsys.Retrieve("a", ranked(1))
	for _, c := range [][2]recsys.Option{
		{recsys.FilterBy(keepAll), recsys.FilterBy(keepAll, recsys.Optional())},
		{recsys.ReRank(keepOrder), recsys.ReRank(keepOrder, recsys.Required())},
		{recsys.Explore(uniform{}), recsys.Explore(uniform{}, recsys.Required())},
	} {
		require.NotEqual(t, build(t, a, c[0]).Version(), build(t, a, c[1]).Version())
		require.Equal(t, build(t, a, c[0]).Version(), build(t, a, c[0]).Version())
	}
}

func TestExplainOfAnEmptyAnswer(t *testing.T) {
	p := build(t, recsys.Retrieve("a", ranked(1, 2)))
	recommend(t, p, &recsys.Request{K: 1, Explain: true})
	res, err := p.Recommend(t.Context(), &recsys.Request{K: 1, Exclude: ids{1, 2}, Explain: true})
	require.ErrorIs(t, err, recsys.ErrNoCandidates)
	why, _, err := res.WhyNot(1)
	require.NoError(t, err)
	require.Equal(t, recsys.Excluded, why)
}
