package main

import (
	"context"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
)

var popularModels = []model{
	{
		name: "popular",
		train: func(_ context.Context, in *retrieval.Interactions, _ hyper.Settings, _ env) (trained, error) {
			return retrieval.NewPopular(in, retrieval.PopularConfig{})
		},
		load: func(path string) (trained, error) { return retrieval.LoadPopular(path) },
	},
}
