package als

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// each calls f for all rows below n, size at a time, by as many goroutines as there are
// workspaces, each with its own, and returns the error of the first rows that have one, or
// the cause for which ctx ended.
func each(ctx context.Context, workers []*workspace, n, size int, f func(w *workspace, start, end int) error) error {
	var (
		next   atomic.Int64
		failed atomic.Bool
		mu     sync.Mutex
		first  = n
		err    error
		wg     sync.WaitGroup
	)
	work := func(w *workspace) {
		for ctx.Err() == nil && !failed.Load() {
			start := int(next.Add(int64(size))) - size
			if start >= n {
				return
			}
			if e := f(w, start, min(start+size, n)); e != nil {
				failed.Store(true)
				mu.Lock()
				if start < first {
					first, err = start, e
				}
				mu.Unlock()
			}
		}
	}
	count := min(len(workers), (n+size-1)/size)
	for i := 1; i < count; i++ {
		wg.Go(func() { work(workers[i]) })
	}
	if count > 0 {
		work(workers[0])
	}
	wg.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// gramBlocks is how many partial sums a Gram matrix has: as many whatever the workers.
const gramBlocks = 8

// gramPiece is how many rows are added up in float32 before they are in float64.
const gramPiece = 4096

// gram returns Σ v vᵀ over the rows of v.
func gram(ctx context.Context, workers []*workspace, v vector.Matrix) ([]float64, error) {
	d := v.Dim
	partial := make([][]float64, gramBlocks)
	per := (v.Rows + gramBlocks - 1) / gramBlocks
	err := each(ctx, workers, gramBlocks, 1, func(w *workspace, b, _ int) error {
		start, end := min(b*per, v.Rows), min((b+1)*per, v.Rows)
		if start == end {
			return nil
		}
		sum, a := make([]float64, d*d), w.square(d)
		for ; start < end && ctx.Err() == nil; start += gramPiece {
			n := min(gramPiece, end-start)
			clear(a)
			simd.Syrk(a, d, d, v.Data[start*v.Stride:], v.Stride, n)
			for i := range d {
				for j := i; j < d; j++ {
					sum[i*d+j] += float64(a[i*d+j])
				}
			}
		}
		partial[b] = sum
		return nil
	})
	if err != nil {
		return nil, err
	}
	total := make([]float64, d*d)
	for _, sum := range partial {
		for i, x := range sum {
			total[i] += x
		}
	}
	for i := range d {
		for j := range i {
			total[i*d+j] = total[j*d+i]
		}
	}
	return total, nil
}

// rotated writes the rows of v, turned so that component k lies along row k of axes, to dst,
// which may be v.
func rotated(ctx context.Context, workers []*workspace, dst, v vector.Matrix, axes []float64) error {
	const rows = 112
	d := v.Dim
	narrow := make([]float32, d*d)
	for i, x := range axes {
		narrow[i] = float32(x)
	}
	var packed simd.Packed
	packed.PackT(narrow, d, d, d)
	return each(ctx, workers, v.Rows, rows, func(w *workspace, start, end int) error {
		z := w.vector(&w.z, (end-start)*d)
		simd.Gemm(z, d, v.Data[start*v.Stride:], v.Stride, end-start, &packed, false)
		for i := start; i < end; i++ {
			copy(dst.Row(i), z[(i-start)*d:])
		}
		return nil
	})
}

// newWorkspaces returns as many workspaces.
func newWorkspaces(n int) []*workspace {
	all := make([]*workspace, n)
	for i := range all {
		all[i] = new(workspace)
	}
	return all
}
