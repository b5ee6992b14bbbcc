package bandit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// Source: Sutton and Barto 2018, section 2.2: all rows share epsilon, the best has the
// rest.
func TestEpsilonGreedyPropensitiesEqualThePlainFormula(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for trial := range 300 {
		n := 1 + r.IntN(150)
		epsilon := r.Float64()
		c, order := table(normal(r, n, 1), randomRules(r, n)...)
		s := c.Slate(1+r.IntN(n+2), order)
		require.NoError(t, bandit.EpsilonGreedy(epsilon).Explore(context.Background(), query(uint64(trial+1)), c, s))

		rows, props := slices.Clone(s.Rows()), slices.Clone(s.Propensities())
		s = c.Slate(len(rows), order)
		for i, row := range rows {
			require.True(t, s.Next())
			m, best := 0, int32(-1)
			for _, x := range order {
				if s.Admissible().Has(int(x)) {
					if m++; best < 0 {
						best = x
					}
				}
			}
			want := epsilon / float64(m)
			if row == best {
				want += 1 - epsilon
			}
			require.InEpsilon(t, want, props[i], 1e-15, "trial %d, place %d", trial, i)
			s.Pick(row, 1)
		}
	}
}

func TestEpsilonGreedyOfZeroIsTheGreedySlate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for trial := range 100 {
		n := 1 + r.IntN(100)
		c, order := table(normal(r, n, 1), randomRules(r, n)...)
		s := c.Slate(10, order)
		for s.Next() {
			s.Pick(s.Best(), 1)
		}
		want := slices.Clone(s.Rows())
		s = c.Slate(10, order)
		require.NoError(t, bandit.EpsilonGreedy(0).Explore(context.Background(), query(uint64(trial)), c, s))
		require.Equal(t, want, s.Rows())
		for _, p := range s.Propensities() {
			require.EqualValues(t, 1, p)
		}
	}
	c, order := table([]float32{3, 2, 1})
	dst := make([]float64, 3)
	require.NoError(t, bandit.EpsilonGreedy(0).Propensities(context.Background(), query(1), c, c.Slate(3, order), []int32{0, 2, 1}, dst))
	require.Equal(t, []float64{1, 0, 0}, dst, "what greedy never does, and all below it, is 0")
}

func TestEpsilonGreedyOfOneIsUniform(t *testing.T) {
	c, order := table([]float32{3, 2, 1, 0})
	for seed := range uint64(50) {
		a, b := "", ""
		for to, e := range map[*string]recsys.Explorer{&a: bandit.EpsilonGreedy(1), &b: bandit.Uniform{}} {
			s := c.Slate(4, order)
			require.NoError(t, e.Explore(context.Background(), query(seed), c, s))
			*to = fmt.Sprint(s.Rows(), s.Propensities())
			require.Equal(t, []float64{0.25, 1.0 / 3, 0.5, 1}, s.Propensities())
		}
		require.Equal(t, a, b)
	}
}

func TestEpsilonGreedyHasOneChoiceOfPropensityOne(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	c, order := table([]float32{1})
	for range 10_000 {
		e := bandit.EpsilonGreedy(r.Float64())
		if r.IntN(2) == 0 {
			e = bandit.EpsilonGreedy(math.Ldexp(float64(e), -r.IntN(70)))
		}
		s := c.Slate(1, order)
		require.NoError(t, e.Explore(context.Background(), query(1), c, s))
		require.Equal(t, 1.0, s.Propensities()[0], "epsilon %v", float64(e))
	}
}

func TestEpsilonGreedyTiesGoByTheOrder(t *testing.T) {
	c, order := table([]float32{1, 1, 1})
	require.InDelta(t, 0.8+0.2/3, first(t, bandit.EpsilonGreedy(0.2), c, 0), 1e-15)
	require.InDelta(t, 0.2/3, first(t, bandit.EpsilonGreedy(0.2), c, 1), 1e-15)
	require.Equal(t, []int32{0, 1, 2}, order)
}

func TestEpsilonGreedyValidate(t *testing.T) {
	for _, bad := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		e := bandit.EpsilonGreedy(bad)
		require.ErrorContains(t, e.Validate(), fmt.Sprintf("epsilon is %v; want 0", bad))
		c, order := table([]float32{1, 2})
		require.Error(t, e.Explore(context.Background(), query(1), c, c.Slate(1, order)))
		require.Error(t, e.Propensities(context.Background(), query(1), c, c.Slate(1, order), nil, nil))
	}
	for _, good := range []bandit.EpsilonGreedy{0, 5e-324, 0.1, 1} {
		require.NoError(t, good.Validate())
	}
}
