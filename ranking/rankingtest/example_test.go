package rankingtest_test

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/rankingtest"
)

// cheapest forgets that a price may be missing.
type cheapest struct{ price int }

func (r cheapest) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	f, err := s.Float("price")
	return cheapest{f.Index}, err
}

func (r cheapest) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		out.Score[i] = -c.Row(i)[r.price]
	}
	return nil
}

func ExampleSuite_Check() {
	suite := rankingtest.Suite{Columns: []recsys.Column{{Name: "price"}}}
	for _, v := range suite.Check(func() recsys.Ranker { return cheapest{} }) {
		fmt.Println(v.Case)
		fmt.Println(v.Rule)
	}
	// Output:
	// missing-features
	// Ranker: a missing feature (NaN) gives a score, not an error
	// missing-features
	// Ranker: a missing feature (NaN) gives a score, not an error
	// missing-features
	// Ranker: a missing feature (NaN) gives a score, not an error
}
