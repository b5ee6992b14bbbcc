package retrieval

import (
	"fmt"
	"slices"
)

// CSR is a sparse matrix in compressed rows: the cells of row r are
// Index[Start[r]:Start[r+1]], their columns in ascending order, and the Weight at
// the same places. The zero CSR has no rows.
//
// Methods only read, and may be called concurrently.
type CSR struct {
	Cols   int       // the number of columns
	Start  []int64   // one more than there are rows, from 0 to len(Index); nil for no rows
	Index  []int32   // the column of each cell
	Weight []float32 // the value of each cell
}

// Rows returns the number of rows.
func (m *CSR) Rows() int { return max(len(m.Start)-1, 0) }

// Len returns the number of cells.
func (m *CSR) Len() int { return len(m.Index) }

// Row returns the columns of row r, ascending, and their weights. Both are parts
// of the matrix, not to be written to. It panics if r is not a row.
func (m *CSR) Row(r int) (cols []int32, weights []float32) {
	lo, hi := m.Start[r], m.Start[r+1]
	return m.Index[lo:hi:hi], m.Weight[lo:hi:hi]
}

// At returns the weight at row r and column c, and whether there is a cell. It
// searches the row in logarithmic time, and panics if r is not a row.
func (m *CSR) At(r, c int) (float32, bool) {
	cols, weights := m.Row(r)
	if c < 0 || c >= m.Cols {
		return 0, false
	}
	if i, ok := slices.BinarySearch(cols, int32(c)); ok {
		return weights[i], true
	}
	return 0, false
}

// Transpose returns the matrix with rows and columns exchanged, in memory of its
// own. It takes time and memory linear in rows, columns and cells.
func (m *CSR) Transpose() *CSR {
	t := &CSR{
		Cols:   m.Rows(),
		Start:  make([]int64, m.Cols+1),
		Index:  make([]int32, m.Len()),
		Weight: make([]float32, m.Len()),
	}
	// Start is shifted by one row while it serves as the place of the next cell.
	next := t.Start[1:]
	for _, c := range m.Index {
		next[c]++
	}
	at := int64(0)
	for c, n := range next {
		next[c] = at
		at += n
	}
	for r := range m.Rows() {
		cols, weights := m.Row(r)
		for i, c := range cols {
			t.Index[next[c]], t.Weight[next[c]] = int32(r), weights[i]
			next[c]++
		}
	}
	return t
}

// Check returns an error that says what contradicts the description of [CSR], or
// nil. A matrix from a file is checked once; the other methods trust it.
func (m *CSR) Check() error {
	switch {
	case m.Cols < 0 || m.Cols > maxRows:
		return fmt.Errorf("retrieval: CSR has %d columns; want 0 to %d", m.Cols, maxRows)
	case len(m.Weight) != len(m.Index):
		return fmt.Errorf("retrieval: CSR has %d weights for %d cells", len(m.Weight), len(m.Index))
	case len(m.Start) == 0 && len(m.Index) > 0:
		return fmt.Errorf("retrieval: CSR has %d cells and no rows", len(m.Index))
	case len(m.Start) > 0 && (m.Start[0] != 0 || m.Start[len(m.Start)-1] != int64(len(m.Index))):
		return fmt.Errorf("retrieval: CSR.Start runs from %d to %d; want 0 to %d", m.Start[0], m.Start[len(m.Start)-1], len(m.Index))
	case m.Rows() > maxRows:
		return fmt.Errorf("retrieval: CSR has %d rows; want at most %d", m.Rows(), maxRows)
	}
	for r := range m.Rows() {
		// The ends are right, so ascending starts are within them.
		if m.Start[r] > m.Start[r+1] {
			return fmt.Errorf("retrieval: CSR row %d starts at %d and ends at %d", r, m.Start[r], m.Start[r+1])
		}
	}
	for r := range m.Rows() {
		last := int32(-1)
		cols, _ := m.Row(r)
		for _, c := range cols {
			if c <= last || int(c) >= m.Cols {
				return fmt.Errorf("retrieval: CSR row %d has column %d after %d; want ascending and below %d", r, c, last, m.Cols)
			}
			last = c
		}
	}
	return nil
}
