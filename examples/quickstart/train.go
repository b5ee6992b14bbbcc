package main

import (
	"context"
	"io"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/goapi"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/features/encoder"
	"github.com/recsyskit/recsys/objective"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ensemble"
)

// models is everything that is learned: sources and item features from the users of
// part A, the ranker from those of part B.
type models struct {
	d       *data
	sources []source
	store   *features.Store
	encoded *encoder.Set // of the store's columns
	lift    lift
	tallies *tallies           // nil without an attribute
	blend   *ensemble.Ensemble // nil when there was nothing to learn it from
	asked   asked

	ranker *ranker              // nil when there was nothing to learn it from
	goal   *objective.Objective // nil without a ranker
	rows   int                  // that the ranker was trained on
	note   string               // why there is no ranker, or less of one
}

// source is a retriever with its name and how many candidates it may propose.
type source struct {
	name  string
	r     recsys.Retriever
	quota int
}

// train fits the sources on part A and the ranker on what they propose for part B.
func train(ctx context.Context, d *data, ranker string, seed uint64, workers int, stderr io.Writer) (*models, error) {
	m := &models{d: d}
	if err := m.trainSources(ctx, workers, stderr); err != nil {
		return nil, err
	}
	counts := countItems(d)
	m.lift = newLift(d, counts)
	var err error
	if m.store, err = newItemStore(ctx, d, counts); err != nil {
		return nil, err
	}
	if m.encoded, err = newItemEncoders(d); err != nil {
		return nil, err
	}
	if err := m.learnBlend(ctx, seed, workers, stderr); err != nil {
		return nil, err
	}
	if m.asked, err = newAsked(m); err != nil {
		return nil, err
	}
	set, err := m.examples(ctx, workers, stderr)
	if err != nil {
		return nil, err
	}
	return m, m.trainRanker(ctx, ranker, set, seed, workers, stderr)
}

func (m *models) trainSources(ctx context.Context, workers int, stderr io.Writer) error {
	in, err := m.interactions()
	if err != nil {
		return err
	}
	popular, err := retrieval.NewPopular(in, retrieval.PopularConfig{})
	if err != nil {
		return err
	}
	m.sources = []source{{"popularity", popular, 100}}
	for _, x := range []struct {
		name   string
		quota  int
		trials func(context.Context, *retrieval.Interactions, int) ([]trial, error)
	}{
		{"itemknn", 200, itemKNN},
		{"transitions", 200, transitions},
		{"als", 200, factors},
	} {
		trials, err := x.trials(ctx, in, workers)
		if err != nil {
			return err
		}
		best, err := choose(ctx, m.d, x.name, trials, workers, stderr)
		if err != nil {
			return err
		}
		m.sources = append(m.sources, source{x.name, best, x.quota})
	}
	if m.d.attribute != "" {
		m.tallies = newTallies(m.d)
		m.sources = append(m.sources, source{"same-" + m.d.attribute, newSameValue(m.tallies, in), 200})
	}
	return nil
}

// interactions are the events of part A.
func (m *models) interactions() (*retrieval.Interactions, error) {
	var records retrieval.Records
	for _, u := range m.d.of(goapi.PartA) {
		for _, e := range m.d.users[u].events {
			records.Users = append(records.Users, recsys.UserID(u))
			records.Items = append(records.Items, e.Item)
			records.Times = append(records.Times, e.Time.UnixNano())
		}
	}
	return retrieval.NewInteractions(records, retrieval.SumWeights)
}

// retrievers are the options of all sources.
func (m *models) retrievers() []recsys.Option {
	var opts []recsys.Option
	for _, s := range m.sources {
		opts = append(opts, recsys.Retrieve(s.name, s.r, recsys.Quota(s.quota)))
	}
	return opts
}

// hydrated are the options of all sources and features: the part that every pipeline
// with a ranker shares, and that its training data comes from.
func (m *models) hydrated() []recsys.Option {
	var names []string
	for _, s := range m.sources {
		names = append(names, s.name)
	}
	opts := append(m.retrievers(),
		recsys.MaxCandidates(maxCandidates),
		recsys.Features(m.store, recsys.Name("items")),
		recsys.Features(m.encoded, recsys.Name("encoded")),
		recsys.Features(evidence{sources: names}, recsys.Name("evidence")),
		recsys.Features(m.asked, recsys.Name("asked")),
	)
	if m.d.segments > 1 {
		opts = append(opts, recsys.Features(m.lift, recsys.Name("segment")))
	}
	if m.tallies != nil {
		opts = append(opts, recsys.Features(affinity{tallies: m.tallies}, recsys.Name("affinity")))
	}
	return opts
}
