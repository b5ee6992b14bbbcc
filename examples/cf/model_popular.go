package main

import (
	"context"
	"time"

	"github.com/recsyskit/recsys/retrieval"
)

// days is a parameter's number of days as a duration.
func days(s settings, name string) time.Duration {
	return time.Duration(s.float(name) * 24 * float64(time.Hour))
}

var popularModels = []model{
	{
		name: "popular",
		params: []param{
			{name: "half-life", doc: "days after which an interaction counts half, 0 for never", def: "0", max: 1e5},
		},
		train: func(_ context.Context, in *retrieval.Interactions, s settings, _ env) (trained, error) {
			return retrieval.NewPopular(in, retrieval.PopularConfig{HalfLife: days(s, "half-life")})
		},
		load: func(path string) (trained, error) { return retrieval.LoadPopular(path) },
	},
	{
		name: "trending",
		params: []param{
			{name: "window", doc: "days of the recent past", def: "7", min: 1e-3, max: 1e5, lo: 1, hi: 90, log: true},
			{name: "baseline", doc: "days before them to compare with, 0 for all", def: "0", max: 1e5},
			{name: "prior", doc: "interactions that the long run is worth, 0 for what fits the data", def: "0"},
			{name: "rank", doc: "by how much items rise, or by the rate that is expected now", def: "rate", choices: []string{"rate", "lift"}},
		},
		train: func(_ context.Context, in *retrieval.Interactions, s settings, _ env) (trained, error) {
			return retrieval.NewTrending(in, retrieval.TrendingConfig{
				Window:   days(s, "window"),
				Baseline: days(s, "baseline"),
				Prior:    s.float("prior"),
				Rate:     s["rank"] == "rate",
			})
		},
		load: func(path string) (trained, error) { return retrieval.LoadPopular(path) },
	},
}
