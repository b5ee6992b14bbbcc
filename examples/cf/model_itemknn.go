package main

import (
	"context"
	"fmt"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/itemknn"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// loadItemsim reads models that the trainer made.
func loadItemsim(trainer string) func(path string) (trained, error) {
	return func(path string) (trained, error) {
		m, err := itemsim.Load(path)
		if err != nil {
			return nil, err
		}
		if err := isOf(m, trainer, path); err != nil {
			return nil, err
		}
		return m, nil
	}
}

// isOf returns an error unless the model of a file was made by the trainer.
func isOf(m *itemsim.Model, trainer, path string) error {
	if m.Trainer() != trainer {
		return fmt.Errorf("%s: the model is of trainer %q; want %q", path, m.Trainer(), trainer)
	}
	return nil
}

var itemknnModels = []model{
	{
		name: "itemknn",
		params: hyper.Params{
			{Name: "neighbors", Doc: "neighbours kept per item", Default: "200", Integer: true, Min: 1, Lo: 20, Hi: 1000, Log: true},
			{Name: "shrinkage", Doc: "added to the similarity's denominator", Default: "0", Lo: 1, Hi: 1000, Log: true},
			{Name: "weighting", Doc: "of interactions", Default: "tfidf", Choices: []string{"cosine", "tfidf", "bm25"}},
			{Name: "asymmetry", Doc: "of the similarity, 0 for the cosine, below 0 for more popular items", Default: "0", Min: -1, Max: 1, Lo: -1, Hi: 0.5},
			{Name: "keep", Doc: "neighbours per item proposed or per item of the history", Default: "target", Choices: []string{"target", "source"}},
			{Name: "k1", Doc: "of bm25", Default: "1.2", Min: 1e-6},
			{Name: "b", Doc: "of bm25", Default: "0.75", Min: 1e-6, Max: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
			cfg := itemknn.Config{
				Neighbors: s.Int("neighbors"),
				Shrinkage: s.Float("shrinkage"),
				Asymmetry: s.Float("asymmetry"),
				K1:        s.Float("k1"),
				B:         s.Float("b"),
				History:   retrieval.History{Values: true},
				Workers:   e.workers,
				MaxBytes:  e.maxBytes,
				Progress:  e.progress("train"),
			}
			if err := cfg.Weighting.UnmarshalText([]byte(s["weighting"])); err != nil {
				return nil, err
			}
			if err := cfg.Keep.UnmarshalText([]byte(s["keep"])); err != nil {
				return nil, err
			}
			return itemknn.Train(ctx, in, cfg)
		},
		load: loadItemsim("itemknn"),
	},
}
