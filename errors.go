package recsys

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// StageError says which stage failed and how. Build joins one per mistake, Recommend
// returns one when a required stage failed.
type StageError struct {
	Stage string // "retrieve/als", "rank/main"
	Err   error
}

// Error prints the stage and the cause.
func (e *StageError) Error() string { return e.Stage + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *StageError) Unwrap() error { return e.Err }

// PanicError is the error of a stage that panicked.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // as of debug.Stack
}

// Error prints the value; the stack is in Stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// catch turns a panic into an error; it is deferred.
func catch(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// ErrSaturated is the cause of a remote stage that was not called because too many of its calls hang.
var ErrSaturated = errors.New("recsys: too many calls in flight")

// recordedError is a failure as a record tells it: what Replay forces.
type recordedError struct {
	reason Reason
	err    error
}

func (e *recordedError) Error() string { return e.err.Error() }
func (e *recordedError) Unwrap() error { return e.err }

// reasonOf classifies the error of a stage.
func reasonOf(err error) Reason {
	var p *PanicError
	var rec *recordedError
	switch {
	case errors.As(err, &rec):
		return rec.reason
	case errors.As(err, &p):
		return ReasonPanic
	case errors.Is(err, ErrSaturated):
		return ReasonSaturated
	case errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	}
	return ReasonError
}
