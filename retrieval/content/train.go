package content

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Train counts how rare terms are and where numbers lie, and returns the model with the
// vectors of all items; items[i] is described by descriptions[i], in any order of the items. It
// keeps neither slice.
//
// Time is linear in the terms. Memory beside the model is 60 bytes for each different term.
// The errors are those of cfg, field by field, one that names the first item that is there
// twice or has other fields than cfg declares, and, when ctx ends first, one that wraps its
// cause.
func Train(ctx context.Context, items []recsys.ItemID, descriptions []Item, cfg Config) (*Model, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if len(items) != len(descriptions) {
		return nil, fmt.Errorf("content: %d items with %d descriptions; want as many", len(items), len(descriptions))
	}
	order := make([]int32, len(items))
	for i := range order {
		order[i] = int32(i)
		if err := cfg.check(&descriptions[i]); err != nil {
			return nil, fmt.Errorf("content: item %d with %w", items[i], err)
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(items[a], items[b]) })
	ids := make([]recsys.ItemID, len(order))
	for row, i := range order {
		ids[row] = items[i]
		if row > 0 && ids[row-1] == ids[row] {
			return nil, fmt.Errorf("content: item %d is there twice", ids[row])
		}
	}
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	cfg.Workers = 0
	m := newModel(cfg, ids)
	if err := m.count(ctx, descriptions); err != nil {
		return nil, err
	}
	m.vectors = vector.NewMatrix(len(ids), cfg.Dim)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, (len(ids)+rowsAtOnce-1)/rowsAtOnce) {
		wg.Go(func() {
			s := m.acquire()
			for ctx.Err() == nil {
				end := int(next.Add(rowsAtOnce))
				for row := end - rowsAtOnce; row < min(end, len(ids)); row++ {
					m.embed(s, &descriptions[order[row]])
					copy(m.vectors.Row(row), s.vector)
				}
				if end >= len(ids) {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("content: training stopped: %w", err)
	}
	return m, nil
}

// rowsAtOnce is how many items a worker takes.
const rowsAtOnce = 256

// count fills in what the model knows of terms and numbers.
func (m *Model) count(ctx context.Context, descriptions []Item) error {
	with := map[uint64]int{}
	var keys []uint64
	for i := range descriptions {
		if i%4096 == 0 && ctx.Err() != nil {
			return fmt.Errorf("content: training stopped: %w", context.Cause(ctx))
		}
		for f, terms := range descriptions[i].Bags {
			keys = termKeys(keys[:0], terms, m.bagSeeds[f])
			for _, key := range slices.Compact(keys) {
				with[key]++
			}
		}
	}
	sorted := slices.Sorted(maps.Keys(with))
	terms, rarity := make([]recsys.ItemID, len(sorted)), make([]float32, len(sorted))
	all := fmath.Log(float64(1 + len(descriptions)))
	for i, key := range sorted {
		terms[i], rarity[i] = recsys.ItemID(key), float32(all-fmath.Log(float64(1+with[key])))
	}
	var values []float32
	knots := make([]float32, 0, len(m.config.Numbers)*(levels+1))
	for f := range m.config.Numbers {
		values = values[:0]
		for i := range descriptions {
			if x := descriptions[i].Numbers[f]; x-x == 0 {
				values = append(values, x)
			}
		}
		slices.Sort(values)
		for k := range levels + 1 {
			x := float32(0)
			if len(values) > 0 {
				x = values[k*(len(values)-1)/levels]
			}
			knots = append(knots, x)
		}
	}
	return m.learned(terms, rarity, float32(all), knots)
}

// learned sets what the model knows of terms and numbers.
func (m *Model) learned(terms []recsys.ItemID, rarity []float32, unknown float32, knots []float32) error {
	index, err := itemindex.New(terms)
	if err != nil {
		return errors.New("terms out of order")
	}
	m.terms, m.rarity, m.unknown, m.knots = index, rarity, unknown, knots
	return nil
}
