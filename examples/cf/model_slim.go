package main

import (
	"context"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/slim"
)

var slimModels = []model{
	{
		name: "slim",
		params: []param{
			{name: "l1", doc: "weight of the sum of the weights", def: "0.1", min: 1e-9, lo: 0.001, hi: 3, log: true},
			{name: "l2", doc: "weight of their squares", def: "100", min: 1e-9, lo: 20, hi: 2000, log: true},
			{name: "discount", doc: "exponent of the number of a user's items that the user's interactions are divided by", def: "0.25", max: 1, lo: 0, hi: 0.6},
			{name: "neighbors", doc: "weights kept per item, 0 for all", def: "0", integer: true},
			{name: "candidates", doc: "items tried per item, those of the largest cosine", def: "1000", integer: true, min: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			return slim.Train(ctx, in, slim.Config{
				L1:         s.float("l1"),
				L2:         s.float("l2"),
				Discount:   s.float("discount"),
				Neighbors:  s.int("neighbors"),
				Candidates: s.int("candidates"),
				History:    retrieval.History{Values: true},
				Workers:    e.workers,
				Progress:   e.progress("train"),
			})
		},
		load: loadItemsim("slim"),
	},
}
