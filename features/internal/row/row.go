// Package row is the form of a feature row outside of memory: one value of a key-value store, packed
// into as few bytes as its numbers need, which says itself what it is.
//
//	byte  0      magic, 0xF7
//	byte  1      format: 1 is float32, 2 is float16
//	bytes 2–9    View.RowHash
//	bytes 10–17  event time, Unix nanoseconds, the smallest int64 for none
//	bytes 18–19  checksum: the low 16 bits of an XXH64 of the key and of all other bytes
//	then         ID columns, 8 bytes each
//	then         Float columns, then Vector columns: 4 or 2 bytes for each number
//
// All numbers are little-endian. Magic, hash and time stand at fixed places, so that a script in
// the store can compare event times without knowing the columns. A reader takes both formats.
package row

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
)

// Where the parts of a row stand.
const (
	Magic     = 0xf7
	FormatAt  = 1
	HashStart = 2
	HashEnd   = 10
	TimeStart = 10
	TimeEnd   = 18
	HeadBytes = 20
)

// Format is how numbers other than IDs are stored.
type Format uint8

// The formats.
const (
	Float32 Format = 1
	// Float16 is IEEE 754 half precision: 11 significant bits, up to 65504, multiples of 2^-24 near 0.
	Float16 Format = 2
)

// Undated is the event time of a row without one.
const Undated = math.MinInt64

// maxHalf is the largest number that half precision has. What rounds to more is refused.
const maxHalf = 65504

// Status says what stored bytes are.
type Status uint8

// What stored bytes can be. All but OK read as a missing row.
const (
	OK           Status = iota
	Foreign             // no row: another magic, or too short
	OtherVersion        // a row of another view, or of another version of it
	Newer               // a row in a format that this package does not know
	Corrupt             // a row of this version whose length or checksum is wrong, or of another key
)

// String returns the status in words, for errors.
func (s Status) String() string {
	switch s {
	case OK:
		return "a row"
	case Foreign:
		return "foreign bytes"
	case OtherVersion:
		return "a row of another view or version"
	case Newer:
		return "a row of an unknown format"
	case Corrupt:
		return "a corrupt row"
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Codec packs and unpacks the rows of one view. It is immutable and safe for concurrent use.
type Codec struct {
	rows    *features.Rows
	columns []recsys.Column
	hash    uint64
	format  Format
	floats  int
	ids     int
	dims    []int
	values  int // floats and elements of vectors
}

// New returns a codec of the view that packs in the given format, or the errors of View.Validate.
func New(v *features.View, f Format) (*Codec, error) {
	rows, err := features.NewRows(v)
	if err != nil {
		return nil, err
	}
	if f != Float32 && f != Float16 {
		return nil, fmt.Errorf("row: format %d; want Float32 or Float16", f)
	}
	c := &Codec{rows: rows, columns: v.Stored(), hash: v.RowHash(), format: f}
	for i := range c.columns {
		switch c.columns[i].Kind {
		case recsys.Float:
			c.floats++
		case recsys.ID:
			c.ids++
		case recsys.Vector:
			c.dims = append(c.dims, c.columns[i].Dim)
			c.values += c.columns[i].Dim
		}
	}
	c.values += c.floats
	return c, nil
}

// Hash returns the RowHash of the view.
func (c *Codec) Hash() uint64 { return c.hash }

// Size returns the length of a packed row.
func (c *Codec) Size() int { return c.size(c.format) }

func (c *Codec) size(f Format) int {
	width := 4
	if f == Float16 {
		width = 2
	}
	return HeadBytes + 8*c.ids + width*c.values
}

// Check returns the event time of a row as it is stored, or a [*features.RowError] if the row cannot be stored.
func (c *Codec) Check(r *features.Row) (at int64, err error) {
	if err := c.rows.Check(r); err != nil {
		return 0, err
	}
	if c.format == Float16 {
		if err := c.fits(r); err != nil {
			return 0, err
		}
	}
	if r.Time.IsZero() {
		return Undated, nil
	}
	return r.Time.UnixNano(), nil
}

// fits refuses numbers that half precision does not reach.
func (c *Codec) fits(r *features.Row) error {
	const limit = 65520 // and above would round to infinity
	floats, vectors := r.Floats, r.Vectors
	for i := range c.columns {
		col := &c.columns[i]
		var part []float32
		switch col.Kind {
		case recsys.Float:
			part, floats = floats[:1], floats[1:]
		case recsys.Vector:
			part, vectors = vectors[:col.Dim], vectors[col.Dim:]
		}
		for _, v := range part {
			if v >= limit || v <= -limit {
				return &features.RowError{Key: r.Key, Column: col.Name, Reason: fmt.Sprintf("%v; half precision holds ±%d; scale it, or store float32", v, maxHalf)}
			}
		}
	}
	return nil
}

// Append packs a row that Check has taken, with its event time, and returns the extended buffer.
func (c *Codec) Append(dst []byte, r *features.Row, at int64) []byte {
	start := len(dst)
	dst = append(dst, Magic, byte(c.format))
	dst = binary.LittleEndian.AppendUint64(dst, c.hash)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(at))
	dst = append(dst, 0, 0)
	for _, id := range r.IDs {
		dst = binary.LittleEndian.AppendUint64(dst, id)
	}
	dst = c.appendFloats(dst, r.Floats)
	dst = c.appendFloats(dst, r.Vectors)
	binary.LittleEndian.PutUint16(dst[start+TimeEnd:], checksum(r.Key, dst[start:]))
	return dst
}

// chunk is how many half precision numbers are converted at a time.
const chunk = 64

func (c *Codec) appendFloats(dst []byte, v []float32) []byte {
	if c.format == Float32 {
		for _, x := range v {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(x))
		}
		return dst
	}
	var half [chunk]uint16
	for len(v) > 0 {
		n := min(len(v), chunk)
		simd.EncodeF16(half[:n], v[:n])
		for _, h := range half[:n] {
			dst = binary.LittleEndian.AppendUint16(dst, h)
		}
		v = v[n:]
	}
	return dst
}

// checksum covers the key and all bytes but its own two.
func checksum(key uint64, b []byte) uint16 {
	seed := hash.Combine(key, uint64(b[FormatAt]), binary.LittleEndian.Uint64(b[HashStart:]), binary.LittleEndian.Uint64(b[TimeStart:]))
	return uint16(hash.Bytes(seed, b[HeadBytes:]))
}

// open checks stored bytes and returns their format and event time.
func (c *Codec) open(key uint64, b []byte) (f Format, at int64, s Status) {
	switch {
	case len(b) < HeadBytes || b[0] != Magic:
		return 0, 0, Foreign
	case binary.LittleEndian.Uint64(b[HashStart:]) != c.hash:
		return 0, 0, OtherVersion
	}
	f = Format(b[FormatAt])
	switch {
	case f != Float32 && f != Float16:
		return 0, 0, Newer
	case len(b) != c.size(f) || binary.LittleEndian.Uint16(b[TimeEnd:]) != checksum(key, b):
		return 0, 0, Corrupt
	}
	return f, int64(binary.LittleEndian.Uint64(b[TimeStart:])), OK
}

// Read unpacks the row of a key into row i of a block, which has the columns of the view first, and returns the event
// time. Floats are written as they are stored, NaN where they are missing; bits, ages and policies are the caller's. Unless the
// status is OK nothing is written. It allocates nothing.
func (c *Codec) Read(key uint64, b []byte, out *recsys.Block, i int) (at int64, s Status) {
	f, at, s := c.open(key, b)
	if s != OK {
		return 0, s
	}
	c.unpack(f, b, out, i)
	return at, OK
}

// Verify returns what bytes under a key are, as Read does.
func (c *Codec) Verify(key uint64, b []byte) Status {
	_, _, s := c.open(key, b)
	return s
}

// ReadVerified is Read of bytes of which Verify has said that they are OK. The checksum, half of what Read costs for 50 floats, is not
// computed again; of other bytes it panics or writes numbers without meaning.
func (c *Codec) ReadVerified(b []byte, out *recsys.Block, i int) (at int64) {
	c.unpack(Format(b[FormatAt]), b, out, i)
	return int64(binary.LittleEndian.Uint64(b[TimeStart:]))
}

func (c *Codec) unpack(f Format, b []byte, out *recsys.Block, i int) {
	b = b[HeadBytes:]
	for j := range c.ids {
		out.ID[j][i] = binary.LittleEndian.Uint64(b[8*j:])
	}
	b = b[8*c.ids:]
	b = read(out.Float[i*out.Stride:][:c.floats], b, f)
	for j, d := range c.dims {
		b = read(out.Vector[j][i*d:(i+1)*d], b, f)
	}
}

// Row unpacks the row of a key into r, reusing its slices. Unless the status is OK, r stays as it was.
func (c *Codec) Row(key uint64, b []byte, r *features.Row) Status {
	f, at, s := c.open(key, b)
	if s != OK {
		return s
	}
	r.Key, r.Time = key, time.Time{}
	if at != Undated {
		r.Time = time.Unix(0, at).UTC()
	}
	b = b[HeadBytes:]
	r.IDs = r.IDs[:0]
	for j := range c.ids {
		r.IDs = append(r.IDs, binary.LittleEndian.Uint64(b[8*j:]))
	}
	b = b[8*c.ids:]
	r.Floats, r.Vectors = resize(r.Floats, c.floats), resize(r.Vectors, c.values-c.floats)
	b = read(r.Floats, b, f)
	read(r.Vectors, b, f)
	return OK
}

func resize(v []float32, n int) []float32 {
	if cap(v) < n {
		return make([]float32, n)
	}
	return v[:n]
}

// littleEndian reports whether numbers in memory have the bytes that they have in a row, so that a copy reads them.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// bytesOf views numbers as bytes.
func bytesOf[T float32 | uint16](v []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(zero)))
}

// read fills dst from the start of b, which is long enough, and returns the rest.
func read(dst []float32, b []byte, f Format) []byte {
	if f == Float32 {
		head := b[:4*len(dst)]
		if littleEndian() {
			copy(bytesOf(dst), head)
			return b[len(head):]
		}
		for j := range dst {
			dst[j] = math.Float32frombits(binary.LittleEndian.Uint32(head[4*j:]))
		}
		return b[len(head):]
	}
	var half [chunk]uint16
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		if littleEndian() {
			copy(bytesOf(half[:n]), b[:2*n])
		} else {
			for j := range half[:n] {
				half[j] = binary.LittleEndian.Uint16(b[2*j:])
			}
		}
		simd.DecodeF16(dst[:n], half[:n])
		dst, b = dst[n:], b[2*n:]
	}
	return b
}
