// Package itemitem computes sparse item-to-item matrices: what the trainers of package
// itemsim's models share.
package itemitem

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// Product is the sparse product of Left, items × users, and Right, users × items, of
// which each row keeps its best entries.
type Product struct {
	Left, Right *retrieval.CSR

	// Keep is the number of entries kept per row.
	Keep int

	// Scale turns entry (row, column) of the product, > 0, into the weight that counts.
	// Weights that are not > 0 are dropped. It is called concurrently.
	Scale func(row, column int32, value float32) float32

	// Workers is the number of goroutines, >= 1.
	Workers int

	// Progress, if not nil, is told how many rows of all are done: by one goroutine at a
	// time, with growing done.
	Progress func(done, all int)
}

// productBlock is the number of rows a worker takes at a time: small, because the rows of
// popular items cost most and must not all fall to one worker at the end.
const productBlock = 32

// block is the result of productBlock rows.
type block struct {
	counts  []int32
	columns []int32
	weights []float32
}

// Compute returns the kept entries of the product, without the diagonal. Every row is
// computed by one worker in the order of the factors' entries, so that the result does not
// depend on Workers. If ctx ends, it returns ctx's cause.
//
// It takes time O(Σ_u |items of u|²), and beside the result 8 bytes per item and worker.
func (p *Product) Compute(ctx context.Context) (*retrieval.CSR, error) {
	n := p.Left.Rows()
	blocks := make([]block, (n+productBlock-1)/productBlock)
	var (
		next   atomic.Int64
		wg     sync.WaitGroup
		report = reporter{all: n, call: p.Progress}
	)
	for range min(p.Workers, max(len(blocks), 1)) {
		wg.Go(func() {
			w := worker{Product: p, dots: make([]float32, n)}
			for ctx.Err() == nil {
				b := int(next.Add(1)) - 1
				if b >= len(blocks) {
					return
				}
				end := min((b+1)*productBlock, n)
				for row := b * productBlock; row < end; row++ {
					w.row(int32(row))
				}
				blocks[b] = w.take()
				report.add(end - b*productBlock)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return join(n, blocks), nil
}

// worker computes rows with a dense accumulator.
type worker struct {
	*Product
	dots    []float32 // all zero between rows
	touched []int32
	keys    []uint64
	out     block // of the rows since take
}

// take returns the rows in memory that has no room to spare: all blocks together are as large as
// the result.
func (w *worker) take() block {
	b := block{exact(w.out.counts), exact(w.out.columns), exact(w.out.weights)}
	w.out = block{w.out.counts[:0], w.out.columns[:0], w.out.weights[:0]}
	return b
}

func exact[T any](x []T) []T {
	y := make([]T, len(x))
	copy(y, x)
	return y
}

// row appends the kept entries of a row to w.out.
func (w *worker) row(row int32) {
	out := &w.out
	w.multiply(row)
	w.keys = w.keys[:0]
	for _, item := range w.touched {
		if dot := w.dots[item]; dot > 0 {
			if weight := finite(w.Scale(row, item, dot)); weight > 0 {
				w.keys = append(w.keys, topk.Key(weight, item))
			}
		}
		w.dots[item] = 0
	}
	best := byPosition(topk.Select(w.keys, w.Keep))
	for _, key := range best {
		out.columns = append(out.columns, topk.Position(key))
		out.weights = append(out.weights, topk.Score(key))
	}
	out.counts = append(out.counts, int32(len(best)))
}

// multiply computes the dot products of a row, its own left out, and lists where they may
// not be zero; a column may stand twice.
func (w *worker) multiply(row int32) {
	users, left := w.Left.Row(int(row))
	dots, touched := w.dots, w.touched[:0]
	for k, u := range users {
		a := left[k]
		items, right := w.Right.Row(int(u))
		right = right[:len(items)]
		for j, item := range items {
			old := dots[item]
			if old == 0 {
				touched = append(touched, item)
			}
			dots[item] = old + float32(a*right[j])
		}
	}
	dots[row] = 0
	w.touched = touched
}

// Row returns all entries of one row of the product that are > 0, not scaled, without the
// diagonal, by ascending column. It takes time in proportion to the items of the row's users,
// and 4 bytes per item.
func (p *Product) Row(row int32) (columns []int32, dots []float32) {
	w := worker{Product: p, dots: make([]float32, p.Left.Rows())}
	w.multiply(row)
	slices.Sort(w.touched)
	for _, c := range slices.Compact(w.touched) {
		if dot := w.dots[c]; dot > 0 {
			columns, dots = append(columns, c), append(dots, dot)
		}
	}
	return columns, dots
}

// byPosition sorts keys by their positions, which differ.
func byPosition(keys []uint64) []uint64 {
	for i, k := range keys {
		keys[i] = bits.RotateLeft64(k, 32)
	}
	slices.Sort(keys)
	for i, k := range keys {
		keys[i] = bits.RotateLeft64(k, 32)
	}
	return keys
}

// finite bounds a weight by the largest float32; NaN counts as nothing known.
func finite(x float32) float32 {
	if x != x {
		return 0
	}
	return min(max(x, -math.MaxFloat32), math.MaxFloat32)
}

// join puts the blocks one after the other and lets go of each.
func join(n int, blocks []block) *retrieval.CSR {
	r := &retrieval.CSR{Cols: n, Start: make([]int64, 1, n+1)}
	total := 0
	for i := range blocks {
		total += len(blocks[i].columns)
	}
	r.Index, r.Weight = make([]int32, 0, total), make([]float32, 0, total)
	for i := range blocks {
		b := &blocks[i]
		for _, c := range b.counts {
			r.Start = append(r.Start, r.Start[len(r.Start)-1]+int64(c))
		}
		r.Index, r.Weight = append(r.Index, b.columns...), append(r.Weight, b.weights...)
		*b = block{}
	}
	return r
}

// reporter passes progress on, one call at a time and never backwards.
type reporter struct {
	mu        sync.Mutex
	done, all int
	call      func(done, all int)
}

func (r *reporter) add(n int) {
	if r.call == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += n
	r.call(r.done, r.all)
}
