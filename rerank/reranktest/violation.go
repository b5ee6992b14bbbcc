package reranktest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/recsyskit/recsys"
)

// Violation is one broken rule.
type Violation struct {
	Rule   string // the rule's name, as the subtest's
	Why    string // what the contract says
	Detail error  // what the stage did instead
}

// String prints the three parts.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %v\n\tthe contract: %s", v.Rule, v.Detail, v.Why)
}

// rule is one case of a suite. check returns what was broken, or errSkipped.
type rule[S any] struct {
	name, why string
	check     func(s *suite[S]) error
}

// errSkipped is wrapped by a check that does not apply.
var errSkipped = errors.New("does not apply")

// suite is what the checks of one stage share.
type suite[S any] struct {
	options
	schema *recsys.Schema
	make   func() (S, error) // a new stage, bound
}

func newSuite[S any](fresh func() S, opts []Option) (*suite[S], error) {
	s := &suite[S]{options: options{columns: Columns(), fill: Fill}}
	for _, o := range opts {
		o(&s.options)
	}
	schema, err := recsys.NewSchema(recsys.SchemaConfig{Columns: s.columns})
	if err != nil {
		return nil, err
	}
	s.schema = schema
	s.make = func() (S, error) {
		stage := fresh()
		if v, ok := any(stage).(recsys.Validator); ok {
			if err := v.Validate(); err != nil {
				return stage, fmt.Errorf("its Validate failed: %w", err)
			}
		}
		bound, err := recsys.Bind(stage, schema)
		if err != nil {
			return stage, fmt.Errorf("its Bind failed: %w", err)
		}
		return bound, nil
	}
	return s, nil
}

// checkRules runs all rules and collects what was broken.
func checkRules[S any](rules []rule[S], fresh func() S, opts []Option) []Violation {
	s, err := newSuite(fresh, opts)
	if err != nil {
		return []Violation{{Rule: "Columns", Why: "columns have names and kinds", Detail: err}}
	}
	var out []Violation
	for _, r := range rules {
		if err := guarded(r, s); err != nil && !errors.Is(err, errSkipped) {
			out = append(out, Violation{r.name, r.why, err})
		}
	}
	return out
}

// runRules runs each rule as a subtest.
func runRules[S any](t *testing.T, rules []rule[S], fresh func(t *testing.T) S, opts []Option) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			s, err := newSuite(func() S { return fresh(t) }, opts)
			if err != nil {
				t.Fatal(err)
			}
			switch err := guarded(r, s); {
			case errors.Is(err, errSkipped):
				t.Skip(err)
			case err != nil:
				t.Error(Violation{r.name, r.why, err})
			}
		})
	}
}

// guarded turns a panic of the stage into a violation.
func guarded[S any](r rule[S], s *suite[S]) (err error) {
	defer caught(&err)
	return r.check(s)
}

func caught(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("panicked: %v", v)
	}
}
