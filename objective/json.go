package objective

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
)

// maxFile bounds what a reader takes into memory: a configuration is a page of text.
const maxFile = 1 << 20

// Parse reads an objective from JSON. name stands in errors, which give line, field
// and reason; it is usually the file's name.
//
//	{
//	  "name": "home feed",
//	  "version": "3",
//	  "form": "sum",
//	  "terms": [
//	    {"head": "click", "weight": 1, "nonnegative": true},
//	    {"head": "price", "weight": 0.2, "max": 500, "transform": "log1p"},
//	    {"head": "hide", "weight": -4}
//	  ]
//	}
//
// The fields are those of [Config] and [Term]. Reading is strict: an unknown field,
// a field given twice, null, a wrong type, a missing weight and text after the
// object are errors, and nothing is returned with an error.
func Parse(name string, data []byte) (*Objective, error) {
	c, err := ParseConfig(name, data)
	if err != nil {
		return nil, err
	}
	o, err := New(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return o, nil
}

// ReadFile reads an objective from a file, as [Parse] does.
func ReadFile(path string) (*Objective, error) {
	data, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// ParseConfig reads a configuration as [Parse] does, without checking that it makes sense.
func ParseConfig(name string, data []byte) (Config, error) {
	var c Config
	r := newReader(name, data)
	err := r.whole(func() error {
		return r.object("", map[string]func(string) error{
			"name":    r.text(&c.Name),
			"version": r.text(&c.Version),
			"form":    r.text((*string)(&c.Form)),
			"floor":   r.float(&c.Floor),
			"terms": func(path string) error {
				return r.array(path, func(path string) error {
					t, err := r.term(path)
					c.Terms = append(c.Terms, t)
					return err
				})
			},
		})
	})
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

func (r *reader) term(path string) (t Term, err error) {
	err = r.object(path, map[string]func(string) error{
		"head":        r.text(&t.Head),
		"weight":      r.float(&t.Weight),
		"nonnegative": r.flag(&t.Nonnegative),
		"min":         r.maybe(&t.Min),
		"max":         r.maybe(&t.Max),
		"transform":   r.text((*string)(&t.Transform)),
		"kind":        r.text((*string)(&t.Kind)),
	}, "head", "weight")
	return t, err
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("objective: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("objective: %s: %w", path, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("objective: %s: more than %d bytes; a configuration is smaller", path, maxFile)
	}
	return data, nil
}

// reader reads JSON token by token. Package encoding/json alone would take a field
// given twice, null for any type and names in another case, and its errors name no line.
type reader struct {
	name string
	data []byte
	dec  *json.Decoder
}

func newReader(name string, data []byte) *reader {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return &reader{name: name, data: data, dec: dec}
}

// bad is an error at the token that was read last.
func (r *reader) bad(path, format string, args ...any) error {
	return r.badAt(r.dec.InputOffset(), path, fmt.Sprintf(format, args...))
}

func (r *reader) badAt(offset int64, path, reason string) error {
	offset = min(max(offset, 0), int64(len(r.data)))
	line := 1 + bytes.Count(r.data[:offset], []byte("\n"))
	if path != "" {
		reason = path + ": " + reason
	}
	return fmt.Errorf("objective: %s:%d: %s", r.name, line, reason)
}

func (r *reader) token(path string) (json.Token, error) {
	t, err := r.dec.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return t, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.badAt(int64(len(r.data)), path, "the text ends too early")
	case errors.As(err, &syntax):
		return nil, r.badAt(syntax.Offset, path, syntax.Error())
	}
	return nil, r.bad(path, "%v", err)
}

// whole reads one value and makes sure that nothing follows.
func (r *reader) whole(value func() error) error {
	if err := value(); err != nil {
		return err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return r.bad("", "text after the end of the object")
	}
	return nil
}

// object reads an object whose fields are read by the given functions.
func (r *reader) object(path string, fields map[string]func(path string) error, required ...string) error {
	if err := r.open(path, '{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for r.dec.More() {
		t, err := r.token(path)
		if err != nil {
			return err
		}
		key, _ := t.(string) // More is true, so it is a key or an error
		at := key
		if path != "" {
			at = path + "." + key
		}
		read, ok := fields[key]
		switch {
		case !ok:
			return r.bad(path, "unknown field %q", key)
		case seen[key]:
			return r.bad(path, "field %q is given twice", key)
		}
		seen[key] = true
		if err := read(at); err != nil {
			return err
		}
	}
	if _, err := r.token(path); err != nil { // the closing brace
		return err
	}
	for _, key := range required {
		if !seen[key] {
			return r.bad(path, "field %q is missing", key)
		}
	}
	return nil
}

// array reads an array whose elements are read by the given function.
func (r *reader) array(path string, element func(path string) error) error {
	if err := r.open(path, '[', "an array"); err != nil {
		return err
	}
	for i := 0; r.dec.More(); i++ {
		if err := element(path + "[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	_, err := r.token(path)
	return err
}

func (r *reader) open(path string, delim json.Delim, want string) error {
	t, err := r.token(path)
	if err != nil {
		return err
	}
	if t != delim {
		return r.bad(path, "want %s", want)
	}
	return nil
}

func (r *reader) text(dst *string) func(string) error {
	return func(path string) (err error) {
		*dst, err = scalar[string](r, path, "a string")
		return err
	}
}

func (r *reader) flag(dst *bool) func(string) error {
	return func(path string) (err error) {
		*dst, err = scalar[bool](r, path, "true or false")
		return err
	}
}

func (r *reader) float(dst *float64) func(string) error {
	return func(path string) error {
		n, err := scalar[json.Number](r, path, "a number")
		if err != nil {
			return err
		}
		x, err := n.Float64()
		if err != nil || math.IsInf(x, 0) {
			return r.bad(path, "%s is outside the range of a float64", n)
		}
		*dst = x
		return nil
	}
}

func (r *reader) maybe(dst **float64) func(string) error {
	return func(path string) error {
		*dst = new(float64)
		return r.float(*dst)(path)
	}
}

func scalar[T any](r *reader, path, want string) (value T, err error) {
	t, err := r.token(path)
	if err != nil {
		return value, err
	}
	value, ok := t.(T)
	if !ok {
		return value, r.bad(path, "want %s", want)
	}
	return value, nil
}
