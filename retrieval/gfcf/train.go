package gfcf

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
	"github.com/recsyskit/recsys/retrieval/internal/spectral"
	"github.com/recsyskit/recsys/retrieval/internal/truncate"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// Train returns the model of the interactions. Its items are those of in, also the ones
// without interactions, whose weights are 0. The model keeps no part of in but the slice of
// its items. Its trainer is "gfcf".
//
// It takes O(items × (interactions + items × Factors)) time, with Sharpening five times the
// first term. The model is the same to the bit for any number of workers, on machines with the
// same kernels (see RECSYS_SIMD); others differ by the rounding of float32.
//
// The errors are those of cfg, field by field; how many bytes it needs, when they are more
// than cfg.MaxBytes; and, when ctx ends first, one that wraps its cause. A training that was
// stopped leaves nothing: there is no model before the end.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*itemsim.Model, error) {
	if in == nil {
		return nil, errors.New("gfcf: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	const remedy = "keep fewer Neighbors or Factors, or leave out rare items"
	if cfg.Neighbors == 0 {
		few := cfg
		few.Neighbors = fewItems
		all := need(in, &cfg)
		if in.NumItems() <= fewItems || memory.Check(all, cfg.MaxBytes, remedy) != nil && need(in, &few) < all {
			cfg = few
		}
	}
	if err := memory.Check(need(in, &cfg), cfg.MaxBytes, remedy); err != nil {
		return nil, fmt.Errorf("gfcf: %w", err)
	}
	f, err := newFilter(ctx, in, &cfg)
	if err != nil {
		return nil, fmt.Errorf("gfcf: training stopped in %w", err)
	}
	t := truncate.Task{
		Items:    in.NumItems(),
		Keep:     cfg.Neighbors,
		Block:    block,
		Worker:   func() func(first, count int, dst []float32) { return f.worker(ctx) },
		Workers:  cfg.Workers,
		Progress: cfg.part(300, 1000),
	}
	m, err := model(ctx, in, &cfg, &t)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("gfcf: training stopped: %w", err)
		}
		return nil, fmt.Errorf("gfcf: %w", err)
	}
	return m, nil
}

// model computes the columns of the filter and keeps of them what cfg says.
func model(ctx context.Context, in *retrieval.Interactions, cfg *Config, t *truncate.Task) (*itemsim.Model, error) {
	spec := itemsim.Spec{Trainer: "gfcf", Config: *cfg, History: cfg.History}
	if cfg.Neighbors == 0 {
		all := itemsim.NewDense(in.NumItems())
		if err := t.Whole(ctx, all.SetColumns); err != nil {
			return nil, err
		}
		return itemsim.FromDense(in.Items(), all, spec)
	}
	weights, err := t.Compute(ctx)
	if err != nil {
		return nil, err
	}
	return itemsim.New(in.Items(), weights, spec)
}

// need estimates the bytes that training takes: the normalised matrix twice, the factors and,
// one after the other, the decomposition and the columns of the filter with what is kept of
// them, twice, or all of them.
func need(in *retrieval.Interactions, cfg *Config) int64 {
	users, items := int64(in.NumUsers()), int64(in.NumItems())
	decomposition := spectral.Bytes(in.NumUsers(), in.NumItems(), spectral.Config{Factors: max(cfg.Factors, 1), Oversampling: cfg.Oversampling})
	workers := min(int64(cfg.Workers), (items+block-1)/block)
	columns, kept := workers*block*(users+3*items), 16*items*min(int64(cfg.Neighbors), items)
	if cfg.Neighbors == 0 {
		kept = itemsim.DenseBytes(in.NumItems())
	}
	return 4*(2*int64(in.Len())+2*items*int64(max(cfg.Factors, 0))) + max(decomposition, 4*columns+kept)
}
