package encoder

import (
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/envelope"
)

// ErrUnfitted is wrapped by the error of a set that is used before what its steps learn from data is known.
var ErrUnfitted = errors.New("the parameters are not fitted; call Set.Fit or give them")

// ErrNoData is wrapped by the error of [Set.Fit] for a step whose inputs held no usable value.
var ErrNoData = errors.New("no usable value to fit")

// What can be wrong with a file; the errors of [Load] and [Set.ReadFrom] wrap one of them.
var (
	ErrKind      = envelope.ErrKind      // not a file of this module, or one of another kind
	ErrNewer     = envelope.ErrNewer     // written by a later version of this module
	ErrTruncated = envelope.ErrTruncated // the file ends too early
	ErrCorrupt   = envelope.ErrCorrupt   // a checksum does not hold, or the contents contradict each other
)

// StepError says which step of a set is wrong, and what is.
type StepError struct {
	Step string // its name; "steps[3]" when it has none
	Err  error
}

// Error names the step and the cause.
func (e *StepError) Error() string { return fmt.Sprintf("encoder: step %q: %v", e.Step, e.Err) }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// InputError says that an input of a set is not the column that the set was made for: another dimension or scope. Another
// kind, and a column that is not there, is a [*recsys.ColumnError].
type InputError struct {
	Want, Have recsys.Column
}

// Error names the column and both forms.
func (e *InputError) Error() string {
	return fmt.Sprintf("encoder: input %q is %s; the set was made for %s", e.Want.Name, form(&e.Have), form(&e.Want))
}

func form(c *recsys.Column) string {
	if c.Kind == recsys.Vector {
		return fmt.Sprintf("a %v of dimension %d per %v", c.Kind, c.Dim, c.Scope)
	}
	return fmt.Sprintf("%v per %v", c.Kind, c.Scope)
}

// wantKinds checks that a step reads one column for each kind.
func wantKinds(in []recsys.Column, kinds ...recsys.Kind) error {
	if len(in) != len(kinds) {
		return fmt.Errorf("reads %d columns; want %d", len(in), len(kinds))
	}
	var errs []error
	for i := range in {
		if in[i].Kind != kinds[i] {
			errs = append(errs, wrongKind(&in[i], kinds[i]))
		}
	}
	return errors.Join(errs...)
}

func wrongKind(c *recsys.Column, want recsys.Kind) error {
	return &recsys.ColumnError{Column: c.Name, Want: want, Have: &recsys.Field{Column: *c, Source: "the set"}}
}
