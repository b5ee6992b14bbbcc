package itemitem

import (
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// rowsAtOnce is how many rows a worker takes of work that is short.
const rowsAtOnce = 64

// KeepBest returns the matrix with the keep largest entries of each row, ties by column, in
// memory of its own. It does not depend on workers.
func KeepBest(m *retrieval.CSR, keep, workers int) *retrieval.CSR {
	n := m.Rows()
	out := &retrieval.CSR{Cols: m.Cols, Start: make([]int64, n+1)}
	for i := range n {
		out.Start[i+1] = out.Start[i] + min(m.Start[i+1]-m.Start[i], int64(max(keep, 0)))
	}
	out.Index, out.Weight = make([]int32, out.Start[n]), make([]float32, out.Start[n])
	EachRow(n, workers, func() func(int) {
		var keys []uint64
		return func(i int) {
			index, weight := m.Row(i)
			keys = keys[:0]
			for k, c := range index {
				keys = append(keys, topk.Key(weight[k], c))
			}
			at := out.Start[i]
			for k, key := range byPosition(topk.Select(keys, keep)) {
				out.Index[at+int64(k)], out.Weight[at+int64(k)] = topk.Position(key), topk.Score(key)
			}
		}
	})
	return out
}

// EachRow calls what worker returns for every row below n. Each worker calls worker once, for
// memory of its own.
func EachRow(n, workers int, worker func() func(row int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(max(workers, 1), (n+rowsAtOnce-1)/rowsAtOnce) {
		wg.Go(func() {
			do := worker()
			for {
				start := int(next.Add(rowsAtOnce)) - rowsAtOnce
				if start >= n {
					return
				}
				for i := start; i < min(start+rowsAtOnce, n); i++ {
					do(i)
				}
			}
		})
	}
	wg.Wait()
}
