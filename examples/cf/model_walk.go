package main

import (
	"context"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/walk"
)

var walkModels = []model{
	{
		name: "p3alpha",
		params: []param{
			{name: "neighbors", doc: "items proposed per item", def: "200", integer: true, min: 1, lo: 20, hi: 1000, log: true},
			{name: "alpha", doc: "exponent of the steps' probabilities", def: "1", min: 1e-6, max: 10, lo: 0.2, hi: 1.5},
			{name: "normalize", doc: "weights of each item add up to 1", def: "yes", choices: []string{"yes", "no"}},
		},
		train: trainWalk,
		load:  loadItemsim("walk"),
	},
	{
		name: "rp3beta",
		params: []param{
			{name: "neighbors", doc: "items proposed per item", def: "200", integer: true, min: 1, lo: 20, hi: 1000, log: true},
			{name: "alpha", doc: "exponent of the steps' probabilities", def: "0.8", min: 1e-6, max: 10, lo: 0.2, hi: 1.5},
			{name: "beta", doc: "exponent of the popularity that weights are divided by", def: "0.3", min: -10, max: 10, lo: -0.5, hi: 0.8},
			{name: "normalize", doc: "weights of each item add up to 1", def: "yes", choices: []string{"yes", "no"}},
		},
		train: trainWalk,
		load:  loadItemsim("walk"),
	},
}

func trainWalk(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
	return walk.Train(ctx, in, walk.Config{
		Neighbors: s.int("neighbors"),
		Alpha:     s.float("alpha"),
		Beta:      s.float("beta"),
		Raw:       s["normalize"] == "no",
		History:   retrieval.History{Values: true},
		Workers:   e.workers,
		Progress:  e.progress("train"),
	})
}
