package protocol_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/protocol"
)

// table scores items of users by a table; users that are not in it get 0 for everything.
type table map[recsys.UserID][]float32

func (s table) ScoreItems(_ context.Context, q *recsys.Query, items []recsys.ItemID, dst []float32) error {
	if q.User == 666 {
		return errors.New("cannot score")
	}
	for i, id := range items {
		dst[i] = 0
		if row := s[q.User]; row != nil {
			dst[i] = row[id-100]
		}
	}
	return nil
}

func catalogue(n int) []recsys.ItemID {
	ids := make([]recsys.ItemID, n)
	for i := range ids {
		ids[i] = recsys.ItemID(100 + i)
	}
	return ids
}

// of is a task of given cases.
func of(items int, cutoffs []int, cases ...protocol.Case) *protocol.Task {
	return &protocol.Task{
		Catalogue: catalogue(items), Cases: len(cases), Cutoffs: cutoffs,
		Case: func(i int, c *protocol.Case) { *c = cases[i] },
	}
}

func evaluate(t *testing.T, task *protocol.Task, s recsys.ItemScorer) *protocol.Result {
	t.Helper()
	r, err := task.Evaluate(t.Context(), s)
	require.NoError(t, err)
	return r
}

func TestFullRankingByHand(t *testing.T) {
	s := table{1: {9, 8, 7, 6, 5}}
	r := evaluate(t, of(5, []int{1, 2, 3}, protocol.Case{
		Request: recsys.Request{User: 1}, Excluded: []int32{0, 2}, Relevant: []int32{3, 4}, // ranked: 1, 3, 4
	}), s)
	require.Equal(t, []float64{0, 0.5, 1}, r.Recall)
	require.Equal(t, []float64{0, 1, 1}, r.HitRate)
	require.Equal(t, []float64{0, 0.5, 0.5}, r.ReciprocalRank)
	ideal := 1 + 1/math.Log2(3)
	require.InDeltaSlice(t, []float64{0, 1 / math.Log2(3) / ideal, (1/math.Log2(3) + 0.5) / ideal}, r.NDCG, 1e-12)
}

// The rule of the programs: a positive tied with m negatives gets the expectation.
func TestAPositiveTiedWithNegativesGetsTheExpectation(t *testing.T) {
	r := evaluate(t, of(10, []int{3}, protocol.Case{Request: recsys.Request{User: 5}, Relevant: []int32{7}}), table{})
	require.InDelta(t, 0.3, r.Recall[0], 1e-12, "a model that knows nothing finds 3 of 10")
	require.InDelta(t, (1+1/math.Log2(3)+0.5)/10, r.NDCG[0], 1e-12)
	require.InDelta(t, 0.3, r.HitRate[0], 1e-12)
	require.InDelta(t, (1+1./2+1./3)/10, r.ReciprocalRank[0], 1e-12)
}

func TestNegativeScoresRankBelowUnknownItems(t *testing.T) {
	s := table{1: {-1, 0, 0, 2}}
	r := evaluate(t, of(4, []int{3}, protocol.Case{Request: recsys.Request{User: 1}, Relevant: []int32{0}}), s)
	require.Zero(t, r.Recall[0])
}

func TestNaNRanksLast(t *testing.T) {
	s := table{1: {float32(math.NaN()), -5, -6}}
	r := evaluate(t, of(3, []int{2, 3}, protocol.Case{Request: recsys.Request{User: 1}, Relevant: []int32{0}}), s)
	require.Equal(t, []float64{0, 1}, r.Recall)
}

func TestAnExcludedPositiveIsNeverFoundAndCounts(t *testing.T) {
	s := table{1: {9, 8, 7}}
	r := evaluate(t, of(3, []int{3}, protocol.Case{Request: recsys.Request{User: 1}, Excluded: []int32{0}, Relevant: []int32{0, 1}}), s)
	require.Equal(t, 0.5, r.Recall[0])
}

func TestCandidatesTakeThePlaceOfTheCatalogue(t *testing.T) {
	s := table{1: {9, 8, 7, 6, 5}}
	r := evaluate(t, of(5, []int{1, 2}, protocol.Case{
		Request: recsys.Request{User: 1}, Candidates: []int32{1, 3, 4}, Relevant: []int32{3},
	}), s)
	require.Equal(t, []float64{0, 1}, r.HitRate)
	r = evaluate(t, of(5, []int{5}, protocol.Case{Request: recsys.Request{User: 1}, Candidates: []int32{1, 4}, Relevant: []int32{3}}), s)
	require.Zero(t, r.HitRate[0], "a positive that is no candidate is not found")
}

func TestWeightsGiveMeansOverUsers(t *testing.T) {
	s := table{1: {2, 1}, 2: {2, 1}}
	hit := protocol.Case{Request: recsys.Request{User: 1}, Relevant: []int32{0}, Weight: 0.5}
	miss := protocol.Case{Request: recsys.Request{User: 1}, Relevant: []int32{1}, Weight: 0.5}
	other := protocol.Case{Request: recsys.Request{User: 2}, Relevant: []int32{0}}
	require.InDelta(t, 0.75, evaluate(t, of(2, []int{1}, hit, miss, other), s).Recall[0], 1e-12)
}

func TestNoCasesGiveZero(t *testing.T) {
	r := evaluate(t, of(3, []int{1, 2}), table{})
	require.Equal(t, []float64{0, 0}, r.Recall)
}

// random is a task with ties, exclusions, cold users and positives that are excluded.
func random(seed uint64, cases, items int) (*protocol.Task, table) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	s := table{}
	all := make([]protocol.Case, cases)
	some := func(n int) []int32 {
		var list []int32
		for _, i := range rnd.Perm(items)[:n] {
			list = append(list, int32(i))
		}
		slices.Sort(list)
		return list
	}
	for i := range all {
		u := recsys.UserID(i)
		if rnd.IntN(5) > 0 {
			for range items {
				s[u] = append(s[u], float32(rnd.IntN(7)-2))
			}
		}
		all[i] = protocol.Case{Request: recsys.Request{User: u}, Relevant: some(1 + rnd.IntN(4))}
		if rnd.IntN(3) > 0 {
			all[i].Excluded = some(rnd.IntN(items / 2))
		}
		if rnd.IntN(3) == 0 {
			all[i].Candidates = some(1 + rnd.IntN(items-1))
		}
	}
	return of(items, []int{1, 3, 10, 1000}, all...), s
}

// The oracle shuffles the ranked items, sorts them stably, looks at the list, and averages.
func TestExpectationIsTheMeanOverShuffledRankings(t *testing.T) {
	const shuffles = 4000
	rnd := rand.New(rand.NewPCG(9, 9))
	task, s := random(4, 12, 14)
	for i := range task.Cases {
		var c protocol.Case
		task.Case(i, &c)
		var ranked []int32
		for at := range int32(14) {
			if c.Candidates != nil && slices.Contains(c.Candidates, at) || c.Candidates == nil && !slices.Contains(c.Excluded, at) {
				ranked = append(ranked, at)
			}
		}
		score := func(at int32) float32 {
			if s[c.Request.User] == nil {
				return 0
			}
			return s[c.Request.User][at]
		}
		k := 3
		var recall, ndcg, hit, rr []float64
		for range shuffles {
			rnd.Shuffle(len(ranked), func(i, j int) { ranked[i], ranked[j] = ranked[j], ranked[i] })
			slices.SortStableFunc(ranked, func(a, b int32) int { return int(score(b) - score(a)) })
			hits, dcg, first := 0.0, 0.0, 0.0
			for place, at := range ranked[:min(k, len(ranked))] {
				if slices.Contains(c.Relevant, at) {
					hits++
					dcg += 1 / math.Log2(float64(place+2))
					if first == 0 {
						first = 1 / float64(place+1)
					}
				}
			}
			ideal := 0.0
			for place := range min(k, len(c.Relevant)) {
				ideal += 1 / math.Log2(float64(place+2))
			}
			recall, ndcg = append(recall, hits/float64(len(c.Relevant))), append(ndcg, dcg/ideal)
			hit, rr = append(hit, min(hits, 1)), append(rr, first)
		}
		r := evaluate(t, of(14, []int{k}, c), s)
		for name, pair := range map[string]struct {
			got     float64
			sampled []float64
		}{"recall": {r.Recall[0], recall}, "ndcg": {r.NDCG[0], ndcg}, "hit rate": {r.HitRate[0], hit}, "reciprocal rank": {r.ReciprocalRank[0], rr}} {
			mean, square := 0.0, 0.0
			for _, x := range pair.sampled {
				mean += x / shuffles
				square += x * x / shuffles
			}
			error := math.Sqrt(max(square-mean*mean, 0) / shuffles)
			require.InDelta(t, mean, pair.got, 5*error+1e-9, "case %d: %s", i, name)
		}
	}
}

// With a long catalogue most of the positives are dropped before they are counted.
func TestALongCatalogueGivesTheSameAsAllCutoffs(t *testing.T) {
	task, s := random(11, 200, 60)
	for _, ks := range [][]int{{1}, {2, 5}, {14}} {
		task.Cutoffs = append(slices.Clone(ks), 60) // too long for a short cut
		want := evaluate(t, task, s)
		task.Cutoffs = ks
		got := evaluate(t, task, s)
		for i := range ks {
			require.Equal(t, want.Recall[i], got.Recall[i])
			require.Equal(t, want.NDCG[i], got.NDCG[i])
			require.Equal(t, want.HitRate[i], got.HitRate[i])
			require.Equal(t, want.ReciprocalRank[i], got.ReciprocalRank[i])
		}
	}
	s[3] = slices.Repeat([]float32{float32(math.NaN())}, 60)
	nan := of(60, []int{5}, protocol.Case{Request: recsys.Request{User: 3}, Relevant: []int32{7}})
	require.InDelta(t, 5./60, evaluate(t, nan, s).Recall[0], 1e-12, "all NaN tie")
}

func TestResultDoesNotDependOnWorkersOrMemory(t *testing.T) {
	task, s := random(7, 300, 40)
	cases := task.Case
	var done atomic.Int64
	task.Progress = func(n int) { done.Add(int64(n)) }
	want := evaluate(t, task, s)
	require.EqualValues(t, 300, done.Load())
	task.Case = func(i int, c *protocol.Case) { // as programs do, into the memory of an earlier case
		var fresh protocol.Case
		cases(i, &fresh)
		c.Request, c.Candidates = fresh.Request, fresh.Candidates
		c.Relevant = append(c.Relevant[:0], fresh.Relevant...)
		c.Excluded = append(c.Excluded[:0], fresh.Excluded...)
	}
	for _, workers := range []int{2, 5, 64} {
		task.Workers = workers
		require.Equal(t, want, evaluate(t, task, s))
	}
}

func TestEvaluateFailsWithTheFirstCaseAndTheCause(t *testing.T) {
	cases := make([]protocol.Case, 100)
	for i := range cases {
		cases[i] = protocol.Case{Request: recsys.Request{User: 1}, Relevant: []int32{0}}
	}
	cases[17].Request.User, cases[60].Request.User = 666, 666
	_, err := of(3, []int{1}, cases...).Evaluate(t.Context(), table{})
	require.EqualError(t, err, "case 17: user 666: cannot score")

	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err = of(3, []int{1}, cases[:5]...).Evaluate(ctx, table{})
	require.ErrorIs(t, err, why)
}
