package bandit_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/bandit/bandittest"
	"github.com/recsyskit/recsys/internal/race"
)

// trained returns a policy that has seen some of the items 1000 to 1006, those of the conformance suite, and others
// not at all: rewards of item i are 1 in about (i-1000)/10 of the cases.
func trained(t testing.TB, alg bandit.Algorithm, cfg bandit.Config) *bandit.Policy {
	t.Helper()
	cfg.Window = -1
	p, err := bandit.New(alg, cfg)
	require.NoError(t, err)
	c, order := table(make([]float32, 6))
	for i := range 120 {
		q := recsys.NewQuery(&recsys.Request{ID: fmt.Sprint("training", i), Seed: uint64(i) + 1, K: 2, Now: epoch}, nil, "explore/training")
		s := c.Slate(2, order)
		require.NoError(t, p.Explore(context.Background(), q, c, s))
		for _, row := range s.Rows() {
			kind := recsys.Skip
			if (i*7+int(row)*3)%10 < int(row) {
				kind = recsys.Click
			}
			require.NoError(t, p.Learn(context.Background(), []recsys.Feedback{{
				Request: q.ID, Item: c.IDs()[row], Kind: kind, Time: epoch,
			}}))
		}
	}
	require.EqualValues(t, 240, p.Stats().Settled)
	return p
}

func TestPoliciesConform(t *testing.T) {
	suite := bandittest.Suite{Draws: 20_000} // a million: TestPoliciesDrawWhatTheyLog
	if testing.Short() || race.Enabled {
		suite.Draws = 1000
	}
	for name, alg := range algorithms {
		if race.Enabled && name != "thompson" && name != "sliding-ucb" {
			continue // those two have all the kinds of memory that there are
		}
		t.Run(name, func(t *testing.T) {
			suite.Run(t, func(t *testing.T) recsys.Explorer { return trained(t, alg, bandit.Config{}) })
		})
	}
}

// A million draws, free and under a rule that re-admits rows.
func TestPoliciesDrawWhatTheyLog(t *testing.T) {
	if race.Enabled {
		t.Skip("draws for long, on one goroutine")
	}
	for name, alg := range algorithms {
		t.Run(name, func(t *testing.T) {
			p := trained(t, alg, bandit.Config{})
			for _, rules := range [][]recsys.Constraint{nil, {apart{[]int32{0, 1, 0, 2, 1, 0}}}} {
				bandittest.Draws{
					Table:  func() (*recsys.Candidates, []int32) { return table(make([]float32, 6), rules...) },
					Places: 3, Seed: 500000000,
				}.Run(t, p)
			}
		})
	}
}
