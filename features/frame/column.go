package frame

import (
	"math"
	"strconv"

	"github.com/recsyskit/recsys"
)

// Column holds the values of one column, a value per row, in the slice of its kind; the
// other slices are nil. A row without a value has its bit set in Missing and a filler in the
// slice, so that rows stay aligned: NaN in floats, zeros in vectors, 0 and "" elsewhere.
// A NaN without the bit is a value that is not a number.
type Column struct {
	Field
	Float64 []float64
	Float32 []float32 // Float32; also Vector: rows x Dim, row-major
	Int64   []int64   // Int64; also Time: Unix nanoseconds
	Uint64  []uint64
	String  []string

	// Missing has a bit per row; rows beyond its end, and all rows when it is nil, have values.
	Missing recsys.Bits
}

// Len returns the number of rows in the slice of the column's kind.
func (c *Column) Len() int {
	switch c.Kind {
	case Float64:
		return len(c.Float64)
	case Float32:
		return len(c.Float32)
	case Int64, Time:
		return len(c.Int64)
	case Uint64:
		return len(c.Uint64)
	case String:
		return len(c.String)
	case Vector:
		return len(c.Float32) / c.Dim
	}
	return 0
}

// IsMissing reports whether row i has no value.
func (c *Column) IsMissing(i int) bool { return i < 64*len(c.Missing) && c.Missing.Has(i) }

// SetMissing says that row i has no value. It leaves the slice as it is; see [Column.AppendMissing].
func (c *Column) SetMissing(i int) {
	for 64*len(c.Missing) <= i {
		c.Missing = append(c.Missing, 0)
	}
	c.Missing.Set(i)
}

// MissingRows returns how many rows have no value.
func (c *Column) MissingRows() int { return c.Missing.Count() }

// AppendMissing adds a row without a value: the filler and the bit.
func (c *Column) AppendMissing() {
	i := c.Len()
	switch c.Kind {
	case Float64:
		c.Float64 = append(c.Float64, math.NaN())
	case Float32:
		c.Float32 = append(c.Float32, float32(math.NaN()))
	case Int64, Time:
		c.Int64 = append(c.Int64, 0)
	case Uint64:
		c.Uint64 = append(c.Uint64, 0)
	case String:
		c.String = append(c.String, "")
	case Vector:
		for range c.Dim {
			c.Float32 = append(c.Float32, 0)
		}
	}
	c.SetMissing(i)
}

// AppendFrom adds row i of from, which must have the kind and dimension of c.
func (c *Column) AppendFrom(from *Column, i int) {
	if c.Kind != from.Kind || c.Dim != from.Dim {
		panic("frame: kinds of columns differ")
	}
	if from.IsMissing(i) {
		c.SetMissing(c.Len())
	}
	switch c.Kind {
	case Float64:
		c.Float64 = append(c.Float64, from.Float64[i])
	case Float32:
		c.Float32 = append(c.Float32, from.Float32[i])
	case Int64, Time:
		c.Int64 = append(c.Int64, from.Int64[i])
	case Uint64:
		c.Uint64 = append(c.Uint64, from.Uint64[i])
	case String:
		c.String = append(c.String, from.String[i])
	case Vector:
		c.Float32 = append(c.Float32, from.VectorRow(i)...)
	}
}

// VectorRow returns row i of a Vector column, a view of Dim values.
func (c *Column) VectorRow(i int) []float32 {
	return c.Float32[i*c.Dim : (i+1)*c.Dim : (i+1)*c.Dim]
}

// Number returns row i as a float64: NaN when it has no value or the kind is String or
// Vector; integers above 2^53 are rounded.
func (c *Column) Number(i int) float64 {
	if c.IsMissing(i) {
		return math.NaN()
	}
	switch c.Kind {
	case Float64:
		return c.Float64[i]
	case Float32:
		return float64(c.Float32[i])
	case Int64, Time:
		return float64(c.Int64[i])
	case Uint64:
		return float64(c.Uint64[i])
	}
	return math.NaN()
}

// ID returns row i as an ID, and false when it has no value or the kind has no ID (floats and
// vectors). Integers are taken by their bits; text that is a decimal number is the ID itself,
// other text stands for its [recsys.HashID], as everywhere in this module.
func (c *Column) ID(i int) (uint64, bool) {
	if c.IsMissing(i) {
		return 0, false
	}
	switch c.Kind {
	case Int64, Time:
		return uint64(c.Int64[i]), true
	case Uint64:
		return c.Uint64[i], true
	case String:
		if v, err := strconv.ParseUint(c.String[i], 10, 64); err == nil {
			return v, true
		}
		return recsys.HashID(c.String[i]), true
	}
	return 0, false
}

// Reset removes all rows and keeps the memory.
func (c *Column) Reset() {
	c.Float64, c.Float32, c.Int64, c.Uint64 = c.Float64[:0], c.Float32[:0], c.Int64[:0], c.Uint64[:0]
	clear(c.String) // so that nothing is kept alive
	c.String, c.Missing = c.String[:0], c.Missing[:0]
}
