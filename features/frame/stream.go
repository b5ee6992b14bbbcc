package frame

import (
	"io"
	"iter"
)

// Reader gives a table in chunks. The readers of this package and of features/parquet are such.
// One goroutine may use it at a time.
type Reader interface {
	// Fields returns the columns of every chunk, the same at each call. The slice is the
	// reader's: it is not to be changed.
	Fields() []Field

	// Next makes chunk hold the next rows of the table, at least one and at most as many as
	// the reader was set to, and replaces what it held: columns too, if they are not those
	// of [Reader.Fields]. It reuses the memory of chunk.
	// After the last row the error is io.EOF. At any other error chunk is empty and
	// further calls return that error.
	Next(chunk *Frame) error
}

// Writer takes a table in chunks.
type Writer interface {
	// Write adds the rows of chunk, all of which have the columns that the writer was made
	// for. It keeps no reference to chunk.
	Write(chunk *Frame) error

	// Close writes what is left. It does not close what is written to. Without it the file is
	// not complete.
	Close() error
}

// chunkRows is how many rows readers put into a chunk when nothing else is asked for.
const chunkRows = 4096

// ReadAll returns all rows of r in one frame.
func ReadAll(r Reader) (*Frame, error) {
	all, err := New(r.Fields()...)
	if err != nil {
		return nil, err
	}
	for chunk, err := range Chunks(r) {
		if err != nil {
			return nil, err
		}
		if err := all.Append(chunk); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Chunks returns the chunks of r in order. All are one frame, valid until the next step. An
// error comes last, with a nil frame.
func Chunks(r Reader) iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		var chunk Frame
		for {
			err := r.Next(&chunk)
			switch {
			case err == io.EOF: // an error that wraps it is one
				return
			case err != nil:
				yield(nil, err)
				return
			case !yield(&chunk, nil):
				return
			}
		}
	}
}

// Copy writes all rows of r to w and closes w; it returns the number of rows. After an error of r
// or of Write, w is not closed, so that no file looks complete.
func Copy(w Writer, r Reader) (rows int64, err error) {
	for chunk, err := range Chunks(r) {
		if err != nil {
			return rows, err
		}
		if err := w.Write(chunk); err != nil {
			return rows, err
		}
		rows += int64(chunk.Rows)
	}
	return rows, w.Close()
}

// NewReader returns a reader over the rows of f, in chunks of at most rows; 0 means 4096.
// It copies them: f may be read by others meanwhile.
func NewReader(f *Frame, rows int) Reader {
	if rows <= 0 {
		rows = chunkRows
	}
	return &frameReader{f: f, fields: f.Fields(), rows: rows}
}

type frameReader struct {
	f        *Frame
	fields   []Field
	at, rows int
}

// Fields returns the columns.
func (r *frameReader) Fields() []Field { return r.fields }

// Next copies rows.
func (r *frameReader) Next(chunk *Frame) error {
	chunk.use(r.fields)
	if r.at >= r.f.Rows {
		return io.EOF
	}
	to := min(r.at+r.rows, r.f.Rows)
	for j := range chunk.Columns {
		for i := r.at; i < to; i++ {
			chunk.Columns[j].AppendFrom(&r.f.Columns[j], i)
		}
	}
	chunk.Rows, r.at = to-r.at, to
	return nil
}
