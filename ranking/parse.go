package ranking

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/recsyskit/recsys"
)

// ParseError says which cell of a text file could not be read.
type ParseError struct {
	File  string // as the caller named it
	Line  int    // from 1; 0 when no line is meant
	Field string // the column, the token; empty when the whole line is meant
	Value string // what stands there, cut to 40 bytes
	Err   error  // the reason
}

// Error returns "file:line: field "age": "x": reason".
func (e *ParseError) Error() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
	}
	if e.Field != "" {
		s += fmt.Sprintf(": field %q", e.Field)
	}
	if e.Value != "" {
		s += fmt.Sprintf(": %q", e.Value)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *ParseError) Unwrap() error { return e.Err }

type parseFailure string

func (e parseFailure) Error() string { return string(e) }

const (
	errNoNumber  = parseFailure("want a number")
	errNotFinite = parseFailure("want a number that is finite as float32")
	errNoInteger = parseFailure("want an integer >= 0")
	errNoTime    = parseFailure("want Unix seconds, milliseconds, microseconds or nanoseconds, or RFC 3339")
)

// clip shortens a value for an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:37] + "..."
	}
	return s
}

// parseFloat reads a float32: a finite number, or NaN.
func parseFloat(s string) (float32, error) {
	v, err := strconv.ParseFloat(s, 32)
	if math.IsInf(v, 0) {
		return 0, errNotFinite
	}
	if err != nil {
		return 0, errNoNumber
	}
	return float32(v), nil
}

// parseID reads a number as it is and hashes any other text, as [recsys.Pipeline.Context] does.
func parseID(s string) uint64 {
	if v, err := strconv.ParseUint(s, 10, 64); err == nil {
		return v
	}
	return recsys.HashID(s)
}

// parseTime reads a time; a number's magnitude tells its unit, up to the year 5138.
func parseTime(s string) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return 0, errNoTime
		}
		return t.UnixNano(), nil
	}
	switch a := max(v, -v); {
	case a < 0: // the most negative number
		return v, nil
	case a < 1e11:
		return saturate(v, 1e9), nil
	case a < 1e14:
		return saturate(v, 1e6), nil
	case a < 1e17:
		return saturate(v, 1e3), nil
	}
	return v, nil
}

// saturate returns v*unit, or the nearest number that fits.
func saturate(v, unit int64) int64 {
	switch {
	case v > math.MaxInt64/unit:
		return math.MaxInt64
	case v < math.MinInt64/unit:
		return math.MinInt64
	}
	return v * unit
}
