package recsys

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Kind is the type of a feature column.
type Kind uint8

// The kinds of a column.
const (
	Float  Kind = iota // one float32
	ID                 // one uint64: a category, a creator, a hashed string
	Vector             // Dim float32s
)

// String returns "float", "id" or "vector".
func (k Kind) String() string {
	switch k {
	case Float:
		return "float"
	case ID:
		return "id"
	case Vector:
		return "vector"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Scope says what a column describes.
type Scope uint8

// The scopes of a column.
const (
	PerItem    Scope = iota // one value per candidate
	PerRequest              // one value per request: user and context features
)

// String returns "item" or "request".
func (s Scope) String() string {
	switch s {
	case PerItem:
		return "item"
	case PerRequest:
		return "request"
	}
	return fmt.Sprintf("Scope(%d)", uint8(s))
}

// Column declares one feature. Names are unique within a pipeline.
type Column struct {
	Name  string
	Kind  Kind
	Dim   int   // values of a Vector, >= 1; 0 for the other kinds
	Scope Scope // PerItem by default

	// MaxAge is the age at which a value counts as stale; 0 means never.
	// A source that knows event times honours it when it reads.
	MaxAge time.Duration

	// Default stands in for a missing float. Nil means NaN, which rankers see as missing.
	// A missing ID is 0 and a missing vector is all zeros; the Missing bit tells them apart.
	Default *float32
}

// missing returns the float that stands for a missing value.
func (c *Column) missing() float32 {
	if c.Default != nil {
		return *c.Default
	}
	return float32(math.NaN())
}

func (c *Column) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		bad("column has no name")
	}
	if c.Kind > Vector {
		bad("column %q: unknown kind %d; want Float, ID or Vector", c.Name, c.Kind)
	}
	if c.Scope > PerRequest {
		bad("column %q: unknown scope %d; want PerItem or PerRequest", c.Name, c.Scope)
	}
	switch {
	case c.Kind == Vector && c.Dim <= 0:
		bad("column %q: vector of dimension %d; want Dim >= 1", c.Name, c.Dim)
	case c.Kind != Vector && c.Dim != 0:
		bad("column %q: Dim is %d for a column of kind %v; want 0", c.Name, c.Dim, c.Kind)
	}
	if c.MaxAge < 0 {
		bad("column %q: MaxAge is %v; want >= 0", c.Name, c.MaxAge)
	}
	if c.Default != nil && c.Kind != Float {
		bad("column %q: Default on a column of kind %v; only Float has one", c.Name, c.Kind)
	}
	return errors.Join(errs...)
}

// Field is a column with its place in the tables: what a stage keeps after Bind.
type Field struct {
	Column

	// Source is the name of the stage that writes the column.
	Source string

	// Group indexes [Candidates.Missing] and [Candidates.Stale]: columns that one
	// source writes in one scope share their bits.
	Group int

	// Index is the column's position within its kind.
	//   - Float: in [Candidates.Row]; a request column also in [Query.Floats] at the same index.
	//   - ID: in [Candidates.IDColumn]; a request column also in [Query.IDs] at the same index.
	//   - Vector of an item: in [Candidates.Vector]; of the request: in [Query.Vector].
	Index int
}

// Schema lists what a stage can read: the columns, heads and sources that exist
// when the request reaches it, in funnel order. It is immutable and safe for concurrent use.
type Schema struct {
	fields  []Field
	byName  map[string]int
	groups  []string // group -> source name
	sources []string
	heads   []string

	reqFloats, reqIDs   int // request columns stand first
	floats, ids         int
	reqVectors, vectors []int // dimensions
	hash                uint64

	later map[string]string // of what a feature source sees: names of columns that come after it -> their source
}

// SchemaConfig lists the parts of a schema that is made by hand; see [NewSchema].
type SchemaConfig struct {
	Columns []Column
	Heads   []string
	Sources []string
}

// NewSchema returns a schema of the given columns, as one source named "test" would
// write them. It serves tests, offline training and conformance suites; a
// pipeline makes its own. The error lists every invalid or doubled name.
func NewSchema(cfg SchemaConfig) (*Schema, error) {
	var b schemaBuilder
	for _, s := range cfg.Sources {
		b.addSource(s)
	}
	b.addColumns("test", cfg.Columns)
	for _, h := range cfg.Heads {
		b.addHead("test", h)
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("recsys: schema: %w", err)
	}
	return b.schema(), nil
}

// Field returns the column called name.
func (s *Schema) Field(name string) (Field, bool) {
	if s == nil {
		return Field{}, false
	}
	i, ok := s.byName[name]
	if !ok {
		return Field{}, false
	}
	return s.fields[i], true
}

// Fields returns all columns in funnel order: request columns first. The slice is the caller's.
func (s *Schema) Fields() []Field { return append([]Field(nil), s.fields...) }

// Float returns the column called name, or a [*ColumnError] when it is absent or not a float.
func (s *Schema) Float(name string) (Field, error) { return s.want(name, Float) }

// ID returns the column called name, or a [*ColumnError] when it is absent or not an ID.
func (s *Schema) ID(name string) (Field, error) { return s.want(name, ID) }

// Vector returns the column called name, or a [*ColumnError] when it is absent or not a vector.
func (s *Schema) Vector(name string) (Field, error) { return s.want(name, Vector) }

func (s *Schema) want(name string, kind Kind) (Field, error) {
	f, ok := s.Field(name)
	if !ok {
		return Field{}, &ColumnError{Column: name, Want: kind, Known: s.names(kind), Later: s.laterSource(name)}
	}
	if f.Kind != kind {
		return Field{}, &ColumnError{Column: name, Want: kind, Have: &f}
	}
	return f, nil
}

func (s *Schema) laterSource(name string) string {
	if s == nil {
		return ""
	}
	return s.later[name]
}

func (s *Schema) names(kind Kind) []string {
	if s == nil {
		return nil
	}
	var names []string
	for i := range s.fields {
		if s.fields[i].Kind == kind {
			names = append(names, s.fields[i].Name)
		}
	}
	return names
}

// Head returns the position of a head in [Candidates.HeadRow], or an error that lists the heads there are.
func (s *Schema) Head(name string) (int, error) {
	for i, h := range s.heads {
		if h == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("head %q: no ranker writes it (have %s)", name, list(s.heads))
}

// Source returns the position of a retriever in the source mask, or an error that lists the sources there are.
func (s *Schema) Source(name string) (int, error) {
	for i, h := range s.sources {
		if h == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("source %q: no retriever has this name (have %s)", name, list(s.sources))
}

// Heads returns the names of the heads, in the order of [Candidates.HeadRow].
func (s *Schema) Heads() []string { return append([]string(nil), s.heads...) }

// Sources returns the names of the retrievers; position i is bit i of the source mask.
func (s *Schema) Sources() []string { return append([]string(nil), s.sources...) }

// Width returns the number of floats in [Candidates.Row].
func (s *Schema) Width() int { return s.floats }

// RequestWidth returns how many floats of a row, at its start, are request columns.
func (s *Schema) RequestWidth() int { return s.reqFloats }

// Hash identifies names, kinds, dimensions, scopes, groups and order of columns, and the
// names of heads and sources; not MaxAge and Default.
// It stands in model files and exposure records.
func (s *Schema) Hash() uint64 { return s.hash }

// ColumnError says that a stage wants a column that it cannot have.
type ColumnError struct {
	Column string   // the name asked for
	Want   Kind     // the kind asked for
	Have   *Field   // what carries the name; nil when nothing does
	Known  []string // the columns of that kind, when nothing carries the name
	Later  string   // label of the feature source that writes it, when that runs after the stage that asks; else empty
}

// Error names the column and what there is instead.
func (e *ColumnError) Error() string {
	if e.Have != nil {
		return fmt.Sprintf("feature %q: source %q writes it as %v, want %v", e.Column, e.Have.Source, e.Have.Kind, e.Want)
	}
	if e.Later != "" {
		return fmt.Sprintf("feature %q: source %q writes it later; move that before this stage", e.Column, e.Later)
	}
	return fmt.Sprintf("feature %q: no source writes it (%v columns: %s)", e.Column, e.Want, list(e.Known))
}

// list prints names for an error: at most a dozen.
func list(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// schemaBuilder collects columns in declaration order and lays them out with request columns first.
type schemaBuilder struct {
	sources, heads []string
	columns        []Field
	groups         []string
	owner          map[string]string // column or head -> stage
	errs           []error
}

func (b *schemaBuilder) claim(what, name, stage string) bool {
	if b.owner == nil {
		b.owner = map[string]string{}
	}
	key := what + "\x00" + name
	if first, ok := b.owner[key]; ok {
		b.errs = append(b.errs, fmt.Errorf("%s %q: written twice, by %q and by %q", what, name, first, stage))
		return false
	}
	b.owner[key] = stage
	return true
}

func (b *schemaBuilder) addSource(name string) { b.sources = append(b.sources, name) }

func (b *schemaBuilder) addHead(stage, name string) {
	if name == "" {
		b.errs = append(b.errs, errors.New("head has no name"))
		return
	}
	if b.claim("head", name, stage) {
		b.heads = append(b.heads, name)
	}
}

// addColumns appends the columns of one source and returns its groups by scope (-1: none).
func (b *schemaBuilder) addColumns(source string, columns []Column) (groups [2]int) {
	groups = [2]int{-1, -1}
	for _, c := range columns {
		if err := c.check(); err != nil {
			b.errs = append(b.errs, err)
			continue
		}
		if !b.claim("feature", c.Name, source) {
			continue
		}
		if groups[c.Scope] < 0 {
			groups[c.Scope] = len(b.groups)
			b.groups = append(b.groups, source)
		}
		b.columns = append(b.columns, Field{Column: c, Source: source, Group: groups[c.Scope]})
	}
	return groups
}

// schema lays out what has been collected: request columns first, then item columns.
// The pipeline lays out once, when all columns are known, and shows each stage the
// part written before it (see before), so that an index holds all the way down.
func (b *schemaBuilder) schema() *Schema {
	s := &Schema{
		byName:  make(map[string]int, len(b.columns)),
		groups:  append([]string(nil), b.groups...),
		sources: append([]string(nil), b.sources...),
		heads:   append([]string(nil), b.heads...),
	}
	for _, scope := range []Scope{PerRequest, PerItem} {
		for _, f := range b.columns {
			if f.Scope != scope {
				continue
			}
			switch {
			case f.Kind == Float:
				f.Index, s.floats = s.floats, s.floats+1
			case f.Kind == ID:
				f.Index, s.ids = s.ids, s.ids+1
			case scope == PerRequest:
				f.Index, s.reqVectors = len(s.reqVectors), append(s.reqVectors, f.Dim)
			default:
				f.Index, s.vectors = len(s.vectors), append(s.vectors, f.Dim)
			}
			s.byName[f.Name] = len(s.fields)
			s.fields = append(s.fields, f)
		}
		if scope == PerRequest {
			s.reqFloats, s.reqIDs = s.floats, s.ids
		}
	}
	s.hash = s.digest()
	return s
}

// before returns the schema as a stage sees it: the same indexes, but only the
// fields that visible accepts and the first heads heads.
func (s *Schema) before(heads int, visible func(*Field) bool) *Schema {
	t := *s
	t.fields, t.byName = nil, map[string]int{}
	for i := range s.fields {
		if visible(&s.fields[i]) {
			t.byName[s.fields[i].Name] = len(t.fields)
			t.fields = append(t.fields, s.fields[i])
		}
	}
	t.heads = s.heads[:heads:heads]
	t.hash = t.digest()
	return &t
}

// digest hashes what [Schema.Hash] names.
func (s *Schema) digest() uint64 {
	var h fingerprint
	for i := range s.fields {
		f := &s.fields[i]
		h.text(f.Name).num(uint64(f.Kind)).num(uint64(f.Dim)).num(uint64(f.Scope)).num(uint64(f.Group))
	}
	h.num(1)
	for _, name := range s.heads {
		h.text(name)
	}
	h.num(2)
	for _, name := range s.sources {
		h.text(name)
	}
	return uint64(h)
}
