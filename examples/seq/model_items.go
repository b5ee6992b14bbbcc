package main

import (
	"context"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/walk"
)

// itemsModels know sets of items and no order, but for what of the input counts how much: the
// floor for those that know it, and sources of a blend with them.
var itemsModels = []model{
	{
		name: "rp3beta",
		params: append(hyper.Params{
			{Name: "neighbors", Doc: "items proposed per item", Default: "200", Integer: true, Min: 1, Lo: 20, Hi: 1000, Log: true},
			{Name: "alpha", Doc: "exponent of the steps' probabilities", Default: "0.8", Min: 1e-6, Max: 10, Lo: 0.2, Hi: 2},
			{Name: "beta", Doc: "exponent of the popularity that weights are divided by", Default: "0.3", Max: 10, Lo: 0, Hi: 1},
		}, historyParams...),
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			return walk.Train(ctx, in, walk.Config{
				Neighbors: s.Int("neighbors"), Alpha: s.Float("alpha"), Beta: s.Float("beta"),
				History: history(s), Workers: e.workers, Progress: e.progress("train"),
			})
		},
		load: func(path string) (trained, error) { return itemsim.Load(path) },
	},
	{
		name: "als",
		params: append(hyper.Params{
			{Name: "factors", Doc: "components of a vector", Default: "64", Integer: true, Min: 1, Max: 4096},
			{Name: "regularization", Doc: "λ, scaled by the frequency", Default: "0.003", Min: 1e-9, Lo: 0.0003, Hi: 0.1, Log: true},
			{Name: "unobserved", Doc: "α0, the confidence that a pair without interaction is a 0", Default: "0.1", Min: 1e-9, Max: 1, Lo: 0.001, Hi: 1, Log: true},
			{Name: "epochs", Doc: "times that all vectors are solved for", Default: "16", Integer: true, Min: 1, Max: 100_000},
		}, historyParams...),
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			steps := cli.Steps(e.log, "train")
			return als.Train(ctx, in, als.Config{
				Factors: s.Int("factors"), Regularization: s.Float("regularization"), Unobserved: s.Float("unobserved"),
				Epochs: s.Int("epochs"), History: history(s), Seed: e.seed, Workers: e.workers,
				Progress: func(epoch, epochs int, _ float64) { steps(epoch, epochs) },
			})
		},
		load: func(path string) (trained, error) { return als.Load(path) },
	},
}

var historyParams = hyper.Params{
	{Name: "last", Doc: "events of the input that count, 0 for all", Default: "0", Integer: true, Lo: 1, Hi: 50, Log: true},
	{Name: "decay", Doc: "factor per event from the newest back", Default: "0.9", Min: 1e-6, Max: 1, Lo: 0.1, Hi: 1},
}

func history(s hyper.Settings) retrieval.History {
	return retrieval.History{Last: s.Int("last"), Decay: s.Float("decay")}
}
