package walk

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
// slice of its items. Its trainer is "walk".
//
// Time is O(Σ_u |items of u|²): users with very long histories dominate it. The model has at
// most Neighbors weights of 8 bytes per item; memory beside it is about twice as much again, 8
// bytes per interaction and 8 bytes per item and worker. The model is the same to the bit for any number of workers.
//
// The errors are those of cfg, field by field; a *[retrieval.MemoryError] when it would take more
// than Config.MaxBytes; and, when ctx ends first, one that wraps its cause.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*itemsim.Model, error) {
	if in == nil {
		return nil, errors.New("walk: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if err := memory.Check(itemitem.Bytes(in, cfg.Neighbors, workers, 3), cfg.MaxBytes, "or keep fewer Neighbors"); err != nil {
		return nil, fmt.Errorf("walk: %w", err)
	}
	discount := discounts(in.ByItem(), cfg.Beta)
	p := itemitem.Product{
		Left:     steps(in.ByItem(), cfg.Alpha),
		Right:    steps(in.ByUser(), cfg.Alpha),
		Keep:     cfg.Neighbors,
		Scale:    func(_, to int32, walks float32) float32 { return float32(float64(walks) * discount[to]) },
		Workers:  workers,
		Progress: cfg.Progress,
	}
	weights, err := p.Compute(ctx)
	if err != nil {
		return nil, fmt.Errorf("walk: training stopped: %w", err)
	}
	if !cfg.Raw {
		normalize(weights)
	}
	weights = itemitem.KeepBest(weights.Transpose(), cfg.Neighbors, workers).Transpose()
	m, err := itemsim.New(in.Items(), weights, itemsim.Spec{Trainer: "walk", Config: cfg, History: cfg.History})
	if err != nil {
		return nil, fmt.Errorf("walk: %w", err)
	}
	return m, nil
}

// steps returns the probability of each step from a row to a column, raised to alpha. It
// shares the structure of m.
func steps(m *retrieval.CSR, alpha float64) *retrieval.CSR {
	p := *m
	p.Weight = make([]float32, m.Len())
	for r := range m.Rows() {
		_, weights := m.Row(r)
		_, out := p.Row(r)
		sum := 0.0
		for _, w := range weights {
			sum += float64(w)
		}
		for k, w := range weights {
			if w > 0 {
				out[k] = float32(fmath.Pow(float64(w)/sum, alpha))
			}
		}
	}
	return &p
}

// discounts returns 1 / n^beta of each item with its n users.
func discounts(byItem *retrieval.CSR, beta float64) []float64 {
	d := make([]float64, byItem.Rows())
	for i := range d {
		_, weights := byItem.Row(i)
		users := 0
		for _, w := range weights {
			if w > 0 {
				users++
			}
		}
		d[i] = fmath.Pow(float64(max(users, 1)), -beta)
	}
	return d
}

// normalize divides each row by its sum.
func normalize(m *retrieval.CSR) {
	for r := range m.Rows() {
		_, weights := m.Row(r)
		sum := 0.0
		for _, w := range weights {
			sum += float64(w)
		}
		for k, w := range weights {
			weights[k] = float32(float64(w) / sum)
		}
	}
}
