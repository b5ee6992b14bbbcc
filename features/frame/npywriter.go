package frame

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/recsyskit/recsys/internal/npy"
)

// NPYWriter writes a column as an array of numpy, see [NewNPYWriter].
type NPYWriter struct {
	to    io.WriteSeeker
	start int64
	out   *bufio.Writer
	field Field
	descr string
	rows  int
	buf   []byte
}

// NewNPYWriter returns a writer of a .npy file that holds one column: float64, float32, int64,
// uint64, datetime64[ns], or for a Vector a matrix of float32. A missing value is NaN,
// in a vector all NaN, or NaT; integers cannot be missing, and strings have no form.
//
// Writing begins where w stands. Close goes back there and puts in the number of rows.
func NewNPYWriter(w io.WriteSeeker, field Field) (*NPYWriter, error) {
	if err := field.check(); err != nil {
		return nil, err
	}
	x := &NPYWriter{to: w, out: bufio.NewWriterSize(w, 1<<16), field: field}
	switch field.Kind {
	case Float64:
		x.descr = "<f8"
	case Float32, Vector:
		x.descr = "<f4"
	case Int64:
		x.descr = "<i8"
	case Uint64:
		x.descr = "<u8"
	case Time:
		x.descr = "<M8[ns]"
	default:
		return nil, fmt.Errorf("frame: column %v has no form as .npy; want numbers, times or vectors", field)
	}
	var err error
	if x.start, err = w.Seek(0, io.SeekCurrent); err != nil {
		return nil, err
	}
	return x, x.header()
}

func (w *NPYWriter) header() error {
	shape := []int{w.rows}
	if w.field.Kind == Vector {
		shape = append(shape, w.field.Dim)
	}
	_, err := w.out.Write(npy.AppendHeader(nil, w.descr, shape...))
	return err
}

// Write writes the rows of chunk, a frame of the one column. An integer that is missing is
// an error, and then nothing of the chunk was written.
func (w *NPYWriter) Write(chunk *Frame) error {
	if err := checkChunk(chunk, []Field{w.field}); err != nil {
		return err
	}
	c := &chunk.Columns[0]
	if c.Kind == Int64 || c.Kind == Uint64 {
		if i := c.Missing.Next(0); i >= 0 {
			return fmt.Errorf("frame: column %q, row %d of the chunk: has no value, which .npy has no form for in %v", c.Name, i, c.Kind)
		}
	}
	for i := range chunk.Rows {
		if _, err := w.out.Write(w.value(c, i)); err != nil {
			return err
		}
	}
	w.rows += chunk.Rows
	return nil
}

func (w *NPYWriter) value(c *Column, i int) []byte {
	b := w.buf[:0]
	missing := c.IsMissing(i)
	switch c.Kind {
	case Float64:
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(orNaN(c.Float64[i], missing)))
	case Float32:
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(orNaN(c.Float32[i], missing)))
	case Vector:
		for _, v := range c.VectorRow(i) {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(orNaN(v, missing)))
		}
	case Uint64:
		b = binary.LittleEndian.AppendUint64(b, c.Uint64[i])
	default:
		v := c.Int64[i]
		if missing {
			v = math.MinInt64 // NaT
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	w.buf = b
	return b
}

func orNaN[F float32 | float64](v F, missing bool) F {
	if missing {
		return F(math.NaN())
	}
	return v
}

// Close writes what is left and the number of rows.
func (w *NPYWriter) Close() error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	end, err := w.to.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := w.to.Seek(w.start, io.SeekStart); err != nil {
		return err
	}
	if err := w.header(); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	_, err = w.to.Seek(end, io.SeekStart)
	return err
}
