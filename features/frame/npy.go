package frame

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/recsyskit/recsys/internal/npy"
)

// NPYConfig says how an array of numpy becomes a table.
type NPYConfig struct {
	Name   string // of the input, for errors; empty: that of the file, if it is one, else "npy"
	Column string // name of the one column; empty means "value"

	// Columns names the columns of a matrix, one by one. Otherwise a matrix is one Vector column.
	Columns []string

	ChunkRows int // most rows of a chunk; 0 means 4096, fewer for rows beyond 16 KiB

	// MaxBytes bounds what is held of a matrix that stands in Fortran order, column by column, which
	// must be in memory as a whole; 0 means 1 GiB.
	MaxBytes int64
}

// NPYReader reads a table from a .npy file, see [NewNPYReader].
type NPYReader struct {
	cfg    NPYConfig
	in     *npy.Stream
	typ    npyType
	fields []Field
	width  int
	rows   int // that are left to read
	buf    []byte
	whole  []byte // a matrix in Fortran order
	n      int    // its rows
	done   error
}

// NewNPYReader returns a reader of a .npy file, plain or gzip: an array of one dimension is a
// column, one of two is a Vector column, or several. The kind of a column is Float32, Float64,
// Int64 for signed integers, Uint64 for unsigned ones and bool, Time for datetime64, String
// for strings. A NaN in a column of floats, and NaT, is a missing value; in a vector
// NaN stays as it is. Vectors of float64 are rounded.
//
// It reads the header. An error of the input is a [*ParseError]; rows count from 1 in its Line.
func NewNPYReader(r io.Reader, cfg NPYConfig) (*NPYReader, error) {
	if cfg.ChunkRows < 0 || cfg.MaxBytes < 0 {
		return nil, fmt.Errorf("frame: NPYConfig.ChunkRows is %d, MaxBytes %d; want >= 0 (0 means 4096, 1 GiB)", cfg.ChunkRows, cfg.MaxBytes)
	}
	cfg.Name = orElse(cfg.Name, nameOf(r, "npy"))
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 30
	}
	x := &NPYReader{cfg: cfg}
	bytes, err := plain(r)
	if err == nil {
		x.in, err = npy.NewStream(bytes)
	}
	if err == nil {
		x.typ, err = parseNPYType(x.in.Descr)
	}
	if err == nil {
		err = x.declare()
	}
	if err != nil {
		return nil, &ParseError{File: cfg.Name, Err: err}
	}
	return x, CheckFields(x.fields)
}

// declare makes the columns.
func (x *NPYReader) declare() error {
	shape := x.in.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	x.rows, x.width = shape[0], 1
	column := Field{Name: orElse(x.cfg.Column, "value"), Kind: x.typ.kind}
	switch {
	case len(shape) > 2:
		return fmt.Errorf("npy: an array of %d dimensions; want 1 or 2", len(shape))
	case len(shape) == 1 && x.cfg.Columns != nil:
		return errors.New("npy: an array of one dimension; NPYConfig.Columns is for matrices")
	case len(shape) == 1:
		x.fields = []Field{column}
	case x.cfg.Columns != nil:
		x.width = shape[1]
		if len(x.cfg.Columns) != x.width {
			return fmt.Errorf("npy: a matrix of %d columns; NPYConfig.Columns names %d", x.width, len(x.cfg.Columns))
		}
		for _, name := range x.cfg.Columns {
			x.fields = append(x.fields, Field{Name: name, Kind: x.typ.kind})
		}
	case x.typ.kind != Float32 && x.typ.kind != Float64:
		return fmt.Errorf("npy: a matrix of type %q is no vector of floats; name its columns in NPYConfig.Columns", clip(x.in.Descr))
	default:
		x.width = shape[1]
		x.fields = []Field{{Name: column.Name, Kind: Vector, Dim: x.width}}
	}
	if x.width == 0 {
		return errors.New("npy: a matrix without columns")
	}
	if x.width > maxDim {
		return fmt.Errorf("npy: a matrix of %d columns; want at most %d", x.width, maxDim)
	}
	if x.cfg.ChunkRows == 0 {
		x.cfg.ChunkRows = max(1, min(chunkRows, chunkRows*(16<<10)/max(1, x.width*x.typ.size)))
	}
	return x.readWhole()
}

// readWhole reads a matrix whose rows are not next to each other.
func (x *NPYReader) readWhole() error {
	if !x.in.Fortran || len(x.in.Shape) < 2 || x.in.Count == 0 {
		return nil
	}
	left := int64(x.in.Count)
	if int64(x.typ.size) > x.cfg.MaxBytes/left {
		return fmt.Errorf("npy: a matrix in Fortran order of shape %v is more than MaxBytes, %d", x.in.Shape, x.cfg.MaxBytes)
	}
	for left *= int64(x.typ.size); left > 0; { // memory grows with what arrives
		at := len(x.whole)
		n := int(min(left, 1<<16))
		x.whole = slices.Grow(x.whole, n)[:at+n]
		if err := x.in.Read(x.whole[at:]); err != nil {
			return err
		}
		left -= int64(n)
	}
	x.n = x.rows
	return nil
}

// Fields returns the columns.
func (x *NPYReader) Fields() []Field { return x.fields }

// Next reads the next rows.
func (x *NPYReader) Next(chunk *Frame) error {
	chunk.use(x.fields)
	for x.done == nil && chunk.Rows < x.cfg.ChunkRows {
		if err := x.row(chunk); err == io.EOF {
			x.done = err
		} else if err != nil {
			x.done = &ParseError{File: x.cfg.Name, Line: x.row1(), Err: err}
		}
	}
	if chunk.Rows > 0 && (x.done == nil || x.done == io.EOF) {
		return nil
	}
	chunk.use(x.fields)
	return x.done
}

// row1 returns the number of the row that is being read.
func (x *NPYReader) row1() int {
	all := 1
	if len(x.in.Shape) > 0 {
		all = x.in.Shape[0]
	}
	return all - x.rows + 1
}

func (x *NPYReader) row(chunk *Frame) error {
	if x.rows == 0 {
		if err := x.in.End(); err != nil {
			return err
		}
		return io.EOF
	}
	if x.whole == nil {
		if x.buf == nil {
			x.buf = make([]byte, x.width*x.typ.size)
		}
		if err := x.in.Read(x.buf); err != nil {
			return err
		}
	}
	for j := range x.width {
		b := x.value(j)
		var err error
		if c := &chunk.Columns[min(j, len(chunk.Columns)-1)]; c.Kind == Vector {
			err = x.typ.appendToVector(c, b)
		} else {
			err = x.typ.appendTo(c, b)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", strconv.Itoa(j), err)
		}
	}
	chunk.Rows++
	x.rows--
	return nil
}

// value returns the bytes of column j in the row that is being read.
func (x *NPYReader) value(j int) []byte {
	at, from := j, x.buf
	if x.whole != nil {
		at, from = j*x.n+x.n-x.rows, x.whole
	}
	return from[at*x.typ.size:][:x.typ.size]
}
