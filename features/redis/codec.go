package redis

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"unsafe"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
)

// Where the fields of a row are.
const (
	magicEnd  = 1
	hashStart = 2
	hashEnd   = 10
	timeStart = 10
	headBytes = 22
)

const magic = 0xF7

type codec struct {
	view   *features.View
	hash   uint64
	half   bool
	floats int
	ids    int
	dims   []int
	values int
}

func newCodec(v *features.View, half bool) (*codec, error) {
	c := &codec{view: v, hash: v.RowHash(), half: half}
	for _, col := range v.Columns {
		switch col.Kind {
		case recsys.Float:
			c.floats++
		case recsys.ID:
			c.ids++
		case recsys.Vector:
			c.dims = append(c.dims, col.Dim)
			c.values += col.Dim
		}
	}
	c.values += c.floats
	return c, nil
}

func (c *codec) check(r *features.Row) (int64, error) {
	at, _ := nanoOf(r.Time)
	if len(r.Floats) != c.floats || len(r.IDs) != c.ids || len(r.Vectors) != c.values-c.floats {
		return 0, &features.RowError{Key: r.Key, Reason: "lengths"}
	}
	for _, f := range r.Floats {
		if math.IsInf(float64(f), 0) {
			return 0, &features.RowError{Key: r.Key, Reason: "inf"}
		}
	}
	return at, nil
}

func (c *codec) append(dst []byte, r *features.Row, at int64) []byte {
	start := len(dst)
	flags := byte(0)
	dst = append(dst, magic, flags)
	dst = binary.LittleEndian.AppendUint64(dst, c.hash)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(at))
	dst = append(dst, 0, 0, 0, 0)
	for _, id := range r.IDs {
		dst = binary.LittleEndian.AppendUint64(dst, id)
	}
	for _, f := range r.Floats {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
	}
	for _, f := range r.Vectors {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
	}
	binary.LittleEndian.PutUint32(dst[start+18:], crc32.ChecksumIEEE(dst[start+22:]))
	return dst
}

func (c *codec) read(b *recsys.Block, i int, text string) (int64, error) {
	v := bytesOf(text)
	if len(v) < headBytes || v[0] != magic {
		return 0, ErrForeign
	}
	if h := binary.LittleEndian.Uint64(v[2:]); h != c.hash {
		return 0, fmt.Errorf("%w: %x", ErrVersion, h)
	}
	at := int64(binary.LittleEndian.Uint64(v[10:]))
	if len(v) != headBytes+8*c.ids+4*c.values || binary.LittleEndian.Uint32(v[18:]) != crc32.ChecksumIEEE(v[22:]) {
		return 0, ErrForeign
	}
	v = v[22:]
	for j := range c.ids {
		b.ID[j][i] = binary.LittleEndian.Uint64(v)
		v = v[8:]
	}
	row := b.FloatRow(i)
	for j := range c.floats {
		row[j] = math.Float32frombits(binary.LittleEndian.Uint32(v[4*j:]))
	}
	v = v[4*c.floats:]
	for j := range c.dims {
		dst := b.VectorAt(j, i)
		for k := range dst {
			dst[k] = math.Float32frombits(binary.LittleEndian.Uint32(v[4*k:]))
		}
		v = v[4*len(dst):]
	}
	return at, nil
}

func (c *codec) row(key uint64, text string) (features.Row, error) {
	return features.Row{}, nil
}

// bytesOf views a string as bytes, which nobody writes to.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
