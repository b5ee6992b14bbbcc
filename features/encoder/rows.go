package encoder

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/recsyskit/recsys"
)

// Rows are columns of many rows, offline: what [Set.Apply] reads and writes, and what [Set.Fit] learns from. The slices
// may be those of another table, see [Values].Stride.
type Rows struct {
	// Len is the number of rows.
	Len int
	// Columns says what the columns are: name, kind and dimension count.
	Columns []recsys.Column
	// Values has the values of Columns[i] at i.
	Values []Values
	// Time is the time of each row in Unix nanoseconds: what Query.Now is at serving. Only steps without From need it. The
	// least int64 stands for an unknown time.
	Time []int64
}

// Values are the values of one column. As at serving, a missing float is NaN or the column's default, a missing ID is 0 and
// a missing vector is all zeros.
type Values struct {
	// Floats has the values of a Float or, row-major, of a Vector column.
	Floats []float32
	// IDs has the values of an ID column.
	IDs []uint64
	// Stride is the distance from one row to the next, 0 for that of a column by itself (1, or Dim of a Vector). With it
	// a column can be one of a row-major matrix: Floats: m[j:], Stride: columns of m.
	Stride int
}

// NewRows returns n rows of the columns, all zeros, each column by itself.
func NewRows(columns []recsys.Column, n int) *Rows {
	r := &Rows{Len: n, Columns: columns, Values: make([]Values, len(columns))}
	for i := range columns {
		if columns[i].Kind == recsys.ID {
			r.Values[i].IDs = make([]uint64, n)
		} else {
			r.Values[i].Floats = make([]float32, n*width(&columns[i]))
		}
	}
	return r
}

// One returns the sequence of the given rows alone, for [Set.Fit].
func One(rows ...*Rows) iter.Seq2[*Rows, error] {
	return func(yield func(*Rows, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// lane returns where a column of r lies. The error is a [*recsys.ColumnError] when it is not there or of another kind, an
// [*InputError] when its dimension differs, and says what is wrong with its values.
func (r *Rows) lane(want *recsys.Column) (lane, error) {
	var names []string
	for i := range r.Columns {
		c := &r.Columns[i]
		if c.Name != want.Name {
			if c.Kind == want.Kind {
				names = append(names, c.Name)
			}
			continue
		}
		have := *c
		have.Scope = want.Scope
		switch {
		case c.Kind != want.Kind:
			return lane{}, &recsys.ColumnError{Column: c.Name, Want: want.Kind, Have: &recsys.Field{Column: *c, Source: "rows"}}
		case width(c) != width(want):
			return lane{}, &InputError{Want: *want, Have: have}
		case i >= len(r.Values):
			return lane{}, fmt.Errorf("encoder: rows have %d columns and values of %d", len(r.Columns), len(r.Values))
		}
		return r.Values[i].lane(c, r.Len)
	}
	return lane{}, &recsys.ColumnError{Column: want.Name, Want: want.Kind, Known: names}
}

func (v *Values) lane(c *recsys.Column, n int) (lane, error) {
	l := lane{f: v.Floats, u: v.IDs, dim: max(width(c), 1), stride: v.Stride}
	have := len(l.f)
	if c.Kind == recsys.ID {
		l.f, have = nil, len(l.u)
	} else {
		l.u = nil
	}
	if l.stride == 0 {
		l.stride = l.dim
	}
	if l.stride < l.dim {
		return lane{}, fmt.Errorf("encoder: rows: column %q: Stride is %d; want at least %d", c.Name, l.stride, l.dim)
	}
	if n > 0 && (have < l.dim || (have-l.dim)/l.stride < n-1) {
		return lane{}, fmt.Errorf("encoder: rows: column %q: %d values are too few for %d rows", c.Name, have, n)
	}
	return l, nil
}

// Apply encodes rows: it reads the set's inputs by name from src and writes its columns by name into dst, which may be src. Columns that
// the set does not know stay as they are. The numbers have the same bits as those that the set writes for the
// same values at serving.
//
// Errors: [ErrUnfitted]; a [*recsys.ColumnError] for each column that is not there or of another kind, an [*InputError] for each of another
// dimension; one for lengths that do not fit; ctx.Err(), when rows may have been written in part.
func (s *Set) Apply(ctx context.Context, dst, src *Rows) error {
	p := s.program()
	if p.unfitted != nil {
		return p.unfitted
	}
	w := p.work()
	defer p.done(w)
	if err := errors.Join(p.placeInputs(w, src), p.placeOutputs(w, dst)); err != nil {
		return err
	}
	if dst.Len < src.Len {
		return fmt.Errorf("encoder: %d rows do not fit in %d", src.Len, dst.Len)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	all := make([]int, len(p.steps))
	for i := range all {
		all[i] = i
	}
	return p.run(ctx, w, src.Len, all)
}

// placeInputs finds the columns that are read.
func (p *program) placeInputs(w *work, src *Rows) error {
	var errs []error
	if src.Len < 0 {
		errs = append(errs, fmt.Errorf("encoder: rows: Len is %d; want >= 0", src.Len))
	}
	for i := range p.inputs {
		if p.columns[i].read {
			l, err := src.lane(&p.inputs[i])
			errs, w.full[i] = append(errs, err), l
		}
	}
	if p.timed {
		if len(src.Time) < src.Len {
			errs = append(errs, fmt.Errorf("encoder: rows: Time has %d values for %d rows; a step reads it", len(src.Time), src.Len))
		}
		w.time = lane{t: src.Time, stride: 1}
	}
	return errors.Join(errs...)
}

// placeOutputs finds the columns that are written.
func (p *program) placeOutputs(w *work, dst *Rows) error {
	var errs []error
	for i := len(p.inputs); i < len(p.columns); i++ {
		c := &p.columns[i]
		if c.hidden {
			w.full[i] = p.scratchLane(w, c, 1)
			continue
		}
		l, err := dst.lane(&c.Column)
		errs, w.full[i] = append(errs, err), l
	}
	return errors.Join(errs...)
}
