// Package itemitem holds the sparse item-to-item matrices that several retrievers
// serve from: nearest neighbours, random walks, sparse linear methods. A row is an item
// of the user's history, a column the item that it speaks for; the score of an item is
// the sum over the history of the user's weight times the matrix's.
//
// Serving takes no lock and, in steady state, no memory: the accumulator of a call, 4
// bytes per item of the model, comes from a pool.
package itemitem

import (
	"math"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// Matrix is a sparse matrix of item-to-item weights and the items that its rows and
// columns stand for. It is immutable and safe for concurrent use; it must not be copied.
type Matrix struct {
	Rows
	Items itemindex.Index

	pool sync.Pool // of *Scratch
}

// New returns a matrix over the items, which must ascend. It keeps the slices. It returns
// an error when the rows break what is said of them at [Rows].
func New(items []recsys.ItemID, rows Rows) (*Matrix, error) {
	index, err := itemindex.New(items)
	if err != nil {
		return nil, err
	}
	if err := rows.Check(index.Len()); err != nil {
		return nil, err
	}
	return &Matrix{Rows: rows, Items: index}, nil
}

// finite bounds a score: weights near the largest float32 could add up to an infinity,
// and infinities to NaN, which counts as nothing known.
func finite(x float32) float32 {
	if x != x {
		return 0
	}
	return min(max(x, -math.MaxFloat32), math.MaxFloat32)
}
