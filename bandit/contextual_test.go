package bandit_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/internal/race"
)

// contextSchema has the columns of bandittest's tables.
func contextSchema(t testing.TB) *recsys.Schema {
	t.Helper()
	s, err := recsys.NewSchema(recsys.SchemaConfig{
		Columns: []recsys.Column{{Name: "float"}, {Name: "id", Kind: recsys.ID}, {Name: "vector", Kind: recsys.Vector, Dim: 2}},
		Heads:   []string{"head"},
		Sources: []string{"source"},
	})
	require.NoError(t, err)
	return s
}

var linearModels = map[string]bandit.LinearModel{
	"disjoint": {Features: []string{"float"}},
	"shared":   {Features: []string{"float", "vector"}, Shared: true, NoIntercept: true},
}

// contextual are the algorithms that read features; seen is what the policies below have learned.
func contextual(m bandit.LinearModel) map[string]bandit.Algorithm {
	return map[string]bandit.Algorithm{
		"linucb":      bandit.LinUCB{Model: m},
		"lin-greedy":  bandit.LinGreedy{Model: m, Epsilon: 0.3},
		"lints":       bandit.LinTS{Model: m, V: 0.6},
		"marginal":    bandit.LinTS{Model: m, V: 0.6, Marginal: true},
		"logistic-ts": bandit.LogisticTS{Model: m, V: 0.8},
		"squarecb":    bandit.SquareCB{Model: m, Gamma: 2},
	}
}

// contextTable is a table of bandittest's schema: "float" and "vector" come from r.
func contextTable(t testing.TB, r *rand.Rand, n int) (*recsys.Candidates, []int32) {
	t.Helper()
	items, order := make([]recsys.ItemID, n), make([]int32, n)
	for i := range items {
		items[i], order[i] = recsys.ItemID(1000+i), int32(i)
	}
	c := recsys.NewCandidates(contextSchema(t), items)
	for i := range n {
		c.Row(i)[0] = float32(r.NormFloat64())
		for j := range c.Vector(0, i) {
			c.Vector(0, i)[j] = float32(r.NormFloat64())
		}
		c.IDColumn(0)[i] = uint64(i % 3)
	}
	return c, order
}

func contextQuery(s *recsys.Schema, i, k int) *recsys.Query {
	return recsys.NewQuery(&recsys.Request{
		ID: fmt.Sprint("d", i), Seed: uint64(i) + 1, K: k, Now: epoch.Add(time.Duration(i) * time.Minute),
	}, s, "explore/test")
}

// experienced returns a policy that has seen 60 slates of three, with rewards that grow with the item.
func experienced(t testing.TB, alg bandit.Algorithm, cfg bandit.Config) *bandit.Policy {
	t.Helper()
	p, err := bandit.New(alg, cfg)
	require.NoError(t, err)
	bound, err := recsys.Bind[recsys.Explorer](p, contextSchema(t))
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(8, 8))
	for i := range 60 {
		c, order := contextTable(t, r, 7)
		s := c.Slate(3, order)
		require.NoError(t, bound.Explore(t.Context(), contextQuery(c.Schema(), i, 3), c, s))
		var feedback []recsys.Feedback
		for _, row := range s.Rows() {
			item, kind := c.IDs()[row], recsys.Skip
			if r.Float64() < 0.1+0.08*float64(item-1000) {
				kind = recsys.Click
			}
			feedback = append(feedback, act(i, item, kind, time.Second))
		}
		require.NoError(t, p.Learn(t.Context(), feedback))
	}
	require.EqualValues(t, 180, p.Stats().Settled)
	return p
}

func TestContextualPoliciesConform(t *testing.T) {
	for kind, m := range linearModels {
		for name, alg := range contextual(m) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				if race.Enabled && (m.Shared || name != "squarecb") && (!m.Shared || name != "lints") {
					t.Skip("the code that runs beside itself is the same")
				}
				p := experienced(t, alg, bandit.Config{})
				suite := bandittest.Suite{Draws: 5_000} // a million: TestContextualPoliciesDrawWhatTheyLog
				if testing.Short() || race.Enabled {
					suite.Draws = 300
				}
				suite.Run(t, func(*testing.T) recsys.Explorer { return p })
			})
		}
	}
}

func TestContextualExplorationSaysWhatPropensitiesAreWorth(t *testing.T) {
	for kind, m := range linearModels {
		for name, alg := range contextual(m) {
			want := recsys.ExplorationExact
			switch {
			case name == "linucb":
				want = recsys.ExplorationDeterministic
			case m.Shared && (name == "lints" || name == "logistic-ts"):
				want = recsys.ExplorationEstimated
			}
			p, err := bandit.New(alg, bandit.Config{})
			require.NoError(t, err)
			require.Equal(t, want, p.Exploration(), "%s %s", kind, name)
		}
	}
}

func TestContextualPoliciesDrawWhatTheyLog(t *testing.T) {
	if race.Enabled {
		t.Skip("one goroutine, many draws")
	}
	// Given mean and variance most algorithms do the same whatever the model. Joint draws are of shared ones, and
	// without them Marginal changes nothing.
	bothKinds := []string{"lints", "logistic-ts"}
	for kind, m := range linearModels {
		algs := contextual(m)
		if m.Shared {
			algs["lints"], algs["logistic-ts"] = bandit.LinTS{Model: m, V: 0.6, Draws: 64}, bandit.LogisticTS{Model: m, V: 0.8, Draws: 64}
		}
		for name, alg := range algs {
			if m.Shared != (name == "marginal") && !slices.Contains(bothKinds, name) {
				continue
			}
			t.Run(kind+"/"+name, func(t *testing.T) {
				e, err := recsys.Bind[recsys.Explorer](experienced(t, alg, bandit.Config{}), contextSchema(t))
				require.NoError(t, err)
				for _, rules := range [][]recsys.Constraint{nil, {apart{[]int32{0, 1, 0, 2, 1, 0}}}} {
					bandittest.Draws{
						Table: func() (*recsys.Candidates, []int32) {
							c, order := contextTable(t, rand.New(rand.NewPCG(5, 5)), 6)
							c.Constrain(rules...)
							return c, order
						},
						Query:  func() *recsys.Query { return contextQuery(contextSchema(t), 0, 2) },
						Places: 2, Seed: 700000000,
					}.Run(t, e)
				}
			})
		}
	}
}

// The estimate is that of Thompson sampling: draws of θ by the book, against what the policy logs.
func TestSharedThompsonIsWithinItsStandardError(t *testing.T) {
	m := linearModels["shared"]
	const draws = 20_000
	for name, alg := range map[string]bandit.Algorithm{
		"lints":       bandit.LinTS{Model: m, V: 0.6, Draws: draws},
		"logistic-ts": bandit.LogisticTS{Model: m, V: 0.8, Draws: draws},
	} {
		t.Run(name, func(t *testing.T) {
			c, order := contextTable(t, rand.New(rand.NewPCG(5, 5)), 6)
			x := make([][]float64, 6)
			for i := range x {
				x[i] = []float64{float64(c.Row(i)[0]), float64(c.Vector(0, i)[0]), float64(c.Vector(0, i)[1])}
			}
			p, err := bandit.New(alg, bandit.Config{})
			require.NoError(t, err)
			e, err := recsys.Bind[recsys.Explorer](p, c.Schema())
			require.NoError(t, err)
			ridge, err := bandit.NewRidge(3, bandit.RidgeConfig{})
			require.NoError(t, err)
			logistic, err := bandit.NewLogistic(3, bandit.RidgeConfig{})
			require.NoError(t, err)
			r := rand.New(rand.NewPCG(6, 6))
			for i := range 12 {
				s := c.Slate(1, order)
				require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), i, 1), c, s))
				kind, reward := recsys.Skip, 0.0
				if r.IntN(2) == 1 {
					kind, reward = recsys.Click, 1
				}
				row := s.Rows()[0]
				require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(i, c.IDs()[row], kind, time.Second)}))
				require.NoError(t, ridge.Update(x[row], reward, 1))
				require.NoError(t, logistic.Update(x[row], reward, 1))
			}
			var sampler bandit.Sampler
			v := 0.6
			require.True(t, sampler.Ready(ridge))
			if name == "logistic-ts" {
				v = 0.8
				require.True(t, sampler.ReadyLogistic(logistic))
			}
			seen, theta := make([]float64, 6), make([]float64, 3)
			for range draws {
				sampler.Draw(theta, v, r)
				best, top := 0, math.Inf(-1)
				for i := range x {
					if s := x[i][0]*theta[0] + x[i][1]*theta[1] + x[i][2]*theta[2]; s > top {
						best, top = i, s
					}
				}
				seen[best]++
			}
			dst := make([]float64, 1)
			for row := range int32(6) {
				s := c.Slate(1, order)
				require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), contextQuery(c.Schema(), 50, 1), c, s, []int32{row}, dst))
				want := seen[row] / draws
				require.InDelta(t, want, dst[0], 4*math.Sqrt(2*want*(1-want)/draws)+1e-12, "row %d", row)
				if dst[0] > 0 {
					require.InDelta(t, math.Sqrt(dst[0]*(1-dst[0])/draws), s.StandardErrors()[0], 1e-15)
				}
			}
		})
	}
}

func TestContextualSnapshotRestoresToTheBit(t *testing.T) {
	for kind, m := range linearModels {
		m.Ridge.Decay = 0.99
		for name, alg := range contextual(m) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				old := experienced(t, alg, bandit.Config{})
				restored := restore(t, old, alg, bandit.Config{})
				r := rand.New(rand.NewPCG(9, 9))
				for i := 100; i < 130; i++ {
					c, order := contextTable(t, r, 9)
					var got [2][]float64
					for j, p := range []*bandit.Policy{old, restored} {
						e, err := recsys.Bind[recsys.Explorer](p, c.Schema())
						require.NoError(t, err)
						s := c.Slate(4, order)
						require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), i, 4), c, s))
						for at, row := range s.Rows() {
							got[j] = append(got[j], float64(row), s.Propensities()[at], s.StandardErrors()[at])
						}
						require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{
							act(i, c.IDs()[s.Rows()[0]], recsys.Click, time.Second),
							act(i-90, 1003, recsys.Click, time.Minute), // perhaps of a decision before the snapshot
						}))
					}
					require.Equal(t, got[0], got[1], "slate %d", i)
				}
				require.Equal(t, old.Stats(), restored.Stats())
			})
		}
	}
}

// restore writes p and reads it into a new policy.
func restore(t *testing.T, p *bandit.Policy, alg bandit.Algorithm, cfg bandit.Config) *bandit.Policy {
	t.Helper()
	var file bytes.Buffer
	_, err := p.WriteTo(&file)
	require.NoError(t, err)
	q, err := bandit.New(alg, cfg)
	require.NoError(t, err)
	_, err = recsys.Bind[recsys.Explorer](q, contextSchema(t))
	require.NoError(t, err)
	_, err = q.ReadFrom(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	var again bytes.Buffer
	_, err = q.WriteTo(&again)
	require.NoError(t, err)
	require.Equal(t, file.Bytes(), again.Bytes())
	return q
}

// What a policy that heard of rewards late and doubled knows is what one that heard them in time knows.
func TestContextualLearningIsIdempotentAndCorrects(t *testing.T) {
	for kind, m := range linearModels {
		t.Run(kind, func(t *testing.T) {
			c, order := contextTable(t, rand.New(rand.NewPCG(3, 3)), 6)
			var props [2][]float64
			for late := range 2 {
				p, err := bandit.New(bandit.SquareCB{Model: m, Gamma: 5}, bandit.Config{})
				require.NoError(t, err)
				e, err := recsys.Bind[recsys.Explorer](p, c.Schema())
				require.NoError(t, err)
				for i := range 20 {
					s := c.Slate(2, order)
					// The same slates in both runs: what is learned comes after all of them.
					require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), i, 2), c, s))
				}
				if late == 1 {
					p.Advance(epoch.Add(100 * time.Hour)) // all settle at 0
				}
				for i := range 20 {
					for item := recsys.ItemID(1000); item < 1006; item += 2 {
						f := act(i, item, recsys.Click, time.Second)
						require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{f, f}))
					}
				}
				p.Advance(epoch.Add(200 * time.Hour))
				dst := make([]float64, 2)
				for a := range int32(6) {
					for b := range int32(6) {
						require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), contextQuery(c.Schema(), 99, 2), c, c.Slate(2, order), []int32{a, b}, dst))
						props[late] = append(props[late], dst...)
					}
				}
			}
			require.InDeltaSlice(t, props[0], props[1], 1e-12)
		})
	}
}

func TestLogisticRewardsAreOfTheUnitInterval(t *testing.T) {
	p, err := bandit.New(bandit.LogisticTS{}, bandit.Config{Reward: bandit.ValueReward(recsys.Click)})
	require.NoError(t, err)
	for _, v := range []float32{-0.1, 1.1, float32(math.NaN()), float32(math.Inf(1))} {
		var refused *bandit.FeedbackError
		require.ErrorAs(t, p.Learn(t.Context(), []recsys.Feedback{{Request: "r", Kind: recsys.Click, Value: v}}), &refused)
	}
}

func TestLinearModelBindNamesWhatIsWrong(t *testing.T) {
	p, err := bandit.New(bandit.LinUCB{Model: bandit.LinearModel{Features: []string{"nothing", "id", "float"}}}, bandit.Config{})
	require.NoError(t, err)
	_, err = p.Bind(contextSchema(t))
	require.ErrorContains(t, err, `"nothing"`)
	require.ErrorContains(t, err, `column "id" is an id; want a float or a vector`)
	c, order := contextTable(t, rand.New(rand.NewPCG(1, 1)), 3)
	require.ErrorContains(t, p.Explore(context.Background(), contextQuery(c.Schema(), 0, 1), c, c.Slate(1, order)), "not bound")

	for _, x := range []struct {
		alg  bandit.Algorithm
		want string
	}{
		{bandit.LinUCB{Model: bandit.LinearModel{NoIntercept: true}}, "LinearModel.Features is empty"},
		{bandit.LinUCB{Model: bandit.LinearModel{Features: []string{"a", "a"}}}, `LinearModel.Features[1] is "a"`},
		{bandit.LinUCB{Model: bandit.LinearModel{Features: []string{""}}}, `LinearModel.Features[0] is ""`},
		{bandit.LinUCB{Model: bandit.LinearModel{Ridge: bandit.RidgeConfig{Lambda: -1}}}, "RidgeConfig.Lambda is -1"},
		{bandit.LinUCB{Alpha: -1}, "LinUCB.Alpha is -1"},
		{bandit.LinGreedy{Epsilon: 2}, "LinGreedy.Epsilon is 2"},
		{bandit.LinTS{V: math.NaN()}, "LinTS.V is NaN"},
		{bandit.LinTS{Draws: -1}, "LinTS.Draws is -1"},
		{bandit.LogisticTS{V: math.Inf(1)}, "LogisticTS.V is +Inf"},
		{bandit.LogisticTS{Draws: 2_000_000}, "LogisticTS.Draws is 2000000"},
		{bandit.SquareCB{Gamma: -3}, "SquareCB.Gamma is -3"},
		{bandit.SquareCB{Exponent: 1.5}, "SquareCB.Exponent is 1.5"},
	} {
		_, err := bandit.New(x.alg, bandit.Config{})
		require.ErrorContains(t, err, x.want)
	}
}

func TestPolicyIsBoundToFeaturesOfOneLength(t *testing.T) {
	p, err := bandit.New(bandit.LinUCB{Model: bandit.LinearModel{Features: []string{"vector"}}}, bandit.Config{})
	require.NoError(t, err)
	_, err = p.Bind(contextSchema(t))
	require.NoError(t, err)
	_, err = p.Bind(contextSchema(t))
	require.NoError(t, err)
	other, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "vector", Kind: recsys.Vector, Dim: 5}}})
	require.NoError(t, err)
	_, err = p.Bind(other)
	require.ErrorContains(t, err, "bound to 3 features already, and cannot be to 6")
}

// What comes for a decision about an arm that was forgotten meanwhile is not learned, also when the arm has come again.
func TestForgottenArmsAreCold(t *testing.T) {
	c, order := contextTable(t, rand.New(rand.NewPCG(3, 3)), 3)
	judged := func(late bool) []float64 {
		p, err := bandit.New(bandit.SquareCB{Model: linearModels["disjoint"], Gamma: 5}, bandit.Config{})
		require.NoError(t, err)
		e, err := recsys.Bind[recsys.Explorer](p, c.Schema())
		require.NoError(t, err)
		for i := range 10 { // all of slate 0 to 9, in whatever order
			require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), i, 3), c, c.Slate(3, order)))
		}
		for i := range 5 {
			require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(i, 1001, recsys.Skip, time.Second)}))
		}
		p.Forget(1001)
		if late {
			require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(0, 1001, recsys.Click, time.Minute)}))
		}
		for i := 5; i < 8; i++ {
			require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(i, 1001, recsys.Skip, time.Second)}))
		}
		if late {
			require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(1, 1001, recsys.Click, time.Minute)}))
		}
		var all []float64
		for row := range int32(3) {
			dst := make([]float64, 1)
			require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), contextQuery(c.Schema(), 99, 1), c, c.Slate(1, order), []int32{row}, dst))
			all = append(all, dst[0])
		}
		return all
	}
	require.Equal(t, judged(false), judged(true))
}

// Missing and infinite features count as 0.
func TestContextualFeaturesThatAreNotFiniteCountAsZero(t *testing.T) {
	p := experienced(t, bandit.SquareCB{Model: linearModels["shared"]}, bandit.Config{})
	e, err := recsys.Bind[recsys.Explorer](p, contextSchema(t))
	require.NoError(t, err)
	judge := func(x float32) []float64 {
		c, order := contextTable(t, rand.New(rand.NewPCG(1, 1)), 4)
		c.Row(2)[0] = x
		dst := make([]float64, 1)
		var all []float64
		for row := range int32(4) {
			require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), contextQuery(c.Schema(), 0, 1), c, c.Slate(1, order), []int32{row}, dst))
			all = append(all, dst[0])
		}
		return all
	}
	want := judge(0)
	for _, x := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		require.Equal(t, want, judge(x))
	}
}

func TestContextualExploreAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	for kind, m := range linearModels {
		for name, alg := range contextual(m) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				p := experienced(t, alg, bandit.Config{Retention: 50, Window: -1})
				c, order := contextTable(t, rand.New(rand.NewPCG(1, 1)), 20)
				e, err := recsys.Bind[recsys.Explorer](p, c.Schema())
				require.NoError(t, err)
				queries := make([]*recsys.Query, 1000)
				for i := range queries {
					queries[i] = contextQuery(c.Schema(), 1000+i, 3)
				}
				i := 0
				explore := func() {
					if err := e.Explore(context.Background(), queries[i], c, c.Slate(3, order)); err != nil {
						t.Fatal(err)
					}
					i++
				}
				for range 200 {
					explore()
				}
				require.Zero(t, testing.AllocsPerRun(200, explore))
			})
		}
	}
}

func FuzzLinearLearnerLoads(f *testing.F) {
	for _, shared := range []bool{false, true} {
		f.Add(bandit.SaveLinear(3, 5, shared, false), shared, false)
		f.Add(bandit.SaveLinear(3, 0, shared, true), shared, true)
		f.Add(bandit.SaveLinear(9, 2, shared, false), shared, false) // of other features
	}
	f.Fuzz(func(t *testing.T, state []byte, shared, logistic bool) {
		again, err := bandit.LoadLinear(state, 3, shared, logistic)
		if err == nil && !bytes.Equal(state, again) {
			t.Fatalf("%d bytes were read, and %d others written", len(state), len(again))
		}
	})
}

func TestLinearLearnerRefusesOtherFeatures(t *testing.T) {
	for _, shared := range []bool{false, true} {
		good := bandit.SaveLinear(3, 5, shared, false)
		_, err := bandit.LoadLinear(good, 3, shared, false)
		require.NoError(t, err)
		_, err = bandit.LoadLinear(bandit.SaveLinear(4, 5, shared, false), 3, shared, false)
		require.Error(t, err)
		for cut := range good {
			_, err = bandit.LoadLinear(good[:cut], 3, shared, false)
			require.Error(t, err)
		}
	}
}

// The probabilities of every row at the first place, and after each row at the second, by the formulas of the papers over
// dense inverses.
//
// Source: Li et al. 2010, Algorithm 1 (LinUCB); Agrawal and Goyal 2013, Algorithm 1 (LinTS: N(θ, v²A⁻¹)); Foster and Rakhlin 2020,
// Algorithm 1 (SquareCB).
func TestContextualPoliciesAreThePapers(t *testing.T) {
	const n, slates = 5, 25
	for kind, m := range linearModels {
		formulas := map[string]struct {
			alg    bandit.Algorithm
			chance func(mean, variance []float64) []float64
		}{
			"linucb": {bandit.LinUCB{Model: m, Alpha: 0.7}, func(mean, variance []float64) []float64 {
				p, best := make([]float64, len(mean)), 0
				for i := range mean {
					if mean[i]+0.7*math.Sqrt(variance[i]) > mean[best]+0.7*math.Sqrt(variance[best]) {
						best = i
					}
				}
				p[best] = 1
				return p
			}},
			"marginal lints": {bandit.LinTS{Model: m, V: 0.4, Marginal: true}, func(mean, variance []float64) []float64 {
				sd := make([]float64, len(mean))
				for i := range sd {
					sd[i] = 0.4 * math.Sqrt(variance[i])
				}
				p, err := bandit.BestNormal(nil, mean, sd)
				require.NoError(t, err)
				return p
			}},
			"squarecb": {bandit.SquareCB{Model: m, Gamma: 3, Exponent: 0.25}, func(mean, _ []float64) []float64 {
				return bandit.InverseGap(nil, mean, 3*math.Pow(2*slates, 0.25))
			}},
			"lin-greedy": {bandit.LinGreedy{Model: m, Epsilon: 0.2}, func(mean, _ []float64) []float64 {
				p, err := bandit.GreedyDistribution(nil, mean, 0.2)
				require.NoError(t, err)
				return p
			}},
		}
		for name, f := range formulas {
			t.Run(kind+"/"+name, func(t *testing.T) {
				p, err := bandit.New(f.alg, bandit.Config{})
				require.NoError(t, err)
				e, err := recsys.Bind[recsys.Explorer](p, contextSchema(t))
				require.NoError(t, err)
				features := func(c *recsys.Candidates, row int32) []float64 {
					x := []float64{float64(c.Row(int(row))[0])}
					if !m.Shared {
						return append(x, 1)
					}
					return append(x, float64(c.Vector(0, int(row))[0]), float64(c.Vector(0, int(row))[1]))
				}
				models := make([]*dense, n)
				for i := range models {
					if models[i] = models[0]; i == 0 || !m.Shared {
						models[i] = newDense(map[bool]int{false: 2, true: 3}[m.Shared], 1)
					}
				}
				r := rand.New(rand.NewPCG(12, 12))
				for i := range slates {
					c, order := contextTable(t, r, n)
					s := c.Slate(2, order)
					require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), i, 2), c, s))
					for _, row := range s.Rows() {
						kind, reward := recsys.Skip, 0.0
						if r.IntN(3) == 0 {
							kind, reward = recsys.Click, 1
						}
						require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(i, c.IDs()[row], kind, time.Second)}))
						models[row].update(features(c, row), reward, 1)
					}
				}
				c, order := contextTable(t, r, n)
				mean, variance := make([]float64, n), make([]float64, n)
				for row := range int32(n) {
					mean[row], variance[row] = models[row].moments(features(c, row))
				}
				first := f.chance(mean, variance)
				for a := range int32(n) {
					second := f.chance(slices.Delete(slices.Clone(mean), int(a), int(a)+1), slices.Delete(slices.Clone(variance), int(a), int(a)+1))
					at := 0
					for b := range int32(n) {
						if a == b {
							continue
						}
						dst := make([]float64, 2)
						require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), contextQuery(c.Schema(), 999, 2), c, c.Slate(2, order), []int32{a, b}, dst))
						require.InDelta(t, first[a], dst[0], 1e-9)
						if first[a] > 0 {
							require.InDelta(t, second[at], dst[1], 1e-9)
						}
						at++
					}
				}
			})
		}
	}
}

func TestJudgesGiveTheBitsThatWereLogged(t *testing.T) {
	explorers := map[string]recsys.Explorer{
		"bag": bandit.Bag{Members: opinions(9)}, "whole": bandit.Bag{Members: opinions(30), WholeSlates: true},
		"inverse gap": bandit.InverseGapWeighting(7),
	}
	for name, m := range mixtures {
		explorers["mixture "+name] = m
	}
	for kind, m := range linearModels {
		for name, alg := range contextual(m) {
			explorers[kind+" "+name] = experienced(t, alg, bandit.Config{})
		}
	}
	explorers["all"] = mixture(explorers["shared lints"], 1.0, explorers["disjoint squarecb"], 2.0, bandit.PlackettLuce(1), 0.5)
	for name, e := range explorers {
		t.Run(name, func(t *testing.T) {
			e, err := recsys.Bind(e, contextSchema(t))
			require.NoError(t, err)
			r := rand.New(rand.NewPCG(4, 4))
			for i := 2000; i < 2030; i++ {
				c, order := contextTable(t, r, 8)
				copy(c.Utility(), normal(r, 8, 1))
				q := contextQuery(c.Schema(), i, 4)
				s := c.Slate(4, order)
				require.NoError(t, e.Explore(t.Context(), q, c, s))
				rows, want, ses := slices.Clone(s.Rows()), slices.Clone(s.Propensities()), slices.Clone(s.StandardErrors())
				got := make([]float64, len(rows))
				s = c.Slate(4, order)
				require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), q, c, s, rows, got))
				require.Equal(t, want, got)
				require.Equal(t, ses, s.StandardErrors())
			}
		})
	}
}

// Under the race detector this finds what Explore reads and Learn writes at the same time.
func TestContextualPoliciesServeWhileTheyLearn(t *testing.T) {
	for kind, m := range linearModels {
		for _, name := range []string{"lints", "linucb"} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				p := experienced(t, contextual(m)[name], bandit.Config{Window: -1})
				e, err := recsys.Bind[recsys.Explorer](p, contextSchema(t))
				require.NoError(t, err)
				var wait sync.WaitGroup
				for g := range 4 {
					c, order := contextTable(t, rand.New(rand.NewPCG(uint64(g), 1)), 12)
					queries := make([]*recsys.Query, 50)
					for i := range queries {
						queries[i] = contextQuery(c.Schema(), 1000*(g+1)+i, 3)
					}
					wait.Go(func() {
						for i, q := range queries {
							s := c.Slate(3, order)
							if err := e.Explore(context.Background(), q, c, s); err != nil {
								t.Error(err)
							}
							f := act(1000*(g+1)+i, c.IDs()[s.Rows()[i%3]], recsys.Click, time.Second)
							if err := p.Learn(context.Background(), []recsys.Feedback{f}); err != nil {
								t.Error(err)
							}
							if i%20 == 0 {
								if _, err := p.WriteTo(io.Discard); err != nil {
									t.Error(err)
								}
							}
						}
					})
				}
				wait.Wait()
				require.EqualValues(t, 180+200, p.Stats().Settled)
			})
		}
	}
}
