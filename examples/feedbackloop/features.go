package main

import (
	"context"
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

// columns are the features of a candidate.
var columns = []recsys.Column{
	{Name: "rate"},       // log of the click rate of the item, smoothed
	{Name: "popularity"}, // log(1 + clicks)
	{Name: "age"},        // log(1 + rounds since it arrived)
	{Name: "topic"},      // log of the topic's share of the user's history against an even share
}

const popularity = "popularity"

// signals is the feature source of one round: what the log says of the items, and the history of the topics of items.
type signals struct {
	w     *world
	now   int
	rate  []float32 // by item
	count []float32
}

func (s *signals) Columns() []recsys.Column { return columns }

func (s *signals) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	topics := make([]float64, s.w.Topics)
	for _, e := range q.History {
		topics[s.w.items[e.Item].topic]++
	}
	even := 1 / float64(s.w.Topics)
	of := make([]float32, len(topics))
	for t, n := range topics { // two clicks, spread evenly, are known beforehand
		of[t] = float32(math.Log((n + 2*even) / (float64(len(q.History)) + 2) / even))
	}
	for i, id := range items {
		it := &s.w.items[id]
		copy(out.FloatRow(i), []float32{s.rate[id], s.count[id], float32(math.Log1p(float64(s.now - it.arrived))), of[it.topic]})
	}
	return nil
}

// logOdds is the model with its score as log odds, in which the explorer counts, and popularity damped: an
// item loses damp for each unit of its logarithmic popularity.
type logOdds struct {
	model  *ranking.Linear
	damp   float64
	bound  recsys.Ranker
	column int
}

var (
	_ recsys.Ranker                = logOdds{}
	_ recsys.Binder[recsys.Ranker] = logOdds{}
	_ recsys.HeadWriter            = logOdds{}
)

// Heads returns the head of the model.
func (l logOdds) Heads() []string { return l.model.Heads() }

// HeadKinds returns that of the model.
func (l logOdds) HeadKinds() []recsys.HeadKind { return l.model.HeadKinds() }

// Bind binds the model and finds the popularity.
func (l logOdds) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	field, err := s.Float(popularity)
	if err != nil {
		return nil, err
	}
	l.column = field.Index
	l.bound, err = l.model.Bind(s)
	return l, err
}

// Rank writes the probability as the head and the damped log odds as the score.
func (l logOdds) Rank(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	if err := l.bound.Rank(ctx, q, c, out); err != nil {
		return err
	}
	for i := range c.Len() {
		p := min(max(float64(out.Heads[i*out.Stride]), 1e-7), 1-1e-7)
		out.Score[i] = float32(math.Log(p/(1-p)) - l.damp*float64(c.Row(i)[l.column]))
	}
	return nil
}
