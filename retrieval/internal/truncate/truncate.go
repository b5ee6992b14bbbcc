// Package truncate makes sparse matrices of dense ones that are computed a few columns at a
// time and would not fit in memory, or not be worth it.
package truncate

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// Task is a matrix of weights between items, and how much of it is wanted.
type Task struct {
	Items int // rows and columns

	// Keep is the number of entries that are kept of each column: those largest by
	// magnitude, ties by row. Zeros are not kept, nor is the diagonal.
	Keep int

	// Block is the number of columns that are computed at once, >= 1.
	Block int

	// Worker returns a function that fills dst with columns first to first+count-1, one
	// after the other, Items values each. It is called once for each goroutine.
	Worker func() func(first, count int, dst []float32)

	// Workers is the number of goroutines, >= 1. The result does not depend on it.
	Workers int

	// Progress, if not nil, is told how many columns are done: by one goroutine at a time,
	// with growing done.
	Progress func(done, all int)
}

// Compute returns what is kept of the matrix. If ctx ends, it returns ctx's cause. Beside the
// result, and the result again, it needs 4 × Items × Block bytes for each worker.
func (t *Task) Compute(ctx context.Context) (*retrieval.CSR, error) {
	blocks := make([]part, t.blocks())
	err := t.each(ctx, func(w *worker, b, first, count int) { blocks[b] = w.truncate(t, first, count) })
	if err != nil {
		return nil, err
	}
	return join(t.Items, blocks).Transpose(), nil
}

// Whole gives all of the matrix but its diagonal, which it makes 0, to f: count columns from
// first on, one after the other, Items values each, which are f's until it returns. Several
// goroutines call f, never for the same columns; Keep plays no part. If ctx ends, Whole returns
// ctx's cause. It needs 4 × Items × Block bytes for each worker.
func (t *Task) Whole(ctx context.Context, f func(first, count int, columns []float32)) error {
	return t.each(ctx, func(w *worker, _, first, count int) { f(first, count, w.compute(t, first, count)) })
}

func (t *Task) blocks() int { return (t.Items + t.Block - 1) / t.Block }

// each calls f for all blocks of columns.
func (t *Task) each(ctx context.Context, f func(w *worker, block, first, count int)) error {
	n, blocks := t.Items, t.blocks()
	workers := make([]*worker, min(t.Workers, max(blocks, 1)))
	var mu sync.Mutex
	done := 0
	return parallel.Each(ctx, len(workers), blocks, func(w, b int) {
		if workers[w] == nil {
			workers[w] = &worker{fill: t.Worker(), columns: make([]float32, min(t.Block, n)*n)}
		}
		first := b * t.Block
		count := min(t.Block, n-first)
		f(workers[w], b, first, count)
		if t.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			done += count
			t.Progress(done, n)
		}
	})
}

// part holds the kept entries of some columns, ascending by row.
type part struct {
	counts  []int
	rows    []int32
	weights []float32
}

type worker struct {
	fill    func(first, count int, dst []float32)
	columns []float32
	keys    []uint64
	kept    []int32
}

// compute returns columns of the matrix without its diagonal.
func (w *worker) compute(t *Task, first, count int) []float32 {
	columns := w.columns[:count*t.Items]
	w.fill(first, count, columns)
	for j := range count {
		columns[j*t.Items+first+j] = 0
	}
	return columns
}

func (w *worker) truncate(t *Task, first, count int) part {
	columns := w.compute(t, first, count)
	var p part
	for j := range count {
		column := columns[j*t.Items : (j+1)*t.Items]
		kept := w.largest(column, t.Keep)
		for _, i := range kept {
			p.rows, p.weights = append(p.rows, i), append(p.weights, column[i])
		}
		p.counts = append(p.counts, len(kept))
	}
	p.rows, p.weights = slices.Clip(p.rows), slices.Clip(p.weights)
	return p
}

// largest returns the rows of the keep largest entries by magnitude, ascending. A NaN is
// larger than everything: who uses the matrix shall meet it.
func (w *worker) largest(column []float32, keep int) []int32 {
	w.keys = w.keys[:0]
	for i, x := range column {
		if x != 0 {
			if x != x {
				x = float32(math.Inf(1))
			}
			w.keys = append(w.keys, topk.Key(float32(math.Abs(float64(x))), int32(i)))
		}
	}
	w.kept = w.kept[:0]
	for _, key := range topk.Select(w.keys, keep) {
		w.kept = append(w.kept, topk.Position(key))
	}
	slices.Sort(w.kept)
	return w.kept
}

// join returns the matrix whose rows are the columns.
func join(n int, parts []part) *retrieval.CSR {
	m := &retrieval.CSR{Cols: n, Start: make([]int64, 1, n+1)}
	total := 0
	for i := range parts {
		total += len(parts[i].rows)
	}
	m.Index, m.Weight = make([]int32, 0, total), make([]float32, 0, total)
	for i := range parts {
		p := &parts[i]
		for _, c := range p.counts {
			m.Start = append(m.Start, m.Start[len(m.Start)-1]+int64(c))
		}
		m.Index, m.Weight = append(m.Index, p.rows...), append(m.Weight, p.weights...)
		*p = part{}
	}
	return m
}
