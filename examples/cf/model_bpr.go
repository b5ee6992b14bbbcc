package main

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

var bprModels = []model{
	bprModel("bpr", bpr.BPR, "0.3", "0.02", "40", "8", "0.5"),
	bprModel("warp", bpr.WARP, "0.03", "1", "60", "20", "0"),
	bprModel("logistic", bpr.Logistic, "0.1", "0.01", "80", "5", "0"),
}

// bprModel returns the entry of a model that learns by a loss, with its defaults.
func bprModel(name string, loss bpr.Loss, rate, regularization, epochs, negatives, popularity string) model {
	return model{
		name: name,
		params: []param{
			{name: "factors", doc: "dimension of the vectors", def: "64", integer: true, min: 1, max: 1024},
			{name: "epochs", doc: "passes over the data", def: epochs, integer: true, min: 1, max: 1e5},
			{name: "learning-rate", doc: "of the first epoch", def: rate, min: 1e-6, lo: 0.01, hi: 0.5, log: true},
			{name: "regularization", doc: "of the vectors", def: regularization, min: 1e-9, lo: 1e-3, hi: 2, log: true},
			{name: "negatives", doc: "items drawn per interaction, at most", def: negatives, integer: true, min: 1, max: 1000},
			{name: "popularity", doc: "power of an item's users with which it is drawn", def: popularity, max: 1, lo: 0, hi: 0.75},
			{name: "biases", doc: "of items, beside the vectors", def: "no", choices: []string{"no", "yes"}},
			{name: "hogwild", doc: "1 for workers that step on any rows at any time, so that no two runs are alike", def: "0", integer: true, max: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			progress := e.progress("train")
			return bpr.Train(ctx, in, bpr.Config{
				Loss:           loss,
				Factors:        s.int("factors"),
				Epochs:         s.int("epochs"),
				LearningRate:   s.float("learning-rate"),
				Regularization: s.float("regularization"),
				Negatives:      s.int("negatives"),
				Popularity:     s.float("popularity"),
				Biases:         s["biases"] == "yes",
				Hogwild:        s.int("hogwild") == 1,
				Seed:           e.seed,
				Workers:        e.workers,
				Progress: func(done, all int, loss float64) {
					if progress == nil {
						return
					}
					progress(done, all)
					if done%max(all/10, 1) == 0 {
						fmt.Fprintf(e.log, "epoch %d: loss %.4f\n", done, loss)
					}
				},
			})
		},
		load: func(path string) (trained, error) { return bpr.Load(path) },
	}
}
