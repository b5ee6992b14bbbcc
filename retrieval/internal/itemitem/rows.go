package itemitem

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/retrieval/internal/topk"
)

// Rows is a sparse square matrix in compressed rows, each best first: the entries of row i
// are Index[Start[i]:Start[i+1]] with the weights at the same places, by descending
// weight, equal weights by ascending column. Weights are finite.
//
// It is not a retrieval.CSR, whose rows are in the order of the columns.
type Rows struct {
	Start  []int64 // one per row and one more, from 0
	Index  []int32
	Weight []float32
}

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.Start) - 1 }

// Row returns the columns and weights of row i. The slices are the matrix's.
func (r *Rows) Row(i int32) ([]int32, []float32) {
	a, b := r.Start[i], r.Start[i+1]
	return r.Index[a:b:b], r.Weight[a:b:b]
}

// Check returns an error that says how r breaks the description of a matrix of n rows.
func (r *Rows) Check(n int) error {
	switch {
	case len(r.Start) != n+1:
		return fmt.Errorf("%d row starts; want %d", len(r.Start), n+1)
	case len(r.Index) != len(r.Weight):
		return fmt.Errorf("%d columns and %d weights", len(r.Index), len(r.Weight))
	case r.Start[0] != 0 || r.Start[n] != int64(len(r.Index)):
		return errors.New("the rows do not cover the entries")
	}
	for i := range n {
		if r.Start[i] > r.Start[i+1] {
			return fmt.Errorf("row %d ends before it starts", i)
		}
	}
	for i := range n {
		index, weight := r.Row(int32(i))
		for k, c := range index {
			w := weight[k]
			switch {
			case c < 0 || int(c) >= n:
				return fmt.Errorf("row %d: column %d of %d", i, c, n)
			case w-w != 0:
				return fmt.Errorf("row %d: weight of column %d is %v; want a finite number", i, c, w)
			case k > 0 && !(w < weight[k-1] || w == weight[k-1] && c > index[k-1]):
				return fmt.Errorf("row %d is out of order at entry %d", i, k)
			}
		}
	}
	return nil
}

// Transpose returns the transposed matrix, in memory of its own.
func (r *Rows) Transpose(workers int) *Rows {
	n := r.Len()
	t := &Rows{
		Start:  make([]int64, n+1),
		Index:  make([]int32, len(r.Index)),
		Weight: make([]float32, len(r.Weight)),
	}
	for _, c := range r.Index {
		t.Start[c+1]++
	}
	for i := range n {
		t.Start[i+1] += t.Start[i]
	}
	at := append([]int64(nil), t.Start[:n]...)
	for i := range int32(n) {
		index, weight := r.Row(i)
		for k, c := range index {
			t.Index[at[c]], t.Weight[at[c]] = i, weight[k]
			at[c]++
		}
	}
	t.sort(workers)
	return t
}

// sort puts every row in order.
func (r *Rows) sort(workers int) {
	const chunk = 64
	n := r.Len()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(workers, 1) {
		wg.Go(func() {
			var keys []uint64
			for {
				start := int(next.Add(chunk)) - chunk
				if start >= n {
					return
				}
				for i := start; i < min(start+chunk, n); i++ {
					index, weight := r.Row(int32(i))
					keys = keys[:0]
					for k, c := range index {
						keys = append(keys, topk.Key(weight[k], c))
					}
					for k, key := range topk.Best(keys, len(keys)) {
						index[k], weight[k] = topk.Position(key), topk.Score(key)
					}
				}
			}
		})
	}
	wg.Wait()
}
