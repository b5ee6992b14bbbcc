package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

// Stream reads the values of a .npy file in the order in which they stand there.
type Stream struct {
	Descr   string // type of a value as numpy writes it: "<f4", "|b1", "<M8[ns]"
	Shape   []int  // empty for a single value
	Fortran bool   // the first index changes fastest
	Count   int    // of values

	r io.Reader
}

// NewStream reads the header of a .npy file. The caller looks at what it claims before
// it allocates for it.
func NewStream(r io.Reader) (*Stream, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, fmt.Errorf("npy: the array %w", err)
	}
	return &Stream{Descr: h.descr, Shape: h.shape, Fortran: h.fortran, Count: h.count, r: r}, nil
}

// Read fills b with the bytes of the next values.
func (s *Stream) Read(b []byte) error {
	if _, err := io.ReadFull(s.r, b); err != nil {
		return fmt.Errorf("npy: the array %w", short(err, "the values"))
	}
	return nil
}

// End returns an error unless the file ends here.
func (s *Stream) End() error {
	var more [1]byte
	if n, err := io.ReadFull(s.r, more[:]); n > 0 {
		return fmt.Errorf("npy: the array goes on after its %d values", s.Count)
	} else if err != io.EOF {
		return fmt.Errorf("npy: the array %w", err)
	}
	return nil
}

// HeaderSize is the length of what [AppendHeader] appends, so that a header can be written
// again once the number of rows is known.
const HeaderSize = 128

// AppendHeader appends the header, version 1.0, of an array of at most two dimensions in C
// order whose values, little-endian, follow it.
func AppendHeader(b []byte, descr string, shape ...int) []byte {
	end := len(b) + HeaderSize
	b = append(b, magic+"\x01\x00"...)
	b = binary.LittleEndian.AppendUint16(b, HeaderSize-10)
	b = append(b, "{'descr': '"+descr+"', 'fortran_order': False, 'shape': ("...)
	for _, n := range shape {
		b = append(strconv.AppendInt(b, int64(n), 10), ',')
	}
	b = append(b, "), }"...)
	for len(b) < end-1 {
		b = append(b, ' ')
	}
	return append(b, '\n')
}
