package feast

import (
	"errors"
	"fmt"
	"math"
)

// Fields of message feast.types.Value: which of the oneof val is set.
const (
	bytesVal         = 1
	stringVal        = 2
	int32Val         = 3
	int64Val         = 4
	doubleVal        = 5
	floatVal         = 6
	boolVal          = 7
	unixTimestampVal = 8
	int32ListVal     = 13
	int64ListVal     = 14
	doubleListVal    = 15
	floatListVal     = 16
	boolListVal      = 17
	nullVal          = 19
	uuidVal          = 36
	timeUUIDVal      = 37
	lastVal          = 48
)

// Kinds of the wire format.
const (
	varint  = 0
	fixed64 = 1
	length  = 2
	fixed32 = 5
)

var errTruncated = errors.New("truncated protobuf")

// Value is a decoded message feast.types.Value. It points into the bytes that it was read from.
type Value struct {
	field int
	bits  uint64 // of a number, as on the wire
	text  []byte // of a string, of bytes, of a list
}

// Parse decodes a message. Fields that it does not know are skipped; the last of several counts, as the format has it.
func Parse(b []byte) (v Value, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = next(b); err != nil {
			return Value{}, err
		}
		want, known := wireOf(f.number)
		switch {
		case !known:
		case want != f.wire:
			return Value{}, fmt.Errorf("field %d has wire type %d; want %d", f.number, f.wire, want)
		default:
			v = Value{f.number, f.bits, f.text}
		}
	}
	return v, nil
}

func wireOf(number int) (wire int, known bool) {
	switch number {
	case int32Val, int64Val, boolVal, unixTimestampVal, nullVal:
		return varint, true
	case doubleVal:
		return fixed64, true
	case floatVal:
		return fixed32, true
	}
	return length, number <= lastVal // text, lists, and what there is no reader for here: maps, sets
}

// Null reports whether there is no value.
func (v Value) Null() bool { return v.field == 0 || v.field == nullVal }

// Float returns a number: a float, double, int, bool (0 or 1) or time in Unix seconds.
func (v Value) Float() (float32, error) {
	switch v.field {
	case floatVal:
		return math.Float32frombits(uint32(v.bits)), nil
	case doubleVal:
		return float32(math.Float64frombits(v.bits)), nil
	case int32Val:
		return float32(int32(v.bits)), nil
	case int64Val, unixTimestampVal:
		return float32(int64(v.bits)), nil
	case boolVal:
		if v.bits != 0 {
			return 1, nil
		}
		return 0, nil
	}
	return 0, fmt.Errorf("it holds %s; want a number", v.what())
}

// ID returns a whole number as it is, or what hash makes of text.
func (v Value) ID(hash func(string) uint64) (uint64, error) {
	switch v.field {
	case int32Val:
		return uint64(int64(int32(v.bits))), nil
	case int64Val, unixTimestampVal:
		return v.bits, nil
	case stringVal, bytesVal, uuidVal, timeUUIDVal:
		return hash(string(v.text)), nil
	}
	return 0, fmt.Errorf("it holds %s; want a whole number or text", v.what())
}

// Vector writes a list of numbers of exactly the length of dst.
func (v Value) Vector(dst []float32) error {
	var wire int
	switch v.field {
	case floatListVal:
		wire = fixed32
	case doubleListVal:
		wire = fixed64
	case int32ListVal, int64ListVal, boolListVal:
		wire = varint
	default:
		return fmt.Errorf("it holds %s; want a list of numbers", v.what())
	}
	n, b := 0, v.text
	put := func(bits uint64) {
		if n < len(dst) {
			dst[n] = v.element(bits)
		}
		n++
	}
	for len(b) > 0 {
		f, rest, err := next(b)
		switch {
		case err != nil:
			return err
		case f.number != 1:
		case f.wire == wire: // one value: not packed, which readers must accept
			put(f.bits)
		case f.wire == length:
			for packed := f.text; len(packed) > 0; {
				var bits uint64
				if bits, packed, err = number(packed, wire); err != nil {
					return err
				}
				put(bits)
			}
		default:
			return fmt.Errorf("a list has wire type %d; want %d", f.wire, wire)
		}
		b = rest
	}
	if n != len(dst) {
		return fmt.Errorf("a list of %d; want %d", n, len(dst))
	}
	return nil
}

func (v Value) element(bits uint64) float32 {
	switch v.field {
	case floatListVal:
		return math.Float32frombits(uint32(bits))
	case doubleListVal:
		return float32(math.Float64frombits(bits))
	case int32ListVal:
		return float32(int32(bits))
	}
	return float32(int64(bits))
}

// what names the value's type for an error.
func (v Value) what() string {
	names := map[int]string{
		0: "nothing", bytesVal: "bytes", stringVal: "text", int32Val: "an int32", int64Val: "an int64", doubleVal: "a double",
		floatVal: "a float", boolVal: "a bool", unixTimestampVal: "a time", nullVal: "null", uuidVal: "a UUID", timeUUIDVal: "a UUID",
	}
	if name, ok := names[v.field]; ok {
		return name
	}
	return fmt.Sprintf("a list or structure (field %d of feast.types.Value)", v.field)
}

// ParseTime decodes a google.protobuf.Timestamp as Unix seconds and nanoseconds.
func ParseTime(b []byte) (seconds int64, nanos int32, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = next(b); err != nil {
			return 0, 0, err
		}
		switch {
		case f.number != 1 && f.number != 2:
		case f.wire != varint:
			return 0, 0, fmt.Errorf("a time has wire type %d in field %d; want 0", f.wire, f.number)
		case f.number == 1:
			seconds = int64(f.bits)
		default:
			nanos = int32(f.bits)
		}
	}
	if nanos < 0 || nanos >= 1e9 {
		return 0, 0, fmt.Errorf("a time has %d nanoseconds; want 0 to 999999999", nanos)
	}
	return seconds, nanos, nil
}

// field is a field of a message.
type field struct {
	number, wire int
	bits         uint64
	text         []byte
}

// next reads a field and returns what is behind it.
func next(b []byte) (f field, rest []byte, err error) {
	tag, b, err := number(b, varint)
	if err != nil {
		return f, nil, err
	}
	if tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return f, nil, fmt.Errorf("field number %d", tag>>3)
	}
	f.number, f.wire = int(tag>>3), int(tag&7)
	switch f.wire {
	case varint, fixed32, fixed64:
		f.bits, rest, err = number(b, f.wire)
		return f, rest, err
	case length:
		n, b, err := number(b, varint)
		if err != nil {
			return f, nil, err
		}
		if n > uint64(len(b)) {
			return f, nil, errTruncated
		}
		f.text = b[:n]
		return f, b[n:], nil
	}
	return f, nil, fmt.Errorf("wire type %d", f.wire)
}

// number reads a number of a wire type.
func number(b []byte, wire int) (bits uint64, rest []byte, err error) {
	switch wire {
	case fixed32, fixed64:
		n := 4
		if wire == fixed64 {
			n = 8
		}
		if len(b) < n {
			return 0, nil, errTruncated
		}
		for i := n - 1; i >= 0; i-- {
			bits = bits<<8 | uint64(b[i])
		}
		return bits, b[n:], nil
	}
	for i, c := range b {
		if i == 10 || i == 9 && c > 1 {
			return 0, nil, errors.New("a varint is longer than 64 bits")
		}
		bits |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return bits, b[i+1:], nil
		}
	}
	return 0, nil, errTruncated
}
