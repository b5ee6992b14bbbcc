package main

import (
	"context"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/ease"
)

var easeModels = []model{
	{
		name: "ease",
		params: []param{
			{name: "regularization", doc: "added to the diagonal of the Gram matrix", def: "500", min: 1e-6, lo: 10, hi: 3000, log: true},
			{name: "neighbors", doc: "weights kept per item, and with -form local the items it is fitted to; 0 for all that fit in memory, or 200", def: "0", integer: true},
			{name: "form", doc: "of the solution: all items at once, or each on its neighbours", def: "exact", choices: []string{"exact", "local"}, still: true},
			{name: "max-gib", doc: "memory that training may take, in GiB, 0 for GOMEMLIMIT or 8", def: "0", max: 1e6},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			return ease.Train(ctx, in, ease.Config{
				Regularization: s.float("regularization"),
				Neighbors:      s.int("neighbors"),
				Local:          s["form"] == "local",
				MaxBytes:       int64(s.float("max-gib") * (1 << 30)),
				History:        retrieval.History{Values: true},
				Workers:        e.workers,
				Progress:       e.progress("train"),
			})
		},
		load: loadItemsim("ease"),
	},
}
