package main

import (
	"context"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/gfcf"
)

var gfcfModels = []model{
	{
		name: "gfcf",
		params: []param{
			{name: "factors", doc: "singular vectors of the ideal low-pass filter, -1 for none", def: "256", integer: true, min: -1, max: 1024, lo: 64, hi: 512, log: true},
			{name: "alpha", doc: "weight of the ideal low-pass filter", def: "0.3", min: 1e-6, lo: 0.05, hi: 2, log: true},
			{name: "user-exponent", doc: "power of a user's degree that divides the interactions", def: "0.5", min: 1e-6, max: 1, lo: 0.2, hi: 0.7},
			{name: "item-exponent", doc: "power of an item's degree that divides the interactions", def: "0.5", min: 1e-6, max: 1, lo: 0.2, hi: 0.7},
			{name: "sharpening", doc: "time for which the filter is sharpened", def: "0", max: 2.5, lo: 0, hi: 2.5},
			{name: "popularity", doc: "power of its degree by which an item's score is multiplied", def: "0", min: -1, max: 1, lo: -0.1, hi: 0.4},
			{name: "neighbors", doc: "weights kept per item, 0 for all that fit in memory", def: "0", integer: true},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			return gfcf.Train(ctx, in, gfcf.Config{
				Factors:      s.int("factors"),
				Alpha:        s.float("alpha"),
				UserExponent: s.float("user-exponent"),
				ItemExponent: s.float("item-exponent"),
				Sharpening:   s.float("sharpening"),
				Popularity:   s.float("popularity"),
				Neighbors:    s.int("neighbors"),
				History:      retrieval.History{Values: true},
				Seed:         e.seed,
				Workers:      e.workers,
				Progress:     e.progress("train"),
			})
		},
		load: loadItemsim("gfcf"),
	},
}
