package bandit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/race"
)

// opinions are rankers that disagree: the score of an item is a hash of it.
func opinions(n int) []recsys.Ranker {
	var all []recsys.Ranker
	for m := range uint64(n) {
		all = append(all, recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
			for i, id := range c.IDs() {
				out.Score[i] = float32(hash.Combine(m, uint64(id)) >> 40)
			}
			return nil
		}))
	}
	return all
}

func TestBagsConform(t *testing.T) {
	suite := bandittest.Suite{Draws: 10_000} // a million: TestBagDrawsWhatItLogs
	if testing.Short() || race.Enabled {
		suite.Draws = 2000
	}
	for name, b := range map[string]bandit.Bag{
		"places": {Members: opinions(12)},
		"slates": {Members: opinions(40), WholeSlates: true},
		"one":    {Members: opinions(1)},
	} {
		if race.Enabled && name != "slates" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			suite.Run(t, func(*testing.T) recsys.Explorer { return b })
		})
	}
}

func TestBagDrawsWhatItLogs(t *testing.T) {
	for _, whole := range []bool{false, true} {
		for _, rules := range [][]recsys.Constraint{nil, {apart{[]int32{0, 1, 0, 2, 1, 0}}}} {
			bandittest.Draws{
				Table:  func() (*recsys.Candidates, []int32) { return table(make([]float32, 6), rules...) },
				Places: 3, Seed: 300000000,
			}.Run(t, bandit.Bag{Members: opinions(10), WholeSlates: whole})
		}
	}
}

// Source: Bietti et al. 2021, Bag: the share of the policies that choose the action.
func TestBagPropensitiesAreShares(t *testing.T) {
	fixed := func(scores ...float32) recsys.Ranker {
		return recsys.RankerFunc(func(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, out recsys.Scores) error {
			copy(out.Score, scores)
			return nil
		})
	}
	nan := float32(math.NaN())
	members := []recsys.Ranker{fixed(3, 2, 1), fixed(3, 1, 2), fixed(1, 3, 2), fixed(nan, 1, 1), fixed(nan, nan, nan)}
	// First places: 0, 0, 1, 1 (a tie, by the order), 0 (nothing to go by).
	c, order := table([]float32{3, 2, 1})
	judge := func(b bandit.Bag, slate ...int32) []float64 {
		dst := make([]float64, len(slate))
		require.NoError(t, b.Propensities(t.Context(), query(1), c, c.Slate(len(slate), order), slate, dst))
		return dst
	}
	places, slates := bandit.Bag{Members: members}, bandit.Bag{Members: members, WholeSlates: true}
	// Second places without 0: 1, 2, 1, 1, 1; without 1: 0, 0, 2, 2, 0.
	require.Equal(t, []float64{0.6, 0.8, 1}, judge(places, 0, 1, 2))
	require.Equal(t, []float64{0.4, 0.6, 1}, judge(places, 1, 0, 2))
	require.Equal(t, []float64{0, 0}, judge(places, 2, 0))
	require.Equal(t, []float64{0.6, 2.0 / 3, 1}, judge(slates, 0, 1, 2))
	require.Equal(t, []float64{0.4, 1, 1}, judge(slates, 1, 2, 0))
}

func TestBagAsksItsMembers(t *testing.T) {
	gone := errors.New("model is gone")
	failing := recsys.RankerFunc(func(context.Context, *recsys.Query, *recsys.Candidates, recsys.Scores) error { return gone })
	c, order := table([]float32{3, 2, 1})
	b := bandit.Bag{Members: []recsys.Ranker{opinions(1)[0], failing}}
	require.ErrorIs(t, b.Explore(t.Context(), query(1), c, c.Slate(1, order)), gone)
	require.ErrorContains(t, bandit.Bag{}.Validate(), "Bag.Members is empty")
	require.ErrorContains(t, bandit.Bag{Members: []recsys.Ranker{nil}}.Validate(), "Bag.Members[0] is nil")
	require.ErrorContains(t, bandit.Bag{Members: opinions(1), Bootstrap: 9}.Validate(), "Bootstrap is 9")
	require.Equal(t, recsys.ExplorationDeterministic, bandit.Bag{Members: opinions(1)}.Exploration())
	require.Equal(t, recsys.ExplorationExact, bandit.Bag{Members: opinions(2)}.Exploration())
}

// student is a ranker that remembers what it was taught.
type student struct {
	recsys.Ranker
	learned []recsys.Feedback
}

func (s *student) Learn(_ context.Context, feedback []recsys.Feedback) error {
	s.learned = append(s.learned, feedback...)
	return nil
}

func TestBagTeachesMembersByWeight(t *testing.T) {
	students := []recsys.Ranker{&student{Ranker: opinions(1)[0]}, opinions(1)[0], &student{Ranker: opinions(1)[0]}}
	b := bandit.Bag{Members: students, Bootstrap: bandit.Poisson, Seed: 4}
	var feedback []recsys.Feedback
	for i := range 50 {
		feedback = append(feedback, recsys.Feedback{ID: fmt.Sprint("f", i), Request: fmt.Sprint("r", i/2)})
	}
	require.NoError(t, b.Learn(t.Context(), feedback))
	for m, r := range students {
		s, ok := r.(*student)
		if !ok {
			continue
		}
		seen, ids := map[string]int{}, map[string]bool{}
		for _, f := range s.learned {
			seen[f.Request]++
			require.False(t, ids[f.ID], "%s twice", f.ID)
			ids[f.ID] = true
		}
		for i := range 25 {
			decision := fmt.Sprint("r", i)
			require.Equal(t, 2*bandit.Poisson.Weight(4, decision, m), seen[decision])
		}
	}
}

// Source: Owen and Eckles 2012; Oza and Russell 2001: weights of mean 1 and variance 1, independent of each other.
func TestBootstrapWeights(t *testing.T) {
	const n = 100_000
	for b, want := range map[bandit.Bootstrap]map[int]float64{
		bandit.DoubleOrNothing: {0: 0.5, 2: 0.5},
		bandit.Poisson:         {0: math.Exp(-1), 1: math.Exp(-1), 2: math.Exp(-1) / 2, 3: math.Exp(-1) / 6, 4: math.Exp(-1) / 24},
		bandit.NoBootstrap:     {1: 1},
	} {
		seen, product := map[int]float64{}, 0.0
		for i := range n {
			decision := fmt.Sprint(i)
			w := b.Weight(1, decision, 3)
			require.Equal(t, w, b.Weight(1, decision, 3))
			seen[w]++
			product += float64(w * b.Weight(1, decision, 4))
		}
		for w, p := range want {
			require.InDelta(t, p, seen[w]/n, 4*math.Sqrt(p*(1-p)/n)+1e-12, "%v: weight %d", b, w)
		}
		require.InDelta(t, 1, product/n, 4*math.Sqrt(3.0/n), "%v", b)
	}
}

func TestInverseGapWeightingConforms(t *testing.T) {
	suite := bandittest.Suite{Draws: 10_000} // a million: TestInverseGapWeightingDrawsWhatItLogs
	if testing.Short() || race.Enabled {
		suite.Draws = 2000
	}
	for _, g := range []bandit.InverseGapWeighting{0, 3, 50, 1e12} {
		t.Run(fmt.Sprint(float64(g)), func(t *testing.T) {
			suite.Run(t, func(*testing.T) recsys.Explorer { return g })
		})
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		require.ErrorContains(t, bandit.InverseGapWeighting(bad).Validate(), "gamma is")
	}
}

func TestInverseGapWeightingDrawsWhatItLogs(t *testing.T) {
	for _, rules := range [][]recsys.Constraint{nil, {apart{[]int32{0, 1, 0, 2, 1, 0}}}} {
		bandittest.Draws{
			Table:  func() (*recsys.Candidates, []int32) { return table([]float32{1, 0.8, 0.6, 0.5, 0.2, 0}, rules...) },
			Places: 3, Seed: 300000000,
		}.Run(t, bandit.InverseGapWeighting(4))
	}
}

// Source: Foster and Rakhlin 2020, Algorithm 1: p(a) = 1/(μ + γ·gap), μ = K, the best action has the rest.
func TestInverseGapIsThePapers(t *testing.T) {
	p := bandit.InverseGap([]float64{7}, []float64{0.5, 0.9, 0.4}, 10)
	require.InDeltaSlice(t, []float64{7, 1.0 / 7, 1 - 1.0/7 - 1.0/8, 1.0 / 8}, p, 1e-15)
	require.Equal(t, []float64{0.5, 0.5}, bandit.InverseGap(nil, []float64{3, 3}, 1e9))
	require.Equal(t, []float64{0.25, 0.25, 0.25, 0.25}, bandit.InverseGap(nil, []float64{1, 2, 3, 4}, 0))
	require.Equal(t, []float64{1}, bandit.InverseGap(nil, []float64{-3}, 5))
	require.Empty(t, bandit.InverseGap(nil, nil, 5))
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		u := gauss(r, 1+r.IntN(30))
		p, sum := bandit.InverseGap(nil, u, r.ExpFloat64()*100), 0.0
		for i, x := range p {
			require.Greater(t, x, 0.0)
			sum += x
			for j, y := range p {
				require.False(t, u[i] > u[j] && x < y-1e-15, "a better action is less probable")
			}
		}
		require.InDelta(t, 1, sum, 1e-14)
	}
	require.Panics(t, func() { bandit.InverseGap(nil, []float64{1, math.NaN()}, 1) })
	require.Panics(t, func() { bandit.InverseGap(nil, []float64{1}, -1) })
}

func TestBagAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	c, order := table(normal(rand.New(rand.NewPCG(1, 1)), 50, 1))
	q, ctx := query(1), context.Background()
	for name, e := range map[string]recsys.Explorer{"bag": bandit.Bag{Members: opinions(5)}, "inverse gap": bandit.InverseGapWeighting(5)} {
		require.Zero(t, testing.AllocsPerRun(200, func() {
			q.Seed++
			if err := e.Explore(ctx, q, c, c.Slate(5, order)); err != nil {
				t.Fatal(err)
			}
		}), name)
	}
}
