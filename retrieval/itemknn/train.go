package itemknn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/fingerprint"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// Train returns the model of the interactions. Its items are those of in, also the ones
// without interactions, which have no neighbours. The model keeps no part of in but the
// slice of its items.
//
// Time is O(Σ_u |items of u|²): users with very long histories dominate it. Memory beside
// the model is about as much again, 8 bytes per interaction and 8 bytes per item and
// worker. The model is the same to the bit for any number of workers.
//
// The errors are those of cfg, field by field, and, when ctx ends first, one that wraps
// its cause.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*Model, error) {
	if in == nil {
		return nil, errors.New("itemknn: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	w := newWeigher(&cfg, in.ByItem())
	byUser, byItem := w.matrices(in)
	p := itemitem.Product{
		Left:     byItem,
		Right:    byUser,
		Keep:     cfg.Neighbors,
		Scale:    similarity(&cfg, byItem),
		Workers:  workers,
		Progress: cfg.Progress,
	}
	rows, err := p.Compute(ctx)
	if err != nil {
		return nil, fmt.Errorf("itemknn: training stopped: %w", err)
	}
	if cfg.Keep == PerTarget {
		rows = rows.Transpose(workers)
	}
	m, err := itemitem.New(in.Items(), *rows)
	if err != nil {
		return nil, fmt.Errorf("itemknn: %w", err)
	}
	cfg.Workers, cfg.Progress = 0, nil
	return newModel(cfg, m, w)
}

// similarity returns the function from a dot product of an item (row) and another (column)
// to their similarity.
func similarity(cfg *Config, byItem *retrieval.CSR) func(row, column int32, dot float32) float32 {
	if cfg.Raw {
		return func(_, _ int32, dot float32) float32 { return dot }
	}
	// The row is the target, the item proposed, when neighbours are kept per target.
	alpha := (1 + cfg.Asymmetry) / 2
	if cfg.Keep == PerSource {
		alpha = 1 - alpha
	}
	left, right := make([]float64, byItem.Rows()), make([]float64, byItem.Rows())
	for i := range left {
		_, weights := byItem.Row(i)
		square := 0.0
		for _, x := range weights {
			square += float64(float64(x) * float64(x))
		}
		left[i], right[i] = fmath.Pow(square, alpha), fmath.Pow(square, 1-alpha)
	}
	shrinkage := cfg.Shrinkage
	return func(row, column int32, dot float32) float32 {
		return float32(float64(dot) / (float64(left[row]*right[column]) + shrinkage))
	}
}

// newModel puts a model together from its parts; cfg has its defaults.
func newModel(cfg Config, m *itemitem.Matrix, w *weigher) (*Model, error) {
	cfg.History.Kinds = maps.Clone(cfg.History.Kinds) // the caller may change its own
	history, err := profile.New(cfg.History)
	if err != nil {
		return nil, err
	}
	model := &Model{config: cfg, matrix: m, weigher: w, history: history}
	model.version = sync.OnceValue(func() string { return fingerprint.Of(model) })
	return model, nil
}
