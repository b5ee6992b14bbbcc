package bandit_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
	"github.com/recsyskit/recsys/internal/race"
)

// benchRules are two caps such as a feed has, and a rule that re-admits rows.
func benchRules(n int) map[string][]recsys.Constraint {
	r := rand.New(rand.NewPCG(9, 9))
	creator, topic := maxPer{classes(r, n, 200), 3}, maxPer{classes(r, n, 12), 8}
	return map[string][]recsys.Constraint{
		"none":       nil,
		"2caps":      {creator, topic},
		"2caps+1non": {creator, topic, apart{classes(r, n, 12)}},
	}
}

// BenchmarkExplore opens and fills a slate, constraints included; the window is the whole
// table.
func BenchmarkExplore(b *testing.B) {
	for _, size := range []struct {
		name string
		n, k int
	}{{"n=200/k=10", 200, 10}, {"n=1000/k=50", 1000, 50}, {"n=10000/k=50", 10000, 50}} {
		rules := benchRules(size.n)
		for _, rule := range []string{"none", "2caps", "2caps+1non"} {
			c, order := table(normal(rand.New(rand.NewPCG(1, 2)), size.n, 1), rules[rule]...)
			for _, e := range []struct {
				name string
				run  recsys.Explorer
			}{
				{"greedy-fill", recsys.ExplorerFunc(fillGreedily)},
				{"epsilon-greedy", bandit.EpsilonGreedy(0.1)},
				{"plackett-luce", bandit.PlackettLuce(0.5)},
			} {
				b.Run(size.name+"/rules="+rule+"/explorer="+e.name, func(b *testing.B) {
					q := query(1)
					b.ReportAllocs()
					for b.Loop() {
						q.Seed++
						s := c.Slate(size.k, order)
						if err := e.run.Explore(context.Background(), q, c, s); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// fillGreedily is what a pipeline does without an explorer: the cost of the slate and its
// constraints.
func fillGreedily(_ context.Context, _ *recsys.Query, _ *recsys.Candidates, s *recsys.Slate) error {
	for s.Next() {
		s.Pick(s.Best(), 1)
	}
	return s.Err()
}

func BenchmarkPropensities(b *testing.B) {
	const n, k = 1000, 50
	c, order := table(normal(rand.New(rand.NewPCG(1, 2)), n, 1), benchRules(n)["2caps"]...)
	e := bandit.PlackettLuce(0.5)
	s := c.Slate(k, order)
	require.NoError(b, e.Explore(context.Background(), query(1), c, s))
	slate := append([]int32(nil), s.Rows()...)
	dst := make([]float64, len(slate))
	q := query(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Propensities(context.Background(), q, c, c.Slate(k, order), slate, dst); err != nil {
			b.Fatal(err)
		}
	}
}

func TestExplorersAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates and empties pools")
	}
	const n, k = 300, 20
	rules := benchRules(n)
	for name, e := range explorers {
		for _, rule := range []string{"none", "2caps", "2caps+1non"} {
			c, order := table(normal(rand.New(rand.NewPCG(1, 2)), n, 1), rules[rule]...)
			q := query(1)
			ctx := context.Background()
			allocs := testing.AllocsPerRun(200, func() {
				q.Seed++
				if err := e.Explore(ctx, q, c, c.Slate(k, order)); err != nil {
					t.Fatal(err)
				}
			})
			require.Zero(t, allocs, "%s, %s: Explore", name, rule)

			s := c.Slate(k, order)
			require.NoError(t, e.Explore(ctx, q, c, s))
			slate := append([]int32(nil), s.Rows()...)
			dst := make([]float64, len(slate))
			allocs = testing.AllocsPerRun(200, func() {
				if err := e.(recsys.Judge).Propensities(ctx, q, c, c.Slate(k, order), slate, dst); err != nil {
					t.Fatal(err)
				}
			})
			require.Zero(t, allocs, "%s, %s: Propensities", name, rule)
		}
	}
}
