package main

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

var bprModels = []model{
	bprModel("bpr", bpr.BPR, "0.3", "0.01", "40", "8", "0.5"),
	bprModel("warp", bpr.WARP, "0.03", "1", "60", "20", "0"),
	bprModel("logistic", bpr.Logistic, "0.1", "0.01", "80", "5", "0"),
}

// bprModel returns the entry of a model that learns by a loss, with its defaults.
func bprModel(name string, loss bpr.Loss, rate, regularization, epochs, negatives, popularity string) model {
	return model{
		name: name,
		params: hyper.Params{
			{Name: "factors", Doc: "dimension of the vectors", Default: "64", Integer: true, Min: 1, Max: 1024},
			{Name: "epochs", Doc: "passes over the data", Default: epochs, Integer: true, Min: 1, Max: 1e5},
			{Name: "learning-rate", Doc: "of the first epoch", Default: rate, Min: 1e-6, Lo: 0.01, Hi: 0.5, Log: true},
			{Name: "regularization", Doc: "of the vectors", Default: regularization, Min: 1e-9, Lo: 1e-3, Hi: 2, Log: true},
			{Name: "negatives", Doc: "items drawn per interaction, at most", Default: negatives, Integer: true, Min: 1, Max: 1000},
			{Name: "popularity", Doc: "power of an item's users with which it is drawn", Default: popularity, Max: 1, Lo: 0, Hi: 0.75},
			{Name: "biases", Doc: "of items, beside the vectors", Default: "no", Choices: []string{"no", "yes"}},
			{Name: "hogwild", Doc: "1 for workers that step on any rows at any time, so that no two runs are alike", Default: "0", Integer: true, Max: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			progress := e.progress("train")
			popularity := s.Float("popularity")
			if loss == bpr.BPR { // for the others 0 is the default
				popularity = orNone(popularity)
			}
			return bpr.Train(ctx, in, bpr.Config{
				Loss:           loss,
				Factors:        s.Int("factors"),
				Epochs:         s.Int("epochs"),
				LearningRate:   s.Float("learning-rate"),
				Regularization: s.Float("regularization"),
				Negatives:      s.Int("negatives"),
				Popularity:     popularity,
				Biases:         s["biases"] == "yes",
				Hogwild:        s.Int("hogwild") == 1,
				Seed:           e.seed,
				Workers:        e.workers,
				MaxBytes:       e.maxBytes,
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
