package main

import (
	"context"
	"fmt"
	"time"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/als"
)

var alsModels = []model{
	{
		name: "als",
		params: []param{
			{name: "factors", doc: "components of a vector", def: "64", integer: true, min: 1, max: 4096, lo: 64, hi: 512, log: true},
			{name: "regularization", doc: "λ, scaled by the frequency to the power of nu", def: "0.002", min: 1e-9, lo: 0.0001, hi: 0.05, log: true},
			{name: "unobserved", doc: "α0, the confidence that a pair without interaction is a 0", def: "0.02", min: 1e-9, max: 1, lo: 0.002, hi: 0.5, log: true},
			{name: "alpha", doc: "slope of the confidence in an interaction", def: "0"},
			{name: "log-scale", doc: "scale of the weights whose logarithm counts, 0 for none", def: "0"},
			{name: "nu", doc: "power of the frequency, 0 for the same λ for all", def: "1", max: 2},
			{name: "epochs", doc: "times that all vectors are solved for", def: "16", integer: true, min: 1, max: 100_000},
			{name: "solver", doc: "of a vector", def: "exact", choices: []string{"exact", "cg", "blocks"}},
			{name: "steps", doc: "of cg for each vector", def: "3", integer: true, min: 1, max: 1000},
			{name: "block", doc: "factors in a block of blocks", def: "64", integer: true, min: 1, max: 4096},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			cfg := als.Config{
				Factors:        s.int("factors"),
				Regularization: s.float("regularization"),
				Exponent:       s.float("nu"),
				Uniform:        s.float("nu") == 0,
				Unobserved:     s.float("unobserved"),
				Alpha:          s.float("alpha"),
				LogScale:       s.float("log-scale"),
				Epochs:         s.int("epochs"),
				Steps:          s.int("steps"),
				Block:          s.int("block"),
				History:        retrieval.History{Values: true},
				Seed:           e.seed,
				Workers:        e.workers,
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
