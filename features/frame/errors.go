package frame

import (
	"fmt"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
)

// ParseError says which cell of a file could not be read.
type ParseError = recsys.ParseError

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
		if !slices.Contains(have, w) {
			e.Missing = append(e.Missing, w)
		}
	}
	if e.Missing == nil {
		return nil
	}
	return e
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
