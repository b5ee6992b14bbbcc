package ope

import (
	"errors"
	"fmt"
)

var (
	// ErrEmpty is returned for a log without rows.
	ErrEmpty = errors.New("ope: the log is empty")
	// ErrDeterministic is returned for a log that says of itself that its policy chose without
	// chance (greedy, UCB): it holds nothing about what another policy would have earned.
	ErrDeterministic = errors.New("ope: the logging policy chose without chance; want a log with exploration")
)

// RowError says which value of a log cannot be used. Nothing is estimated from a log with such
// a value.
type RowError struct {
	Row   int     // from 0: its place in the log, or the number of rows added before it
	Field string  // the field of [Log] or [Row], such as "Propensity"
	Value float64 // what it holds
	Want  string  // what it may hold, such as "in (0, 1]"
}

// Error returns one line that names all fields.
func (e *RowError) Error() string {
	return fmt.Sprintf("ope: row %d: %s is %v; want %s", e.Row, e.Field, e.Value, e.Want)
}

// FieldError says which field of a [Log], of [Options] or of an [Estimator] is missing, out of
// range, or of another length than the rest.
type FieldError struct {
	Field string // such as "Log.Model"
	Is    string // what it is, such as "-1" or "of length 7"
	Want  string // what it may be
}

// Error returns one line that names all fields.
func (e *FieldError) Error() string {
	return fmt.Sprintf("ope: %s is %s; want %s", e.Field, e.Is, e.Want)
}
