package parquet

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/recsyskit/recsys/features/frame"
)

// ErrFormat is wrapped by every error about bytes that are no Parquet file, or a damaged one.
var ErrFormat = errors.New("no valid Parquet file")

// FormatError says that a file, or a part of it, is not Parquet as it should be. It wraps [ErrFormat]
// and the cause.
type FormatError struct {
	File     string // as the caller named it
	Column   string // empty when the whole file is meant
	RowGroup int    // from 0; -1 when the whole file is meant
	Err      error
}

// Error names the file, the column and the row group.
func (e *FormatError) Error() string {
	s := e.File
	if e.Column != "" {
		s += fmt.Sprintf(": column %q", e.Column)
	}
	if e.RowGroup >= 0 {
		s += fmt.Sprintf(": row group %d", e.RowGroup)
	}
	return s + ": " + ErrFormat.Error() + ": " + e.Err.Error()
}

// Unwrap returns ErrFormat and the cause.
func (e *FormatError) Unwrap() []error { return []error{ErrFormat, e.Err} }

// TypeError says that a column is not of the type that was asked for, or of none that a frame has.
type TypeError struct {
	File string      // as the caller named it
	Want frame.Field // what was declared; its Name is the column
	Have string      // the type in the file: "optional INT64 (DECIMAL(18,2))"
	Any  bool        // nothing was declared: the type is one that no frame can hold
}

// Error names the file, the column and both types.
func (e *TypeError) Error() string {
	if e.Any {
		return fmt.Sprintf("%s: column %q is %s, which no kind of column holds; leave it out with Columns", e.File, e.Want.Name, e.Have)
	}
	return fmt.Sprintf("%s: column %q is %s; want %v", e.File, e.Want.Name, e.Have, e.Want)
}

// catch turns a panic of the library, which trusts some bytes too much, into a FormatError.
func catch(file string, err *error) {
	v := recover()
	if v == nil {
		return
	}
	cause, ok := v.(error)
	if !ok {
		cause = fmt.Errorf("%v", v)
	}
	*err = &FormatError{File: file, RowGroup: -1, Err: fmt.Errorf("%w\n%s", cause, debug.Stack())}
}
