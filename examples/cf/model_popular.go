package main

import (
	"context"
	"time"

	"github.com/recsyskit/recsys/retrieval"
)

var popularModels = []model{
	{
		name: "popular",
		params: []param{
			{name: "half-life", doc: "days after which an interaction counts half, 0 for never", def: "0", lo: 0, hi: 0},
		},
		train: func(_ context.Context, in *retrieval.Interactions, s settings, _ env) (trained, error) {
			return retrieval.NewPopular(in, retrieval.PopularConfig{
				HalfLife: time.Duration(s.float("half-life") * 24 * float64(time.Hour)),
			})
		},
		load: func(path string) (trained, error) { return retrieval.LoadPopular(path) },
	},
}
