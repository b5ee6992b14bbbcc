package main

import (
	"context"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ease"
)

var easeModels = []model{
	{
		name: "ease",
		params: hyper.Params{
			{Name: "regularization", Doc: "added to the diagonal of the Gram matrix", Default: "100", Min: 1e-6, Lo: 10, Hi: 3000, Log: true},
			{Name: "neighbors", Doc: "weights kept per item, and with -form local the items it is fitted to; 0 for all that fit in memory, or 200", Default: "0", Integer: true},
			{Name: "form", Doc: "of the solution: all items at once, or each on its neighbours", Default: "exact", Choices: []string{"exact", "local"}, Still: true},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			return ease.Train(ctx, in, ease.Config{
				Regularization: s.Float("regularization"),
				Neighbors:      s.Int("neighbors"),
				Local:          s["form"] == "local",
				MaxBytes:       e.maxBytes,
				History:        retrieval.History{Values: true},
				Workers:        e.workers,
				Progress:       e.progress("train"),
			})
		},
		load: loadItemsim("ease"),
	},
}
