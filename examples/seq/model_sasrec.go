package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/examples/internal/hyper"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/sasrec"
)

var sasrecModels = []model{
	{
		name: "sasrec",
		params: hyper.Params{
			{Name: "dim", Doc: "dimension of the vectors", Default: "64", Integer: true, Min: 1, Max: 4096},
			{Name: "heads", Doc: "heads of each attention, a divisor of dim", Default: "2", Integer: true, Min: 1, Max: 64},
			{Name: "layers", Doc: "layers of the network", Default: "2", Integer: true, Min: 1, Max: 64},
			{Name: "hidden", Doc: "width of the feed-forward networks, 0 for four times dim", Default: "0", Integer: true, Max: 65536},
			{Name: "length", Doc: "newest events that count", Default: "50", Integer: true, Min: 1, Max: 65536},
			{Name: "norm", Doc: "place of the layer norms", Default: "pre", Choices: []string{"pre", "post"}},
			{Name: "activation", Doc: "of the feed-forward networks", Default: "gelu", Choices: []string{"gelu", "relu"}},
			{Name: "temperature", Doc: "that cosines are divided by, 0 for inner products", Default: "0", Max: 1000},
			{Name: "loss", Doc: "of training", Default: "softmax", Choices: []string{"softmax", "bce", "gbce"}},
			{Name: "train-negatives", Doc: "items drawn against those that came next, 0 for a number by the catalogue", Default: "0", Integer: true, Max: 1 << 20},
			{Name: "dropout", Doc: "share of values dropped in training", Default: "0.2", Max: 0.99, Lo: 0.1, Hi: 0.6},
			{Name: "learning-rate", Doc: "step size of Adam", Default: "0.002", Min: 1e-9, Max: 1, Lo: 5e-4, Hi: 5e-3, Log: true},
			{Name: "batch", Doc: "events of a step", Default: "256", Integer: true, Min: 1, Max: 1 << 24},
			{Name: "epochs", Doc: "passes over the data at most", Default: "100", Integer: true, Min: 1, Max: 100_000},
			{Name: "patience", Doc: "epochs without a better validation before training stops", Default: "5", Integer: true, Min: 1},
			{Name: "validation", Doc: "share of the users or the newest sessions that is held out to see when to stop, 0 for all epochs", Default: "0.1", Max: 0.9},
			{Name: "refit", Doc: "train again with what validation held out; auto does for sessions", Default: "auto", Choices: []string{"auto", "yes", "no"}},
		},
		train: trainSASRec,
		load: func(path string) (trained, error) {
			if strings.HasSuffix(path, ".npz") {
				return sasrec.LoadCheckpoint(path, 0)
			}
			return sasrec.Load(path)
		},
	},
}

func trainSASRec(ctx context.Context, in *retrieval.Interactions, s hyper.Settings, e env) (trained, error) {
	if dim, heads := s.Int("dim"), s.Int("heads"); dim%heads != 0 {
		return nil, cli.Usagef("-heads is %d; want a divisor of -dim, which is %d", heads, dim)
	}
	cfg := sasrec.Config{
		Architecture: sasrec.Architecture{
			Dim: s.Int("dim"), Heads: s.Int("heads"), Layers: s.Int("layers"), Hidden: s.Int("hidden"), Length: s.Int("length"),
			Temperature: s.Float("temperature"),
		},
		Negatives:    s.Int("train-negatives"),
		Dropout:      s.Float("dropout"),
		LearningRate: s.Float("learning-rate"),
		Batch:        s.Int("batch"),
		Epochs:       s.Int("epochs"),
		Patience:     s.Int("patience"),
		Share:        s.Float("validation"),
		Refit:        s["refit"] == "yes" || s["refit"] == "auto" && e.sessions,
		Seed:         e.seed,
		Workers:      e.workers,
		Progress:     epochs(e.log, e.label),
	}
	if cfg.Dropout == 0 {
		cfg.Dropout = -1
	}
	if cfg.Share == 0 {
		cfg.Share = -1
	}
	if e.sessions {
		cfg.Holdout = sasrec.LastSequences
	}
	for name, v := range map[string]interface{ UnmarshalText([]byte) error }{
		"norm": &cfg.Norm, "activation": &cfg.Activation, "loss": &cfg.Loss,
	} {
		if err := v.UnmarshalText([]byte(s[name])); err != nil {
			return nil, err
		}
	}
	m, err := sasrec.Train(ctx, in, cfg)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// epochs returns a function that writes a line for each epoch: how far training is, its loss,
// the validation, and how long it takes at most. It returns nil when log is nil.
func epochs(log io.Writer, label string) func(sasrec.Progress) {
	if log == nil {
		return nil
	}
	if label != "" {
		label += ": "
	}
	start := time.Now()
	return func(p sasrec.Progress) {
		if p.Epoch == 1 && p.Step == 1 {
			start = time.Now()
		}
		if !p.Done {
			return
		}
		what := "epoch"
		if p.Refit {
			what = "on all data, epoch"
		}
		left := time.Duration(float64(time.Since(start)) / float64(p.Epoch) * float64(p.Epochs-p.Epoch)).Round(time.Second)
		validated := ""
		if p.Best > 0 {
			validated = fmt.Sprintf(", ndcg@10 %.4f, best %d", p.NDCG, p.Best)
		}
		fmt.Fprintf(log, "%s%s %d/%d: loss %.4f%s, at most %v left\n", label, what, p.Epoch, p.Epochs, p.Loss, validated, left)
	}
}
