package main

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/bpr"
)

var bprModels = []model{
	bprModel("bpr", bpr.BPR),
	bprModel("warp", bpr.WARP),
	bprModel("logistic", bpr.Logistic),
}

// bprModel returns the entry of a model that learns by a loss.
func bprModel(name string, loss bpr.Loss) model {
	return model{
		name: name,
		params: []param{
			{name: "factors", doc: "dimension of the vectors", def: "64", integer: true, min: 1, max: 1024},
			{name: "epochs", doc: "passes over the data", def: "100", integer: true, min: 1, max: 1e5},
			{name: "learning-rate", doc: "of the first epoch", def: "0.05", min: 1e-6, lo: 0.01, hi: 0.2, log: true},
			{name: "regularization", doc: "of the vectors", def: "0.01", min: 1e-9, lo: 1e-3, hi: 0.1, log: true},
			{name: "negatives", doc: "items drawn per interaction", def: "1", integer: true, min: 1, max: 1000},
			{name: "hogwild", doc: "workers step at the same time on the same rows, and no two runs are alike", def: "no", choices: []string{"no"}},
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
				Seed:           e.seed,
				Workers:        e.workers,
				Progress: func(done, all int, l float64) {
					if progress != nil {
						progress(done, all)
						if done%10 == 0 {
							fmt.Fprintf(e.log, "epoch %d loss %.4f\n", done, l)
						}
					}
				},
			})
		},
		load: func(path string) (trained, error) { return bpr.Load(path) },
	}
}

var _ = cli.Usagef
