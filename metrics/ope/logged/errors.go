package logged

import (
	"fmt"

	"github.com/recsyskit/recsys/metrics/ope"
)

// RecordError says which record of a log cannot be used, and why. It wraps
// [ope.ErrDeterministic], [ErrEstimated], a [*MixError], a [*MismatchError], a
// [*WindowError], an [*ope.RowError], [recsys.ErrPartialRecord], or what a policy returned.
type RecordError struct {
	ID  string // of the exposure
	Err error
}

// Error names the record and the cause.
func (e *RecordError) Error() string { return fmt.Sprintf("logged: record %q: %v", e.ID, e.Err) }

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// MixError says that a record is not of one kind with those before it.
type MixError struct {
	Field       string // "Pipeline", "Schema" or "K"
	First, Then string // what the first record has, and what this one
	Remedy      string // the field of Config that allows it
}

// Error names both and the remedy.
func (e *MixError) Error() string {
	return fmt.Sprintf("%s is %s, that of the records before is %s; %s", e.Field, e.Then, e.First, e.Remedy)
}

// MismatchError says that the logger's propensities do not come out of a record: the table of the
// record is not what the explorer chose from. Filters, constraints, a re-ranker's ties or another
// [recsys.Depth] are the usual reasons; a pipeline as target policy knows them.
type MismatchError struct {
	Place            int
	Logged, Computed float64
}

// Error names the place, both propensities and the remedy.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("place %d was logged with propensity %v, JudgeConfig.Logger gives %v: constraints, filters, depth or explorer are other ones; set them in JudgeConfig, or take a *recsys.Pipeline as target",
		e.Place, e.Logged, e.Computed)
}

// WindowError says that a record shows a row that [JudgeConfig].Depth does not open to choice: the
// explorer that made the log had another window.
type WindowError struct {
	Place int
	Rank  int // of the row in the order, from 0
	Depth int // rows that are open
}

// Error names the place, the rank, the window and the remedy.
func (e *WindowError) Error() string {
	return fmt.Sprintf("place %d shows row %d of the order, beyond the %d that the explorer is taken to choose from; set JudgeConfig.Depth to the pipeline's",
		e.Place, e.Rank+1, e.Depth)
}

// fieldError is the error of a field of a configuration.
func fieldError(field, is, want string) error {
	return &ope.FieldError{Field: "logged: " + field, Is: is, Want: want}
}
