package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/twotower"
)

var twotowerModels = []model{
	{
		name: "twotower",
		params: []param{
			{name: "factors", doc: "dimension of the vectors", def: "64", integer: true, min: 1, max: 1024},
			{name: "hidden", doc: "width of a hidden layer, 0 for none", def: "0", integer: true, max: 4096},
			{name: "score", doc: "of two vectors", def: "cosine", choices: []string{"cosine", "dot"}},
			{name: "temperature", doc: "of the softmax", def: "0.1", min: 1e-6, lo: 0.05, hi: 0.3, log: true},
			{name: "pooling", doc: "of the history", def: "mean", choices: []string{"mean", "attention"}},
			{name: "last", doc: "events of a history that count", def: "100", integer: true, min: 1, max: 10_000},
			{name: "user-id", doc: "whether the user's id has a vector", def: "no", choices: []string{"no", "yes"}},
			{name: "tied", doc: "whether items of the history share the vectors of items", def: "yes", choices: []string{"yes", "no"}},
			{name: "id-dropout", doc: "share of examples without the user's id", def: "0", max: 0.99, lo: 0, hi: 0.9},
			{name: "dropout", doc: "share of hidden units", def: "0", max: 0.99},
			{name: "optimizer", doc: "of training", def: "adam", choices: []string{"adam", "adagrad"}},
			{name: "learning-rate", doc: "of the optimizer, 0 for its default", def: "0", lo: 0.0005, hi: 0.01, log: true},
			{name: "anneal", doc: "whether the rate falls over the epochs", def: "yes", choices: []string{"yes", "no"}},
			{name: "regularization", doc: "of embeddings", def: "0", lo: 0, hi: 0.1},
			{name: "epochs", doc: "passes over the data; 0 for what serves a tenth of it best that is held out at first", def: "0", integer: true, max: 10_000},
			{name: "batch", doc: "interactions per step", def: "1024", integer: true, min: 1, max: 65_536, lo: 512, hi: 4096, log: true},
			{name: "negatives", doc: "even draws per step, 0 for as many as the batch, -1 for none", def: "0", integer: true, min: -1, max: 65_536},
			{name: "hard-negatives", doc: "mined per step", def: "0", integer: true, max: 8192},
			{name: "debias", doc: "share of the correction of popularity left out", def: "0", max: 1, lo: 0, hi: 1},
		},
		train: trainTwotower,
		load:  func(path string) (trained, error) { return twotower.Load(path) },
	},
}

func trainTwotower(ctx context.Context, in *retrieval.Interactions, s settings, e env) (trained, error) {
	cfg := twotower.Config{
		Dim:            s.int("factors"),
		Dot:            s["score"] == "dot",
		Temperature:    s.float("temperature"),
		Last:           s.int("last"),
		Anonymous:      s["user-id"] == "no",
		Untied:         s["tied"] == "no",
		IDDropout:      s.float("id-dropout"),
		Dropout:        s.float("dropout"),
		LearningRate:   s.float("learning-rate"),
		Anneal:         s["anneal"] == "yes",
		Regularization: s.float("regularization"),
		Epochs:         s.int("epochs"),
		Batch:          s.int("batch"),
		Negatives:      s.int("negatives"),
		HardNegatives:  s.int("hard-negatives"),
		Debias:         s.float("debias"),
		History:        retrieval.History{Values: true},
		Seed:           e.seed,
		Workers:        e.workers,
	}
	if h := s.int("hidden"); h > 0 {
		cfg.Hidden = []int{h}
	}
	if err := cfg.Pooling.UnmarshalText([]byte(s["pooling"])); err != nil {
		return nil, err
	}
	if err := cfg.Optimizer.UnmarshalText([]byte(s["optimizer"])); err != nil {
		return nil, err
	}
	if cfg.Epochs == 0 {
		held := cfg
		held.Epochs, held.Validation, held.Anneal = longestTwotower, 0.1, false // what falls to an end must know it
		held.Progress = twotowerProgress(e.log, "hold out")
		m, err := twotower.Train(ctx, in, held)
		if err != nil {
			return m, err
		}
		cfg.Epochs = max(m.Epochs(), 1)
	}
	cfg.Progress = twotowerProgress(e.log, "train")
	return twotower.Train(ctx, in, cfg)
}

// longestTwotower is how many epochs a search for the best number of them may take.
const longestTwotower = 100

// twotowerProgress reports epochs to w, with the time left if all are trained; nil for none.
func twotowerProgress(w io.Writer, label string) func(twotower.Progress) {
	if w == nil {
		return nil
	}
	start := time.Now()
	return func(p twotower.Progress) {
		line := fmt.Sprintf("%s: epoch %d/%d, loss %.4f", label, p.Epoch, p.Epochs, p.Loss)
		if p.Best > 0 {
			line += fmt.Sprintf(", recall@20 %.4f, best in epoch %d", p.Recall, p.Best)
		}
		left := time.Since(start) / time.Duration(p.Epoch) * time.Duration(p.Epochs-p.Epoch)
		fmt.Fprintf(w, "%s, at most %v left\n", line, left.Round(time.Second/10))
	}
}
