package frame

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// npyType is the type of an array's values.
type npyType struct {
	kind  Kind
	size  int // bytes
	code  byte
	order binary.ByteOrder
	unit  int64 // nanoseconds of a time's unit
}

var npyUnits = map[string]int64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "D": 86400e9}

// parseNPYType reads numpy's name of a type.
func parseNPYType(descr string) (npyType, error) {
	bad := fmt.Errorf("npy: values of type %q; want bool, integers, float32, float64, datetime64 in ns to D, or strings", clip(descr))
	if len(descr) < 3 {
		return npyType{}, bad
	}
	t := npyType{code: descr[1], order: binary.LittleEndian}
	if descr[0] == '>' {
		t.order = binary.BigEndian
	}
	size, unit, _ := strings.Cut(descr[2:], "[")
	n, err := strconv.Atoi(size)
	if err != nil || n < 1 || n > 1<<20 {
		return npyType{}, bad
	}
	t.size = n
	switch {
	case t.code == 'f' && n == 4:
		t.kind = Float32
	case t.code == 'f' && n == 8:
		t.kind = Float64
	case t.code == 'i' && (n == 1 || n == 2 || n == 4 || n == 8):
		t.kind = Int64
	case t.code == 'u' && (n == 1 || n == 2 || n == 4 || n == 8), t.code == 'b' && n == 1:
		t.kind = Uint64
	case t.code == 'M' && n == 8 && npyUnits[strings.TrimSuffix(unit, "]")] > 0:
		t.kind, t.unit = Time, npyUnits[strings.TrimSuffix(unit, "]")]
	case t.code == 'U':
		t.kind, t.size = String, 4*n
	case t.code == 'S':
		t.kind = String
	default:
		return npyType{}, bad
	}
	return t, nil
}

// integer reads the bits of an integer, its sign extended.
func (t npyType) integer(b []byte) uint64 {
	switch t.size {
	case 1:
		if t.code == 'i' {
			return uint64(int8(b[0]))
		}
		return uint64(b[0])
	case 2:
		v := t.order.Uint16(b)
		if t.code == 'i' {
			return uint64(int16(v))
		}
		return uint64(v)
	case 4:
		v := t.order.Uint32(b)
		if t.code == 'i' {
			return uint64(int32(v))
		}
		return uint64(v)
	}
	return t.order.Uint64(b)
}

// text reads a string, which zeros fill up.
func (t npyType) text(b []byte) string {
	if t.code == 'S' {
		return strings.TrimRight(string(b), "\x00")
	}
	s := make([]byte, 0, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		s = utf8.AppendRune(s, rune(t.order.Uint32(b)))
	}
	return strings.TrimRight(string(s), "\x00")
}

// appendTo adds a value to a column of the type's kind.
func (t npyType) appendTo(c *Column, b []byte) error {
	switch t.kind {
	case Float32:
		c.appendFloat32(math.Float32frombits(t.order.Uint32(b)))
	case Float64:
		v := math.Float64frombits(t.order.Uint64(b))
		if v != v {
			c.SetMissing(len(c.Float64))
		}
		c.Float64 = append(c.Float64, v)
	case Int64:
		c.Int64 = append(c.Int64, int64(t.integer(b)))
	case Uint64:
		c.Uint64 = append(c.Uint64, t.integer(b))
	case String:
		c.String = append(c.String, t.text(b))
	case Time:
		v := int64(t.integer(b))
		if v == math.MinInt64 { // NaT
			c.AppendMissing()
			return nil
		}
		if v > math.MaxInt64/t.unit || v < math.MinInt64/t.unit {
			return errTimeEnds
		}
		c.Int64 = append(c.Int64, v*t.unit)
	}
	return nil
}

// appendToVector adds a value to the vector that is being made.
func (t npyType) appendToVector(c *Column, b []byte) error {
	v := 0.0
	switch t.kind {
	case Float32:
		v = float64(math.Float32frombits(t.order.Uint32(b)))
	case Float64:
		v = math.Float64frombits(t.order.Uint64(b))
	}
	if !math.IsInf(v, 0) && math.IsInf(float64(float32(v)), 0) {
		return errRange
	}
	c.Float32 = append(c.Float32, float32(v))
	return nil
}
