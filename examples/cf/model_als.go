package main

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
)

var alsModels = []model{
	{
		name: "als",
		params: hyper.Params{
			{Name: "factors", Doc: "components of a vector", Default: "64", Integer: true, Min: 1, Max: 4096, Lo: 64, Hi: 512, Log: true},
			{Name: "regularization", Doc: "λ, scaled by the frequency to the power of nu", Default: "0.002", Min: 1e-9, Lo: 0.0001, Hi: 0.05, Log: true},
			{Name: "unobserved", Doc: "α0, the confidence that a pair without interaction is a 0", Default: "0.02", Min: 1e-9, Max: 1, Lo: 0.002, Hi: 0.5, Log: true},
			{Name: "alpha", Doc: "slope of the confidence in an interaction", Default: "0"},
			{Name: "log-scale", Doc: "scale of the weights whose logarithm counts, 0 for none", Default: "0"},
			{Name: "nu", Doc: "power of the frequency, 0 for the same λ for all", Default: "1", Max: 2},
			{Name: "epochs", Doc: "times that all vectors are solved for", Default: "16", Integer: true, Min: 1, Max: 100_000},
			{Name: "solver", Doc: "of a vector", Default: "exact", Choices: []string{"exact", "cg", "blocks"}, Still: true},
			{Name: "steps", Doc: "of cg for each vector", Default: "3", Integer: true, Min: 1, Max: 1000},
			{Name: "block", Doc: "factors in a block of blocks", Default: "64", Integer: true, Min: 1, Max: 4096},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			cfg := als.Config{
				Factors:        s.Int("factors"),
				Regularization: s.Float("regularization"),
				Exponent:       s.Float("nu"),
				Uniform:        s.Float("nu") == 0,
				Unobserved:     s.Float("unobserved"),
				Alpha:          s.Float("alpha"),
				LogScale:       s.Float("log-scale"),
				Epochs:         s.Int("epochs"),
				Steps:          s.Int("steps"),
				Block:          s.Int("block"),
				History:        retrieval.History{Values: true},
				Seed:           e.seed,
				Workers:        e.workers,
				MaxBytes:       e.maxBytes,
				Progress:       e.epochs("train"),
			}
			if err := cfg.Solver.UnmarshalText([]byte(s["solver"])); err != nil {
				return nil, err
			}
			return als.Train(ctx, in, cfg)
		},
		load: func(path string) (trained, error) { return als.Load(path) },
	},
}

// epochs returns a callback that reports the loss after each epoch and how long the others
// will take, nil for none.
func (e env) epochs(label string) func(epoch, epochs int, loss float64) {
	if e.log == nil {
		return nil
	}
	start := time.Now()
	return func(epoch, epochs int, loss float64) {
		left := time.Since(start) / time.Duration(epoch) * time.Duration(epochs-epoch)
		fmt.Fprintf(e.log, "%s: epoch %d/%d, loss %.6g, %v left\n", label, epoch, epochs, loss, left.Round(100*time.Millisecond))
	}
}
