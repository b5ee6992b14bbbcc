package bandit_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/internal/race"
)

func mixture(members ...any) bandit.Mixture {
	var m bandit.Mixture
	for i := 0; i < len(members); i += 2 {
		m.Members = append(m.Members, bandit.Member{Explorer: members[i].(recsys.Explorer), Weight: members[i+1].(float64)})
	}
	return m
}

var mixtures = map[string]bandit.Mixture{
	"hot and cold": mixture(bandit.PlackettLuce(0.2), 3.0, bandit.PlackettLuce(2), 1.0),
	"three":        mixture(bandit.EpsilonGreedy(0), 0.5, bandit.Uniform{}, 0.2, bandit.PlackettLuce(0.5), 0.3),
	"one":          mixture(bandit.PlackettLuce(0.4), 5.0),
	"nested":       mixture(mixture(bandit.EpsilonGreedy(0.1), 1.0, bandit.Uniform{}, 1.0), 1.0, bandit.PlackettLuce(0.5), 1.0),
}

func TestMixturesConform(t *testing.T) {
	suite := bandittest.Suite{Draws: 10_000} // a million: TestMixtureDrawsWhatItLogs
	if testing.Short() || race.Enabled {
		suite.Draws = 500
	}
	for name, m := range mixtures {
		t.Run(name, func(t *testing.T) {
			suite.Run(t, func(*testing.T) recsys.Explorer { return m })
		})
	}
}

func TestMixtureDrawsWhatItLogs(t *testing.T) {
	for name, m := range mixtures {
		t.Run(name, func(t *testing.T) {
			for _, rules := range [][]recsys.Constraint{nil, {apart{[]int32{0, 1, 0, 2, 1, 0}}}} {
				bandittest.Draws{
					Table:  func() (*recsys.Candidates, []int32) { return table([]float32{1, 0.8, 0.6, 0.5, 0.2, 0}, rules...) },
					Places: 2, Seed: 900000000,
				}.Run(t, m)
			}
		})
	}
}

// The product of the propensities is the mixture of the members' products: Bayes's rule down the slate.
func TestMixtureOfASlateIsTheMixtureOfItsProbabilities(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for trial := range 100 {
		n := 3 + r.IntN(6)
		c, order := table(normal(r, n, 1), randomRules(r, n)...)
		members := []recsys.Explorer{bandit.PlackettLuce(0.3), bandit.EpsilonGreedy(0.2), bandit.Uniform{}}
		weights := []float64{0.5, 0.3, 0.2}
		m := mixture(members[0], weights[0], members[1], weights[1], members[2], weights[2])
		s := c.Slate(3, order)
		require.NoError(t, m.Explore(t.Context(), query(uint64(trial+1)), c, s))
		rows := append([]int32(nil), s.Rows()...)
		got := 1.0
		for _, p := range s.Propensities() {
			got *= p
		}
		want, dst := 0.0, make([]float64, len(rows))
		for j, e := range members {
			require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), query(1), c, c.Slate(3, order), rows, dst))
			product := weights[j]
			for _, p := range dst {
				product *= p
			}
			want += product
		}
		require.InEpsilon(t, want, got, 1e-12)
	}
}

func TestMixtureOfEstimatesSaysSo(t *testing.T) {
	shared := bandit.LinTS{Model: linearModels["shared"], Draws: 64}
	m := mixture(experienced(t, shared, bandit.Config{}), 0.5, bandit.Uniform{}, 0.5)
	require.Equal(t, recsys.ExplorationEstimated, m.Exploration())
	e, err := recsys.Bind[recsys.Explorer](m, contextSchema(t))
	require.NoError(t, err)
	c, order := contextTable(t, rand.New(rand.NewPCG(5, 5)), 6)
	s := c.Slate(1, order)
	require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), 0, 1), c, s))
	p := 2 * (s.Propensities()[0] - 0.5/6)
	require.InDelta(t, 0.5*math.Sqrt(max(p*(1-p), 0)/64), s.StandardErrors()[0], 1e-9)

	greedy := bandit.LinUCB{Model: linearModels["shared"]}
	require.Equal(t, recsys.ExplorationDeterministic, mixture(experienced(t, greedy, bandit.Config{}), 1.0).Exploration())
	require.Equal(t, recsys.ExplorationExact, mixture(experienced(t, greedy, bandit.Config{}), 1.0, bandit.Uniform{}, 1.0).Exploration())
}

func TestMixtureTeachesTheMemberThatDecided(t *testing.T) {
	var policies [2]*bandit.Policy
	for i := range policies {
		p, err := bandit.New(bandit.Thompson{}, bandit.Config{})
		require.NoError(t, err)
		policies[i] = p
	}
	m := mixture(policies[0], 1.0, policies[1], 3.0)
	c, order := table(make([]float32, 4))
	for i := range 200 {
		q := recsys.NewQuery(&recsys.Request{ID: act(i, 0, 0, 0).Request, Seed: uint64(i) + 1, K: 1, Now: epoch}, nil, "explore/test")
		s := c.Slate(1, order)
		require.NoError(t, m.Explore(t.Context(), q, c, s))
		require.NoError(t, m.Learn(t.Context(), []recsys.Feedback{act(i, c.IDs()[s.Rows()[0]], recsys.Click, time.Second)}))
	}
	a, b := policies[0].Stats(), policies[1].Stats()
	require.EqualValues(t, 200, a.Settled+b.Settled)
	require.Equal(t, a.Settled, b.Unmatched)
	require.Equal(t, b.Settled, a.Unmatched)
	require.InDelta(t, 50, float64(a.Settled), 4*math.Sqrt(200*0.25*0.75))
}

func TestMixtureValidates(t *testing.T) {
	require.ErrorContains(t, bandit.Mixture{}.Validate(), "Mixture.Members is empty")
	for _, c := range []struct {
		m    bandit.Mixture
		want string
	}{
		{mixture(bandit.Uniform{}, 0.0), "Members[0].Weight is 0"},
		{mixture(bandit.Uniform{}, 1.0, bandit.Uniform{}, math.NaN()), "Members[1].Weight is NaN"},
		{mixture(bandittest.StopsEarly{}, 1.0), "no recsys.Judge"},
		{mixture(bandit.PlackettLuce(-1), 1.0), "Members[0]: bandit: PlackettLuce: temperature is -1"},
	} {
		require.ErrorContains(t, c.m.Validate(), c.want)
		tb, order := table([]float32{1, 2})
		require.Error(t, c.m.Explore(t.Context(), query(1), tb, tb.Slate(1, order)))
		require.Error(t, c.m.Propensities(t.Context(), query(1), tb, tb.Slate(1, order), nil, nil))
	}
	_, err := mixture(unbindable{}, 1.0).Bind(contextSchema(t))
	require.ErrorContains(t, err, "Members[0]: no such column")
	require.Equal(t, "mixture/1 [3 plackett-luce/1 T=0.2; 1 plackett-luce/1 T=2]", mixtures["hot and cold"].Version())
	require.NoError(t, mixtures["three"].Close())
}

type unbindable struct{ bandit.Uniform }

func (unbindable) Bind(*recsys.Schema) (recsys.Explorer, error) {
	return nil, errors.New("no such column")
}

func TestMixtureAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	m := mixture(bandit.PlackettLuce(0.2), 3.0, bandit.Uniform{}, 1.0)
	c, order := table(normal(rand.New(rand.NewPCG(1, 1)), 50, 1))
	q, ctx := query(1), context.Background()
	require.Zero(t, testing.AllocsPerRun(200, func() {
		q.Seed++
		if err := m.Explore(ctx, q, c, c.Slate(5, order)); err != nil {
			t.Fatal(err)
		}
	}))
}

// shell is a wrapper that forgets all that an explorer can do beside exploring.
type shell struct{ recsys.Explorer }

func (s shell) Unwrap() recsys.Explorer { return s.Explorer }

func TestMixtureAsksWhatAWrapperHolds(t *testing.T) {
	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{})
	require.NoError(t, err)
	shared := experienced(t, bandit.LinTS{Model: linearModels["shared"], Draws: 64}, bandit.Config{})
	m := mixture(shell{policy}, 1.0, shell{shell{shared}}, 1.0)
	require.NoError(t, m.Validate())
	require.Equal(t, recsys.ExplorationEstimated, m.Exploration())
	require.Equal(t, recsys.ExplorationDeterministic, mixture(shell{experienced(t, bandit.LinUCB{}, bandit.Config{})}, 1.0).Exploration())
	require.Contains(t, m.Version(), policy.Version())
	require.NoError(t, m.Learn(t.Context(), []recsys.Feedback{act(99, 1, recsys.Click, 0)}))
	require.EqualValues(t, 1, policy.Stats().Unmatched)
	require.ErrorContains(t, mixture(shell{bandittest.StopsEarly{}}, 1.0).Validate(), "no recsys.Judge")
}

// A mixture within a mixture draws its member by another number than the outer one, however it is wrapped.
func TestMixturesWithinMixturesDrawApart(t *testing.T) {
	inner := mixture(bandit.EpsilonGreedy(0), 1.0, bandit.Uniform{}, 1.0)
	for name, e := range map[string]recsys.Explorer{"value": inner, "pointer": &inner, "wrapped": shell{inner}, "wrapped twice": shell{shell{&inner}}} {
		t.Run(name, func(t *testing.T) {
			bandittest.Draws{
				Table: func() (*recsys.Candidates, []int32) { return table([]float32{1, 0.8, 0.6}) },
				N:     20_000, Seed: 1,
			}.Run(t, mixture(e, 1.0, bandit.PlackettLuce(0.5), 1.0))
		})
	}
}
