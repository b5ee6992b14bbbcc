package auto_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/auto"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// tower returns items in clusters of few dimensions, large enough a set for a graph to be
// walked, and users: mixtures of up to four items with noise.
func tower(n, dim, users int, seed uint64) ([]recsys.ItemID, vector.Matrix, vector.Matrix) {
	r := rand.New(rand.NewPCG(seed, 2))
	const clusters, subspace = 200, 6
	centres, basis := vector.NewMatrix(clusters, dim), vector.NewMatrix(clusters*subspace, dim)
	for _, m := range []vector.Matrix{centres, basis} {
		for i := range m.Data {
			m.Data[i] = float32(r.NormFloat64())
		}
	}
	base, ids := vector.NewMatrix(n, dim), make([]recsys.ItemID, n)
	for i := range n {
		ids[i] = recsys.ItemID(i)
		c, x := r.IntN(clusters), base.Row(i)
		copy(x, centres.Row(c))
		for s := range subspace {
			a := float32(0.3 * r.NormFloat64())
			for j, b := range basis.Row(c*subspace + s) {
				x[j] += a * b
			}
		}
		for j := range x {
			x[j] += float32(0.1 * r.NormFloat64())
		}
	}
	queries := vector.NewMatrix(users, dim)
	for i := range users {
		q := queries.Row(i)
		for range 1 + r.IntN(4) {
			w := float32(r.ExpFloat64())
			for j, v := range base.Row(r.IntN(n)) {
				q[j] += w * v
			}
		}
		for j := range q {
			q[j] += float32(0.7 * r.NormFloat64())
		}
	}
	return ids, base, queries
}

// reached returns the recall of an index on queries, against every score computed.
func reached(t *testing.T, x retrieval.Index, ids []recsys.ItemID, queries vector.Matrix, k int) float64 {
	t.Helper()
	scores := make([]float32, len(ids))
	hits := 0
	for i := range queries.Rows {
		if err := x.Score(scores, queries.Row(i), ids); err != nil {
			t.Fatal(err)
		}
		last := slices.Sorted(slices.Values(scores))[len(ids)-k]
		found, err := x.Search(nil, queries.Row(i), k, retrieval.SearchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range found {
			if n.Score >= last {
				hits++
			}
		}
	}
	return float64(hits) / float64(k*queries.Rows)
}

// TestPromiseHoldsForUsersThatItHasNotSeen checks each kind of index by itself, so that exact
// search does not answer for all. Tuned by searches for items alone, as it must not be where
// it is not told to, the same graph falls short: the set tells the two apart.
func TestPromiseHoldsForUsersThatItHasNotSeen(t *testing.T) {
	race.SkipSequential(t)
	if testing.Short() {
		t.Skip("builds graphs of 8,000 items")
	}
	const k, want = 10, 0.95
	ids, base, users := tower(8000, 48, 900, 1)
	given, unseen := users.Slice(0, 500), users.Slice(500, 900)
	build := func(name string, queries vector.Matrix) *auto.Choice {
		choice, err := auto.Build(t.Context(), auto.Config{
			Metric: retrieval.Cosine, K: k, Recall: want, Candidates: []string{name}, Queries: queries, Seed: 1,
		}, ids, base)
		if err != nil {
			t.Fatal(err)
		}
		return choice
	}
	for _, name := range []string{"ivf", "hnsw"} {
		for kind, queries := range map[string]vector.Matrix{"users": given, "none": {}} {
			choice := build(name, queries)
			trial := choice.Trials[0]
			if got := reached(t, choice.Index, ids, unseen, k); got < want-0.01 || trial.Recall < want || trial.Bound < want-0.005 {
				t.Errorf("%s by %s: promised %.4f, at least %.4f, reached %.4f; want %v", name, kind, trial.Recall, trial.Bound, got, want)
			}
		}
	}
	choice := build("hnsw", base.Slice(0, 500))
	if got := reached(t, choice.Index, ids, unseen, k); got >= want-0.01 {
		t.Errorf("tuned by items the graph reaches %.4f for users; this set shows nothing", got)
	}
}

// TestEffortIsHardlyMoreThanItTakes checks that a graph is not searched with more effort than
// shows the recall on the queries given.
func TestEffortIsHardlyMoreThanItTakes(t *testing.T) {
	race.SkipSequential(t)
	if testing.Short() {
		t.Skip("builds a graph of 8,000 items")
	}
	const k, want = 10, 0.95
	ids, base, users := tower(8000, 24, 500, 1)
	choice, err := auto.Build(t.Context(), auto.Config{Metric: retrieval.Cosine, K: k, Recall: want, Candidates: []string{"hnsw"}, Queries: users}, ids, base)
	if err != nil {
		t.Fatal(err)
	}
	trial := choice.Trials[0]
	index := choice.Index.(interface{ SetEffort(int) })
	at := func(effort int) (shown bool) {
		index.SetEffort(effort)
		var recalls []float64
		for i := range users.Rows {
			recalls = append(recalls, reached(t, choice.Index, ids, users.Slice(i, i+1), k))
		}
		_, _, shown = auto.Estimate(recalls, want)
		return shown
	}
	if !at(trial.Effort) {
		t.Errorf("effort %d does not show %v", trial.Effort, want)
	}
	if less := trial.Effort * 9 / 10; at(less) {
		t.Errorf("effort is %d, but %d is enough", trial.Effort, less)
	}
}

func TestEstimateCountsOneQueryThatFoundNothing(t *testing.T) {
	// By hand: of 1, 1, 1, .5 the mean is .875; squares of the deviations sum to .1875, with
	// that of the query that found nothing to .953125; two standard errors are
	// 2·√.953125/4 = .48814.
	mean, bound, _ := auto.Estimate([]float64{1, 1, 1, 0.5}, 0.9)
	if mean != 0.875 || math.Abs(bound-(0.875-0.488140)) > 1e-6 {
		t.Errorf("mean %v, bound %v; want .875 and .38686", mean, bound)
	}
	for _, recall := range []float64{0.5, 0.9, 0.95, 0.99, 0.999} {
		n := auto.Enough(recall)
		all := slices.Repeat([]float64{1}, n)
		if _, bound, holds := auto.Estimate(all, recall); !holds {
			t.Errorf("%d queries that found all show a bound of %v, not %v", n, bound, recall)
		}
		if _, bound, holds := auto.Estimate(all[:n-1], recall); holds {
			t.Errorf("%d queries that found all show %v by a bound of %v; want %d of them", n-1, recall, bound, n)
		}
	}
}

// TestBoundIsRarelyAboveTheTruth draws queries of a known mean: most miss nothing, some miss
// one of ten, few miss all.
func TestBoundIsRarelyAboveTheTruth(t *testing.T) {
	race.SkipSequential(t)
	r := rand.New(rand.NewPCG(3, 3))
	const truth = 1 - 0.06*0.1 - 0.004*1
	above, rounds := 0, 2000
	for range rounds {
		recalls := make([]float64, 500)
		for i := range recalls {
			switch u := r.Float64(); {
			case u < 0.004:
			case u < 0.064:
				recalls[i] = 0.9
			default:
				recalls[i] = 1
			}
		}
		if _, bound, _ := auto.Estimate(recalls, 0.99); bound > truth {
			above++
		}
	}
	if share := float64(above) / float64(rounds); share > 0.06 {
		t.Errorf("the bound is above the truth in %.1f %% of draws; want 5 at most, about", 100*share)
	}
}

func TestLeastFindsTheThreshold(t *testing.T) {
	for _, first := range []int{1, 10, 100} {
		for threshold := 1; threshold < 6000; threshold += 1 + threshold/7 {
			const last = 5000
			calls := 0
			got, err := auto.Least(first, last, func(x int) (bool, error) {
				if calls++; x < first || x > last {
					t.Fatalf("asked for %d, outside %d to %d", x, first, last)
				}
				return x >= threshold, nil
			})
			want := min(max(threshold, first), last)
			if err != nil || got < want || got > want+max(1, want/32) || calls > 24 {
				t.Errorf("from %d, threshold %d: %d after %d calls, %v; want %d", first, threshold, got, calls, err, want)
			}
		}
	}
	fault := errors.New("fault")
	if _, err := auto.Least(1, 9, func(int) (bool, error) { return false, fault }); !errors.Is(err, fault) {
		t.Errorf("the error is %v; want that of the function", err)
	}
}

// TestMadeUpQueriesLieOutside checks what the kinds are for: those with noise are as far from
// their item as that is long, those between lie on no item.
func TestMadeUpQueriesLieOutside(t *testing.T) {
	race.SkipSequential(t)
	_, base, _ := tower(2000, 32, 1, 4)
	for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2} {
		kinds := auto.MadeUp(auto.Config{Metric: metric, Recall: 0.99, Seed: 1}, base)
		if len(kinds) != 3 {
			t.Fatalf("%v: %d kinds, want 3", metric, len(kinds))
		}
		nearest := func(q []float32) float64 {
			best := math.Inf(-1)
			for i := range base.Rows {
				best = max(best, float64(vector.Cosine(q, base.Row(i))))
			}
			return best
		}
		means := map[string]float64{}
		for kind, queries := range kinds {
			if queries.Rows != 512 {
				t.Errorf("%v %s: %d queries, want 512", metric, kind, queries.Rows)
			}
			for i := range 100 {
				means[kind] += nearest(queries.Row(i)) / 100
			}
		}
		if means["items"] < 0.9999 || means["items with noise"] > 0.85 || means["between items"] > 0.95 {
			t.Errorf("%v: mean cosines with the nearest item %v", metric, means)
		}
	}
}

func TestMadeUpQueriesAreFinite(t *testing.T) {
	race.SkipSequential(t)
	base := vector.From([]float32{0, 0, math.MaxFloat32, -math.MaxFloat32, 1, 1e-45, math.MaxFloat32, math.MaxFloat32}, 2)
	for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.Cosine, retrieval.L2} {
		for kind, queries := range auto.MadeUp(auto.Config{Metric: metric, Recall: 0.99}, base) {
			if err := queries.Check(); err != nil {
				t.Errorf("%v %s: %v", metric, kind, err)
			}
			for i, x := range queries.Data {
				if x-x != 0 {
					t.Fatalf("%v %s: value %d is %v", metric, kind, i, x)
				}
			}
		}
	}
}

func TestFewGivenQueriesAreNotTrustedAlone(t *testing.T) {
	ids, base, users := tower(1500, 16, 20, 5)
	choice, err := auto.Build(t.Context(), auto.Config{K: 10, Queries: users}, ids, base)
	if err != nil {
		t.Fatal(err)
	}
	if why := choice.Why(); !strings.Contains(why, "20 given") || !strings.Contains(why, "512 between items") || !strings.Contains(why, "too few to show") {
		t.Errorf("Why does not say that 20 queries are too few:\n%s", why)
	}
}

func TestEffortDoesNotDependOnWorkers(t *testing.T) {
	ids, base, users := tower(3000, 24, 150, 6)
	var efforts [2]auto.Trial
	for i, workers := range []int{1, 3} {
		choice, err := auto.Build(t.Context(), auto.Config{K: 10, Recall: 0.9, Candidates: []string{"hnsw"}, Queries: users, Workers: workers, Seed: 2}, ids, base)
		if err != nil {
			t.Fatal(err)
		}
		efforts[i] = choice.Trials[0]
	}
	if a, b := efforts[0], efforts[1]; a.Effort != b.Effort || a.Recall != b.Recall || a.Bound != b.Bound || a.Filtered != b.Filtered {
		t.Errorf("one worker: %+v\nthree: %+v", a, b)
	}
}

func TestProgressEndsWithBuild(t *testing.T) {
	ids, base, _ := tower(800, 16, 1, 7)
	built, stages := false, map[string]bool{}
	choice, err := auto.Build(t.Context(), auto.Config{K: 10, Recall: 0.9, Candidates: []string{"hnsw"}, Progress: func(stage string, done, total int) {
		if built || done < 0 || done > total {
			t.Errorf("%s: %d of %d; built: %v", stage, done, total, built)
		}
		stages[stage] = true
	}}, ids, base)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"building flat", "exact answers", "building hnsw", "tuning hnsw", "measuring hnsw", "timing"} {
		if !stages[want] {
			t.Errorf("nothing is told of %q: %v", want, stages)
		}
	}
	built = true
	for _, id := range ids[:400] {
		if err := choice.Index.Delete(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := choice.Index.(interface{ Compact(context.Context) error }).Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
}
