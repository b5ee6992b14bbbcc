package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemsim"
	"github.com/recsyskit/recsys/retrieval/walk"
)

var walkModels = []model{
	{
		name: "p3alpha",
		params: hyper.Params{
			{Name: "neighbors", Doc: "items proposed per item", Default: "200", Integer: true, Min: 1, Lo: 20, Hi: 1000, Log: true},
			{Name: "alpha", Doc: "exponent of the steps' probabilities", Default: "1", Min: 1e-6, Max: 10, Lo: 0.2, Hi: 1.5},
			{Name: "normalize", Doc: "weights of each item add up to 1", Default: "yes", Choices: []string{"yes", "no"}},
		},
		train: trainWalk,
		load:  loadP3alpha,
	},
	{
		name: "rp3beta",
		params: hyper.Params{
			{Name: "neighbors", Doc: "items proposed per item", Default: "200", Integer: true, Min: 1, Lo: 20, Hi: 1000, Log: true},
			{Name: "alpha", Doc: "exponent of the steps' probabilities", Default: "0.8", Min: 1e-6, Max: 10, Lo: 0.2, Hi: 1.5},
			{Name: "beta", Doc: "exponent of the popularity that weights are divided by", Default: "0.3", Min: -10, Max: 10, Lo: -0.5, Hi: 0.8},
			{Name: "normalize", Doc: "weights of each item add up to 1", Default: "yes", Choices: []string{"yes", "no"}},
		},
		train: trainWalk,
		load:  loadItemsim("walk"),
	},
}

func trainWalk(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
	return walk.Train(ctx, in, walk.Config{
		Neighbors: s.Int("neighbors"),
		Alpha:     s.Float("alpha"),
		Beta:      s.Float("beta"),
		Raw:       s["normalize"] == "no",
		History:   retrieval.History{Values: true},
		Workers:   e.workers,
		MaxBytes:  e.maxBytes,
		Progress:  e.progress("train"),
	})
}

// loadP3alpha reads a model of p3alpha, which is one of rp3beta whose beta is 0.
func loadP3alpha(path string) (trained, error) {
	m, err := itemsim.Load(path)
	if err != nil {
		return nil, err
	}
	var cfg walk.Config
	if err := isOf(m, "walk", path); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(m.Config(), &cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if cfg.Beta != 0 {
		return nil, fmt.Errorf("%s: the model has beta %v; want one of p3alpha, or -model rp3beta", path, cfg.Beta)
	}
	return m, nil
}
