package recsys

import (
	"fmt"
	"strings"
)

// ParseError says which cell of a file of data could not be read. The readers of tables, of
// training data and of events return it; the log has its own [LogError].
type ParseError struct {
	File  string // as the caller named it
	Line  int    // from 1; 0 when no line is meant
	Field string // the column, the token; empty when the whole line is meant
	Value string // what stands there, cut to 40 bytes
	Err   error  // the reason
}

// Error returns `file:line: field "age": "x": reason`.
func (e *ParseError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Field != "" {
		fmt.Fprintf(&b, ": field %q", e.Field)
	}
	if e.Value != "" {
		fmt.Fprintf(&b, ": %q", e.Value)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *ParseError) Unwrap() error { return e.Err }
