package envelope

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// Element is a number of fixed size. There is no int: its size differs between
// machines.
type Element interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int8 | ~int16 | ~int32 | ~int64 | ~float32 | ~float64
}

const (
	typeJSON    byte = 0x41
	typeStrings byte = 0x42
	typeEnd     byte = 0xff
)

// typeOf returns the section type of []T; its low four bits are the size of T.
func typeOf[T Element]() byte {
	t := reflect.TypeFor[T]()
	size := byte(t.Size())
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		return 0x30 | size
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return 0x20 | size
	default:
		return 0x10 | size
	}
}

func typeName(typ byte) string {
	switch typ {
	case typeJSON:
		return "JSON"
	case typeStrings:
		return "strings"
	case typeEnd:
		return "the end"
	}
	class := map[byte]string{1: "uint", 2: "int", 3: "float"}[typ>>4]
	if class == "" {
		return fmt.Sprintf("type %#x", typ)
	}
	return fmt.Sprint(class, int(typ&15)*8)
}

// encode writes the elements of src into dst, which has room for them.
func encode[T Element](dst []byte, src []T) {
	n := copy(dst, memory(src))
	swap(dst[:n], n/max(len(src), 1))
}

// decode reads len(dst) elements from src.
func decode[T Element](dst []T, src []byte) {
	b := memory(dst)
	copy(b, src)
	swap(b, len(b)/max(len(dst), 1))
}

// memory returns the bytes of s: a number of fixed size has no padding, and every
// pattern of bits is one.
func memory[T Element](s []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(zero)))
}

func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// swap reverses the bytes of each element where the machine is big endian.
func swap(b []byte, size int) {
	if littleEndian() {
		return
	}
	for ; len(b) > 0; b = b[size:] {
		slices.Reverse(b[:size])
	}
}
