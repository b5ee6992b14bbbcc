package bandit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// epoch is the time of the first request of a test.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// desk runs a policy over a table of items without a pipeline.
type desk struct {
	t      testing.TB
	policy *bandit.Policy
	c      *recsys.Candidates
	order  []int32
	k      int
}

func newDesk(t testing.TB, alg bandit.Algorithm, cfg bandit.Config, items, k int) *desk {
	t.Helper()
	p, err := bandit.New(alg, cfg)
	require.NoError(t, err)
	c, order := table(make([]float32, items))
	return &desk{t, p, c, order, k}
}

// show makes decision i and returns the items.
func (d *desk) show(i int) []recsys.ItemID {
	d.t.Helper()
	q := d.query(i)
	s := d.c.Slate(d.k, d.order)
	require.NoError(d.t, d.policy.Explore(context.Background(), q, d.c, s))
	var items []recsys.ItemID
	for _, row := range s.Rows() {
		items = append(items, d.c.IDs()[row])
	}
	return items
}

func (d *desk) query(i int) *recsys.Query {
	return recsys.NewQuery(&recsys.Request{
		ID: fmt.Sprint("d", i), Seed: uint64(i) + 1, K: d.k, Now: epoch.Add(time.Duration(i) * time.Minute),
	}, nil, "explore/test")
}

func (d *desk) learn(feedback ...recsys.Feedback) {
	d.t.Helper()
	require.NoError(d.t, d.policy.Learn(context.Background(), feedback))
}

// act is feedback to decision i, seconds after it.
func act(i int, item recsys.ItemID, kind recsys.EventKind, after time.Duration) recsys.Feedback {
	return recsys.Feedback{Request: fmt.Sprint("d", i), Item: item, Kind: kind, Time: epoch.Add(time.Duration(i)*time.Minute + after)}
}

func TestPolicySettlesOnceAndCorrectsLater(t *testing.T) {
	d := newDesk(t, bandit.MeanGreedy{Epsilon: 0.5}, bandit.Config{}, 4, 2)
	first := d.show(0)
	d.learn(act(0, first[0], recsys.Click, time.Second))
	require.EqualValues(t, 1, d.policy.Stats().Settled)
	d.learn(act(0, first[0], recsys.Click, time.Second))
	require.EqualValues(t, 1, d.policy.Stats().Doubled)
	d.policy.Advance(epoch.Add(time.Hour))
	require.EqualValues(t, 0, d.policy.Stats().Expired, "an hour has not passed")
	d.policy.Advance(epoch.Add(time.Hour + 1))
	st := d.policy.Stats()
	require.EqualValues(t, 1, st.Expired)
	require.EqualValues(t, 2, st.Settled)
	require.Zero(t, st.Waiting)
	d.learn(act(0, first[1], recsys.Click, 2*time.Hour))
	st = d.policy.Stats()
	require.EqualValues(t, 2, st.Settled)
	require.EqualValues(t, 1, st.Corrected)
	require.EqualValues(t, 3, st.Version)
	require.Equal(t, 2, st.Arms)
}

func TestPolicyExploreAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("counts are of the race detector")
	}
	for name, alg := range algorithms {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, alg, bandit.Config{Retention: 50, Window: -1}, 40, 5)
			queries := make([]*recsys.Query, 2000)
			for i := range queries {
				queries[i] = d.query(i)
			}
			i := 0
			explore := func() {
				s := d.c.Slate(d.k, d.order)
				if err := d.policy.Explore(context.Background(), queries[i], d.c, s); err != nil {
					t.Fatal(err)
				}
				i++
			}
			for range 400 {
				explore()
			}
			require.Zero(t, testing.AllocsPerRun(1000, explore))
		})
	}
}

// algorithms are those of this package that need no features.
var algorithms = map[string]bandit.Algorithm{
	"mean-greedy":         bandit.MeanGreedy{Epsilon: 0.2},
	"declining":           bandit.MeanGreedy{Epsilon: 0.9, Decline: 30},
	"greedy":              bandit.MeanGreedy{Prior: 1},
	"boltzmann":           bandit.Boltzmann{Temperature: 0.3},
	"ucb1":                bandit.UCB1{},
	"kl-ucb":              bandit.KLUCB{C: 1},
	"sliding-ucb":         bandit.SlidingUCB{Window: 40},
	"exp3":                bandit.EXP3{Gamma: 0.2},
	"thompson":            bandit.Thompson{},
	"discounted":          bandit.Thompson{Alpha: 0.5, Beta: 0.5, Decay: 0.95},
	"gaussian":            bandit.GaussianThompson{Mean: 0.5, SD: 2, Noise: 0.5, Decay: 0.99},
	"top-two":             bandit.TopTwo{},
	"top-two of gaussian": bandit.TopTwo{Of: bandit.GaussianThompson{}, Leader: 0.8},
}
