package retrieval_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

// published returns a retriever of items given as ID and hours before noon.
func published(t testing.TB, cfg retrieval.NewestConfig, pairs ...int) *retrieval.Newest {
	t.Helper()
	var ids []recsys.ItemID
	var times []time.Time
	for i := 0; i < len(pairs); i += 2 {
		ids = append(ids, recsys.ItemID(pairs[i]))
		times = append(times, noon.Add(-time.Duration(pairs[i+1])*time.Hour))
	}
	n, err := retrieval.NewNewest(ids, times, cfg)
	require.NoError(t, err)
	return n
}

func TestNewestIsInTimeOrderThenByID(t *testing.T) {
	n := published(t, retrieval.NewestConfig{}, 4, 10, 9, 3, 2, 3, 7, 0, 1, 50)
	ids, scores := ask(t, n, recsys.Request{Now: noon}, 10)
	require.Equal(t, []recsys.ItemID{7, 2, 9, 4, 1}, ids)
	require.Equal(t, []float32{1, 0.8, 0.8, 0.4, 0.2}, scores, "the share of items published no later")
}

func TestNewestDoesNotKnowTheFuture(t *testing.T) {
	n := published(t, retrieval.NewestConfig{}, 1, 0, 2, 1, 3, 2)
	for hours, want := range map[int][]recsys.ItemID{0: {1, 2, 3}, 1: {2, 3}, 2: {3}, 3: nil} {
		ids, _ := ask(t, n, recsys.Request{Now: noon.Add(-time.Duration(hours) * time.Hour)}, 10)
		require.Equal(t, want, ids, "%d hours before noon", hours)
	}
	dst := []float32{9, 9, 9, 9}
	q := recsys.NewQuery(&recsys.Request{Now: noon.Add(-time.Hour)}, nil, "x")
	require.NoError(t, n.ScoreItems(t.Context(), q, []recsys.ItemID{1, 2, 3, 4}, dst))
	require.Equal(t, []float32{0, 2. / 3, 1. / 3, 0}, dst)
}

func TestNewestHorizonIsMeasuredFromTheRequest(t *testing.T) {
	n := published(t, retrieval.NewestConfig{Horizon: 5 * time.Hour}, 1, 0, 2, 4, 3, 5, 4, 6)
	ids, _ := ask(t, n, recsys.Request{Now: noon}, 10)
	require.Equal(t, []recsys.ItemID{1, 2}, ids, "at the horizon is beyond it")
	ids, _ = ask(t, n, recsys.Request{Now: noon.Add(-4 * time.Hour)}, 10)
	require.Equal(t, []recsys.ItemID{2, 3, 4}, ids)
	ids, _ = ask(t, n, recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{1, 2, 3, 4}, ids, "without a time all are out")
	ids, _ = ask(t, published(t, retrieval.NewestConfig{Horizon: 1<<63 - 1}, 1, 0), recsys.Request{Now: noon}, 10)
	require.Equal(t, []recsys.ItemID{1}, ids, "a horizon before all time")
}

func TestNewestLeavesUnknownTimesOut(t *testing.T) {
	n, err := retrieval.NewNewest([]recsys.ItemID{1, 2}, []time.Time{{}, noon}, retrieval.NewestConfig{})
	require.NoError(t, err)
	ids, scores := ask(t, n, recsys.Request{Now: noon}, 10)
	require.Equal(t, []recsys.ItemID{2}, ids)
	require.Equal(t, []float32{1}, scores)
}

func TestNewestErrors(t *testing.T) {
	for want, make := range map[string]func() (*retrieval.Newest, error){
		"2 items and 1 times": func() (*retrieval.Newest, error) {
			return retrieval.NewNewest([]recsys.ItemID{1, 2}, []time.Time{noon}, retrieval.NewestConfig{})
		},
		"Horizon is -1ns": func() (*retrieval.Newest, error) {
			return retrieval.NewNewest(nil, nil, retrieval.NewestConfig{Horizon: -1})
		},
		"item 1 at 1 follows item 1": func() (*retrieval.Newest, error) {
			return retrieval.NewNewest([]recsys.ItemID{1, 1}, []time.Time{noon, noon}, retrieval.NewestConfig{})
		},
		"item 3 was published in 1500": func() (*retrieval.Newest, error) {
			return retrieval.NewNewest([]recsys.ItemID{3}, []time.Time{time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC)}, retrieval.NewestConfig{})
		},
	} {
		_, err := make()
		require.ErrorContains(t, err, want)
	}
}

func TestNewestConformance(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	var ids []recsys.ItemID
	var times []time.Time
	for i := range 100 {
		ids = append(ids, recsys.ItemID(i*37%100))
		times = append(times, at.Add(-time.Duration(i/3)*time.Nanosecond))
	}
	retrievaltest.Suite{Empty: func() recsys.Retriever { return published(t, retrieval.NewestConfig{}) }}.Run(t,
		func(t *testing.T) recsys.Retriever {
			n, err := retrieval.NewNewest(ids, times, retrieval.NewestConfig{Horizon: 30})
			require.NoError(t, err)
			return n
		})
}

func TestNewestDoesNotAllocate(t *testing.T) {
	n := published(t, retrieval.NewestConfig{Horizon: 100 * time.Hour}, 1, 0, 2, 4, 3, 5, 4, 6)
	pipeline, err := recsys.NewPipeline(recsys.Retrieve("newest", n)).Build()
	require.NoError(t, err)
	req := recsys.Request{ID: "a", K: 2, Now: noon}
	var res recsys.Result
	run := func() { require.NoError(t, pipeline.RecommendInto(context.Background(), &req, &res)) }
	run()
	if !race.Enabled {
		require.Zero(t, testing.AllocsPerRun(50, run))
	}
}

func ExampleNewNewest() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	newest, err := retrieval.NewNewest(
		[]recsys.ItemID{1, 2, 3},
		[]time.Time{now.Add(-time.Hour), now.Add(-72 * time.Hour), now.Add(time.Hour)},
		retrieval.NewestConfig{Horizon: 48 * time.Hour},
	)
	if err != nil {
		panic(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("newest", newest)).Build()
	if err != nil {
		panic(err)
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{K: 10, Now: now})
	if err != nil {
		panic(err)
	}
	for _, item := range res.Items {
		fmt.Println(item.ID)
	}
	// Output: 1
}
