package main

import (
	"context"
	"time"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
)

// days is a parameter's number of days as a duration.
func days(s hyper.Settings, name string) time.Duration {
	return time.Duration(s.Float(name) * 24 * float64(time.Hour))
}

var popularModels = []model{
	{
		name: "popular",
		params: hyper.Params{
			{Name: "half-life", Doc: "days after which an interaction counts half, 0 for never", Default: "0", Max: 1e5},
		},
		train: func(_ context.Context, in *retrieval.Interactions, s hyper.Settings, _ env) (trained, error) {
			return retrieval.NewPopular(in, retrieval.PopularConfig{HalfLife: days(s, "half-life")})
		},
		load: func(path string) (trained, error) { return retrieval.LoadPopular(path) },
	},
	{
		name: "trending",
		params: hyper.Params{
			{Name: "window", Doc: "days of the recent past", Default: "7", Min: 1e-3, Max: 1e5, Lo: 1, Hi: 90, Log: true},
			{Name: "baseline", Doc: "days before them to compare with, 0 for all", Default: "0", Max: 1e5},
			{Name: "prior", Doc: "interactions that the long run is worth, 0 for what fits the data", Default: "0"},
			{Name: "rank", Doc: "by how much items rise, or by the rate that is expected now", Default: "rate", Choices: []string{"rate", "lift"}},
		},
		train: func(_ context.Context, in *retrieval.Interactions, s hyper.Settings, _ env) (trained, error) {
			return retrieval.NewTrending(in, retrieval.TrendingConfig{
				Window:   days(s, "window"),
				Baseline: days(s, "baseline"),
				Prior:    s.Float("prior"),
				Rate:     s["rank"] == "rate",
			})
		},
		load: func(path string) (trained, error) { return retrieval.LoadPopular(path) },
	},
}
