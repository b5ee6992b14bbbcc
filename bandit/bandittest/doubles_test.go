package bandittest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit/bandittest"
)

// five proposes items 1 to 5, best first.
var five = recsys.RetrieverFunc(func(_ context.Context, _ *recsys.Query, out *recsys.Sink) error {
	for i := range 5 {
		out.Add(recsys.ItemID(i+1), float32(-i))
	}
	return nil
})

func serve(ctx context.Context, t *testing.T, e recsys.Explorer) *recsys.Result {
	t.Helper()
	p, err := recsys.NewPipeline(recsys.Retrieve("five", five), recsys.Explore(e, recsys.Name("faulty"))).Build()
	require.NoError(t, err)
	res, err := p.Recommend(ctx, &recsys.Request{K: 3, Seed: 1})
	require.NoError(t, err)
	return res
}

// A pipeline answers with the greedy slate and says why.
func TestPipelineServesBesideEachDouble(t *testing.T) {
	cause := errors.New("model is gone")
	for name, e := range map[string]recsys.Explorer{
		"stops early":  bandittest.StopsEarly{After: 1},
		"picks twice":  bandittest.PicksTwice{},
		"NaN":          bandittest.NaNPropensity{},
		"panics":       bandittest.Panicking{After: 2},
		"errs":         bandittest.Erroring{After: 1},
		"errs with it": bandittest.Erroring{Err: cause},
	} {
		t.Run(name, func(t *testing.T) {
			res := serve(t.Context(), t, e)
			require.Len(t, res.Items, 3)
			for i, item := range res.Items {
				require.Equal(t, recsys.ItemID(i+1), item.ID)
				require.EqualValues(t, 1, item.Propensity)
			}
			require.Len(t, res.Degraded, 1)
			require.Equal(t, "explore/faulty", res.Degraded[0].Stage)
			if want, ok := e.(bandittest.Erroring); ok {
				if want.Err == nil {
					want.Err = bandittest.ErrFaulty
				}
				require.ErrorIs(t, res.Degraded[0].Err, want.Err)
			}
		})
	}
}

func TestSlowWaitsOrReturnsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.Empty(t, serve(t.Context(), t, bandittest.Slow{Delay: time.Minute}).Degraded)
		require.Equal(t, time.Minute, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res := serve(ctx, t, bandittest.Slow{Delay: time.Minute})
		require.Len(t, res.Items, 3)
		require.ErrorIs(t, res.Degraded[0].Err, context.DeadlineExceeded)
		require.Equal(t, time.Minute+time.Second, time.Since(start))
	})
}

func TestHangingWaitsForReleaseOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := make(chan *recsys.Result, 1)
		go func() { done <- serve(ctx, t, bandittest.Hanging{Release: release}) }()
		<-ctx.Done()
		synctest.Wait()
		require.Empty(t, done, "returned before the release")
		close(release)
		require.Empty(t, (<-done).Degraded)
	})
}
