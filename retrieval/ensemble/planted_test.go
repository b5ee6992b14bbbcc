package ensemble_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// planted proposes items by a score that is made for each user and item, and knows those for
// which it is not 0.
type planted func(user recsys.UserID, item recsys.ItemID) float32

const plantedItems = 120

func (p planted) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	type scored struct {
		item  recsys.ItemID
		score float32
	}
	var all []scored
	for id := recsys.ItemID(1); id <= plantedItems; id++ {
		if x := p(q.User, id); x != 0 {
			all = append(all, scored{id, x})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	for _, x := range all {
		if !out.Add(x.item, x.score) {
			break
		}
	}
	return nil
}

func (p planted) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	for i, id := range items {
		dst[i] = 0
		if id <= plantedItems {
			dst[i] = p(q.User, id)
		}
	}
	return nil
}

// listOnly hides that a retriever is an ItemScorer.
type listOnly struct{ recsys.Retriever }

// noise is a number in [0, 1) that depends on its arguments alone.
func noise(seed, user, item uint64) float32 {
	return float32(hash.Combine(seed, user, item)>>40) / (1 << 24)
}

// answersOf returns four items for a user.
func answersOf(user recsys.UserID) []recsys.ItemID { return answers()[user%1000] }

var answers = sync.OnceValue(func() [][]recsys.ItemID {
	lists := make([][]recsys.ItemID, 1000)
	for user := range lists {
		rnd := rand.New(rand.NewPCG(uint64(user), 5))
		for _, i := range rnd.Perm(plantedItems)[:4] {
			lists[user] = append(lists[user], recsys.ItemID(i+1))
		}
		slices.Sort(lists[user])
	}
	return lists
})

// finds returns a source that gives the answers of a user which are in its part a score of up
// to lift more than the noise that all items have, times the scale.
func finds(seed uint64, lift, scale float32, part func(item recsys.ItemID) bool) planted {
	return func(user recsys.UserID, item recsys.ItemID) float32 {
		x := noise(seed, uint64(user), uint64(item))
		if part(item) && slices.Contains(answersOf(user), item) {
			x += lift * noise(seed+1, uint64(user), uint64(item))
		}
		return scale * (x + 0.001)
	}
}

func even(item recsys.ItemID) bool { return item%2 == 0 }
func odd(item recsys.ItemID) bool  { return item%2 == 1 }
func all(recsys.ItemID) bool       { return true }
func none(recsys.ItemID) bool      { return false }

func plantedCases(n int) []ensemble.Case {
	cases := make([]ensemble.Case, n)
	for i := range cases {
		user := recsys.UserID(i + 1)
		cases[i] = ensemble.Case{Request: recsys.Request{ID: "x", Seed: 1, User: user}, Relevant: answersOf(user)}
	}
	return cases
}

func learn(t testing.TB, cfg ensemble.Config, cases []ensemble.Case, sources ...ensemble.Source) *ensemble.Ensemble {
	t.Helper()
	e, err := ensemble.Learn(t.Context(), sources, cases, cfg)
	require.NoError(t, err)
	return e
}

// Two sources that find different answers both earn their place; a copy of the first, in other
// units, adds nothing, and neither does one that knows nothing.
func TestARedundantSourceAddsNothing(t *testing.T) {
	first := finds(1, 4, 1, even)
	copied := func(user recsys.UserID, item recsys.ItemID) float32 { return 1000 * first(user, item) }
	e := learn(t, ensemble.Config{Budget: 40, K: 5}, plantedCases(400),
		ensemble.Source{Name: "even", Retriever: first},
		ensemble.Source{Name: "copy", Retriever: planted(copied)},
		ensemble.Source{Name: "odd", Retriever: finds(3, 4, 7, odd)},
		ensemble.Source{Name: "noise", Retriever: finds(5, 0, 1, none)},
	)
	r := e.Report()
	t.Log("\n" + r.String())
	even, copy, odd, noise := r.Sources[0], r.Sources[1], r.Sources[2], r.Sources[3]
	require.Greater(t, even.Added, 0.2)
	require.Greater(t, odd.Added, 0.2)
	require.InDelta(t, 0, copy.Added, 0.001)
	require.InDelta(t, 0, noise.Added, 0.03)
	require.Equal(t, even.Recall, copy.Recall, "alone it is as good")
	require.Zero(t, copy.Quota)
	require.Zero(t, copy.Weight)
	require.InDelta(t, 0, noise.Weight, 0.05)
	require.InDelta(t, 1, odd.Weight/even.Weight, 0.6, "one is as good as the other")
	require.Greater(t, r.Blend, r.Single+0.1)
	require.LessOrEqual(t, even.Quota+odd.Quota+noise.Quota, 40)
}

func TestUnitsOfScoresPlayNoPart(t *testing.T) {
	blend := func(scale float32) *ensemble.Report {
		return learn(t, ensemble.Config{Budget: 30}, plantedCases(60),
			ensemble.Source{Name: "even", Retriever: finds(1, 2, scale, even)},
			ensemble.Source{Name: "all", Retriever: finds(3, 1, 1, all)},
		).Report()
	}
	require.Equal(t, blend(1), blend(1024))
}

func TestABetterSourceGetsMoreWeight(t *testing.T) {
	e := learn(t, ensemble.Config{K: 10}, plantedCases(300),
		ensemble.Source{Name: "good", Retriever: finds(1, 3, 1, all)},
		ensemble.Source{Name: "poor", Retriever: finds(3, 0.7, 50, all)},
	)
	r := e.Report()
	t.Log("\n" + r.String())
	require.Equal(t, 1.0, e.Weights()["good"])
	require.Less(t, e.Weights()["poor"], 0.8)
	require.Greater(t, e.Weights()["poor"], 0.05)
	require.Contains(t, []string{"likelihood", "metric"}, r.WeightsKept)
	require.Greater(t, r.Blend, r.Single)
	require.Greater(t, r.Blend, r.Equal)
	require.Greater(t, r.Sources[0].Gain, r.Sources[1].Gain)
}

// What is learned from ten cases is no better than equal weights, and must not be kept.
func TestWhatWasLearnedByHeartIsGivenUp(t *testing.T) {
	kept := map[string]int{}
	for seed := range uint64(15) {
		e := learn(t, ensemble.Config{Seed: seed, K: 3, Budget: 50}, plantedCases(10),
			ensemble.Source{Name: "a", Retriever: finds(10*seed, 0.5, 1, all)},
			ensemble.Source{Name: "b", Retriever: finds(10*seed+3, 0.5, 1, all)},
			ensemble.Source{Name: "c", Retriever: finds(10*seed+6, 0.5, 1, all)},
			ensemble.Source{Name: "d", Retriever: finds(10*seed+8, 0.5, 1, all)},
		)
		r := e.Report()
		require.Equal(t, 10, r.Cases)
		require.Equal(t, 5, r.Folds)
		if kept[r.WeightsKept]++; r.WeightsKept == "equal" {
			for _, w := range e.Weights() {
				require.Equal(t, 1.0, w)
			}
			require.Equal(t, r.Equal, r.Blend)
		}
	}
	require.Greater(t, kept["equal"]+kept["single"], 12, "kept: %v", kept)
}

// A blend that is no better than one of its sources costs calls for nothing. One in six gets through
// a bound of one standard error by luck.
func TestOneSourceIsKeptWhereTheOthersTellNothing(t *testing.T) {
	kept := 0
	for seed := range uint64(10) {
		e := learn(t, ensemble.Config{Seed: seed, K: 10}, plantedCases(200),
			ensemble.Source{Name: "noise", Retriever: finds(10*seed+5, 0, 1, none)},
			ensemble.Source{Name: "good", Retriever: finds(10*seed, 2, 1, all)},
		)
		r := e.Report()
		require.Equal(t, "good", r.SingleName)
		if r.WeightsKept != "single" {
			continue
		}
		kept++
		require.Equal(t, map[string]float64{"noise": 0, "good": 1}, e.Weights())
		require.Equal(t, r.Single, r.Blend)
		require.Zero(t, r.StdErr)
	}
	require.GreaterOrEqual(t, kept, 7)
}

func TestABlendIsKeptWhereItIsSurelyBetter(t *testing.T) {
	r := learn(t, ensemble.Config{K: 10}, plantedCases(300),
		ensemble.Source{Name: "a", Retriever: finds(1, 1, 1, all)},
		ensemble.Source{Name: "b", Retriever: finds(3, 1, 30, all)},
	).Report()
	require.Equal(t, "equal", r.WeightsKept, "one is as good as the other\n%v", r)
	require.Greater(t, r.Blend, r.Single+r.StdErr)
}

func TestFolds(t *testing.T) {
	folds := func(cases, folds int) int {
		return learn(t, ensemble.Config{K: 1, Budget: 1, Folds: folds, Metric: ensemble.HitRate}, plantedCases(cases),
			ensemble.Source{Name: "a", Retriever: finds(1, 9, 1, all)}).Report().Folds
	}
	require.Equal(t, 5, folds(10, 0))
	require.Equal(t, 2, folds(5000, 0))
	require.Equal(t, 3, folds(5000, 3))
	require.Equal(t, 4, folds(4, 100), "no more than cases")
	require.Equal(t, 2, folds(2, 0))
}

func TestLearningDoesNotDependOnWorkersOrOrderOfCalls(t *testing.T) {
	sources := []ensemble.Source{
		{Name: "a", Retriever: finds(1, 2, 1, even)},
		{Name: "b", Retriever: listOnly{finds(3, 2, 1, odd)}},
		{Name: "c", Retriever: finds(5, 1, 1, all), Quota: 77, Weight: 5},
	}
	var files []string
	for _, workers := range []int{1, 2, 7} {
		e := learn(t, ensemble.Config{Workers: workers, Budget: 30}, plantedCases(80), sources...)
		files = append(files, e.Version())
	}
	require.Equal(t, files[0], files[1])
	require.Equal(t, files[0], files[2])
}

// The metric of sampled protocols ranks the candidates of the case.
func TestCandidatesOfACaseAreRanked(t *testing.T) {
	cases := plantedCases(150)
	for i := range cases {
		a := cases[i].Relevant[0]
		cases[i].Relevant = []recsys.ItemID{a, a}
		cases[i].Candidates = []recsys.ItemID{a, 7, 3, 110, 3, 20, 90, 111, 112, 113}
	}
	e := learn(t, ensemble.Config{K: 1, Metric: ensemble.HitRate}, cases,
		ensemble.Source{Name: "noise", Retriever: finds(1, 0, 1, none)},
		ensemble.Source{Name: "good", Retriever: finds(3, 50, 1, all)},
	)
	r := e.Report()
	require.Greater(t, r.Sources[1].Score, 0.85)
	require.InDelta(t, 0.11, r.Sources[0].Score, 0.12, "one of nine")
	require.Greater(t, r.Blend, 0.85)
}

func TestLearnRefusesWhatTeachesNothing(t *testing.T) {
	good := ensemble.Source{Name: "a", Retriever: finds(1, 2, 1, all)}
	failing := errors.New("no connection")
	learn := func(cases []ensemble.Case, cfg ensemble.Config, sources ...ensemble.Source) error {
		_, err := ensemble.Learn(t.Context(), sources, cases, cfg)
		return err
	}
	cases := plantedCases(10)
	require.ErrorIs(t, learn(nil, ensemble.Config{}, good), ensemble.ErrNoCases)
	require.ErrorIs(t, learn(append(make([]ensemble.Case, 5), cases[0]), ensemble.Config{}, good), ensemble.ErrNoCases)
	nothing := planted(func(recsys.UserID, recsys.ItemID) float32 { return 0 })
	require.ErrorIs(t, learn(cases, ensemble.Config{}, ensemble.Source{Name: "a", Retriever: nothing}), ensemble.ErrNoCases)
	broken := recsys.RetrieverFunc(func(context.Context, *recsys.Query, *recsys.Sink) error { return failing })
	err := learn(cases, ensemble.Config{}, good, ensemble.Source{Name: "search", Retriever: broken})
	require.ErrorIs(t, err, failing)
	require.ErrorContains(t, err, `source "search"`)

	err = learn(cases, ensemble.Config{Metric: 9, K: -1, Budget: 1, Folds: 1, Workers: -1}, good, good)
	for _, want := range []string{
		"Config.Metric is 9", "Config.K is -1", "Config.Budget is 1; want 2, one per source", "Config.Folds is 1; want 2 to 100",
		"Config.Workers is -1", `source 1 ("a"): another source has this name`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, learn(cases, ensemble.Config{}), "no sources")
	require.ErrorContains(t, learn(cases, ensemble.Config{}, ensemble.Source{Name: "x"}), "Retriever is nil")

	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	_, err = ensemble.Learn(ctx, []ensemble.Source{good}, cases, ensemble.Config{})
	require.ErrorIs(t, err, why)
}

// Greedy quotas against all ways to spend a small budget.
func TestQuotasAreNearTheBestOfAll(t *testing.T) {
	sources := []ensemble.Source{
		{Name: "a", Retriever: finds(1, 1, 1, even)},
		{Name: "b", Retriever: finds(3, 1, 1, odd)},
		{Name: "c", Retriever: finds(5, 0.5, 1, all)},
	}
	const budget = 12
	cases := plantedCases(100)
	lists := func(i int, user recsys.UserID) map[recsys.ItemID]int {
		out := recsys.NewSink(budget)
		require.NoError(t, sources[i].Retriever.Retrieve(t.Context(), recsys.NewQuery(&recsys.Request{User: user}, nil, "x"), out))
		ranks := map[recsys.ItemID]int{}
		ids, _ := out.Items()
		for r, id := range ids {
			ranks[id] = r
		}
		return ranks
	}
	var ranks [][3]map[recsys.ItemID]int
	for i := range cases {
		u := cases[i].Request.User
		ranks = append(ranks, [3]map[recsys.ItemID]int{lists(0, u), lists(1, u), lists(2, u)})
	}
	recall := func(quotas ...int) float64 {
		found := 0
		for i := range cases {
			for _, id := range cases[i].Relevant {
				for j, q := range quotas {
					if r, in := ranks[i][j][id]; in && r < q {
						found++
						break
					}
				}
			}
		}
		return float64(found) / float64(4*len(cases))
	}
	best := 0.0
	for a := range budget + 1 {
		for b := range budget + 1 - a {
			best = max(best, recall(a, b, budget-a-b))
		}
	}
	e := learn(t, ensemble.Config{Budget: budget}, cases, sources...)
	q := e.Quotas()
	require.LessOrEqual(t, q["a"]+q["b"]+q["c"], budget)
	require.Greater(t, recall(q["a"], q["b"], q["c"]), best*0.985, "quotas %v", q)
}

// Source b repeats what a finds, then finds as much again: with both there is no room for that,
// and step by step a comes first.
func TestQuotasAreNotCaughtByWhatOverlaps(t *testing.T) {
	a := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		for id := range recsys.ItemID(10) {
			out.Add(q.Items[0]+id, 1-float32(id)/100)
		}
		return nil
	})
	b := recsys.RetrieverFunc(func(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
		for id := range recsys.ItemID(20) {
			out.Add(q.Items[0]+(id*9+8)%20, 1-float32(id)/100)
		}
		return nil
	})
	var cases []ensemble.Case
	for i := range 40 {
		first := recsys.ItemID(100 * i)
		c := ensemble.Case{Request: recsys.Request{Items: []recsys.ItemID{first}}}
		for id := range recsys.ItemID(20) {
			c.Relevant = append(c.Relevant, first+id)
		}
		cases = append(cases, c)
	}
	e := learn(t, ensemble.Config{Budget: 20}, cases, ensemble.Source{Name: "a", Retriever: a}, ensemble.Source{Name: "b", Retriever: b})
	require.Equal(t, map[string]int{"a": 0, "b": 20}, e.Quotas())
	require.Equal(t, 1.0, e.Report().Recall)
}
