package asof

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/frame"
)

// RowColumns names the columns of a frame that are not features.
type RowColumns struct {
	// Key is a column of integers, or of text: see frame.Column.ID. Required, as is Time: of kind frame.Time, or Int64 as
	// Unix nanoseconds.
	Key, Time string
	// Created is likewise when the row arrived. Empty: that is not known.
	Created string
}

// FromFrame returns t with the rows of a frame, as r reads it. The columns of t are found by name:
// a Float is a column of numbers, an ID one of integers or text, a Vector one of vectors of its dimension. Where
// the frame has no value the row has none either; a missing key or time is an error of the join. Arrival is set if
// c.Created names a column.
//
// The error lists every column that is not there or of another kind. A reader gives its rows once, so what is returned is for one join: a
// second one fails.
func (t Table) FromFrame(r frame.Reader, c RowColumns) (Table, error) {
	f := fieldsOf(r, fmt.Sprintf("table %q", t.Name))
	key, at, created := f.id(c.Key), f.time(c.Time), -1
	if c.Created != "" {
		created = f.time(c.Created)
	}
	var floats, ids, vectors []int
	row := Row{}
	for i := range t.Columns {
		switch col := &t.Columns[i]; col.Kind {
		case recsys.Float:
			floats = append(floats, f.number(col.Name))
		case recsys.ID:
			ids = append(ids, f.id(col.Name))
		case recsys.Vector:
			vectors = append(vectors, f.vector(col.Name, col.Dim))
		}
	}
	if err := errors.Join(f.errs...); err != nil {
		return t, err
	}
	t.Arrival = created >= 0
	chunks := once(r)
	t.Rows = func(yield func(Row, error) bool) {
		for chunk, err := range chunks {
			if err != nil {
				yield(Row{}, err)
				return
			}
			for i := range chunk.Rows {
				var errs [3]error
				row.Key, errs[0] = idAt(chunk, key, i)
				row.Time, errs[1] = timeAt(chunk, at, i)
				if created >= 0 {
					row.Created, errs[2] = timeAt(chunk, created, i)
				}
				row.Floats, row.IDs, row.Vectors = numbersAt(row.Floats[:0], chunk, floats, i), idsAt(row.IDs[:0], chunk, ids, i), row.Vectors[:0]
				for _, at := range vectors {
					row.Vectors = append(row.Vectors, chunk.Columns[at].VectorRow(i)...)
				}
				if !yield(row, errors.Join(errs[:]...)) {
					return
				}
			}
		}
	}
	return t, nil
}

// LabelColumns names the columns of a frame that say more of a label than its keys, values and features.
type LabelColumns struct {
	// Time is of kind frame.Time, or Int64 as Unix nanoseconds. Required.
	Time string
	// Weight and Propensity are columns of numbers, Position and Group of integers, Group of text too. Empty: Weight is 1,
	// Propensity NaN, Position -1, and Group the number of the row.
	Weight, Propensity, Position, Group string
}

// FromFrame returns l with the labels of a frame, as r reads it. Keys, Heads, Columns and IDColumns of l are
// names of columns: Keys and IDColumns of integers or text, the others of numbers. The key "user-item" is made of the keys "user"
// and "item" where there is no such column. Where
// the frame has no value, a label or feature is NaN, an ID 0 and a position -1; a missing key, time, weight or group is an error of
// the join. The error lists every column that is not there or of another kind. What is returned is for one join, as that of [Table.FromFrame].
func (l Labels) FromFrame(r frame.Reader, c LabelColumns) (Labels, error) {
	f := fieldsOf(r, "labels")
	at := f.time(c.Time)
	keys, derive := f.keys(l.Keys)
	ids := f.all(l.IDColumns, f.id)
	heads, floats := f.all(l.Heads, f.number), f.all(l.Columns, f.number)
	optional := func(name string, find func(string) int) int {
		if name == "" {
			return -1
		}
		return find(name)
	}
	weight, propensity := optional(c.Weight, f.number), optional(c.Propensity, f.number)
	position, group := optional(c.Position, f.number), optional(c.Group, f.id)
	if err := errors.Join(f.errs...); err != nil {
		return l, err
	}
	chunks := once(r)
	l.Rows = func(yield func(Label, error) bool) {
		a, n := Label{}, uint64(0)
		for chunk, err := range chunks {
			if err != nil {
				yield(Label{}, err)
				return
			}
			for i := range chunk.Rows {
				a.Weight, a.Propensity, a.Position, a.Group = 1, math.NaN(), -1, n
				n++
				a.Time, err = timeAt(chunk, at, i)
				a.Keys = a.Keys[:0]
				for _, k := range keys {
					if k == derived {
						a.Keys = append(a.Keys, 0)
						continue
					}
					key, bad := idAt(chunk, k, i)
					a.Keys, err = append(a.Keys, key), errors.Join(err, bad)
				}
				if derive != nil {
					derive(a.Keys)
				}
				a.Values, a.Floats = numbersAt(a.Values[:0], chunk, heads, i), numbersAt(a.Floats[:0], chunk, floats, i)
				a.IDs = idsAt(a.IDs[:0], chunk, ids, i)
				if weight >= 0 {
					if a.Weight = float32(chunk.Columns[weight].Number(i)); a.Weight == 0 { // it would count as 1
						err = errors.Join(err, fmt.Errorf("column %q is 0; want a weight > 0, and no row for what does not count", c.Weight))
					}
				}
				if propensity >= 0 {
					a.Propensity = chunk.Columns[propensity].Number(i)
				}
				if position >= 0 {
					if p := chunk.Columns[position].Number(i); p == p {
						a.Position = int32(min(max(p, -1), math.MaxInt32))
					}
				}
				if group >= 0 {
					id, ok := chunk.Columns[group].ID(i)
					if a.Group = id; !ok { // all such rows would be one decision
						err = errors.Join(err, fmt.Errorf("column %q has no value; want the group of the row", c.Group))
					}
				}
				if !yield(a, err) {
					return
				}
			}
		}
	}
	return l, nil
}

var errRead = errors.New("its reader has been read; want FromFrame of a new one for each join")

// once returns the chunks of r, and an error in place of none the second time.
func once(r frame.Reader) iter.Seq2[*frame.Frame, error] {
	read := false
	return func(yield func(*frame.Frame, error) bool) {
		if read {
			yield(nil, errRead)
			return
		}
		read = true
		frame.Chunks(r)(yield)
	}
}

// fields finds columns of a frame, and remembers what is wrong.
type fields struct {
	input string
	list  []frame.Field
	errs  []error
}

func fieldsOf(r frame.Reader, input string) *fields { return &fields{input: input, list: r.Fields()} }

func (f *fields) find(name, want string, kinds ...frame.Kind) int {
	have := make([]string, len(f.list))
	for i, d := range f.list {
		have[i] = d.Name
		if d.Name != name {
			continue
		}
		for _, k := range kinds {
			if d.Kind == k {
				return i
			}
		}
		f.errs = append(f.errs, fmt.Errorf("asof: %s: column %v; want %s", f.input, d, want))
		return -1
	}
	f.errs = append(f.errs, fmt.Errorf("asof: %s: %w", f.input, &frame.ColumnError{Missing: []string{name}, Have: have}))
	return -1
}

func (f *fields) all(names []string, find func(string) int) (at []int) {
	for _, name := range names {
		at = append(at, find(name))
	}
	return at
}

// derived is the place of a key that is made of others.
const derived = -2

// keys finds the keys; derive, unless it is nil, sets the derived one.
func (f *fields) keys(names []string) (at []int, derive func(keys []uint64)) {
	p, ok := pairOf(names)
	there := slices.ContainsFunc(f.list, func(d frame.Field) bool { return d.Name == pairKey })
	for i, name := range names {
		if ok && !there && i == p.to {
			at, derive = append(at, derived), p.set
			continue
		}
		at = append(at, f.id(name))
	}
	return at, derive
}

func (f *fields) time(name string) int {
	return f.find(name, "times, or int64 Unix nanoseconds", frame.Time, frame.Int64)
}

func (f *fields) id(name string) int {
	return f.find(name, "integers or text", frame.Uint64, frame.Int64, frame.String)
}

func (f *fields) number(name string) int {
	return f.find(name, "numbers", frame.Float32, frame.Float64, frame.Int64, frame.Uint64)
}

func (f *fields) vector(name string, dim int) int {
	at := f.find(name, fmt.Sprintf("vectors of dimension %d", dim), frame.Vector)
	if at >= 0 && f.list[at].Dim != dim {
		f.errs = append(f.errs, fmt.Errorf("asof: %s: column %v; want dimension %d", f.input, f.list[at], dim))
	}
	return at
}

func idAt(chunk *frame.Frame, at, i int) (uint64, error) {
	id, ok := chunk.Columns[at].ID(i)
	if !ok {
		return 0, fmt.Errorf("column %q has no value; want a key", chunk.Columns[at].Name)
	}
	return id, nil
}

func timeAt(chunk *frame.Frame, at, i int) (int64, error) {
	c := &chunk.Columns[at]
	if c.IsMissing(i) {
		return 0, fmt.Errorf("column %q has no value; want a time", c.Name)
	}
	return c.Int64[i], nil
}

func numbersAt(dst []float32, chunk *frame.Frame, at []int, i int) []float32 {
	for _, k := range at {
		dst = append(dst, float32(chunk.Columns[k].Number(i)))
	}
	return dst
}

func idsAt(dst []uint64, chunk *frame.Frame, at []int, i int) []uint64 {
	for _, k := range at {
		id, _ := chunk.Columns[k].ID(i)
		dst = append(dst, id)
	}
	return dst
}
