package recsys_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
)

// slow answers after d, whatever its context says.
func slow(d time.Duration, r recsys.Retriever) recsys.Retriever {
	return recsys.RetrieverFunc(func(ctx context.Context, q *recsys.Query, out *recsys.Sink) error {
		time.Sleep(d)
		return r.Retrieve(ctx, q, out)
	})
}

func TestHungSourceCostsNoMoreThanItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := build(t, recsys.Retrieve("hung", slow(200*time.Millisecond, ranked(9)), recsys.Remote(10*time.Millisecond)), recsys.Retrieve("a", ranked(1, 2)))
		start := time.Now()
		res := recommend(t, p, &recsys.Request{K: 2})
		require.Equal(t, 10*time.Millisecond, time.Since(start))
		require.Equal(t, ids{1, 2}, items(res))
		require.Equal(t, recsys.ReasonTimeout, res.Degraded[0].Reason)
		require.Equal(t, 10*time.Millisecond, res.Trace.Stages[0].Took)
		// Close waits for the abandoned call.
		require.NoError(t, p.Close(t.Context()))
		require.Equal(t, 200*time.Millisecond, time.Since(start))
		_, err := p.Recommend(t.Context(), &recsys.Request{K: 2})
		require.ErrorIs(t, err, recsys.ErrClosed)
	})
}

func TestRemoteSourcesRunAtOnceAndMergeInDeclaredOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opts []recsys.Option
		for i := range 5 {
			d := time.Duration(50-10*i) * time.Millisecond
			opts = append(opts, recsys.Retrieve(fmt.Sprint("s", i), slow(d, ranked(recsys.ItemID(9-i))), recsys.Remote(time.Second)))
		}
		p := build(t, append(opts, recsys.MergeBy(recsys.RoundRobin))...)
		start := time.Now()
		res := recommend(t, p, &recsys.Request{K: 5})
		require.Equal(t, 50*time.Millisecond, time.Since(start))
		require.Equal(t, ids{5, 6, 7, 8, 9}, items(res))
		require.Equal(t, uint64(1), res.Items[4].Sources, "source 0 keeps bit 0 though it came last")
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestLateStageNeverTouchesALaterAnswer(t *testing.T) {
	// The hung call keeps its query, sink and block, and writes into them all the time.
	var stop atomic.Bool
	late := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		user := q.User
		for !stop.Load() {
			out.Add(recsys.ItemID(1000+user), 1)
			if q.User != user || len(q.History) != 1 || q.History[0].Item != recsys.ItemID(user) {
				t.Errorf("query of user %d became %d", user, q.User)
				return nil
			}
			runtime.Gosched()
		}
		return nil
	})
	lateFeatures := recsys.FeatureFunc{Cols: []recsys.Column{{Name: "x", Default: new(float32(1))}}, Func: func(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
		for !stop.Load() {
			out.FloatRow(0)[0] = -7
			runtime.Gosched()
		}
		return nil
	}}
	lateRanker := recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
		for !stop.Load() {
			out.Score[0] = c.Row(0)[0]
			runtime.Gosched()
		}
		return nil
	})
	p := build(t, recsys.Retrieve("late", late, recsys.Remote(time.Millisecond), recsys.InFlight(3)), recsys.Retrieve("a", ranked(1, 2)),
		recsys.Features(lateFeatures, recsys.Remote(time.Millisecond), recsys.InFlight(3)), recsys.Rank(lateRanker, recsys.Remote(time.Millisecond), recsys.InFlight(3)),
		recsys.Observe(recsys.ObserverFunc(func(_ *recsys.Query, c *recsys.Candidates, _ *recsys.Result) {
			if c.Row(0)[0] != 1 {
				t.Errorf("a late source wrote %v into the table", c.Row(0)[0])
			}
		})))
	saturated := 0
	for u := range 6 {
		history := []recsys.Event{{Item: recsys.ItemID(u)}}
		res := recommend(t, p, &recsys.Request{K: 2, User: recsys.UserID(u), History: history})
		history[0].Item = 777 // the request is over: its memory is the caller's again
		require.Equal(t, ids{1, 2}, items(res))
		require.Len(t, res.Degraded, 3)
		for _, d := range res.Degraded {
			if d.Reason == recsys.ReasonSaturated {
				saturated++
				require.ErrorIs(t, d.Err, recsys.ErrSaturated)
			}
		}
	}
	require.Equal(t, 9, saturated, "three calls of each stage hang; the semaphore refuses the others")
	stop.Store(true)
	require.NoError(t, p.Close(t.Context()))
}

func TestCloseGivesUpWaitingWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := build(t, recsys.Retrieve("hung", slow(time.Hour, ranked()), recsys.Remote(time.Millisecond)), recsys.Retrieve("a", ranked(1)))
		recommend(t, p, &recsys.Request{K: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "1 requests or remote calls still run")
		time.Sleep(time.Hour)
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestRemoteFeaturesAndRankerAreCopiedOnSuccess(t *testing.T) {
	cols := []recsys.Column{{Name: "x"}, {Name: "c", Kind: recsys.ID}, {Name: "v", Kind: recsys.Vector, Dim: 2}, {Name: "u", Scope: recsys.PerRequest}}
	store := recsys.FeatureFunc{Cols: cols, Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
		if items == nil {
			out.FloatRow(0)[0] = float32(q.User)
			return nil
		}
		for i, id := range items {
			out.FloatRow(i)[0], out.ID[0][i] = float32(id), uint64(id)*2
			out.VectorAt(0, i)[1] = float32(id) * 3
		}
		out.Miss(0)
		out.Stale.Set(1)
		return nil
	}}
	model := recsys.Rank(headRankerFunc(func(c *recsys.Candidates, out recsys.Scores) {
		for i := range out.Score {
			out.Score[i], out.Heads[i*out.Stride] = c.Vector(0, i)[1]+c.Row(i)[0], c.Row(i)[1]
		}
	}), recsys.Remote(time.Minute))
	p := build(t, recsys.Retrieve("a", ranked(5, 6, 7)), recsys.Features(store, recsys.Remote(time.Minute)), model,
		recsys.Observe(recsys.ObserverFunc(func(_ *recsys.Query, c *recsys.Candidates, _ *recsys.Result) {
			require.Equal(t, []uint64{0, 12, 14}, c.IDColumn(0))
			f, _ := c.Schema().Field("x")
			require.Equal(t, 1, c.Missing(f.Group).Count())
			require.True(t, c.Stale(f.Group).Has(1))
			require.Equal(t, float32(7), c.HeadRow(2)[0])
		})))
	res := recommend(t, p, &recsys.Request{K: 3, User: 4})
	require.Empty(t, res.Degraded)
	require.Equal(t, ids{7, 6, 5}, items(res))
	require.Equal(t, float32(25), res.Items[0].Score, "3*7 from the vector and 4 from the request row")
}

type headRankerFunc func(c *recsys.Candidates, out recsys.Scores)

func (headRankerFunc) Heads() []string { return []string{"h"} }
func (f headRankerFunc) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	f(c, out)
	return nil
}

func TestDeadlineOfTheCallerBoundsRemoteStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := build(t, recsys.Retrieve("hung", slow(time.Second, ranked(9)), recsys.Remote(500*time.Millisecond)), recsys.Retrieve("a", ranked(1)))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		start := time.Now()
		res, err := p.Recommend(ctx, &recsys.Request{K: 1})
		require.NoError(t, err, "a deadline that passes on the way still gets what is there")
		require.Equal(t, ids{1}, items(res))
		require.Equal(t, 20*time.Millisecond, time.Since(start))
		require.NoError(t, p.Close(t.Context()))
	})
	synctest.Test(t, func(t *testing.T) {
		p := build(t, recsys.Retrieve("hung", slow(time.Second, ranked(9)), recsys.Remote(500*time.Millisecond)), recsys.Retrieve("a", ranked(1)))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Millisecond, cancel)
		_, err := p.Recommend(ctx, &recsys.Request{K: 1})
		require.ErrorIs(t, err, context.Canceled, "nobody waits for the answer any more")
		require.NoError(t, p.Close(t.Context()))
	})
}

func TestRequiredRemoteSourceThatFailsLeavesNoCallBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		p := build(t, recsys.Retrieve("a", failing(down), recsys.Required()),
			recsys.Retrieve("hung", slow(time.Second, ranked(9)), recsys.Remote(500*time.Millisecond)),
			recsys.Retrieve("quick", ranked(9), recsys.Remote(500*time.Millisecond)))
		_, err := p.Recommend(t.Context(), &recsys.Request{K: 1})
		require.ErrorIs(t, err, down)
		require.NoError(t, p.Close(t.Context()))
	})
}

// closing counts how often it is closed.
type closing struct {
	recsys.Retriever
	n *atomic.Int32
}

func (c closing) Close() error { c.n.Add(1); return nil }

func TestSwapServesOneVersionPerRequestAndClosesWhatIsLeft(t *testing.T) {
	version := func(v recsys.ItemID, extra ...recsys.Option) *recsys.Pipeline {
		return build(t, append(extra, recsys.Version(fmt.Sprint(v)), recsys.Retrieve("a", ranked(v)), recsys.Retrieve("b", ranked(v+1000)))...)
	}
	var shared, own atomic.Int32
	common := &closing{ranked(5), &shared}
	old := version(1, recsys.Retrieve("common", common), recsys.Retrieve("own", &closing{ranked(6), &own}))
	live := recsys.NewLive(old)
	stop := make(chan struct{})
	done := make(chan int)
	for range 4 {
		go func() {
			n := 0
			for res := new(recsys.Result); ; n++ {
				select {
				case <-stop:
					done <- n
					return
				default:
				}
				if err := live.RecommendInto(context.Background(), &recsys.Request{K: 4}, res); err != nil {
					t.Error(err)
					done <- n
					return
				}
				for _, item := range res.Items {
					if fmt.Sprint(item.ID%1000) != res.Version && item.ID != 5 && item.ID != 6 {
						t.Errorf("version %s served item %d", res.Version, item.ID)
					}
				}
			}
		}()
	}
	for v := recsys.ItemID(2); v < 200; v++ {
		require.NoError(t, live.Swap(t.Context(), version(v, recsys.Retrieve("common", common))))
	}
	close(stop)
	for range 4 {
		<-done
	}
	require.Equal(t, int32(1), own.Load())
	require.Zero(t, shared.Load(), "the new pipeline uses it still")
	require.NoError(t, live.Pipeline().Close(t.Context()))
	require.Equal(t, int32(1), shared.Load())
}
