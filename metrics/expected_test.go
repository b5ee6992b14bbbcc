package metrics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/metrics"
)

// meanOverOrders is the oracle: the mean of f over all orders of the items that
// descend by score.
func meanOverOrders(scores, gains []float64, f func(ranked []float64) float64) float64 {
	var sum float64
	n := 0
	var ranked []float64
	used := make([]bool, len(scores))
	var walk func()
	walk = func() {
		if len(ranked) == len(scores) {
			sum += f(ranked)
			n++
			return
		}
		best := math.Inf(-1)
		for i, s := range scores {
			if !used[i] {
				best = max(best, s)
			}
		}
		for i, s := range scores {
			if used[i] || s != best {
				continue
			}
			used[i] = true
			ranked = append(ranked, gains[i])
			walk()
			ranked = ranked[:len(ranked)-1]
			used[i] = false
		}
	}
	walk()
	return sum / float64(n)
}

// expectedMetrics pairs each expectation with the metric that it is one of.
var expectedMetrics = []struct {
	name     string
	expected func(groups []metrics.TieGroup, gains []float64, relevant, k int) float64
	metric   func(ranked []float64, relevant, k int) float64
}{
	{
		"HitRate",
		func(g []metrics.TieGroup, _ []float64, _, k int) float64 { return metrics.ExpectedHitRate(g, k) },
		func(r []float64, _, k int) float64 { return metrics.HitRate(r, k) },
	},
	{
		"Precision",
		func(g []metrics.TieGroup, _ []float64, _, k int) float64 { return metrics.ExpectedPrecision(g, k) },
		func(r []float64, _, k int) float64 {
			if k <= 0 {
				return 0
			}
			return metrics.Precision(r, k)
		},
	},
	{
		"Recall",
		func(g []metrics.TieGroup, _ []float64, n, k int) float64 { return metrics.ExpectedRecall(g, n, k) },
		metrics.Recall[float64],
	},
	{
		"DCG",
		func(g []metrics.TieGroup, _ []float64, _, k int) float64 { return metrics.ExpectedDCG(g, k) },
		func(r []float64, _, k int) float64 { return metrics.DCG(r, k) },
	},
	{
		"NDCG",
		func(g []metrics.TieGroup, gains []float64, _, k int) float64 {
			return metrics.ExpectedNDCG(g, gains, k)
		},
		func(r []float64, _, k int) float64 { return metrics.NDCG(r, r, k) },
	},
	{
		"NDCGBinary",
		func(g []metrics.TieGroup, _ []float64, n, k int) float64 {
			return metrics.ExpectedNDCGBinary(g, n, k)
		},
		metrics.NDCGBinary[float64],
	},
	{
		"ReciprocalRank",
		func(g []metrics.TieGroup, _ []float64, _, k int) float64 {
			return metrics.ExpectedReciprocalRank(g, k)
		},
		func(r []float64, _, k int) float64 { return metrics.ReciprocalRank(r, k) },
	},
	{
		"AveragePrecision",
		func(g []metrics.TieGroup, _ []float64, n, k int) float64 {
			return metrics.ExpectedAveragePrecision(g, n, k)
		},
		metrics.AveragePrecision[float64],
	},
}

// Source: McSherry and Najork, ECIR 2008: the closed forms equal the mean over
// all orders that the scores allow.
func TestExpectedMetricsAreMeansOverAllOrders(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		n := rng.IntN(8)
		scores := make([]float64, n)
		for i := range scores {
			scores[i] = float64(rng.IntN(1 + rng.IntN(4)))
		}
		gains := randomGains(rng, n)
		relevant := countRelevant(gains) + rng.IntN(2) // one may not be retrieved
		groups := metrics.TieGroups(nil, scores, gains)
		for _, m := range expectedMetrics {
			for k := range n + 2 {
				want := meanOverOrders(scores, gains, func(ranked []float64) float64 { return m.metric(ranked, relevant, k) })
				if got := m.expected(groups, gains, relevant, k); !near(got, want) {
					t.Fatalf("%s@%d of scores %v, gains %v = %v, want %v", m.name, k, scores, gains, got, want)
				}
			}
		}
	}
}

func TestExpectedMetricsWithoutTiesAreTheMetrics(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		gains := randomGains(rng, rng.IntN(40))
		scores := make([]float64, len(gains))
		for i := range scores {
			scores[i] = -float64(i)
		}
		n := countRelevant(gains)
		groups := metrics.TieGroups(nil, scores, gains)
		for _, m := range expectedMetrics {
			for _, k := range []int{0, 1, 5, 50} {
				if got, want := m.expected(groups, gains, n, k), m.metric(gains, n, k); !near(got, want) {
					t.Fatalf("%s@%d of %v = %v, want %v", m.name, k, gains, got, want)
				}
			}
		}
	}
}

// One positive among m tied negatives is as likely at each of m+1 ranks.
func TestOnePositiveTiedWithNegatives(t *testing.T) {
	const above, m, k = 3, 100, 10
	group := []metrics.TieGroup{{Above: above, Size: m + 1, Relevant: 1, Gain: 1}}
	var hit, ndcg, mrr float64
	for rank := above + 1; rank <= above+m+1; rank++ {
		if rank <= k {
			hit += 1.0 / (m + 1)
			ndcg += 1 / math.Log2(float64(rank+1)) / (m + 1)
			mrr += 1 / float64(rank) / (m + 1)
		}
	}
	if got := metrics.ExpectedHitRate(group, k); !near(got, hit) {
		t.Errorf("hit rate %v, want %v", got, hit)
	}
	if got := metrics.ExpectedNDCGBinary(group, 1, k); !near(got, ndcg) {
		t.Errorf("NDCG %v, want %v", got, ndcg)
	}
	if got := metrics.ExpectedReciprocalRank(group, k); !near(got, mrr) {
		t.Errorf("reciprocal rank %v, want %v", got, mrr)
	}
}

func TestExpectedMetricsOfNothing(t *testing.T) {
	for _, m := range expectedMetrics {
		for _, k := range []int{-1, 0, 5} {
			if v := m.expected(nil, nil, 0, k); v != 0 {
				t.Errorf("%s@%d of nothing = %v, want 0", m.name, k, v)
			}
		}
	}
}

func TestTieGroupsCountAsTheNaiveLoop(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	values := []float64{math.NaN(), math.Inf(-1), -1, 0, math.Copysign(0, -1), 1, 2, math.Inf(1)}
	rank := func(s float64) float64 { // NaN below -Inf
		switch {
		case math.IsNaN(s):
			return -1e9
		case math.IsInf(s, -1):
			return -1e8
		}
		return s
	}
	for range 500 {
		n := rng.IntN(20)
		scores := make([]float64, n)
		for i := range scores {
			scores[i] = values[rng.IntN(len(values))]
		}
		gains := randomGains(rng, n)
		groups := metrics.TieGroups(nil, scores, gains)
		relevant, last := 0, math.Inf(1)
		for i, g := range groups {
			if i > 0 && rank(g.Score) >= last {
				t.Fatalf("groups of %v are not in order: %+v", scores, groups)
			}
			last = rank(g.Score)
			want := metrics.TieGroup{}
			for j, s := range scores {
				switch {
				case rank(s) > last:
					want.Above++
				case rank(s) == last:
					want.Size++
					if gains[j] > 0 {
						want.Relevant++
						want.Gain += gains[j]
					}
				}
			}
			if g.Above != want.Above || g.Size != want.Size || g.Relevant != want.Relevant || g.Gain != want.Gain {
				t.Fatalf("scores %v, gains %v: group %+v, want %+v", scores, gains, g, want)
			}
			relevant += g.Relevant
		}
		if want := countRelevant(gains); relevant != want {
			t.Fatalf("groups hold %d relevant items, want %d", relevant, want)
		}
	}
}

func TestTieGroupsAtIsTieGroupsOfOnes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		n := rng.IntN(30)
		scores := make([]float32, n)
		gains := make([]float32, n)
		var relevant []int32
		for i := range scores {
			scores[i] = float32(rng.IntN(6))
			if rng.IntN(4) == 0 {
				gains[i] = 1
				relevant = append(relevant, int32(i))
			}
		}
		rng.Shuffle(len(relevant), func(i, j int) { relevant[i], relevant[j] = relevant[j], relevant[i] })
		keep := metrics.TieGroup{Size: 99}
		got := metrics.TieGroupsAt([]metrics.TieGroup{keep}, scores, relevant)
		want := metrics.TieGroups([]metrics.TieGroup{keep}, scores, gains)
		if !slices.Equal(got, want) || got[0] != keep {
			t.Fatalf("TieGroupsAt = %+v, TieGroups = %+v", got, want)
		}
	}
}

func TestTieGroupsAtReusesMemory(t *testing.T) {
	scores := []float32{3, 1, 2, 2, 5}
	relevant := []int{1, 2}
	groups := make([]metrics.TieGroup, 0, 2)
	if n := testing.AllocsPerRun(100, func() { groups = metrics.TieGroupsAt(groups[:0], scores, relevant) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestTieGroupsPanicsOnLengths(t *testing.T) {
	defer func() {
		if r := recover(); r != "metrics: lengths differ" {
			t.Errorf("recovered %v", r)
		}
	}()
	metrics.TieGroups(nil, []float64{1}, []float64{})
}

func ExampleTieGroups() {
	// Item 1 is relevant and shares the second place with items 2 and 3.
	scores := []float64{0.9, 0.5, 0.5, 0.5, 0.1}
	gains := []float64{0, 1, 0, 0, 0}
	groups := metrics.TieGroups(nil, scores, gains)
	fmt.Printf("%+v\n", groups)
	fmt.Printf("hit@2 %.4f, hit@3 %.4f\n", metrics.ExpectedHitRate(groups, 2), metrics.ExpectedHitRate(groups, 3))
	// Output:
	// [{Score:0.5 Above:1 Size:3 Relevant:1 Gain:1}]
	// hit@2 0.3333, hit@3 0.6667
}

func ExampleExpectedNDCGBinary() {
	// One positive that ties with 99 sampled negatives, none above.
	groups := []metrics.TieGroup{{Size: 100, Relevant: 1, Gain: 1}}
	fmt.Printf("hr@10 %.2f, ndcg@10 %.4f\n", metrics.ExpectedHitRate(groups, 10), metrics.ExpectedNDCGBinary(groups, 1, 10))
	// Output:
	// hr@10 0.10, ndcg@10 0.0454
}
