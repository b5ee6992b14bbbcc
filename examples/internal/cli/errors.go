package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// InputError says that a file given by the caller is missing or malformed. It
// makes a program exit with 2.
type InputError struct {
	File string // as the caller named it
	Line int    // counted from 1; 0 if no line is meant
	Err  error  // the reason
}

// Error returns "file:line: reason", or "file: reason" without a line.
func (e *InputError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

// Unwrap returns the reason.
func (e *InputError) Unwrap() error { return e.Err }

// Inputf returns an *[InputError] with a formatted reason.
func Inputf(file string, line int, format string, args ...any) error {
	return &InputError{File: file, Line: line, Err: fmt.Errorf(format, args...)}
}

// UsageError says that the caller's flags make no sense. It makes a program
// exit with 2.
type UsageError struct {
	Err error // the reason
}

// Error returns the reason.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a *[UsageError] with a formatted reason.
func Usagef(format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// ExitCode returns 0 for nil and [flag.ErrHelp], 2 for an error that wraps an
// *[InputError] or a *[UsageError], 1 for any other.
func ExitCode(err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if _, ok := errors.AsType[*InputError](err); ok {
		return 2
	}
	if _, ok := errors.AsType[*UsageError](err); ok {
		return 2
	}
	return 1
}

// Exit ends a program's run: it writes err to stderr, or the help text to
// stdout if err wraps [flag.ErrHelp], and returns the [ExitCode]. Behind the fields of
// configurations that err names, such as Config.LearningRate, it names the flag that sets them,
// -learning-rate or -train-learning-rate, if there is one.
func Exit(fs *flag.FlagSet, err error, stdout, stderr io.Writer) int {
	switch code := ExitCode(err); {
	case err == nil:
		return 0
	case code == 0:
		fs.SetOutput(stdout)
		fs.Usage()
		fs.SetOutput(io.Discard)
		return 0
	default:
		fmt.Fprintf(stderr, "%s: %s\n", fs.Name(), withFlags(fs, err.Error()))
		if _, ok := errors.AsType[*UsageError](err); ok {
			fmt.Fprintf(stderr, "%s: -help lists the flags\n", fs.Name())
		}
		return code
	}
}

// withFlags names the flags that set the fields in a text.
func withFlags(fs *flag.FlagSet, text string) string {
	field := regexp.MustCompile(`\b(?:Config|Architecture|Transitions|History)\.[A-Z][A-Za-z0-9]*`)
	word := regexp.MustCompile(`([a-z0-9])([A-Z])`)
	return field.ReplaceAllStringFunc(text, func(found string) string {
		_, name, _ := strings.Cut(found, ".")
		name = strings.ToLower(word.ReplaceAllString(name, "$1-$2"))
		for _, name := range []string{"train-" + name, name} {
			if fs.Lookup(name) != nil {
				return found + " (-" + name + ")"
			}
		}
		return found
	})
}
