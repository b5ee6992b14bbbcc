package bandit_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// Two pipelines may serve from one policy, and their columns need not stand at the same places.
func TestBindingsOfOneStateReadTheirOwnColumns(t *testing.T) {
	tableOf := func(names ...string) (*recsys.Candidates, []int32) {
		var columns []recsys.Column
		for _, name := range names {
			columns = append(columns, recsys.Column{Name: name})
		}
		s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: columns, Heads: []string{"head"}, Sources: []string{"source"}})
		require.NoError(t, err)
		c := recsys.NewCandidates(s, []recsys.ItemID{1, 2, 3})
		for row := range 3 {
			for j, name := range names {
				c.Row(row)[j] = map[string]float32{"x": float32(row), "noise": 50}[name]
			}
		}
		return c, []int32{0, 1, 2}
	}
	for name, m := range map[string]bandit.LinearModel{"disjoint": {Features: []string{"x"}}, "shared": {Features: []string{"x"}, Shared: true}} {
		t.Run(name, func(t *testing.T) {
			p, err := bandit.New(bandit.SquareCB{Model: m, Gamma: 30}, bandit.Config{})
			require.NoError(t, err)
			var props [2][3]float64
			judge := func(i int, names ...string) recsys.Explorer {
				c, order := tableOf(names...)
				e, err := recsys.Bind[recsys.Explorer](p, c.Schema())
				require.NoError(t, err)
				for row := range int32(3) {
					require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), contextQuery(c.Schema(), 0, 1), c, c.Slate(1, order), []int32{row}, props[i][row:row+1]))
				}
				return e
			}
			e := judge(0, "x")
			c, order := tableOf("x")
			for i := range 30 {
				s := c.Slate(1, order)
				require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), i, 1), c, s))
				item, kind := c.IDs()[s.Rows()[0]], recsys.Skip
				if item == 3 {
					kind = recsys.Click
				}
				require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(i, item, kind, time.Second)}))
			}
			judge(0, "x")
			judge(1, "noise", "x")
			require.Equal(t, props[0], props[1])
			require.NotEqual(t, props[0][0], props[0][2])
		})
	}
}

// Sums of rewards stay finite whatever comes, so that what is written can be read.
func TestLargeRewardsLeaveAStateThatCanBeRead(t *testing.T) {
	for name, alg := range map[string]bandit.Algorithm{
		"linucb": bandit.LinUCB{}, "lin-greedy": bandit.LinGreedy{}, "lints": bandit.LinTS{}, "squarecb": bandit.SquareCB{},
		"gaussian": bandit.GaussianThompson{}, "mean-greedy": bandit.MeanGreedy{}, "boltzmann": bandit.Boltzmann{},
	} {
		t.Run(name, func(t *testing.T) {
			size := 1e308
			cfg := bandit.Config{Reward: func(*recsys.Feedback) (float64, bool) { return size, true }}
			p, err := bandit.New(alg, cfg)
			require.NoError(t, err)
			c, order := contextTable(t, rand.New(rand.NewPCG(1, 1)), 3)
			e, err := recsys.Bind[recsys.Explorer](p, c.Schema())
			require.NoError(t, err)
			s := c.Slate(3, order)
			require.NoError(t, e.Explore(t.Context(), contextQuery(c.Schema(), 0, 3), c, s))
			var refused *bandit.FeedbackError
			require.ErrorAs(t, p.Learn(t.Context(), []recsys.Feedback{act(0, 1000, 1, 0)}), &refused)
			require.Equal(t, 1e308, refused.Value)
			size = 1e100
			for kind := range recsys.EventKind(100) {
				require.NoError(t, p.Learn(t.Context(), []recsys.Feedback{act(0, 1000, kind, 0), act(0, 1001, kind, 0)}))
			}
			q := restore(t, p, alg, cfg)
			require.Equal(t, p.Stats(), q.Stats())
			dst := make([]float64, 1)
			total := 0.0
			for row := range int32(3) {
				require.NoError(t, e.(recsys.Judge).Propensities(t.Context(), contextQuery(c.Schema(), 9, 1), c, c.Slate(1, order), []int32{row}, dst))
				total += dst[0]
			}
			require.InDelta(t, 1, total, 1e-9)
		})
	}
}

// What a cascade knows does not depend on the order in which feedback came.
func TestCascadesTakeNoRewardBelowZero(t *testing.T) {
	d := newDesk(t, bandit.Cascade{Of: bandit.MeanGreedy{Epsilon: 1}}, bandit.Config{Reward: bandit.ValueReward(recsys.Like)}, 3, 3)
	items := d.show(0)
	f := act(0, items[0], recsys.Like, 0)
	f.Value = -1
	var refused *bandit.FeedbackError
	require.ErrorAs(t, d.policy.Learn(t.Context(), []recsys.Feedback{f}), &refused)
	require.Equal(t, -1.0, refused.Value)
}

// EXP3 divides by propensity and choices.
func TestRedoAndReadFromRefuseChancesThatCannotBe(t *testing.T) {
	for name, x := range map[string]struct {
		p float64
		n int32
	}{"no propensity": {0, 2}, "below 0": {-0.5, 2}, "above 1": {1.5, 2}, "NaN": {math.NaN(), 2}, "no choices": {0.5, 0}, "few choices": {0.5, -1}} {
		t.Run(name, func(t *testing.T) {
			p, err := bandit.New(bandit.EXP3{}, bandit.Config{})
			require.NoError(t, err)
			c := bandit.Change{Kind: bandit.ChangeDecision, Decision: bandit.Decision{
				ID: "a", Items: []recsys.ItemID{1}, Arms: []uint64{1}, Propensities: []float64{x.p}, Choices: []int32{x.n},
			}}
			require.ErrorContains(t, p.Redo(&c), `decision "a": place 0 has propensity`)
			require.Zero(t, p.Stats())

			good := c.Decision
			good.Propensities, good.Choices = []float64{0.5}, []int32{2}
			_, err = p.Remember(&good)
			require.NoError(t, err)
			var file bytes.Buffer
			require.NoError(t, bandit.WriteChances(p, &file, x.p, x.n))
			before := p.Stats()
			_, err = p.ReadFrom(&file)
			require.ErrorContains(t, err, "has propensity")
			require.Equal(t, before, p.Stats())
		})
	}
}
