package main

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/debias"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// models is what one round was served with.
type models struct {
	rate, count []float32 // features of the items
	similar     *itemsim.Model
	popular     *retrieval.Popular
	ranker      *ranking.Linear

	// Of weighted training only:
	seen  debias.Examination
	floor float64 // below which propensities are clipped
}

// shown is one row of the log that a run keeps.
type shown struct {
	round, user, item, place int
	propensity               float64
	clicked                  bool
}

// train learns everything afresh from the last Memory rounds of the run's own log.
func (r *run) train(ctx context.Context, n int) (*models, error) {
	m := &models{rate: make([]float32, len(r.w.items)), count: make([]float32, len(r.w.items))}
	from, _ := slices.BinarySearchFunc(r.rows, n-r.w.Memory, func(s shown, round int) int { return s.round - round })
	rows := r.rows[from:]
	weighted := r.v.weighted && n >= r.w.Warmup // so that all variants begin with one and the same log
	examined, err := r.examine(m, rows, weighted)
	if err != nil {
		return nil, err
	}
	r.countItems(m, rows, examined)
	if len(rows) == 0 {
		return m, nil
	}
	if err := r.trainSources(ctx, m, rows, weighted); err != nil {
		return nil, err
	}
	return m, r.trainRanker(ctx, m, from, weighted)
}

// examine estimates the examination from the log and returns that of each row; 1 unless weighted.
//
// Given the items above, the expectation of 1/propensity over what may come at a place is one for each of those items. So with these
// weights the rows of every place are all that might have come there, alike at all places, and click rates by place tell
// how much is examined, as if chance had given the places ([debias.Random]).
func (r *run) examine(m *models, rows []shown, weighted bool) ([]float64, error) {
	examined := slices.Repeat([]float64{1}, len(rows))
	if !weighted || len(rows) == 0 {
		return examined, nil
	}
	propensities := make([]float64, len(rows))
	for i, s := range rows {
		propensities[i] = s.propensity
	}
	m.floor = r.w.Floor * slices.Sorted(slices.Values(propensities))[len(propensities)/2]
	counts := make([]debias.Count, len(rows))
	for i, s := range rows {
		stands := 1 / max(s.propensity, m.floor)
		counts[i] = debias.Count{Position: s.place, Impressions: stands}
		if s.clicked {
			counts[i].Clicks = stands
		}
	}
	seen, err := debias.Random(counts)
	var few *debias.CountError
	switch {
	case errors.As(err, &few): // no click on the first place yet: nothing is known
		seen = slices.Repeat(debias.Examination{1}, r.w.Slate)
	case err != nil:
		return nil, err
	}
	m.seen = seen.Clipped(0.02)
	for i, s := range rows {
		examined[i] = m.seen[s.place]
	}
	return examined, nil
}

// countItems makes the features of items: clicks, and clicks of those impressions that were examined.
func (r *run) countItems(m *models, rows []shown, examined []float64) {
	clicks, looks := make([]float64, len(m.rate)), make([]float64, len(m.rate))
	allClicks, allLooks := 1.0, 20.0
	for i, s := range rows {
		looks[s.item] += examined[i]
		allLooks += examined[i]
		if s.clicked {
			clicks[s.item]++
			allClicks++
		}
	}
	mean := allClicks / allLooks
	for i := range m.rate {
		m.rate[i] = float32(math.Log((clicks[i] + 1) / (looks[i] + 1/mean))) // one click at the mean rate is known beforehand
		m.count[i] = float32(math.Log1p(clicks[i]))
	}
}

// trainSources fits the similarity of items on the clicks of the whole log, since what goes together does not age, and the popularity on
// those that are remembered.
func (r *run) trainSources(ctx context.Context, m *models, recent []shown, weighted bool) error {
	all, err := r.interactions(r.rows, m, weighted)
	if err != nil {
		return err
	}
	if m.similar, err = itemknn.Train(ctx, all, similarity); err != nil {
		return err
	}
	lately, err := r.interactions(recent, m, weighted)
	if err != nil {
		return err
	}
	m.popular, err = retrieval.NewPopular(lately, retrieval.PopularConfig{})
	return err
}

// interactions are the clicks of rows; weighted, each counts as many as it stands for, if all places were examined.
func (r *run) interactions(rows []shown, m *models, weighted bool) (*retrieval.Interactions, error) {
	var records retrieval.Records
	for _, s := range rows {
		if !s.clicked {
			continue
		}
		records.Users = append(records.Users, recsys.UserID(s.user))
		records.Items = append(records.Items, recsys.ItemID(s.item))
		if weighted {
			records.Weights = append(records.Weights, float32(1/m.seen[s.place]))
		}
	}
	return retrieval.NewInteractions(records, retrieval.SumWeights)
}

// trainRanker fits the regression of clicks on the features as they were served.
func (r *run) trainRanker(ctx context.Context, m *models, from int, weighted bool) error {
	all, err := r.collector.Dataset()
	if err != nil {
		return err
	}
	rows := make([]int32, len(r.rows)-from)
	for i := range rows {
		rows[i] = int32(from + i)
	}
	d := all.Rows(rows)
	d.Groups, d.Times = nil, nil
	if slices.Min(d.Labels) == slices.Max(d.Labels) {
		return nil // clicks of one kind teach nothing: the order of the merge serves
	}
	if weighted {
		if d, _, err = debias.LoggedWeights(d, "click", m.seen, debias.WeightConfig{Floor: m.floor}); err != nil {
			return err
		}
	}
	m.ranker, err = ranking.TrainLinear(ctx, ranking.LinearConfig{Epochs: 5, L2: 1e-4, Seed: r.w.seed, Workers: 1}, d)
	return err
}
