package bandit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit"
)

// One choice among arms of which one has just learned: by integrals, and by drawing values.
func BenchmarkThompsonArms(b *testing.B) {
	for _, k := range []int{10, 100} {
		a, err := bandit.NewArms(bandit.Thompson{})
		if err != nil {
			b.Fatal(err)
		}
		arms := make([]uint64, k)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range arms {
			arms[i] = uint64(i)
			for range 50 {
				_ = a.Update(bandit.Outcome{Arm: arms[i], Reward: float64(rng.IntN(4) / 3)})
			}
		}
		var p []float64
		b.Run(fmt.Sprintf("K=%d/by=integral", k), func(b *testing.B) {
			for b.Loop() {
				_ = a.Update(bandit.Outcome{Arm: 0, Reward: 0.25})
				p = a.Probabilities(p, arms)
				bandit.Pick(p, rng.Float64())
			}
		})
		b.Run(fmt.Sprintf("K=%d/by=values", k), func(b *testing.B) {
			for b.Loop() {
				_ = a.Update(bandit.Outcome{Arm: 0, Reward: 0.25})
				a.Draw(arms, rng)
			}
		})
	}
}

// A slate of 10 from a window of 40, one act of feedback in between.
func BenchmarkPolicyExplore(b *testing.B) {
	for name, alg := range algorithms {
		b.Run(name, func(b *testing.B) {
			d := newDesk(b, alg, bandit.Config{Window: -1, Retention: 1000}, 40, 10)
			queries := make([]*recsys.Query, 4096)
			for i := range queries {
				queries[i] = d.query(i)
			}
			feedback := make([]recsys.Feedback, 1)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				s := d.c.Slate(d.k, d.order)
				if err := d.policy.Explore(context.Background(), queries[i%len(queries)], d.c, s); err != nil {
					b.Fatal(err)
				}
				feedback[0] = recsys.Feedback{Request: queries[i%len(queries)].ID, Item: d.c.IDs()[s.Rows()[0]], Kind: recsys.Click, Time: epoch}
				if err := d.policy.Learn(context.Background(), feedback); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
