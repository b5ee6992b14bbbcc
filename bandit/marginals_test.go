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
	"github.com/recsyskit/recsys/internal/race"
)

// luceChances are those of a Plackett–Luce policy of the given weights.
func luceChances(weight []float64) bandit.Chances {
	return func(dst []float64, prefix []int32) error {
		copy(dst, weight)
		for _, row := range prefix {
			dst[row] = 0
		}
		sum := 0.0
		for _, x := range dst {
			sum += x
		}
		for i := range dst {
			dst[i] /= sum
		}
		return nil
	}
}

// Two places by hand: weights 1, 2, 3.
func TestMarginalsEqualTheSumByHand(t *testing.T) {
	m, err := bandit.NewMarginals(context.Background(), 3, 2, luceChances([]float64{1, 2, 3}), bandit.MarginalsConfig{})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{
		1. / 6, 2. / 6, 3. / 6,
		2./6*1/4 + 3./6*1/3, 1./6*2/5 + 3./6*2/3, 1./6*3/5 + 2./6*3/4,
	}, m.P, 1e-15)
	require.Nil(t, m.SE)
	require.Equal(t, 4, m.Prefixes)
}

// Rows of a place, and places of a row, sum to what they must; drawn marginals are near.
func TestDrawnMarginalsAreNearTheExactOnes(t *testing.T) {
	weight := []float64{1, 2, 3, 0.5, 0.1, 4}
	const k = 4
	exact, err := bandit.NewMarginals(context.Background(), len(weight), k, luceChances(weight), bandit.MarginalsConfig{})
	require.NoError(t, err)
	drawn, err := bandit.NewMarginals(context.Background(), len(weight), k, luceChances(weight), bandit.MarginalsConfig{MaxPrefixes: 100, Draws: 20_000, Seed: 1})
	require.NoError(t, err)
	require.NotNil(t, drawn.SE)
	for place := range k {
		sum := 0.0
		for row := range weight {
			i := place*len(weight) + row
			sum += exact.P[i]
			require.LessOrEqual(t, math.Abs(drawn.P[i]-exact.P[i]), 4.5*drawn.SE[i]+1e-12, "place %d, row %d: %v ± %v, exact %v", place, row, drawn.P[i], drawn.SE[i], exact.P[i])
			if place == 0 {
				require.Zero(t, drawn.SE[i])
			} else {
				require.NotZero(t, drawn.SE[i])
			}
		}
		require.InDelta(t, 1, sum, 1e-12)
	}
	for row := range weight {
		sum := 0.0
		for place := range k {
			sum += exact.P[place*len(weight)+row]
		}
		require.LessOrEqual(t, sum, 1+1e-12)
	}
}

// The chances of an explorer, asked as a judge or directly, under constraints.
func TestChancesOfExplorersAreThoseThatTheyLog(t *testing.T) {
	rules := []recsys.Constraint{apart{[]int32{0, 1, 0, 2, 1, 0}}, maxPer{[]int32{0, 0, 1, 1, 2, 2}, 1}}
	u := []float32{0.3, 0.1, 0.6, 0.2, 0.9, 0.4}
	const k = 3
	n := 40_000
	if race.Enabled {
		n = 2000
	}
	for name, e := range map[string]recsys.Explorer{
		"plackett-luce": bandit.PlackettLuce(0.3), "epsilon-greedy": bandit.EpsilonGreedy(0.4),
		"thompson": trained(t, bandit.Thompson{}, bandit.Config{}), "exp3": trained(t, bandit.EXP3{}, bandit.Config{}),
	} {
		c, order := table(u, rules...)
		chances, err := bandit.ChancesOf(e, query(1), c, order, k)
		require.NoError(t, err)
		m, err := bandit.NewMarginals(context.Background(), len(u), k, chances, bandit.MarginalsConfig{})
		require.NoError(t, err)
		seen := make([]float64, len(u)*k)
		for i := range n {
			s := c.Slate(k, order)
			q := recsys.NewQuery(&recsys.Request{ID: "one", Seed: uint64(i) + 1, K: k}, nil, "explore/test")
			require.NoError(t, e.Explore(context.Background(), q, c, s))
			for place, row := range s.Rows() {
				seen[place*len(u)+int(row)] += 1 / float64(n)
			}
		}
		for i, p := range m.P {
			require.InDelta(t, p, seen[i], 4.5*math.Sqrt(p*(1-p)/float64(n))+1e-9, "%s: place %d, row %d", name, i/len(u), i%len(u))
		}
	}
}

func TestMarginalsSayWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	fails := errors.New("no chances")
	for want, f := range map[string]bandit.Chances{
		"no chances":                  func([]float64, []int32) error { return fails },
		"row 0 has the chance NaN":    func(dst []float64, _ []int32) error { dst[0] = math.NaN(); return nil },
		"row 1 has the chance -0.5":   func(dst []float64, _ []int32) error { dst[0], dst[1] = 1, -0.5; return nil },
		"chances after [] sum to 0.5": func(dst []float64, _ []int32) error { dst[0] = 0.5; return nil },
	} {
		_, err := bandit.NewMarginals(ctx, 2, 1, f, bandit.MarginalsConfig{})
		require.ErrorContains(t, err, want)
	}
	_, err := bandit.NewMarginals(ctx, 2, 1, nil, bandit.MarginalsConfig{Draws: 1})
	require.ErrorContains(t, err, "Draws is 1")
	_, err = bandit.NewMarginals(ctx, 2, 1, nil, bandit.MarginalsConfig{MaxPrefixes: -1})
	require.ErrorContains(t, err, "MaxPrefixes is -1")
	_, err = bandit.NewMarginals(ctx, -2, 1, nil, bandit.MarginalsConfig{})
	require.ErrorContains(t, err, "-2 rows")
	_, err = bandit.ChancesOf(recsys.ExplorerFunc(nil), query(1), nil, nil, 1)
	require.ErrorContains(t, err, "no recsys.Judge")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	weight := make([]float64, 12)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range weight {
		weight[i] = r.Float64()
	}
	_, err = bandit.NewMarginals(cancelled, len(weight), 6, luceChances(weight), bandit.MarginalsConfig{})
	require.ErrorIs(t, err, context.Canceled)
	m, err := bandit.NewMarginals(ctx, 0, 3, luceChances(nil), bandit.MarginalsConfig{})
	require.NoError(t, err)
	require.Empty(t, m.P)
}

func ExampleNewMarginals() {
	chances := luceChances([]float64{3, 1, 1}) // a row after a prefix comes in proportion to its weight
	m, _ := bandit.NewMarginals(context.Background(), 3, 2, chances, bandit.MarginalsConfig{})
	fmt.Printf("%.3f\n%.3f\n", m.P[:3], m.P[3:])
	// Output:
	// [0.600 0.200 0.200]
	// [0.300 0.350 0.350]
}
