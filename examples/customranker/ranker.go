package main

import (
	"context"
	"errors"
	"math"

	"github.com/recsyskit/recsys"
)

// TasteRanker scores an article by how fresh it is, how well its topic suits the user, and how
// short it is. It is a hand-tuned formula: nothing of it was learned.
type TasteRanker struct {
	HalfLife float64 // hours in which freshness halves

	age, minutes, taste int // where the columns stand; Bind finds them
}

// Bind finds the columns. An error names every one that no feature source writes.
func (r TasteRanker) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	age, errAge := s.Float("age_hours")
	minutes, errMinutes := s.Float("minutes")
	taste, errTaste := s.Float("topic_taste")
	r.age, r.minutes, r.taste = age.Index, minutes.Index, taste.Index
	return r, errors.Join(errAge, errMinutes, errTaste)
}

// Rank writes a score for every row. Where a feature is missing, an ordinary value stands in.
func (r TasteRanker) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	for i := range out.Score {
		row := c.Row(i)
		fresh := math.Exp2(-known(row[r.age], 24) / r.HalfLife)
		suits := 1 / (1 + math.Exp(-known(row[r.taste], 0)))
		short := 1 / (1 + known(row[r.minutes], 5)/10)
		out.Score[i] = float32(suits * (0.3 + 0.7*fresh) * short)
	}
	return nil
}

// known returns v, or usual where v is missing.
func known(v float32, usual float64) float64 {
	if v != v {
		return usual
	}
	return float64(v)
}

// Validate is called at Build: a struct literal with a mistake never serves.
func (r TasteRanker) Validate() error {
	if !(r.HalfLife > 0) {
		return errors.New("TasteRanker.HalfLife must be above 0 hours")
	}
	return nil
}
