package frame

import (
	"fmt"
	"strings"
)

// ParseError says which cell of a file could not be read.
type ParseError struct {
	File  string // as the caller named it
	Line  int    // from 1; 0 when no line is meant
	Field string // the column; empty when the whole line or file is meant
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

// ColumnError says that columns are not there.
type ColumnError struct {
	File    string   // as the caller named it; empty when there is none
	Missing []string // the names that were asked for
	Have    []string // the names that there are
}

// Error names the columns that are missing and those that there are, up to 20 of them.
func (e *ColumnError) Error() string {
	s := "frame: "
	if e.File != "" {
		s = e.File + ": "
	}
	return s + "no column " + quoted(e.Missing) + " (columns: " + quoted(e.Have) + ")"
}

// quoted joins names.
func quoted(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i == 20 {
			fmt.Fprintf(&b, " and %d more", len(names)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", clip(n))
	}
	if len(names) == 0 {
		return "none"
	}
	return b.String()
}

// missingColumns returns a [*ColumnError] for those of want that are not in have, or nil.
func missingColumns(file string, want, have []string) error {
	e := &ColumnError{File: file, Have: have}
	for _, w := range want {
		if !contains(have, w) {
			e.Missing = append(e.Missing, w)
		}
	}
	if e.Missing == nil {
		return nil
	}
	return e
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func names(fields []Field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.Name
	}
	return all
}

// clip shortens a value for an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:37] + "..."
	}
	return s
}
