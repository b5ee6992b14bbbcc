package rankingtest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// Run checks that the ranker that newRanker returns keeps the contract; each case is a subtest
// with a ranker of its own. columns are those that the ranker reads.
func Run(t *testing.T, newRanker func(t *testing.T) recsys.Ranker, columns ...recsys.Column) {
	t.Helper()
	Suite{Columns: columns}.Run(t, newRanker)
}

// Suite is the conformance suite with its settings.
type Suite struct {
	// Columns, Sources and Heads are what the ranker may read: feature columns, retrievers,
	// and heads of the rankers before it. All rows come from the first source, in the order
	// of the table; with a source the case place-does-not-matter therefore judges nothing.
	Columns []recsys.Column
	Sources []string
	Heads   []string

	// Seed is what the values in the tables derive from. With the same seed and the
	// same ranker the suite finds the same.
	Seed uint64

	// Patience is how long a call may take, by the wall clock: its context ends then. 0 means
	// 10 s. A call that has not returned as long again after that, or a second if that is
	// longer, counts as hung, and no further case runs.
	Patience time.Duration
}

// Violation is one rule that a ranker broke.
type Violation struct {
	Case   string // name of the case: the subtest
	Rule   string // the rule, as the contract has it
	Detail string // what was seen
}

// String returns case, detail and rule.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s\n\trule: %s", v.Case, v.Detail, v.Rule)
}

// Run checks the rankers that newRanker returns, one subtest for each case.
func (s Suite) Run(t *testing.T, newRanker func(t *testing.T) recsys.Ranker) {
	t.Helper()
	hung := false
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Helper()
			if hung {
				t.Skip("a call of an earlier case has not returned")
			}
			var found []Violation
			found, hung = s.check(c, func() recsys.Ranker { return newRanker(t) })
			for _, v := range found {
				t.Errorf("%s\nrule: %s", v.Detail, v.Rule)
			}
		})
	}
}

// Check is Run without a testing.T: it returns what it finds, at most three
// violations of each case. newRanker returns a new ranker at each call.
func (s Suite) Check(newRanker func() recsys.Ranker) []Violation {
	var all []Violation
	for _, c := range cases {
		found, hung := s.check(c, newRanker)
		all = append(all, found...)
		if hung {
			break
		}
	}
	return all
}

func (s Suite) check(c testCase, newRanker func() recsys.Ranker) (found []Violation, hung bool) {
	if s.Patience <= 0 {
		s.Patience = 10 * time.Second
	}
	p := &probe{Suite: s, newRanker: newRanker}
	p.guarded(func() {
		p.layout()
		c.check(p)
	})
	for _, detail := range p.details[:min(len(p.details), 3)] {
		found = append(found, Violation{Case: c.name, Rule: c.rule, Detail: detail})
	}
	return found, p.hung
}

// testCase checks one rule.
type testCase struct {
	name  string
	rule  string // quoted from the doc comments of recsys
	check func(*probe)
}

var cases = []testCase{
	{"binds", "Binder: Bind resolves the names and returns a new, bound stage; the receiver stays as it was", binds},
	{"bind-lists-missing-columns", "Binder: a missing or mistyped name is an error that joins all of them", bindListsMissingColumns},
	{"names-heads", "HeadWriter: Heads returns their names in the order of Scores.Heads", namesHeads},
	{"says-kinds", "HeadKinder: HeadKinds()[i] is the kind of Heads()[i]; a probability is in [0, 1]", saysKinds},
	{"scores-every-row", "Ranker: every row gets a score, and every head it declares", scoresEveryRow},
	{"writes-only-its-heads", "Scores: head j of row i, in the order of HeadWriter, is Heads[i*Stride+j]", writesOnlyItsHeads},
	{"empty-table", "Ranker: Rank writes a score for every row of c; there may be none", emptyTable},
	{"complete-features", "Ranker: every row gets a score; Scores: NaN sorts last", completeFeatures},
	{"missing-features", "Ranker: a missing feature (NaN) gives a score, not an error", missingFeatures},
	{"place-does-not-matter", "Ranker: the score of a row does not depend on its place in the table", placeDoesNotMatter},
	{"same-call-same-scores", "Pipeline: the same request, seed, clock and models give the same answer", sameCallSameScores},
	{"read-only", "Ranker: c and q are read-only", readOnly},
	{"keeps-nothing", "Ranker: c and q are not kept; Candidates: the table is the pipeline's and is reused", keepsNothing},
	{"concurrent-calls", "Ranker: any number of calls run concurrently", concurrentCalls},
	{"cancelled-context", "a call that ends because ctx is done returns an error that wraps ctx.Err()", cancelledContext},
}

// probe is what a case works with.
type probe struct {
	Suite
	newRanker func() recsys.Ranker
	schema    *recsys.Schema
	details   []string
	hung      bool
}

func (p *probe) failf(format string, args ...any) {
	p.details = append(p.details, fmt.Sprintf(format, args...))
}

// abort ends a case that cannot go on; what is wrong has been noted.
type abort struct{}

func (p *probe) fatalf(format string, args ...any) {
	p.failf(format, args...)
	panic(abort{})
}

// guarded calls f and notes a panic in it.
func (p *probe) guarded(f func()) {
	defer func() {
		switch v := recover().(type) {
		case nil, abort:
		default:
			p.failf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	f()
}

// layout makes the schema.
func (p *probe) layout() {
	s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: p.Columns, Heads: p.Heads, Sources: p.Sources})
	if err != nil {
		p.fatalf("the suite's own columns are not valid: %v", err)
	}
	p.schema = s
}

// ranker returns a new ranker, bound as a pipeline binds it.
func (p *probe) ranker() recsys.Ranker {
	r := p.newRanker()
	if r == nil {
		p.fatalf("there is no ranker")
	}
	if v, ok := r.(recsys.Validator); ok {
		if err := v.Validate(); err != nil {
			p.fatalf("Validate: %v", err)
		}
	}
	bound, err := recsys.Bind(r, p.schema)
	if err != nil {
		p.fatalf("Bind: %v", err)
	}
	return bound
}

// headsOf returns the heads that a ranker declares.
func headsOf(r recsys.Ranker) []string {
	if h, ok := r.(recsys.HeadWriter); ok {
		return h.Heads()
	}
	return nil
}

// panicked is the error of a call that panicked.
type panicked struct{ text string }

func (e *panicked) Error() string { return e.text }

// call ranks with a deadline, on a goroutine so that a call that hangs does not
// hang the suite.
func (p *probe) call(ctx context.Context, r recsys.Ranker, q *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- &panicked{fmt.Sprintf("panic: %v\n%s", v, debug.Stack())}
			}
		}()
		done <- r.Rank(ctx, q, c, out)
	}()
	limit := p.Patience + max(p.Patience, time.Second)
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		p.hung = true
		p.fatalf("Rank has not returned after %v, though its context ended after %v", limit, p.Patience)
		return nil
	}
}

// rank calls the ranker on t and returns what it wrote; ok is false after an error, which is noted.
func (p *probe) rank(r recsys.Ranker, t *table) (s *scores, ok bool) {
	s = newScores(t.n, len(headsOf(r)), mark)
	if err := p.call(context.Background(), r, t.query(), t.candidates(), s.out()); err != nil {
		var pe *panicked
		if errors.As(err, &pe) {
			p.fatalf("%v, on %v", err, t)
		}
		p.failf("Rank returned %q, on %v", err, t)
		return nil, false
	}
	return s, true
}
