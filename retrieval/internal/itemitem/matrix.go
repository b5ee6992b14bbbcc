// Package itemitem holds the sparse item-to-item matrices that several retrievers
// serve from: nearest neighbours, random walks, sparse linear methods. A row is an item
// of the user's history, a column the item that it speaks for; the score of an item is
// the sum over the history of the user's weight times the matrix's.
//
// Serving takes no lock and, in steady state, no memory: the accumulator of a call, 4
// bytes per item of the model, comes from a pool.
package itemitem

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// Matrix is a sparse matrix of item-to-item weights in compressed rows. It is
// immutable once checked and safe for concurrent use; it must not be copied.
//
// The entries of row i are Columns[Starts[i]:Starts[i+1]] with the weights at the same
// places, by descending weight, equal weights by ascending column. Weights are finite.
type Matrix struct {
	Items   itemindex.Index
	Starts  []int64 // one per item and one more, from 0
	Columns []int32
	Weights []float32

	pool sync.Pool // of *Scratch
}

// New returns a matrix over the items. It keeps the slices and returns an error when they
// break what is said of them at [Matrix].
func New(items []recsys.ItemID, starts []int64, columns []int32, weights []float32) (*Matrix, error) {
	index, err := itemindex.New(items)
	if err != nil {
		return nil, err
	}
	m := &Matrix{Items: index, Starts: starts, Columns: columns, Weights: weights}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Matrix) check() error {
	n := m.Items.Len()
	switch {
	case len(m.Starts) != n+1:
		return fmt.Errorf("%d row starts; want %d", len(m.Starts), n+1)
	case len(m.Columns) != len(m.Weights):
		return fmt.Errorf("%d columns and %d weights", len(m.Columns), len(m.Weights))
	case m.Starts[0] != 0 || m.Starts[n] != int64(len(m.Columns)):
		return errors.New("the rows do not cover the entries")
	}
	for i := range n {
		if m.Starts[i] > m.Starts[i+1] {
			return fmt.Errorf("row %d ends before it starts", i)
		}
	}
	for i := range n {
		columns, weights := m.Row(int32(i))
		for k, c := range columns {
			w := weights[k]
			switch {
			case c < 0 || int(c) >= n:
				return fmt.Errorf("row %d: column %d of %d", i, c, n)
			case w-w != 0:
				return fmt.Errorf("row %d: weight %v of column %d is not finite", i, w, c)
			case k > 0 && !(w < weights[k-1] || w == weights[k-1] && c > columns[k-1]):
				return fmt.Errorf("row %d is out of order at entry %d", i, k)
			}
		}
	}
	return nil
}

// Row returns the columns and weights of row i, best first. The slices are the matrix's.
func (m *Matrix) Row(i int32) ([]int32, []float32) {
	a, b := m.Starts[i], m.Starts[i+1]
	return m.Columns[a:b:b], m.Weights[a:b:b]
}

// Bytes returns the memory that the entries take.
func (m *Matrix) Bytes() int64 { return 8*int64(len(m.Columns)) + 8*int64(len(m.Starts)) }

// finite bounds a score: weights near the largest float32 could add up to an infinity,
// and infinities to NaN, which counts as nothing known.
func finite(x float32) float32 {
	if x != x {
		return 0
	}
	return min(max(x, -math.MaxFloat32), math.MaxFloat32)
}
