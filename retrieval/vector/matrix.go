package vector

import (
	"fmt"
	"math"
)

// Matrix holds Rows vectors of Dim values each, row-major: row i is
// Data[i*Stride : i*Stride+Dim]. Stride, counted in elements, is at least Dim; what
// lies between two rows is never read. The zero Matrix has no rows.
//
// A Matrix is a view: a copy of it shares Data. It is safe for concurrent use while
// nobody writes to Data.
type Matrix struct {
	Data              []float32
	Rows, Dim, Stride int
}

// NewMatrix returns a matrix of zeros with Stride = dim. It panics if a size is
// negative or the values cannot be counted by an int.
func NewMatrix(rows, dim int) Matrix {
	if rows < 0 || dim < 0 || dim > 0 && rows > math.MaxInt/dim {
		panic("vector: impossible matrix size")
	}
	return Matrix{Data: make([]float32, rows*dim), Rows: rows, Dim: dim, Stride: dim}
}

// From returns the matrix whose rows are the consecutive dim values of data, which it
// shares. It panics if dim is not positive or does not divide len(data).
func From(data []float32, dim int) Matrix {
	switch {
	case dim <= 0:
		panic("vector: dim is not positive")
	case len(data)%dim != 0:
		panic("vector: data is not a whole number of rows")
	}
	return Matrix{Data: data, Rows: len(data) / dim, Dim: dim, Stride: dim}
}

// Row returns row i, sharing Data; an append to it does not reach the next row. It
// panics if there is no row i.
func (m Matrix) Row(i int) []float32 {
	if uint(i) >= uint(m.Rows) {
		panic(errRow)
	}
	at := i * m.Stride
	return m.Data[at : at+m.Dim : at+m.Dim]
}

// Slice returns rows i to j-1, sharing Data. It panics unless 0 <= i <= j <= Rows.
func (m Matrix) Slice(i, j int) Matrix {
	if i < 0 || j < i || j > m.Rows {
		panic("vector: rows out of range")
	}
	if i == j {
		return Matrix{Dim: m.Dim, Stride: m.Stride}
	}
	m.Data, m.Rows = m.Data[i*m.Stride:(j-1)*m.Stride+m.Dim], j-i
	return m
}

// Check returns nil if the matrix can be worked with: its sizes fit Data and every
// value is finite. Otherwise it returns an error that names the field, or a
// [*NonFiniteError] for the first row that has a NaN or an infinity. It reads all of
// the matrix, once.
func (m Matrix) Check() error {
	if err := m.checkShape(); err != nil {
		return err
	}
	for i := range m.Rows {
		if column := firstNonFinite(m.Row(i)); column >= 0 {
			return &NonFiniteError{Row: i, Column: column, Value: m.Row(i)[column]}
		}
	}
	return nil
}

func (m Matrix) checkShape() error {
	switch {
	case m.Rows < 0:
		return fmt.Errorf("vector: Matrix.Rows is %d; want >= 0", m.Rows)
	case m.Dim < 0:
		return fmt.Errorf("vector: Matrix.Dim is %d; want >= 0", m.Dim)
	case m.Stride < m.Dim:
		return fmt.Errorf("vector: Matrix.Stride is %d; want >= Dim, which is %d (From and NewMatrix set it)", m.Stride, m.Dim)
	case !m.fits():
		return fmt.Errorf("vector: Matrix.Data has %d values; too few for %d rows of %d at a stride of %d",
			len(m.Data), m.Rows, m.Dim, m.Stride)
	}
	return nil
}

// fits reports whether the last row ends within Data; it does not overflow.
func (m Matrix) fits() bool {
	if m.Rows <= 0 || m.Stride == 0 {
		return m.Rows >= 0
	}
	last := len(m.Data) - m.Dim
	return last >= 0 && m.Rows-1 <= last/m.Stride
}

// mustFit panics if the sizes do not fit Data: the kernels compute addresses from them.
func (m Matrix) mustFit() {
	if m.Rows < 0 || m.Dim < 0 || m.Stride < m.Dim || !m.fits() {
		panic("vector: matrix sizes do not fit its data")
	}
}

// NonFiniteError says where a matrix has its first value that is not finite.
type NonFiniteError struct {
	Row, Column int
	Value       float32
}

// Error names the row, the column and the value.
func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("vector: row %d has %v in column %d; want finite values", e.Row, e.Value, e.Column)
}

// Finite reports whether v has neither NaN nor an infinity.
func Finite(v []float32) bool { return firstNonFinite(v) < 0 }

func firstNonFinite(v []float32) int {
	const exponent = 0xff << 23
	for i, x := range v {
		if math.Float32bits(x)&exponent == exponent {
			return i
		}
	}
	return -1
}
