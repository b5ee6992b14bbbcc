package main

import (
	"context"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/puresvd"
)

var puresvdModels = []model{
	{
		name: "puresvd",
		params: []param{
			{name: "factors", doc: "dimension of the vectors", def: "50", integer: true, min: 1, max: 1024, lo: 20, hi: 400, log: true},
			{name: "normalize", doc: "power of an item's norm that divides its column", def: "0", max: 1, lo: 0, hi: 1},
			{name: "iterations", doc: "passes over the data", def: "8", integer: true, min: 1, max: 1000},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			m, err := puresvd.Train(ctx, in, puresvd.Config{
				Factors:    s.int("factors"),
				Normalize:  s.float("normalize"),
				Iterations: s.int("iterations"),
				Seed:       e.seed,
				Workers:    e.workers,
				Progress:   e.progress("train"),
			})
			if err != nil {
				return nil, err
			}
			return indexed(m)
		},
		load: func(path string) (trained, error) {
			m, err := puresvd.Load(path)
			if err != nil {
				return nil, err
			}
			return indexed(m)
		},
	},
}

// vectors are a model of vectors and a retriever over an index of them.
type vectors struct {
	*nearest.Retriever
	save func(path string) error
}

func (v vectors) Save(path string) error { return v.save(path) }

// indexed joins a model with an exact index.
func indexed(m *puresvd.Model) (trained, error) {
	index, err := flat.New(flat.Config{}, m.Items(), m.Vectors())
	if err != nil {
		return nil, err
	}
	r, err := nearest.New(index, nearest.Config{Version: m.Version(), History: retrieval.History{Values: true}})
	if err != nil {
		return nil, err
	}
	return vectors{r, m.Save}, nil
}
