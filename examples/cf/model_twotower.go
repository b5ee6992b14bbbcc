package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/twotower"
)

var twotowerModels = []model{
	{
		name: "twotower",
		params: hyper.Params{
			{Name: "factors", Doc: "dimension of the vectors", Default: "64", Integer: true, Min: 1, Max: 1024},
			{Name: "hidden", Doc: "width of a hidden layer, 0 for none", Default: "0", Integer: true, Max: 4096},
			{Name: "score", Doc: "of two vectors", Default: "cosine", Choices: []string{"cosine", "dot"}},
			{Name: "temperature", Doc: "of the softmax", Default: "0.1", Min: 1e-6, Lo: 0.05, Hi: 0.3, Log: true},
			{Name: "pooling", Doc: "of the history", Default: "mean", Choices: []string{"mean", "attention"}},
			{Name: "last", Doc: "events of a history that count", Default: "100", Integer: true, Min: 1, Max: 10_000},
			{Name: "user-id", Doc: "whether the user's id has a vector", Default: "no", Choices: []string{"no", "yes"}},
			{Name: "tied", Doc: "whether items of the history share the vectors of items", Default: "yes", Choices: []string{"yes", "no"}},
			{Name: "id-dropout", Doc: "share of examples without the user's id", Default: "0", Max: 0.99, Lo: 0, Hi: 0.9},
			{Name: "dropout", Doc: "share of hidden units", Default: "0", Max: 0.99},
			{Name: "optimizer", Doc: "of training", Default: "adam", Choices: []string{"adam", "adagrad"}},
			{Name: "learning-rate", Doc: "of the optimizer, 0 for its default", Default: "0", Lo: 0.0005, Hi: 0.01, Log: true},
			{Name: "anneal", Doc: "whether the rate falls over the epochs", Default: "yes", Choices: []string{"yes", "no"}},
			{Name: "regularization", Doc: "of embeddings", Default: "0", Lo: 0, Hi: 0.1},
			{Name: "epochs", Doc: "passes over the data; 0 for what serves a tenth of it best that is held out at first", Default: "0", Integer: true, Max: 10_000},
			{Name: "batch", Doc: "interactions per step", Default: "1024", Integer: true, Min: 1, Max: 65_536, Lo: 512, Hi: 4096, Log: true},
			{Name: "negatives", Doc: "even draws per step, 0 for as many as the batch, -1 for none", Default: "0", Integer: true, Min: -1, Max: 65_536},
			{Name: "hard-negatives", Doc: "mined per step", Default: "0", Integer: true, Max: 8192},
			{Name: "debias", Doc: "share of the correction of popularity left out", Default: "0", Max: 1, Lo: 0, Hi: 1},
		},
		train: trainTwotower,
		load:  func(path string) (trained, error) { return twotower.Load(path) },
	},
}

func trainTwotower(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
	cfg := twotower.Config{
		Dim:            s.Int("factors"),
		Dot:            s["score"] == "dot",
		Temperature:    s.Float("temperature"),
		Last:           s.Int("last"),
		Anonymous:      s["user-id"] == "no",
		Untied:         s["tied"] == "no",
		IDDropout:      s.Float("id-dropout"),
		Dropout:        s.Float("dropout"),
		LearningRate:   s.Float("learning-rate"),
		Anneal:         s["anneal"] == "yes",
		Regularization: s.Float("regularization"),
		Epochs:         s.Int("epochs"),
		Batch:          s.Int("batch"),
		Negatives:      s.Int("negatives"),
		HardNegatives:  s.Int("hard-negatives"),
		Debias:         s.Float("debias"),
		History:        retrieval.History{Values: true},
		Seed:           e.seed,
		Workers:        e.workers,
		MaxBytes:       e.maxBytes,
	}
	if h := s.Int("hidden"); h > 0 {
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
