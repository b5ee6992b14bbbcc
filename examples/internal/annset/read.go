package annset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// maxWidth bounds the numbers of a row, so that a file that holds something
// else is not taken for one of few long rows.
const maxWidth = 1 << 16

// Range is a range of rows of a file: From, From+1, …, To-1. The zero Range is
// all rows.
type Range struct{ From, To int }

// ReadVectors reads the rows of a file that lie in a range: fvecs if dim is 0,
// else raw with dim numbers per row. It returns the vectors and the number of
// rows that the file has in all. A value in the range that is NaN or infinite
// is an error, and so is a range that the file does not hold.
func ReadVectors(name string, dim int, in Range) (vector.Matrix, int, error) {
	r, err := cli.Open(name)
	if err != nil {
		return vector.Matrix{}, 0, err
	}
	defer r.Close()
	v, total, err := DecodeVectors(r, dim, in)
	return v, total, inFile(name, err)
}

// DecodeVectors reads vectors as [ReadVectors] does, from r. Its errors name no
// file.
func DecodeVectors(r io.Reader, dim int, in Range) (vector.Matrix, int, error) {
	rows := rowReader{r: r, width: dim, prefixed: dim == 0}
	var data []float32
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return vector.Matrix{}, 0, err
		}
		if at := rows.count - 1; at < in.From || in.To > 0 && at >= in.To {
			continue
		}
		for i := 0; i < len(row); i += 4 {
			x := math.Float32frombits(binary.LittleEndian.Uint32(row[i:]))
			if x-x != 0 {
				return vector.Matrix{}, 0, fmt.Errorf("row %d: value %d is %v, want finite numbers", rows.count-1, i/4, x)
			}
			data = append(data, x)
		}
	}
	switch {
	case rows.count == 0:
		return vector.Matrix{}, 0, errors.New("no rows")
	case in.To > rows.count || len(data) == 0:
		return vector.Matrix{}, 0, fmt.Errorf("%d rows; want rows %d:%d", rows.count, in.From, in.To)
	}
	return vector.From(data, rows.width), rows.count, nil
}

// ReadLists reads all lists of a file: ivecs if lists is 0, else raw with so
// many lists of one length. Ids must be in [0, limit).
func ReadLists(name string, lists, limit int) (Lists, error) {
	r, err := cli.Open(name)
	if err != nil {
		return Lists{}, err
	}
	defer r.Close()
	l, err := DecodeLists(r, lists, limit)
	return l, inFile(name, err)
}

// DecodeLists reads lists as [ReadLists] does, from r. Its errors name no file.
func DecodeLists(r io.Reader, lists, limit int) (Lists, error) {
	rows := rowReader{r: r, width: 1, prefixed: lists == 0}
	if rows.prefixed {
		rows.width = 0
	}
	var l Lists
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Lists{}, err
		}
		for i := 0; i < len(row); i += 4 {
			id := int32(binary.LittleEndian.Uint32(row[i:]))
			if id < 0 || int(id) >= limit {
				return Lists{}, fmt.Errorf("row %d: id %d, want ids in [0, %d)", rows.count-1, id, limit)
			}
			l.IDs = append(l.IDs, id)
		}
	}
	if l.Width = rows.width; rows.prefixed {
		if rows.count == 0 {
			return Lists{}, errors.New("no rows")
		}
		return l, nil
	}
	if len(l.IDs) == 0 || len(l.IDs)%lists != 0 {
		return Lists{}, fmt.Errorf("%d ids are not %d lists of one length", len(l.IDs), lists)
	}
	l.Width = len(l.IDs) / lists
	return l, nil
}

// rowReader reads rows of 4-byte numbers, each row after its length if prefixed.
type rowReader struct {
	r        io.Reader
	width    int // numbers per row; 0 until the first prefix is read
	prefixed bool
	count    int // rows read
	buf      []byte
}

// next returns the bytes of the next row, valid until the call after, or io.EOF
// at the end of a whole row.
func (d *rowReader) next() ([]byte, error) {
	if d.prefixed {
		var head [4]byte
		if n, err := io.ReadFull(d.r, head[:]); err != nil {
			return nil, d.cut(n, len(head), "its length", err)
		}
		width := int32(binary.LittleEndian.Uint32(head[:]))
		switch {
		case d.count > 0 && int(width) != d.width:
			return nil, fmt.Errorf("row %d: length %d, but row 0 has %d", d.count, width, d.width)
		case d.count == 0 && (width < 1 || width > maxWidth):
			return nil, fmt.Errorf("row 0: length %d, want 1 to %d; rows that do not start with their length take -raw", width, maxWidth)
		case width < 1 || width > maxWidth:
			return nil, fmt.Errorf("row %d: length %d, want 1 to %d", d.count, width, maxWidth)
		}
		d.width = int(width)
	}
	if d.buf == nil {
		d.buf = make([]byte, 4*d.width)
	}
	n, err := io.ReadFull(d.r, d.buf)
	if d.prefixed && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, d.cut(n, len(d.buf), "its values", err)
	}
	d.count++
	return d.buf, nil
}

// cut returns io.EOF at the end of the rows, else an error that says where they break off.
func (d *rowReader) cut(got, want int, what string, err error) error {
	switch {
	case errors.Is(err, io.EOF) && got == 0:
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("row %d: the file ends after %d of the %d bytes of %s", d.count, got, want, what)
	}
	return fmt.Errorf("row %d: %w", d.count, err)
}

// inFile adds the name of a file to an error.
func inFile(name string, err error) error {
	if err == nil {
		return nil
	}
	return &cli.InputError{File: name, Err: err}
}
