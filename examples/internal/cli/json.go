package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
)

// Field is one member of a JSON object.
type Field struct {
	Key   string
	Value any
}

// F returns a Field.
func F(key string, value any) Field { return Field{Key: key, Value: value} }

// Object is a JSON object that keeps the order of its members. A value may be
// whatever encoding/json takes. Floats, alone or in slices, arrays and Objects
// at any depth, are written with the fewest digits that read back as the same
// value; those that are not finite become null.
type Object []Field

// WriteJSON writes o to w as one line, in one Write.
func WriteJSON(w io.Writer, o Object) error {
	line, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// MarshalJSON returns the object without white space.
func (o Object) MarshalJSON() ([]byte, error) { return appendObject(nil, o) }

func appendObject(b []byte, o Object) ([]byte, error) {
	b = append(b, '{')
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendMarshal(b, f.Key); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendValue(b, reflect.ValueOf(f.Value)); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Key, err)
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return append(b, "null"...), nil
	}
	if o, ok := v.Interface().(Object); ok {
		return appendObject(b, o)
	}
	if _, ok := v.Interface().(json.Marshaler); ok {
		return appendMarshal(b, v.Interface())
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return appendFloat(b, v.Float(), v.Type().Bits()), nil
	case reflect.Array, reflect.Slice:
		if v.Kind() == reflect.Slice && (v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8) {
			return appendMarshal(b, v.Interface())
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendValue(b, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	return appendMarshal(b, v.Interface())
}

func appendFloat(b []byte, x float64, bits int) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(b, "null"...)
	}
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, x, format, -1, bits)
}

func appendMarshal(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(b, text...), err
}
