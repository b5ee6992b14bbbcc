package main

import (
	"context"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/gfcf"
)

var gfcfModels = []model{
	{
		name: "gfcf",
		params: hyper.Params{
			{Name: "factors", Doc: "singular vectors of the ideal low-pass filter, -1 for none", Default: "256", Integer: true, Min: -1, Max: 1024, Lo: 64, Hi: 512, Log: true},
			{Name: "alpha", Doc: "weight of the ideal low-pass filter", Default: "0.3", Min: 1e-6, Lo: 0.05, Hi: 2, Log: true},
			{Name: "user-exponent", Doc: "power of a user's degree that divides the interactions", Default: "0.5", Min: 1e-6, Max: 1, Lo: 0.2, Hi: 0.7},
			{Name: "item-exponent", Doc: "power of an item's degree that divides the interactions", Default: "0.5", Min: 1e-6, Max: 1, Lo: 0.2, Hi: 0.7},
			{Name: "sharpening", Doc: "time for which the filter is sharpened", Default: "0", Max: 2.5, Lo: 0, Hi: 2.5},
			{Name: "popularity", Doc: "power of its degree by which an item's score is multiplied", Default: "0", Min: -1, Max: 1, Lo: -0.1, Hi: 0.4},
			{Name: "neighbors", Doc: "weights kept per item, 0 for all that fit in memory", Default: "0", Integer: true},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			return gfcf.Train(ctx, in, gfcf.Config{
				Factors:      s.Int("factors"),
				Alpha:        s.Float("alpha"),
				UserExponent: s.Float("user-exponent"),
				ItemExponent: s.Float("item-exponent"),
				Sharpening:   s.Float("sharpening"),
				Popularity:   s.Float("popularity"),
				Neighbors:    s.Int("neighbors"),
				History:      retrieval.History{Values: true},
				Seed:         e.seed,
				Workers:      e.workers,
				MaxBytes:     e.maxBytes,
				Progress:     e.progress("train"),
			})
		},
		load: loadItemsim("gfcf"),
	},
}
