// Package featurestest tests implementations of [recsys.FeatureSource]: a suite
// that checks the interface's contract, and faulty sources to test what uses one.
//
//	func TestSource(t *testing.T) {
//		featurestest.Run(t, func(t *testing.T) recsys.FeatureSource {
//			return newSource(t) // that knows the items 1, 2 and 3
//		}, featurestest.Config{Items: []recsys.ItemID{1, 2, 3}, Unknown: []recsys.ItemID{4}})
//	}
//
// Run the tests with -race too: then the suite finds data races between concurrent calls.
package featurestest

import (
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// Config says what the suite may expect of a source. The zero value is of use: cases that
// need to know more are skipped, and say so.
type Config struct {
	// Items are items that the source knows. By default the suite asks for 1 to 5,
	// and expects nothing of them.
	Items []recsys.ItemID
	// Unknown are items that the source does not know.
	Unknown []recsys.ItemID

	// Users and UnknownUsers are the same for columns of scope PerRequest. By default the
	// suite asks for user 1.
	Users        []recsys.UserID
	UnknownUsers []recsys.UserID

	// Request is what queries are made of: Now, History, Items. Its User is replaced.
	// The default Now is Written, else 2026-01-01.
	Request recsys.Request
	// Written is the event time of everything that the source knows. Without it, ages
	// are not checked.
	Written time.Time

	// Upstream is what the pipeline has before the source: for sources that bind
	// names. A source that reads the candidate table finds Items proposed by the first
	// of Upstream.Sources.
	Upstream recsys.SchemaConfig

	// Write changes what the source knows. It is called with 0, 1, 2, … from one
	// goroutine while others read. Nil for sources that do not change.
	Write func(source recsys.FeatureSource, n int)

	// Patience is how long a call with a cancelled context may take. The default is 10 s.
	Patience time.Duration
}

// Violation is a rule of the contract that a source breaks.
type Violation struct {
	Case   string // the name of the case
	Rule   string // the contract's words
	Detail string // what was seen
}

// String prints the violation and, on a second line, the rule.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s\n\tthe contract: %s", v.Case, v.Detail, v.Rule)
}

// Run checks a source: each case is a subtest with a source of its own.
func Run(t *testing.T, newSource func(t *testing.T) recsys.FeatureSource, config Config) {
	t.Helper()
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			violations, skipped := c.check(newSource(t), config)
			for _, v := range violations {
				t.Error(v)
			}
			if skipped != "" && len(violations) == 0 {
				t.Skip(skipped)
			}
		})
	}
}

// Check does what Run does without a testing.T, and returns what it found.
func Check(newSource func() recsys.FeatureSource, config Config) []Violation {
	var all []Violation
	for i := range cases {
		violations, _ := cases[i].check(newSource(), config)
		all = append(all, violations...)
	}
	return all
}

// testCase is one rule.
type testCase struct {
	name string
	rule string
	run  func(p *probe) error // errors.Join of violations, or a skip
}

// skip is the error of a case that cannot say anything of a source.
type skip string

func (s skip) Error() string { return string(s) }

func (c *testCase) check(source recsys.FeatureSource, config Config) (violations []Violation, skipped string) {
	p := &probe{config: config.withDefaults()}
	err := p.bind(source)
	if err == nil {
		err = guarded(func() error { return c.run(p) })
	}
	var s skip
	switch {
	case err == nil:
		return nil, ""
	case errors.As(err, &s):
		return nil, string(s)
	}
	return []Violation{{c.name, c.rule, err.Error()}}, ""
}

// guarded calls f and turns a panic into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

func (c Config) withDefaults() Config {
	if c.Request.K == 0 {
		c.Request.K = 10
	}
	if c.Request.Now.IsZero() {
		c.Request.Now = c.Written
	}
	if c.Request.Now.IsZero() {
		c.Request.Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.Patience == 0 {
		c.Patience = 10 * time.Second
	}
	return c
}
