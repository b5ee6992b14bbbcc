package parquet

import (
	"encoding/json"
	"fmt"
	"reflect"

	pq "github.com/parquet-go/parquet-go"

	"github.com/recsyskit/recsys/features/frame"
)

// metadataKey is the entry of the file's metadata that holds the fields: Parquet's own schema
// knows no lists of fixed size.
const metadataKey = "recsys.frame"

// table is a group of columns in the order of the frame; that of the library sorts by name.
type table struct {
	pq.Group
	fields []pq.Field
}

// Fields returns the columns in order.
func (t *table) Fields() []pq.Field { return t.fields }

// GoType is asked for when rows are Go values, which they are not here.
func (t *table) GoType() reflect.Type { return reflect.TypeFor[map[string]any]() }

// field is a node with a name.
type field struct {
	pq.Node
	name string
}

// Name returns the name.
func (f *field) Name() string { return f.name }

// Value returns the entry of a map of that name.
func (f *field) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}

// schemaOf returns the schema for a frame: every column is optional.
func schemaOf(fields []frame.Field) *pq.Schema {
	t := &table{Group: pq.Group{}}
	for _, f := range fields {
		n := pq.Optional(nodeOf(f))
		t.Group[f.Name] = n
		t.fields = append(t.fields, &field{n, f.Name})
	}
	return pq.NewSchema("recsys", t)
}

func nodeOf(f frame.Field) pq.Node {
	switch f.Kind {
	case frame.Float64:
		return pq.Leaf(pq.DoubleType)
	case frame.Float32:
		return pq.Leaf(pq.FloatType)
	case frame.Int64:
		return pq.Int(64)
	case frame.Uint64:
		return pq.Uint(64)
	case frame.Time:
		// Marked as adjusted to UTC it would lose the nanoseconds in DuckDB, whose type of
		// instants has microseconds.
		return pq.TimestampAdjusted(pq.Nanosecond, false)
	case frame.Vector:
		return pq.List(pq.Leaf(pq.FloatType))
	}
	return pq.Encoded(pq.String(), &pq.RLEDictionary)
}

// declared is a field as the metadata has it.
type declared struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Dim  int    `json:"dim,omitempty"`
}

func metadataOf(fields []frame.Field) string {
	all := make([]declared, len(fields))
	for i, f := range fields {
		all[i] = declared{f.Name, f.Kind.String(), f.Dim}
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(fmt.Sprint("parquet: fields do not become JSON: ", err)) // strings and numbers do
	}
	return string(b)
}

// dimsIn returns the dimensions of vectors that the metadata of a file tells. It is a hint:
// rows are checked.
func dimsIn(metadata string) map[string]int {
	var all []declared
	if json.Unmarshal([]byte(metadata), &all) != nil {
		return nil
	}
	dims := map[string]int{}
	for _, d := range all {
		if d.Dim > 0 {
			dims[d.Name] = d.Dim
		}
	}
	return dims
}
