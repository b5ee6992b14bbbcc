package main

import (
	"context"
	"fmt"

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
		if m.Trainer() != trainer {
			return nil, fmt.Errorf("%s: the model is of trainer %q; want %q", path, m.Trainer(), trainer)
		}
		return m, nil
	}
}

var itemknnModels = []model{
	{
		name: "itemknn",
		params: []param{
			{name: "neighbors", doc: "neighbours kept per item", def: "200", integer: true, min: 1, lo: 20, hi: 1000, log: true},
			{name: "shrinkage", doc: "added to the similarity's denominator", def: "100", lo: 1, hi: 1000, log: true},
			{name: "weighting", doc: "of interactions", def: "tfidf", choices: []string{"cosine", "tfidf", "bm25"}},
			{name: "asymmetry", doc: "of the similarity, 0 for the cosine, below 0 for more popular items", def: "0", min: -1, max: 1, lo: -1, hi: 0.5},
			{name: "keep", doc: "neighbours per item proposed or per item of the history", def: "target", choices: []string{"target", "source"}},
			{name: "k1", doc: "of bm25", def: "1.2", min: 1e-6},
			{name: "b", doc: "of bm25", def: "0.75", min: 1e-6, max: 1},
		},
		train: func(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
			cfg := itemknn.Config{
				Neighbors: s.int("neighbors"),
				Shrinkage: s.float("shrinkage"),
				Asymmetry: s.float("asymmetry"),
				K1:        s.float("k1"),
				B:         s.float("b"),
				History:   retrieval.History{Values: true},
				Workers:   e.workers,
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
