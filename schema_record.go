package recsys

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// AppendSchema appends s as a schema record, one line of the log, newline included, and
// returns the extended buffer: columns with kind, dimension, scope, group, source,
// maximum age and default, heads, sources and groups. Reading it back gives a schema
// with the same indexes, groups and [Schema.Hash]. s is one that a pipeline or
// [NewSchema] made; what a stage sees in Bind may be a part, which does not read back.
func AppendSchema(dst []byte, s *Schema) []byte {
	e := logEncoder{append(dst, `{"type":"schema","v":1`...)}
	e.id("hash", s.hash)
	e.texts("sources", s.sources)
	e.texts("heads", s.heads)
	e.texts("groups", s.groups)
	if len(s.fields) == 0 {
		return append(e.b, "}\n"...)
	}
	e.key("columns")
	for i := range s.fields {
		f := &s.fields[i]
		e.element(i)
		e.b = append(e.b, `{"name":`...)
		e.b = appendText(e.b, f.Name)
		e.key("kind")
		e.b = appendText(e.b, f.Kind.String())
		if f.Dim != 0 {
			e.int("dim", int64(f.Dim))
		}
		e.key("scope")
		e.b = appendText(e.b, f.Scope.String())
		e.int("group", int64(f.Group))
		e.text("source", f.Source)
		e.int("index", int64(f.Index))
		if f.MaxAge != 0 {
			e.int("max_age", int64(f.MaxAge))
		}
		if f.Default != nil {
			e.key("default")
			e.b = appendFloat32(e.b, *f.Default)
		}
		e.b = append(e.b, '}')
	}
	return append(e.b, "]}\n"...)
}

// schema reads a schema record.
func (d *logDecoder) schema() *Schema {
	var b schemaBuilder
	var hash uint64
	hashed := false
	s := &d.json
	s.object(func(key []byte) {
		switch string(key) {
		case "hash":
			hash, hashed = s.decimal(), true
		case "sources":
			b.sources = d.texts()
		case "heads":
			b.heads = d.texts()
		case "groups":
			b.groups = d.texts()
		case "columns":
			b.columns = b.columns[:0]
			s.array(func(int) { b.columns = append(b.columns, d.column()) })
		default:
			s.skip()
		}
	})
	s.end()
	if s.err != nil {
		return nil
	}
	out, err := b.restore()
	switch {
	case err != nil:
		s.fail(err)
	case !hashed:
		s.failf("schema record without hash")
	case out.hash != hash:
		s.failf("columns, heads and sources have the hash %d; the record says %d", out.hash, hash)
	}
	return out
}

func (d *logDecoder) column() (f Field) {
	s := &d.json
	f.Index = -1
	s.object(func(key []byte) {
		switch string(key) {
		case "name":
			f.Name = d.text()
		case "kind":
			f.Kind = oneOf(s, Float, ID, Vector)
		case "dim":
			f.Dim = int(s.integer(0, math.MaxInt32))
		case "scope":
			f.Scope = oneOf(s, PerItem, PerRequest)
		case "group":
			f.Group = int(s.integer(0, maxGroups-1))
		case "source":
			f.Source = d.name()
		case "index":
			f.Index = int(s.integer(0, math.MaxInt32))
		case "max_age":
			f.MaxAge = time.Duration(s.integer(0, math.MaxInt64))
		case "default":
			f.Default = new(s.float32())
		default:
			s.skip()
		}
	})
	return f
}

// oneOf takes a string that is the name of one of the values.
func oneOf[T fmt.Stringer](s *jsonScanner, values ...T) (v T) {
	text := s.str()
	names := make([]string, len(values))
	for i, v := range values {
		if names[i] = v.String(); names[i] == string(text) {
			return v
		}
	}
	s.failf("%q is none of %s", printable(text), strings.Join(names, ", "))
	return v
}

// restore lays out columns that were laid out before: each must get the place that it had.
func (b *schemaBuilder) restore() (*Schema, error) {
	if len(b.groups) > maxGroups || len(b.sources) > maxSources {
		return nil, fmt.Errorf("%d groups and %d sources; at most %d and %d", len(b.groups), len(b.sources), maxGroups, maxSources)
	}
	names := map[string]bool{}
	at := make([]int, len(b.columns))
	for i := range b.columns {
		f := &b.columns[i]
		at[i] = f.Index
		if err := f.check(); err != nil {
			return nil, err
		}
		if names[f.Name] {
			return nil, fmt.Errorf("column %q: stands twice", f.Name)
		}
		names[f.Name] = true
		if f.Group >= len(b.groups) {
			return nil, fmt.Errorf("column %q: group %d of %d", f.Name, f.Group, len(b.groups))
		}
	}
	s := b.schema()
	if !slices.EqualFunc(s.fields, b.columns, func(a, b Field) bool { return a.Name == b.Name && a.Index == b.Index }) {
		return nil, errors.New("columns do not stand in the order of their indexes, request columns first")
	}
	return s, nil
}

// sameLayout reports whether two schemas are equal in everything that a schema record holds.
func (s *Schema) sameLayout(t *Schema) bool {
	return s == t || s.hash == t.hash && slices.Equal(s.sources, t.sources) && slices.Equal(s.heads, t.heads) &&
		slices.Equal(s.groups, t.groups) && slices.EqualFunc(s.fields, t.fields, func(a, b Field) bool {
		switch {
		case (a.Default == nil) != (b.Default == nil):
			return false
		case a.Default != nil && math.Float32bits(*a.Default) != math.Float32bits(*b.Default):
			return false
		}
		a.Default, b.Default = nil, nil
		return a == b
	})
}
