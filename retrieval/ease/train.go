package ease

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// Train returns the model of the interactions. Its items are those of in, also the ones
// without interactions, whose weights are 0. The model keeps no part of in but the slice of
// its items. Its trainer is "ease".
//
// The model is the same to the bit for any number of workers, on machines with the same
// kernels (see RECSYS_SIMD); others differ by the rounding of float32.
//
// The errors are those of cfg, field by field; how many bytes the form needs, when they
// are more than cfg.MaxBytes; that the matrix is not positive definite in float32, as with weights of
// 10^15 beside a regularisation of 1; and, when ctx ends first, one that wraps its cause. A
// training that was stopped leaves nothing: there is no model before the end.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*itemsim.Model, error) {
	if in == nil {
		return nil, errors.New("ease: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	fit, need, form, remedy := exact, exactNeed, "exact", "keep fewer Neighbors, leave out rare items, or set Local"
	if cfg.Local {
		fit, need, form, remedy = local, localNeed, "local", "keep fewer Neighbors, or leave out rare items"
	}
	if cfg.Neighbors == 0 {
		few := cfg
		few.Neighbors = fewItems
		all := need(in, &cfg)
		if in.NumItems() <= fewItems || memory.Check(all, cfg.MaxBytes, remedy) != nil && need(in, &few) < all {
			cfg = few
		}
	}
	if err := memory.Check(need(in, &cfg), cfg.MaxBytes, remedy); err != nil {
		return nil, fmt.Errorf("ease: %s %w", form, err)
	}
	m, err := fit(ctx, in, &cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("ease: training stopped: %w", err)
		}
		return nil, fmt.Errorf("ease: %w", err)
	}
	return m, nil
}

// spec returns what the model holds beside its weights.
func (c *Config) spec() itemsim.Spec {
	return itemsim.Spec{Trainer: "ease", Config: *c, History: c.History}
}

// part returns a callback that reports progress of a step which is the share from to to of all
// work, in per mille.
func (c *Config) part(from, to int) func(done, all int) {
	if c.Progress == nil {
		return nil
	}
	return func(done, all int) { c.Progress(from+(to-from)*done/all, 1000) }
}
