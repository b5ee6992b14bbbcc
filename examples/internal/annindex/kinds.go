package annindex

import (
	"context"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var flatKind = Kind{
	Name:    "flat",
	Efforts: []int{0},
	Floats:  true,
	build: func(_ context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error) {
		cfg := flat.Config{Metric: c.Metric, Workers: c.Workers, Quantize: flat.None}
		if c.Codes {
			cfg.Quantize = flat.Int8
		}
		x, err := flat.New(cfg, items, base)
		return x, "", err
	},
	open: func(file string) (retrieval.Index, error) { return flat.Open(file) },
}

var hnswKind = Kind{
	Name:    "hnsw",
	Efforts: pools,
	Floats:  true,
	build: func(ctx context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error) {
		cfg := hnsw.Config{Metric: c.Metric, M: c.M, EfConstruction: c.EfConstruction, Quant: hnsw.None, Seed: c.Seed, Workers: c.Workers}
		if c.Codes {
			cfg.Quant = hnsw.Int8
		}
		x, err := hnsw.Build(ctx, cfg, items, base)
		return x, "", err
	},
	open: func(file string) (retrieval.Index, error) { return hnsw.Open(file) },
}

var ivfKind = Kind{
	Name:    "ivf",
	Efforts: lists,
	build: func(ctx context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error) {
		x, err := ivf.Build(ctx, ivf.Config{
			Metric: c.Metric, Lists: c.Lists, Recall: c.Recall, Queries: c.Sample, Seed: c.Seed, Workers: c.Workers,
		}, items, base)
		return x, "", err
	},
	open: func(file string) (retrieval.Index, error) { return ivf.Open(file) },
}
