package rankingtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

// serve answers a request for items 1 to 6 through a pipeline around the ranker, with a fallback
// that prefers large ids.
func serve(t *testing.T, r recsys.Ranker, opts ...recsys.StageOption) *recsys.Result {
	t.Helper()
	source := recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
		for id := recsys.ItemID(1); id <= 6 && out.Add(id, 0); id++ {
		}
		return nil
	})
	price := recsys.FeatureFunc{
		Cols: []recsys.Column{{Name: "price"}},
		Func: func(_ context.Context, _ *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
			for i, id := range items {
				out.FloatRow(i)[0] = float32(id)
			}
			return nil
		},
	}
	fallback := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for i := range out.Score {
			out.Score[i] = c.Row(i)[0]
		}
		return nil
	})
	p, err := recsys.NewPipeline(
		recsys.Retrieve("all", source), recsys.Features(price),
		recsys.Rank(r, append(opts, recsys.Name("main"))...),
		recsys.Rank(fallback, recsys.Name("plan-b"), recsys.AsFallback()),
	).Build()
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Recommend(t.Context(), &recsys.Request{ID: "r", K: 3})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestPipelineServesBesideEachDouble(t *testing.T) {
	for _, c := range []struct {
		name   string
		ranker recsys.Ranker
		reason recsys.Reason // of the first degradation; empty: none
		first  recsys.ItemID
	}{
		{"slow", rankingtest.Slow{Delay: time.Nanosecond}, "", 1},
		{"panicking", rankingtest.Panicking{}, recsys.ReasonPanic, 6},
		{"panicking with a value", rankingtest.Panicking{Value: "out of range"}, recsys.ReasonPanic, 6},
		{"erroring", rankingtest.Erroring{}, recsys.ReasonError, 6},
		{"nan", rankingtest.NaN{}, recsys.ReasonNaN, 1},
		{"nan for even items", rankingtest.NaN{Every: 2}, recsys.ReasonNaN, 1},
		{"row order", rankingtest.RowOrder{}, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := serve(t, c.ranker)
			if len(res.Items) != 3 || res.Items[0].ID != c.first {
				t.Errorf("slate %v; want 3 items, %d first", res.Items, c.first)
			}
			switch {
			case c.reason == "" && len(res.Degraded) > 0:
				t.Errorf("degraded: %v", res.Degraded)
			case c.reason != "" && (len(res.Degraded) == 0 || res.Degraded[0].Reason != c.reason):
				t.Errorf("degraded: %v; want %q first", res.Degraded, c.reason)
			}
		})
	}
}

func TestHangingRankerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		start := time.Now()
		res := serve(t, rankingtest.Hanging{Release: release}, recsys.Remote(20*time.Millisecond))
		if took := time.Since(start); took != 20*time.Millisecond {
			t.Errorf("took %v of the bubble's time; want the budget of 20ms", took)
		}
		if len(res.Degraded) == 0 || res.Degraded[0].Reason != recsys.ReasonTimeout || res.Items[0].ID != 6 {
			t.Errorf("degraded %v, slate %v; want a timeout and the fallback's slate", res.Degraded, res.Items)
		}
		close(release)
		synctest.Wait()
	})
}

func TestSlowWaitsOrReturnsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := recsys.NewCandidates(nil, []recsys.ItemID{4})
		out := recsys.NewScores(1, 0)
		start := time.Now()
		r := rankingtest.Slow{Delay: time.Minute}
		if err := r.Rank(t.Context(), nil, c, out); err != nil || time.Since(start) != time.Minute || out.Score[0] != 0.2 {
			t.Errorf("error %v after %v, score %v; want 0.2 after a minute", err, time.Since(start), out.Score[0])
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Rank(ctx, nil, c, out); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v; want one that wraps the context's", err)
		}
	})
}

func TestErringHasItsOwnError(t *testing.T) {
	out := recsys.NewScores(2, 0)
	mine := errors.New("mine")
	if err := (rankingtest.Erroring{Err: mine}).Rank(t.Context(), nil, nil, out); err != mine {
		t.Errorf("error %v; want %v", err, mine)
	}
	if err := (rankingtest.Erroring{}).Rank(t.Context(), nil, nil, out); err != rankingtest.ErrFaulty {
		t.Errorf("error %v; want %v", err, rankingtest.ErrFaulty)
	}
}
