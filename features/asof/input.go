package asof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Progress says how far the reading of one input is.
type Progress struct {
	Input   string // "labels", or the table's name in quotes
	Sorting bool   // it is read to be sorted; otherwise to be joined
	Rows    int64  // read so far
	Done    bool   // all of it
}

// progressRows is how many rows lie between two calls of Config.Progress.
const progressRows = 1 << 16

// batchRecords is how many records are handed on at once. It is also how many lie between two
// looks at the context.
const batchRecords = 256

// input is a source of records.
type input struct {
	name     string
	words    int
	sorted   bool
	rows     int64 // read
	hidden   int64 // of them not made into records
	encode   func(ctx context.Context, yield func(rec []uint64, err error) bool)
	progress func(Progress)
}

// records returns an iterator over the records of in, which are valid until the next step. It ends
// with an error of the source or of ctx.
func (in *input) records(ctx context.Context) iter.Seq2[[]uint64, error] {
	return func(yield func([]uint64, error) bool) {
		last, first := uint64(0), true
		done := func(rec []uint64, err error) bool {
			if err == nil && in.rows%batchRecords == 0 {
				err = ctx.Err()
			}
			if err == nil && in.sorted && !first && int64(rec[0]) < int64(last) {
				err = in.bad("", fmt.Errorf("time %d after %d: %w", int64(rec[0]), int64(last), ErrOrder))
			}
			if err != nil {
				yield(nil, err)
				return false
			}
			last, first = rec[0], false
			in.rows++
			in.count()
			return yield(rec, nil)
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return
		}
		in.encode(ctx, done)
	}
}

// hide counts a row that becomes no record. The error is that of ctx.
func (in *input) hide(ctx context.Context) error {
	in.hidden++
	in.count()
	if in.hidden%batchRecords == 0 {
		return ctx.Err()
	}
	return nil
}

// count tells of a row that has been read, at times.
func (in *input) count() {
	if (in.rows+in.hidden)%progressRows == 0 {
		in.tell(false)
	}
}

// bad returns an [*InputError] at the row that is being read.
func (in *input) bad(column string, err error) error {
	return &InputError{Input: in.name, Row: in.rows + in.hidden, Column: column, Err: err}
}

func (in *input) tell(done bool) {
	if in.progress != nil {
		in.progress(Progress{Input: in.name, Sorting: !in.sorted, Rows: in.rows + in.hidden, Done: done})
	}
}

// labelInput reads labels.
func labelInput(l *Labels, layout labelLayout) *input {
	in := &input{name: "labels", words: layout.words, sorted: l.Sorted}
	in.encode = func(_ context.Context, yield func([]uint64, error) bool) {
		rec := make([]uint64, layout.words)
		for label, err := range l.Rows {
			if err == nil {
				err = layout.encode(rec, in.rows, &label)
			}
			if err != nil {
				yield(nil, in.bad("", err))
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
		in.tell(true)
	}
	return in
}

// errNoCreated: a row that arrived in 1970 was visible to every label, whatever its event time hides.
var errNoCreated = errors.New("the row's Created is 0; set it to when the row arrived, or set Arrival to false")

// tableInput reads the rows of a table, and counts into its report.
func tableInput(t *Table, layout *rowLayout, report *TableReport) *input {
	in := &input{name: fmt.Sprintf("table %q", t.Name), words: layout.words, sorted: t.Sorted}
	in.encode = func(ctx context.Context, yield func([]uint64, error) bool) {
		rec := make([]uint64, layout.words)
		for row, err := range t.Rows {
			column := ""
			if err == nil {
				column, err = layout.check(&row)
			}
			if err == nil && t.Arrival && row.Created == 0 {
				err = errNoCreated
			}
			if err != nil {
				yield(nil, in.bad(column, err))
				return
			}
			report.row(&row, t.Arrival)
			visible, ok := layout.visible(&row)
			if refused := layout.refused(&row); refused || !ok {
				if refused {
					report.Refused++
				} else {
					report.Future++
				}
				if err := in.hide(ctx); err != nil {
					yield(nil, err)
					return
				}
				continue
			}
			layout.encode(rec, &row, visible)
			if !yield(rec, nil) {
				return
			}
		}
		in.tell(true)
	}
	return in
}

// cursor stands before a record of a sequence in order.
type cursor struct {
	words int
	buf   []uint64
	fill  func() ([]uint64, error) // the next records, at least one; io.EOF after the last
	stop  func()
	err   error // sticks
}

// peek returns the record at the cursor, or nil at the end or after an error, which is in err.
func (c *cursor) peek() []uint64 {
	if len(c.buf) > 0 {
		return c.buf[:c.words]
	}
	return c.more()
}

func (c *cursor) more() []uint64 {
	if c.err == nil {
		if c.buf, c.err = c.fill(); c.err == nil {
			return c.buf[:c.words]
		}
	}
	return nil
}

// advance goes past the record that peek returned.
func (c *cursor) advance() { c.buf = c.buf[c.words:] }

// failed returns the error that ended the sequence, nil at its end.
func (c *cursor) failed() error {
	if c.err == io.EOF {
		return nil
	}
	return c.err
}

// pull returns a cursor over the records of in as they come.
func (in *input) pull(ctx context.Context) *cursor {
	next, stop := iter.Pull2(in.batches(ctx))
	c := &cursor{words: in.words, stop: stop}
	c.fill = func() ([]uint64, error) {
		batch, err, ok := next()
		if !ok {
			return nil, io.EOF
		}
		return batch, err
	}
	return c
}

// batches returns an iterator over many records at once: to switch from one coroutine to another costs
// more than to copy a record.
func (in *input) batches(ctx context.Context) iter.Seq2[[]uint64, error] {
	return func(yield func([]uint64, error) bool) {
		batch := make([]uint64, 0, batchRecords*in.words)
		for rec, err := range in.records(ctx) {
			if err != nil {
				if len(batch) == 0 || yield(batch, nil) {
					yield(nil, err)
				}
				return
			}
			if batch = append(batch, rec...); len(batch) == cap(batch) {
				if !yield(batch, nil) {
					return
				}
				batch = batch[:0]
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
