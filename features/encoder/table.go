package encoder

import (
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/idtable"
)

// Table holds a vector for each of some IDs, for [Embedding] and [Pooling]. It is immutable and safe for concurrent use;
// steps may share it, and a file of a set has it once.
type Table struct {
	ids  []uint64 // nil: row i is ID i
	data []float32
	dim  int
	mean []float32
	find idtable.Table
	hash uint64
}

// NewTable returns the table in which ids[i] has the vector data[i*dim : (i+1)*dim]. With nil ids, row i is the
// vector of ID i: of an ID that a vocabulary or [Hash] gave. The table takes data and ids over: they must not be written to after.
// It fails if the lengths do not fit, an ID comes twice or a value is not finite, and names the place.
func NewTable(ids []uint64, data []float32, dim int) (*Table, error) {
	if dim < 1 || dim > maxColumns {
		return nil, fmt.Errorf("encoder: table: dim is %d; want 1 to %d", dim, maxColumns)
	}
	rows := len(data) / dim
	switch {
	case len(data)%dim != 0:
		return nil, fmt.Errorf("encoder: table: %d values are no rows of %d", len(data), dim)
	case rows == 0 || rows > math.MaxInt32:
		return nil, fmt.Errorf("encoder: table: %d rows; want 1 to %d", rows, math.MaxInt32)
	case ids != nil && len(ids) != rows:
		return nil, fmt.Errorf("encoder: table: %d IDs for %d rows", len(ids), rows)
	}
	for i, v := range data {
		if v-v != 0 {
			return nil, fmt.Errorf("encoder: table: value %d of row %d is %v; want a finite number", i%dim, i/dim, v)
		}
	}
	if ids != nil {
		sorted := slices.Sorted(slices.Values(ids))
		for i := 1; i < rows; i++ {
			if sorted[i] == sorted[i-1] {
				return nil, fmt.Errorf("encoder: table: ID %d has two rows", sorted[i])
			}
		}
	}
	t := &Table{ids: ids, data: data, dim: dim}
	if ids != nil {
		t.find = idtable.New(ids)
	}
	t.finish()
	return t, nil
}

// finish computes the mean row and the hash.
func (t *Table) finish() {
	sums := make([]float64, t.dim)
	var h fingerprint
	h.num(uint64(t.dim)).flag(t.ids != nil).nums(t.ids)
	for i, v := range t.data {
		sums[i%t.dim] += float64(v)
		h = fingerprint(hash.Mix64(uint64(h)+uint64(math.Float32bits(v))) + 0x9e3779b97f4a7c15)
	}
	t.mean = make([]float32, t.dim)
	for j := range sums {
		t.mean[j] = float32(sums[j] / float64(t.Len()))
	}
	t.hash = uint64(h)
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.data) / t.dim }

// Dim returns the number of values of a row.
func (t *Table) Dim() int { return t.dim }

// Row returns the vector of an ID, nil if it has none. It is read-only.
func (t *Table) Row(id uint64) []float32 {
	at := int64(-1)
	switch {
	case t.ids != nil:
		at = int64(t.find.Find(id))
	case id < uint64(t.Len()):
		at = int64(id)
	}
	if at < 0 {
		return nil
	}
	return t.data[int(at)*t.dim : int(at+1)*t.dim : int(at+1)*t.dim]
}
