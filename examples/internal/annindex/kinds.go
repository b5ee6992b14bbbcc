package annindex

import (
	"context"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/auto"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/hnsw"
	"github.com/recsyskit/recsys/retrieval/ivf"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var flatKind = Kind{
	Name:    "flat",
	Efforts: []int{0},
	Quants:  []string{"int8", "none"},
	build: func(_ context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error) {
		cfg := flat.Config{Metric: c.Metric, Workers: c.Workers, Quantize: flat.Int8}
		if c.Quant == "none" {
			cfg.Quantize = flat.None
		}
		x, err := flat.New(cfg, items, base)
		return x, "", err
	},
	open: func(file string) (retrieval.Index, error) { return flat.Open(file) },
}

var hnswKind = Kind{
	Name:    "hnsw",
	Efforts: pools,
	Quants:  []string{"int8", "none"},
	build: func(ctx context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error) {
		cfg := hnsw.Config{Metric: c.Metric, M: c.M, EfConstruction: c.EfConstruction, Seed: c.Seed, Workers: c.Workers, Progress: c.progress("link")}
		if c.Quant == "none" {
			cfg.Quant = hnsw.None
		}
		x, err := hnsw.Build(ctx, cfg, items, base)
		return x, "", err
	},
	open: func(file string) (retrieval.Index, error) { return hnsw.Open(file) },
}

var ivfKind = Kind{
	Name:    "ivf",
	Efforts: lists,
	Quants:  []string{"int8", "pq"},
	build: func(ctx context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error) {
		cfg := ivf.Config{Metric: c.Metric, Lists: c.Lists, Recall: c.Recall, Queries: c.Sample, Seed: c.Seed, Workers: c.Workers, Progress: c.Progress}
		if c.Quant == "pq" {
			cfg.Codes = ivf.PQ
		}
		x, err := ivf.Build(ctx, cfg, items, base)
		return x, "", err
	},
	open: func(file string) (retrieval.Index, error) { return ivf.Open(file) },
}

var autoKind = Kind{
	Name:    "auto",
	Efforts: []int{0},
	Quants:  []string{"int8"},
	build: func(ctx context.Context, c Config, items []recsys.ItemID, base vector.Matrix) (retrieval.Index, string, error) {
		choice, err := auto.Build(ctx, auto.Config{
			Metric: c.Metric, K: c.K, Recall: c.Recall, MaxBytes: c.MaxBytes, Queries: c.Sample, Seed: c.Seed, Workers: c.Workers, Progress: c.Progress,
		}, items, base)
		if err != nil {
			return nil, "", err
		}
		return choice.Index, choice.Why(), nil
	},
	open: func(file string) (retrieval.Index, error) { return auto.Open(file) },
}
