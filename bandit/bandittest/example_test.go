package bandittest_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/bandit/bandittest"
)

// An explorer that draws any row but logs that it had no choice.
func ExampleSuite_Check() {
	faulty := recsys.ExplorerFunc(func(_ context.Context, q *recsys.Query, c *recsys.Candidates, s *recsys.Slate) error {
		rng := q.Rand()
		for s.Next() {
			row := int32(rng.Uint64() % uint64(c.Len()))
			if s.Admissible().Has(int(row)) {
				s.Pick(row, 1)
			}
		}
		return nil
	})
	seen := map[string]bool{}
	for _, v := range (bandittest.Suite{Draws: 1000}).Check(func() recsys.Explorer { return faulty }) {
		if !seen[v.Case] {
			fmt.Println(v.Case)
		}
		seen[v.Case] = true
	}
	// Output:
	// extreme-utilities
	// propensities-sum-to-one
	// frequencies-free
	// frequencies-capped
	// frequencies-readmitted
	// joint-distribution
}
