package itemsim

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval"
)

// Dense holds a weight for every pair of n items, rounded to bfloat16: 2n² bytes, where a
// sparse matrix takes 8 for each weight. A weight is off by at most a 256th of itself, and a
// score by less, since the errors of its terms have no common sign. What sparse weights leave
// out is small and much: package ease says what it costs.
//
// It is filled before [FromDense] takes it, by several goroutines if each has columns of its
// own, and not changed after that.
type Dense struct {
	n int
	// codes is one tile after the other: those of all rows in up to denseTile columns, one
	// row after the other. The scores of a tile stay in the first-level cache while the rows
	// of a history pass.
	codes []uint16
}

const denseTile = 1024

// NewDense returns a matrix of n × n zeros.
func NewDense(n int) *Dense { return &Dense{n: n, codes: make([]uint16, n*n)} }

// DenseBytes returns how many bytes a matrix of n × n weights takes.
func DenseBytes(n int) int64 { return 2 * int64(n) * int64(n) }

// SetColumns sets the weights to the items first to first+count-1, which columns holds one item
// after the other: n weights each, those from items 0 to n-1. It panics if columns is shorter or
// there are no such items.
func (d *Dense) SetColumns(first, count int, columns []float32) {
	if first < 0 || count < 0 || first > d.n-count {
		panic("itemsim: columns beyond the matrix")
	}
	const side, rows = 32, 256
	var codes [side * rows]uint16
	for c := 0; c < count; {
		from := (first + c) / denseTile
		width := min(side, count-c, (from+1)*denseTile-(first+c))
		for i := 0; i < d.n; i += rows {
			high := min(rows, d.n-i)
			for k := range width {
				simd.EncodeBF16(codes[k*rows:][:high], columns[(c+k)*d.n+i:][:high])
			}
			for r := range high {
				to := d.row(from, i+r)[first+c-from*denseTile:][:width]
				for k := range to {
					to[k] = codes[k*rows+r]
				}
			}
		}
		c += width
	}
}

// At returns the weight from item i to item j.
func (d *Dense) At(i, j int) float32 {
	t := j / denseTile
	var x [1]float32
	simd.DecodeBF16(x[:], d.row(t, i)[j-t*denseTile:][:1])
	return x[0]
}

// row returns the part of row i in tile t.
func (d *Dense) row(t, i int) []uint16 {
	width := min(denseTile, d.n-t*denseTile)
	return d.codes[t*denseTile*d.n+i*width:][:width]
}

// check says which weight is not finite; items name the rows and columns.
func (d *Dense) check(items func(int) recsys.ItemID) error {
	const exponent = 0x7f80
	for at, c := range d.codes {
		if c&exponent == exponent {
			t := at / (denseTile * d.n)
			width := min(denseTile, d.n-t*denseTile)
			in := at - t*denseTile*d.n
			i, j := in/width, t*denseTile+in%width
			return fmt.Errorf("the weight from item %d to item %d is %v; want a finite number", items(i), items(j), d.At(i, j))
		}
	}
	return nil
}

// FromDense returns a model of the weights: row i of weights holds those from items[i], column
// j those to items[j]. The items ascend. The model keeps both; the caller must not write to
// them again.
//
// A request takes time in proportion to the items times those of its history, less than 1 ns
// each, and [Model.WithItems] shares the weights. [Model.Weights] takes four times the
// memory of the model.
//
// Errors are as from [New].
func FromDense(items []recsys.ItemID, weights *Dense, spec Spec) (*Model, error) {
	h, err := spec.header()
	if err != nil {
		return nil, err
	}
	m, err := assemble(h, items, spec.Saturation, parts{dense: weights})
	if err != nil {
		return nil, fmt.Errorf("itemsim: %w", err)
	}
	return m, nil
}

// baseOf returns the row and column of dense that stand for an item, -1 if none does: an item
// that an update gave other weights, or brought.
func (m *matrix) baseOf(item int32) int32 {
	if m.base == nil {
		return item
	}
	return m.base[item]
}

// bases returns the row of dense of each item.
func (m *matrix) bases() []int32 {
	base := make([]int32, len(m.rows))
	for i := range base {
		base[i] = m.baseOf(int32(i))
	}
	return base
}

// at returns the weight from an item to another.
func (m *matrix) at(from, to int32) float32 {
	if m.dense != nil {
		if i, j := m.baseOf(from), m.baseOf(to); i >= 0 && j >= 0 {
			return m.dense.At(int(i), int(j))
		}
	}
	return m.rows[from].at(to)
}

// accumulateDense adds up the dense weights of the profile. The scores are zero before.
func (m *matrix) accumulateDense(s *scratch) {
	if len(s.profile) == 0 {
		return
	}
	d, sums := m.dense, s.scores
	if m.base != nil {
		if len(s.wide) < d.n {
			s.wide = make([]float32, d.n)
		}
		sums = s.wide[:d.n]
		clear(sums)
	}
	if s.part == nil {
		s.part = make([]float32, denseTile)
	}
	for t := 0; t*denseTile < d.n; t++ {
		to := sums[t*denseTile : min((t+1)*denseTile, d.n)]
		for _, e := range s.profile {
			if b := m.baseOf(e.Item); b >= 0 {
				part := s.part[:len(to)]
				simd.DecodeBF16(part, d.row(t, int(b)))
				simd.Axpy(e.Weight, part, to)
			}
		}
	}
	for i := range s.scores {
		if b := m.baseOf(int32(i)); m.base != nil && b >= 0 {
			s.scores[i] = sums[b]
		}
		s.touched = append(s.touched, int32(i))
	}
}

// each calls f for the weights from an item, ascending by the item they are to. wide is memory,
// which it returns for the next item.
func (m *matrix) each(from int32, wide []float32, f func(to int32, weight float32)) []float32 {
	r := m.rows[from]
	if m.dense == nil || m.baseOf(from) < 0 {
		for k, to := range r.to {
			f(to, r.weights[k])
		}
		return wide
	}
	wide = slices.Grow(wide[:0], m.dense.n)[:m.dense.n]
	for t := 0; t*denseTile < len(wide); t++ {
		part := m.dense.row(t, int(m.baseOf(from)))
		simd.DecodeBF16(wide[t*denseTile:][:len(part)], part)
	}
	for to := range int32(len(m.rows)) {
		w := float32(0)
		if b := m.baseOf(to); b >= 0 {
			w = wide[b]
		} else {
			w = r.at(to)
		}
		if w != 0 {
			f(to, w)
		}
	}
	return wide
}

// sparse returns all weights, which it counts first: there may not be room for more.
func (m *matrix) sparse() *retrieval.CSR {
	c := &retrieval.CSR{Cols: len(m.rows), Start: make([]int64, len(m.rows)+1)}
	var wide []float32
	for i := range m.rows {
		c.Start[i+1] = c.Start[i]
		wide = m.each(int32(i), wide, func(int32, float32) { c.Start[i+1]++ })
	}
	total := c.Start[len(m.rows)]
	c.Index, c.Weight = make([]int32, 0, total), make([]float32, 0, total)
	for i := range m.rows {
		wide = m.each(int32(i), wide, func(to int32, w float32) { c.Index, c.Weight = append(c.Index, to), append(c.Weight, w) })
	}
	return c
}

// setSparse makes the rows those of the weights, or says what of them is wrong.
func (m *matrix) setSparse(weights *retrieval.CSR) error {
	if err := weights.Check(); err != nil {
		return err
	}
	items := m.items.IDs()
	if n := len(items); weights.Rows() != n || weights.Cols != n && n > 0 {
		return fmt.Errorf("weights of %d × %d items; want %d × %d", weights.Rows(), weights.Cols, n, n)
	}
	for i := range m.rows {
		to, w := weights.Row(i)
		for k, x := range w {
			if x-x != 0 {
				return fmt.Errorf("the weight from item %d to item %d is %v; want a finite number", items[i], items[to[k]], x)
			}
		}
		m.rows[i] = row{to, w}
	}
	return nil
}

// setDense makes the dense weights those of d, whose rows base names, or says what of them is
// wrong.
func (m *matrix) setDense(d *Dense, base []int32) error {
	items := m.items.IDs()
	switch n := len(items); {
	case d == nil:
		return errors.New("weights are nil")
	case d.n < 0 || d.n > math.MaxInt32 || len(d.codes) != d.n*d.n:
		return fmt.Errorf("%d dense weights of %d items", len(d.codes), d.n)
	case len(base) == 0 && d.n != n:
		return fmt.Errorf("weights of %d × %d items; want %d × %d", d.n, d.n, n, n)
	case len(base) > 0 && len(base) != n:
		return fmt.Errorf("dense rows of %d items; want %d", len(base), n)
	}
	ids := make([]recsys.ItemID, d.n) // by row of d
	if len(base) == 0 {
		copy(ids, items)
	} else {
		used := make([]bool, d.n)
		for i, b := range base {
			if b < -1 || int(b) >= d.n || b >= 0 && used[b] {
				return fmt.Errorf("dense row %d of item %d is none of %d, or another item's", b, items[i], d.n)
			}
			if b >= 0 {
				used[b], ids[b] = true, items[i]
			}
		}
		m.base = base
	}
	for i, r := range m.rows {
		for _, to := range r.to {
			if m.baseOf(int32(i)) >= 0 && m.baseOf(to) >= 0 {
				return fmt.Errorf("two weights from item %d to item %d, one of them dense", items[i], items[to])
			}
		}
	}
	m.dense = d
	return d.check(func(row int) recsys.ItemID { return ids[row] })
}
