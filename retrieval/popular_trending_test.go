package retrieval_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
)

const day = 24

// rising is data of ten days: item 1 is always popular, 2 has just become so, 3 is over, 4 was
// taken once in the last day, 5 as often as ever but rarely.
func rising(t testing.TB) *retrieval.Interactions {
	var acts []act
	user := uint64(0)
	add := func(item uint64, daysAgo, n int) {
		for range n {
			user++
			acts = append(acts, act{user, item, daysAgo*day + 1, 1})
		}
	}
	add(5, 0, 4) // the newest acts are an hour before noon
	for d := range 10 {
		add(1, d, 100)
		if d > 0 {
			add(5, d, 4)
			add(3, d, 30)
		}
	}
	add(2, 0, 40)
	add(2, 5, 20)
	add(4, 0, 1)
	return interactions(t, acts...)
}

func newTrending(t testing.TB, in *retrieval.Interactions, cfg retrieval.TrendingConfig) *retrieval.Popular {
	t.Helper()
	p, err := retrieval.NewTrending(in, cfg)
	require.NoError(t, err)
	return p
}

func TestTrendingFindsWhatIsRising(t *testing.T) {
	in := rising(t)
	cfg := retrieval.TrendingConfig{Window: day * time.Hour, Reference: noon}
	ids, scores := ask(t, newTrending(t, in, cfg), recsys.Request{}, 10)
	require.Equal(t, recsys.ItemID(2), ids[0])
	require.Greater(t, scores[0], float32(1.5), "with 95 % certainty it is taken far more often than before")
	require.NotContains(t, ids, recsys.ItemID(3), "nobody took it in the window")
	popular, _ := ask(t, newPopular(t, in, retrieval.PopularConfig{}), recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{1, 3}, popular[:2])
	for k, id := range ids[1:] {
		require.Less(t, scores[k+1], float32(1.2), "item %d", id)
	}
}

func TestTrendingRateIsForEveryone(t *testing.T) {
	cfg := retrieval.TrendingConfig{Window: day * time.Hour, Reference: noon, Rate: true}
	ids, scores := ask(t, newTrending(t, rising(t), cfg), recsys.Request{}, 10)
	require.Equal(t, []recsys.ItemID{1, 2}, ids[:2])
	require.Len(t, ids, 5, "what is over has a rate too, a small one")
	require.InDelta(t, 100, scores[0], 5, "records of item 1 in a day")
}

// Source: the posterior of a Poisson count with a Gamma prior (Clayton and Kaldor, Biometrics
// 1987, section 2), integrated numerically.
func TestTrendingScoreIsThePosterior(t *testing.T) {
	const prior = 3.0
	in := rising(t)
	window := map[recsys.ItemID]float64{1: 100, 2: 40, 4: 1, 5: 4}
	baseline := map[recsys.ItemID]float64{1: 900, 2: 20, 3: 270, 5: 36}
	rising := newTrending(t, in, retrieval.TrendingConfig{Window: day * time.Hour, Reference: noon, Prior: prior})
	rate := newTrending(t, in, retrieval.TrendingConfig{Window: day * time.Hour, Reference: noon, Prior: prior, Rate: true})
	q := recsys.NewQuery(&recsys.Request{}, nil, "x")
	dst := make([]float32, 1)
	for id := recsys.ItemID(1); id <= 5; id++ {
		c, e := window[id], 145*(baseline[id]+1)/(1226+5)
		density := func(x float64) float64 { // of the lift, up to a constant: prior × likelihood
			return math.Exp((prior-1)*math.Log(x) - prior*x + c*math.Log(x*e) - x*e)
		}
		const step = 1e-4
		sum := 0.0
		for x := step / 2; x < 60; x += step {
			sum += density(x)
		}
		quantile, below := 0.0, 0.0
		for x := step / 2; below < 0.05*sum; x += step {
			below += density(x)
			quantile = x
		}
		require.NoError(t, rate.ScoreItems(t.Context(), q, []recsys.ItemID{id}, dst))
		require.InEpsilon(t, meanRate(prior, c, e), dst[0], 1e-3, "item %d: expected records", id)
		require.NoError(t, rising.ScoreItems(t.Context(), q, []recsys.ItemID{id}, dst))
		if c == 0 {
			require.Zero(t, dst[0])
			continue
		}
		require.InDelta(t, quantile, dst[0], 0.012/(prior+e)+2e-4, "item %d: what the lift exceeds in 95 %% of cases", id)
	}
}

// meanRate is the mean of a rate with a Gamma prior of mean e and rate prior, given a Poisson count.
func meanRate(prior, c, e float64) float64 {
	sum, first := 0.0, 0.0
	const step = 1e-3
	for x := step / 2; x < 500; x += step {
		density := math.Exp((prior*e-1)*math.Log(x/e) - prior*(x-e) + c*math.Log(x/max(c, 1)) - x + c)
		sum += density
		first += x * density
	}
	return first / sum
}

// Counts that were drawn with a known spread give it back.
func TestTrendingPriorFitsTheSpread(t *testing.T) {
	for _, shape := range []int{1, 4} {
		rnd := rand.New(rand.NewPCG(1, uint64(shape)))
		var r retrieval.Records
		user := recsys.UserID(0)
		add := func(item, n, hours int) {
			for range n {
				user++
				r.Users, r.Items = append(r.Users, user), append(r.Items, recsys.ItemID(item))
				r.Times = append(r.Times, noon.Add(-time.Duration(hours)*time.Hour).UnixNano())
			}
		}
		const items, expected = 2000, 20
		most, top := 0, 0
		for i := range items {
			lift := 0.0
			for range shape {
				lift += rnd.ExpFloat64() / float64(shape)
			}
			c := 0
			for x := rnd.ExpFloat64(); x < lift*expected; x += rnd.ExpFloat64() {
				c++
			}
			add(i, c, 1)
			add(i, expected, 48)
			if c > most {
				most, top = c, i
			}
		}
		in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
		require.NoError(t, err)
		c, e := float64(most), float64(in.NumRecords()-items*expected)/items
		score := func(rate bool, prior float64) float64 {
			p := newTrending(t, in, retrieval.TrendingConfig{Window: day * time.Hour, Reference: noon, Rate: rate, Prior: prior})
			dst := make([]float32, 1)
			require.NoError(t, p.ScoreItems(t.Context(), recsys.NewQuery(&recsys.Request{}, nil, "x"), []recsys.ItemID{recsys.ItemID(top)}, dst))
			return float64(dst[0])
		}
		r0 := score(true, 0)
		require.InEpsilon(t, float64(shape)/e, (c-r0)/(r0-e), 0.15, "the rate")
		// The lift of the item with the most records falls with the prior.
		require.Greater(t, score(false, float64(shape)*0.85), score(false, 0))
		require.Less(t, score(false, float64(shape)*1.15), score(false, 0))
	}
}

func TestTrendingIgnoresWhatIsOutsideOfItsTimes(t *testing.T) {
	acts := []act{{1, 1, 5, 1}, {2, 1, 30, 1}, {3, 2, 30, 1}}
	cfg := retrieval.TrendingConfig{Window: day * time.Hour, Baseline: day * time.Hour, Reference: noon}
	want := newTrending(t, interactions(t, append(acts, act{7, 2, 500, 0.5})...), retrieval.TrendingConfig{Window: cfg.Window, Reference: noon, Baseline: 300 * time.Hour})
	require.NotEmpty(t, want.Version())
	for _, more := range []act{{9, 1, -2, 1}, {9, 2, 48, 1}, {9, 2, 1000, 1}} {
		got := newTrending(t, interactions(t, append(acts, more)...), cfg)
		require.Equal(t, want.Version(), got.Version(), "%+v", more)
	}
	inside := newTrending(t, interactions(t, append(acts, act{9, 2, 23, 1})...), cfg)
	require.NotEqual(t, want.Version(), inside.Version())
}

func TestTrendingOfNothing(t *testing.T) {
	ids, _ := ask(t, newTrending(t, interactions(t), retrieval.TrendingConfig{}), recsys.Request{}, 5)
	require.Empty(t, ids)
	ids, _ = ask(t, newTrending(t, interactions(t, act{1, 7, 0, 1}), retrieval.TrendingConfig{}), recsys.Request{}, 5)
	require.Equal(t, []recsys.ItemID{7}, ids, "without a past")
}

func TestTrendingConfigErrorsNameTheField(t *testing.T) {
	in := interactions(t, act{1, 1, 0, 1})
	for want, cfg := range map[string]retrieval.TrendingConfig{
		"TrendingConfig.Window is -1ns":   {Window: -1},
		"TrendingConfig.Baseline is -2ns": {Baseline: -2},
		"TrendingConfig.Prior is NaN":     {Prior: math.NaN()},
	} {
		_, err := retrieval.NewTrending(in, cfg)
		require.ErrorContains(t, err, want)
	}
	_, err := retrieval.NewTrending(timeless(t), retrieval.TrendingConfig{})
	require.ErrorIs(t, err, retrieval.ErrNoTimes)
	_, err = retrieval.NewTrending(nil, retrieval.TrendingConfig{})
	require.ErrorContains(t, err, "nil")
}

func TestTrendingConformance(t *testing.T) {
	in, _ := busy(t)
	for _, rate := range []bool{false, true} {
		retrievaltest.Suite{Empty: func() recsys.Retriever {
			return newTrending(t, interactions(t), retrieval.TrendingConfig{Rate: rate})
		}}.Run(t, func(t *testing.T) recsys.Retriever {
			return newTrending(t, in, retrieval.TrendingConfig{Window: day * time.Hour, Rate: rate})
		})
	}
}

func ExampleNewTrending() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var r retrieval.Records
	take := func(item recsys.ItemID, daysAgo, times int) {
		for range times {
			r.Users, r.Items = append(r.Users, recsys.UserID(len(r.Users))), append(r.Items, item)
			r.Times = append(r.Times, now.AddDate(0, 0, -daysAgo).UnixNano())
		}
	}
	for day := range 30 {
		take(7, day, 50) // always popular
	}
	take(5, 0, 20) // since today
	take(5, 9, 5)
	in, err := retrieval.NewInteractions(r, retrieval.SumWeights)
	if err != nil {
		panic(err)
	}
	trending, err := retrieval.NewTrending(in, retrieval.TrendingConfig{Window: 24 * time.Hour})
	if err != nil {
		panic(err)
	}
	p, err := recsys.NewPipeline(recsys.Retrieve("trending", trending)).Build()
	if err != nil {
		panic(err)
	}
	res, err := p.Recommend(context.Background(), &recsys.Request{K: 1})
	if err != nil {
		panic(err)
	}
	fmt.Println(res.Items[0].ID)
	// Output: 5
}
