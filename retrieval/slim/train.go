package slim

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
	"github.com/recsyskit/recsys/retrieval/itemsim"
)

// Train returns the model of the interactions. Its items are those of in, also the ones
// without interactions, which have no weights. The model keeps no part of in but the slice
// of its items. Its trainer is "slim".
//
// The products of all pairs of items that share a user take 8 bytes per ordered pair and O(Σ_u |items of u|²) time. Each item then takes time in proportion to
// its candidates times the weights that are ever positive, and the products of those; the
// weights take 8 bytes each, up to three times while they are put together, and a Discount 8
// bytes per interaction. The Gowalla check-ins (810,128 interactions of 40,981 items) take
// about a minute of CPU. The model is the same to the bit for any number of workers and on any
// machine.
//
// The errors are those of cfg, field by field; a *[retrieval.MemoryError] when it would take more
// than Config.MaxBytes, before the products are allocated; one for weights whose squares overflow;
// and, when ctx ends first, one that wraps its cause.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*itemsim.Model, error) {
	if in == nil {
		return nil, errors.New("slim: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g, err := newGram(ctx, in, &cfg, workers)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("slim: %w", err)
	}
	columns, err := solveAll(ctx, g, cfg, workers)
	if err != nil {
		return nil, fmt.Errorf("slim: training stopped: %w", err)
	}
	m, err := itemsim.New(in.Items(), columns.Transpose(), itemsim.Spec{Trainer: "slim", Config: cfg, History: cfg.History})
	if err != nil {
		return nil, fmt.Errorf("slim: %w", err)
	}
	return m, nil
}

// solveAll returns the weights for each item as its row.
func solveAll(ctx context.Context, g *gram, cfg Config, workers int) (*retrieval.CSR, error) {
	n := len(g.diagonal)
	type solution struct {
		from    []int32
		weights []float32
	}
	solutions := make([]solution, n)
	var mu sync.Mutex
	done := 0
	rows(ctx, n, workers, func() func(int) {
		s := newSolver(g, cfg)
		return func(j int) {
			keys := s.solve(int32(j))
			out := solution{make([]int32, len(keys)), make([]float32, len(keys))}
			slices.SortFunc(keys, func(a, b uint64) int { return int(topk.Position(a)) - int(topk.Position(b)) })
			for k, key := range keys {
				out.from[k], out.weights[k] = topk.Position(key), topk.Score(key)
			}
			solutions[j] = out
			if cfg.Progress == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if done++; done%64 == 0 || done == n {
				cfg.Progress(done, n)
			}
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c := &retrieval.CSR{Cols: n, Start: make([]int64, n+1)}
	for j := range solutions {
		c.Start[j+1] = c.Start[j] + int64(len(solutions[j].from))
	}
	c.Index, c.Weight = make([]int32, 0, c.Start[n]), make([]float32, 0, c.Start[n])
	for j := range solutions {
		s := &solutions[j]
		c.Index, c.Weight = append(c.Index, s.from...), append(c.Weight, s.weights...)
		*s = solution{}
	}
	return c, nil
}
