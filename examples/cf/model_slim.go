package main

import (
	"context"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/slim"
)

var slimModels = []model{
	{
		name: "slim",
		params: hyper.Params{
			{Name: "l1", Doc: "weight of the sum of the weights", Default: "0.1", Min: 1e-9, Lo: 0.001, Hi: 3, Log: true},
			{Name: "l2", Doc: "weight of their squares", Default: "100", Min: 1e-9, Lo: 20, Hi: 2000, Log: true},
			{Name: "discount", Doc: "exponent of the number of a user's items that the user's interactions are divided by", Default: "0.25", Max: 1, Lo: 0, Hi: 0.6},
			{Name: "neighbors", Doc: "weights kept per item, 0 for all", Default: "0", Integer: true},
			{Name: "candidates", Doc: "items tried per item, those of the largest cosine", Default: "1000", Integer: true, Min: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			return slim.Train(ctx, in, slim.Config{
				L1:         s.Float("l1"),
				L2:         s.Float("l2"),
				Discount:   orNone(s.Float("discount")),
				Neighbors:  s.Int("neighbors"),
				Candidates: s.Int("candidates"),
				History:    retrieval.History{Values: true},
				Workers:    e.workers,
				MaxBytes:   e.maxBytes,
				Progress:   e.progress("train"),
			})
		},
		load: loadItemsim("slim"),
	},
}

// orNone returns a setting as a Config takes it where 0 stands for a default, and below 0 for none.
func orNone(x float64) float64 {
	if x == 0 {
		return -1
	}
	return x
}
