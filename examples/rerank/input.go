package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// item is a case of the file: its members, not read yet.
type item struct {
	line    int
	members map[string]json.RawMessage
}

// load reads the cases of a file.
func load(name string) ([]item, error) {
	in, err := cli.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, cli.Inputf(name, 0, "%w", err)
	}
	cases, at, err := parse(data)
	if err != nil {
		return nil, cli.Inputf(name, lineOf(data, at), "%w", err)
	}
	return cases, nil
}

func lineOf(data []byte, at int) int { return 1 + bytes.Count(data[:min(at, len(data))], []byte("\n")) }

// parse returns the cases, or the place of an error in data.
func parse(data []byte) (cases []item, at int, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	fail := func(err error) ([]item, int, error) {
		at := int(dec.InputOffset())
		if s, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = int(s.Offset)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("ends before the object does")
		}
		return nil, at, err
	}
	if err := open(dec, '{', "the file"); err != nil {
		return fail(err)
	}
	found := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fail(err)
		}
		if key != "cases" {
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return fail(err)
			}
			continue
		}
		if found {
			return fail(errors.New(`field "cases" is there twice`))
		}
		found = true
		if err := open(dec, '[', `field "cases"`); err != nil {
			return fail(err)
		}
		for dec.More() {
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				return fail(err)
			}
			start := int(dec.InputOffset()) - len(raw)
			c := item{line: lineOf(data, start)}
			if err := json.Unmarshal(raw, &c.members); err != nil || c.members == nil {
				return nil, start, fmt.Errorf("case %d is no object", len(cases))
			}
			if name := twice(raw); name != "" {
				return nil, start, fmt.Errorf("case %d: field %q is there twice", len(cases), name)
			}
			cases = append(cases, c)
		}
		if _, err := dec.Token(); err != nil { // ]
			return fail(err)
		}
	}
	if _, err := dec.Token(); err != nil { // }
		return fail(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fail(errors.New("there is more behind the object"))
	}
	if !found {
		return nil, 0, errors.New(`field "cases" is missing`)
	}
	return cases, 0, nil
}

// twice returns the name of a member that an object has more than once, "" if there is none. encoding/json takes the last one.
func twice(object []byte) string {
	dec := json.NewDecoder(bytes.NewReader(object))
	seen := map[json.Token]bool{}
	dec.Token() // {
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return ""
		}
		if seen[key] {
			return fmt.Sprint(key)
		}
		seen[key] = true
		var skip json.RawMessage
		if dec.Decode(&skip) != nil {
			return ""
		}
	}
	return ""
}

// open reads the delimiter that what begins with.
func open(dec *json.Decoder, want json.Delim, what string) error {
	t, err := dec.Token()
	if err == nil && t != want {
		kind := map[json.Delim]string{'{': "object", '[': "list"}[want]
		return fmt.Errorf("%s is no %s", what, kind)
	}
	return err
}

// number is a JSON number. encoding/json would take null for 0.
type number float64

// UnmarshalJSON takes numbers alone.
func (n *number) UnmarshalJSON(text []byte) error {
	var x *float64
	if err := json.Unmarshal(text, &x); err != nil || x == nil {
		return fmt.Errorf("%s is no number", shorten(text))
	}
	*n = number(*x)
	return nil
}

func shorten(text []byte) string {
	if len(text) > 40 {
		return string(text[:40]) + "…"
	}
	return string(text)
}

// member reads a member of a case.
func member[T any](c item, name string) (T, error) {
	var v *T
	raw, ok := c.members[name]
	if !ok {
		return *new(T), fmt.Errorf("field %q is missing", name)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			err = fmt.Errorf("want no %s", t.Value)
		}
		return *new(T), fmt.Errorf("field %q: %w", name, err)
	}
	if v == nil {
		return *new(T), fmt.Errorf("field %q is null", name)
	}
	return *v, nil
}

// fields reads the members of a case, and keeps the first error.
type fields struct {
	item
	err error
}

// read returns a member, or the zero value if it or one before it cannot be read.
func read[T any](f *fields, name string) (v T) {
	if f.err == nil {
		v, f.err = member[T](f.item, name)
	}
	return v
}

func (f *fields) number(name string) float64 { return float64(read[number](f, name)) }

func (f *fields) count(name string) int {
	x := f.number(name)
	if f.err == nil && (x != math.Trunc(x) || math.Abs(x) > 1e9) {
		f.err = fmt.Errorf("field %q is %v; want a whole number", name, x)
	}
	return int(x)
}

// list returns the numbers of a list, which has n of them if n >= 0.
func (f *fields) list(name string, n int) []float64 {
	numbers := read[[]number](f, name)
	if f.err == nil && n >= 0 && len(numbers) != n {
		f.err = fmt.Errorf("field %q has %d numbers; want %d", name, len(numbers), n)
	}
	out := make([]float64, len(numbers))
	for i, x := range numbers {
		out[i] = float64(x)
	}
	return out
}

// matrix returns n rows of as many numbers each, one after the other: of width if that is >= 0, else as many as the first one has.
func (f *fields) matrix(name string, n, width int) (flat []float64, dim int) {
	rows := read[[][]number](f, name)
	if f.err == nil && len(rows) != n {
		f.err = fmt.Errorf("field %q has %d rows; want %d, one per item", name, len(rows), n)
	}
	for i, row := range rows {
		if width < 0 {
			width = len(row)
		}
		if f.err == nil && len(row) != width {
			f.err = fmt.Errorf("field %q: row %d has %d numbers; want %d", name, i, len(row), width)
		}
		for _, x := range row {
			flat = append(flat, float64(x))
		}
	}
	return flat, max(width, 0)
}
