package envelope

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with an envelope. Reader's errors wrap exactly one of them,
// or else the error of the underlying reader.
var (
	// ErrKind: these are not the bytes of an envelope, or of one of another kind.
	ErrKind = errors.New("file is of another kind")
	// ErrNewer: the layout or the kind's format is of a later version.
	ErrNewer = errors.New("file is newer than this program")
	// ErrSchema: the envelope was written for another schema.
	ErrSchema = errors.New("file has another schema")
	// ErrTruncated: the bytes end before the envelope does.
	ErrTruncated = errors.New("file is truncated")
	// ErrCorrupt: a check does not hold, or the contents contradict each other.
	ErrCorrupt = errors.New("file is corrupt")
)

// Error says what is wrong with an envelope, and where.
type Error struct {
	Kind    string // the kind that the reader wanted
	Section string // the section that was being read; empty outside of one
	Offset  int64  // how many bytes of the envelope had been read
	Reason  string
	Err     error // one of the sentinels, or the underlying reader's error
	Cause   error // io.EOF when not a single byte came; else nil
}

// Error names the sentinel first, then the place, then the reason. Of bytes of another kind,
// which have no place, it says what they are and what was wanted.
func (e *Error) Error() string {
	if e.Err == ErrKind {
		return fmt.Sprintf("the file %s; want %q", e.Reason, e.Kind)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %s", e.Err, e.Kind)
	if e.Section != "" {
		fmt.Fprintf(&b, ", section %q", e.Section)
	}
	fmt.Fprintf(&b, ", byte %d", e.Offset)
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// Unwrap returns Err and, if there is one, Cause.
func (e *Error) Unwrap() []error {
	if e.Cause != nil {
		return []error{e.Err, e.Cause}
	}
	return []error{e.Err}
}
