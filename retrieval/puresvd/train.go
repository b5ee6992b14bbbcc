package puresvd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/memory"
	"github.com/recsyskit/recsys/retrieval/internal/spectral"
)

// Train returns the model of the interactions. Its items are those of in; one without
// interactions has the vector 0. The model keeps no part of in but the slice of its items.
//
// Memory beside the model is 4 bytes × (Factors+Oversampling) for each user and twice for
// each item, and 8 bytes per interaction.
//
// The errors are those of cfg, field by field; a *[retrieval.MemoryError] when it would take more
// than Config.MaxBytes; and, when ctx ends first, one that wraps its cause.
func Train(ctx context.Context, in *retrieval.Interactions, cfg Config) (*Model, error) {
	if in == nil {
		return nil, errors.New("puresvd: interactions are nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	settings := spectral.Config{
		Factors:      cfg.Factors,
		Iterations:   cfg.Iterations,
		Oversampling: cfg.Oversampling,
		Seed:         cfg.Seed,
		Workers:      workers,
		Progress:     cfg.Progress,
	}
	need := spectral.Bytes(in.NumUsers(), in.NumItems(), settings) + 8*(int64(in.Len())+int64(in.NumItems()))
	if err := memory.Check(need, cfg.MaxBytes, "or lower Factors or Oversampling"); err != nil {
		return nil, fmt.Errorf("puresvd: %w", err)
	}
	scale, unit := scales(in.ByItem(), cfg.Normalize)
	byUser, byItem := scaled(in.ByUser(), func(_, i int) float64 { return scale[i] }), scaled(in.ByItem(), func(i, _ int) float64 { return scale[i] })
	vectors, singular, err := spectral.Decompose(ctx, byUser, byItem, settings)
	if err != nil {
		return nil, fmt.Errorf("puresvd: training stopped in %w", err)
	}
	values := make([]float32, len(singular))
	for j, v := range singular {
		values[j] = float32(min(v/unit, math.MaxFloat32))
	}
	cfg.Workers, cfg.MaxBytes, cfg.Progress = 0, 0, nil
	return newModel(cfg, in.Items(), vectors, values), nil
}

// scales returns the factor of each item's column, and the power of two in all of them,
// which keeps squares within float32.
func scales(byItem *retrieval.CSR, normalize float64) (scale []float64, unit float64) {
	scale = make([]float64, byItem.Rows())
	top := 0.0
	for i := range scale {
		square, largest := 0.0, float32(0)
		_, weights := byItem.Row(i)
		for _, w := range weights {
			square += float64(float64(w) * float64(w))
			largest = max(largest, w)
		}
		if square > 0 {
			scale[i] = fmath.Pow(square, -normalize/2)
			top = max(top, scale[i]*float64(largest))
		}
	}
	unit = 1
	if _, exp := math.Frexp(top); top > 0 && (exp < -20 || exp > 20) {
		unit = math.Ldexp(1, -exp)
	}
	for i, s := range scale {
		if scale[i] = s * unit; unit == 1 {
			scale[i] = float64(float32(s)) // as models of version 1 were trained
		}
	}
	return scale, unit
}

// scaled returns m with each weight times the factor of its row and column.
func scaled(m *retrieval.CSR, factor func(row, col int) float64) *retrieval.CSR {
	c := *m
	c.Weight = make([]float32, len(m.Weight))
	for r := range m.Rows() {
		cols, weights := m.Row(r)
		_, to := c.Row(r)
		for k, col := range cols {
			to[k] = float32(float64(weights[k]) * factor(r, int(col)))
		}
	}
	return &c
}
