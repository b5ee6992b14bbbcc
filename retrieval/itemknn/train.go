package itemknn

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// Train returns the model of the interactions. Its items are those of in, also the ones
// without interactions, which have no neighbours. The model keeps no part of in but the
// slice of its items. Its trainer is "itemknn".
//
// Time is O(Σ_u |items of u|²): users with very long histories dominate it. Memory beside
// the model is about as much again, 8 bytes per interaction and 8 bytes per item and
// worker. The model is the same to the bit for any number of workers.
//
// The errors are those of cfg, field by field; a *[retrieval.MemoryError] when it would take more
// than Config.MaxBytes; one for weights whose squares overflow; and, when ctx ends first, one that
// wraps its cause.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*itemsim.Model, error) {
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
	if err := memory.Check(itemitem.Bytes(in, cfg.Neighbors, workers, 2), cfg.MaxBytes, "or keep fewer Neighbors"); err != nil {
		return nil, fmt.Errorf("itemknn: %w", err)
	}
	w := newWeigher(&cfg, in.ByItem())
	byUser, byItem := w.matrices(in)
	if err := check(byItem, in.Items()); err != nil {
		return nil, err
	}
	p := itemitem.Product{
		Left:     byItem,
		Right:    byUser,
		Keep:     cfg.Neighbors,
		Scale:    similarity(&cfg, byItem),
		Workers:  workers,
		Progress: cfg.Progress,
	}
	weights, err := p.Compute(ctx)
	if err != nil {
		return nil, fmt.Errorf("itemknn: training stopped: %w", err)
	}
	if cfg.Keep == PerTarget {
		weights = weights.Transpose()
	}
	m, err := itemsim.New(in.Items(), weights, itemsim.Spec{
		Trainer:    "itemknn",
		Config:     cfg,
		History:    cfg.History,
		Damping:    w.damping(),
		Saturation: w.length,
	})
	if err != nil {
		return nil, fmt.Errorf("itemknn: %w", err)
	}
	return m, nil
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
		norm := square(weights) // squared
		left[i], right[i] = fmath.Pow(norm, alpha), fmath.Pow(norm, 1-alpha)
	}
	shrinkage := cfg.Shrinkage
	return func(row, column int32, dot float32) float32 {
		return float32(float64(dot) / (float64(left[row]*right[column]) + shrinkage))
	}
}
