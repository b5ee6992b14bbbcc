package main

import (
	"context"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/nearest"
	"github.com/recsyskit/recsys/retrieval/puresvd"
)

var puresvdModels = []model{
	{
		name: "puresvd",
		params: hyper.Params{
			{Name: "factors", Doc: "dimension of the vectors", Default: "50", Integer: true, Min: 1, Max: 1024, Lo: 20, Hi: 400, Log: true},
			{Name: "normalize", Doc: "power of an item's norm that divides its column", Default: "0", Max: 1, Lo: 0, Hi: 1},
			{Name: "iterations", Doc: "passes over the data", Default: "8", Integer: true, Min: 1, Max: 1000},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			m, err := puresvd.Train(ctx, in, puresvd.Config{
				Factors:    s.Int("factors"),
				Normalize:  s.Float("normalize"),
				Iterations: s.Int("iterations"),
				Seed:       e.seed,
				Workers:    e.workers,
				MaxBytes:   e.maxBytes,
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
