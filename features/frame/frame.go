package frame

import (
	"fmt"
	"slices"
)

// Frame is a table, or a chunk of one: rows held column by column. The slices belong to whoever
// holds the frame; [Reader]s fill one that the caller reuses. A frame may be read by several
// goroutines at once; nothing may change it meanwhile.
type Frame struct {
	Columns []Column
	Rows    int // every column has as many
}

// New returns a frame without rows. The error says which field is invalid or comes twice.
func New(fields ...Field) (*Frame, error) {
	if err := CheckFields(fields); err != nil {
		return nil, err
	}
	f := &Frame{Columns: make([]Column, len(fields))}
	for i, d := range fields {
		f.Columns[i].Field = d
	}
	return f, nil
}

// Fields returns the declarations of the columns, in a new slice.
func (f *Frame) Fields() []Field {
	fields := make([]Field, len(f.Columns))
	for i := range f.Columns {
		fields[i] = f.Columns[i].Field
	}
	return fields
}

// Column returns the column of that name. The error is a [*ColumnError], which
// lists the names that there are.
func (f *Frame) Column(name string) (*Column, error) {
	for i := range f.Columns {
		if f.Columns[i].Name == name {
			return &f.Columns[i], nil
		}
	}
	return nil, missingColumns("", []string{name}, names(f.Fields()))
}

// Reset removes all rows and keeps columns and memory.
func (f *Frame) Reset() {
	for i := range f.Columns {
		f.Columns[i].Reset()
	}
	f.Rows = 0
}

// use makes f an empty frame of the given fields, with the memory that it has where the
// fields are those that it has.
func (f *Frame) use(fields []Field) {
	if len(fields) != len(f.Columns) {
		f.Columns = make([]Column, len(fields))
	}
	for i, d := range fields {
		if f.Columns[i].Field != d {
			f.Columns[i] = Column{Field: d}
		}
	}
	f.Reset()
}

// AppendRow adds row i of from, which must have the columns of f in their order; the error says
// where they differ, and then nothing was added.
func (f *Frame) AppendRow(from *Frame, i int) error {
	if err := from.same(f.Fields()); err != nil {
		return err
	}
	for j := range f.Columns {
		f.Columns[j].AppendFrom(&from.Columns[j], i)
	}
	f.Rows++
	return nil
}

// Append adds all rows of from, as [Frame.AppendRow] does.
func (f *Frame) Append(from *Frame) error {
	if err := from.same(f.Fields()); err != nil {
		return err
	}
	for j := range f.Columns {
		c, o := &f.Columns[j], &from.Columns[j]
		for i := o.Missing.Next(0); i >= 0; i = o.Missing.Next(i + 1) {
			c.SetMissing(f.Rows + i)
		}
		c.Float64 = append(c.Float64, o.Float64...)
		c.Float32 = append(c.Float32, o.Float32...)
		c.Int64 = append(c.Int64, o.Int64...)
		c.Uint64 = append(c.Uint64, o.Uint64...)
		c.String = append(c.String, o.String...)
	}
	f.Rows += from.Rows
	return nil
}

// same returns an error when f does not have the given columns.
func (f *Frame) same(want []Field) error {
	if len(f.Columns) != len(want) {
		return fmt.Errorf("frame: rows of %d columns (%s) where there are %d (%s)",
			len(f.Columns), quoted(names(f.Fields())), len(want), quoted(names(want)))
	}
	for j := range want {
		if have := f.Columns[j].Field; want[j] != have {
			return fmt.Errorf("frame: column %d is %v; want %v", j, have, want[j])
		}
	}
	return nil
}

// Validate returns an error when a field is invalid or a column does not have a value, or a
// filler, for each row. Writers call it first.
func (f *Frame) Validate() error {
	if f.Rows < 0 {
		return fmt.Errorf("frame: Rows is %d; want >= 0", f.Rows)
	}
	if err := CheckFields(f.Fields()); err != nil {
		return err
	}
	for i := range f.Columns {
		c := &f.Columns[i]
		values := map[Kind]int{
			Float64: len(c.Float64), Float32: len(c.Float32), Int64: len(c.Int64),
			Uint64: len(c.Uint64), String: len(c.String),
		}
		holds, want := c.Kind, f.Rows
		switch c.Kind {
		case Time:
			holds = Int64
		case Vector:
			holds, want = Float32, f.Rows*c.Dim
		}
		for k := range kinds {
			if n := values[k]; k == holds && n != want {
				return fmt.Errorf("frame: column %q, %v, has %d values for %d rows; want %d", c.Name, c.Kind, n, f.Rows, want)
			} else if k != holds && n != 0 {
				return fmt.Errorf("frame: column %q is %v and has %d values of kind %v", c.Name, c.Kind, n, k)
			}
		}
		if last := lastRow(c); last >= f.Rows {
			return fmt.Errorf("frame: column %q: row %d of %d is marked as missing", c.Name, last, f.Rows)
		}
	}
	return nil
}

// lastRow returns the last missing row, or -1.
func lastRow(c *Column) int {
	for w, word := range slices.Backward(c.Missing) {
		for b := 63; word != 0 && b >= 0; b-- {
			if word>>b&1 != 0 {
				return 64*w + b
			}
		}
	}
	return -1
}
