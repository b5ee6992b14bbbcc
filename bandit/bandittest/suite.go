package bandittest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
)

// Run checks with the zero [Suite] that the explorer that newExplorer returns keeps the
// contract; each case is a subtest with an explorer of its own.
func Run(t *testing.T, newExplorer func(t *testing.T) recsys.Explorer) {
	t.Helper()
	Suite{}.Run(t, newExplorer)
}

// Suite is the conformance suite with its settings. The zero value is the full form.
type Suite struct {
	// Draws is the number of slates that a statistical case draws. 0 means 1,000,000,
	// and 30,000 under -short and under the race detector.
	Draws int

	// Seed is the seed of the first request; the others count up from it. With
	// the same seed and the same explorer the suite finds the same.
	Seed uint64

	// Spread is the difference between the best and the worst utility in the statistical
	// cases. 0 means 1. Choose it so that bad rows are drawn, but clearly less often: 2
	// or 3 temperatures. The cases know no other way to make an explorer try.
	Spread float64
}

// Violation is one rule that an explorer broke.
type Violation struct {
	Case   string // name of the case: the subtest
	Rule   string // the rule, as the contract has it
	Detail string // what was seen
}

// String returns case, detail and rule.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s\n\trule: %s", v.Case, v.Detail, v.Rule)
}

// Run checks the explorers that newExplorer returns, one subtest for each case.
func (s Suite) Run(t *testing.T, newExplorer func(t *testing.T) recsys.Explorer) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Helper()
			for _, v := range s.check(c, func() recsys.Explorer { return newExplorer(t) }) {
				t.Errorf("%s\nrule: %s", v.Detail, v.Rule)
			}
		})
	}
}

// Check is Run without a testing.T: it returns what it finds, at most three violations of
// each case. newExplorer returns a new explorer at each call.
func (s Suite) Check(newExplorer func() recsys.Explorer) []Violation {
	var found []Violation
	for _, c := range cases {
		found = append(found, s.check(c, newExplorer)...)
	}
	return found
}

func (s Suite) check(c testCase, newExplorer func() recsys.Explorer) []Violation {
	p := &probe{Suite: s.defaults(), fresh: newExplorer}
	p.e = p.explorer()
	p.guarded(func() { c.check(p) })
	p.details = p.details[:min(len(p.details), 3)]
	found := make([]Violation, len(p.details))
	for i, d := range p.details {
		found[i] = Violation{Case: c.name, Rule: c.rule, Detail: d}
	}
	return found
}

func (s Suite) defaults() Suite {
	if s.Draws <= 0 {
		s.Draws = 1_000_000
		if race.Enabled || testing.Testing() && testing.Short() {
			s.Draws = 30_000
		}
	}
	if s.Spread <= 0 {
		s.Spread = 1
	}
	return s
}

// testCase checks one rule.
type testCase struct {
	name  string
	rule  string // quoted from the doc comments of recsys
	check func(*probe)
}

var cases = []testCase{
	{"fills-every-place", "Explorer: while s.Next() { choose a row of s.Admissible(); s.Pick(row, propensity) }", fillsEveryPlace},
	{"picks-are-right", "Slate.Pick: a row that is not admissible or a propensity outside (0, 1] is an error", picksAreRight},
	{"short-slate-is-no-error", "Slate.Next: it is false when no row is left; a dead end returns a shorter slate", shortSlateIsNoError},
	{"below-the-window-is-one-choice", "Slate: the window grows by the next row of the order that may; the explorer then has one choice, of propensity 1", belowTheWindow},
	{"extreme-utilities", "Candidates.Utility: it starts as the score, -Inf where that is NaN; Explorer: over the admissible rows of a position the propensities sum to 1", extremeUtilities},
	{"utility-not-score", "Explorer: choice depends on utility, not on score", utilityNotScore},
	{"same-query-same-slate", "Explorer: randomness comes from q.Rand()", sameQuerySameSlate},
	{"writes-only-the-slate", "Explorer: nothing is written but s", writesOnlyTheSlate},
	{"concurrent-calls", "Explorer: any number of calls run concurrently", concurrentCalls},
	{"keeps-nothing", "Candidates: the table is the pipeline's and is reused: keep nothing of it after the call", keepsNothing},
	{"cancelled-context", "a call that ends because ctx is done returns an error that wraps ctx.Err()", cancelledContext},
	{"propensity-depends-on-picks", "Explorer: the propensity is the probability of the row given the picks above it", propensityDependsOnPicks},
	{"propensities-sum-to-one", "Explorer: over the admissible rows of a position the propensities sum to 1", propensitiesSumToOne},
	{"frequencies-free", frequencyRule, func(p *probe) { frequencies(p, p.free()) }},
	{"frequencies-capped", frequencyRule, func(p *probe) { frequencies(p, p.capped()) }},
	{"frequencies-readmitted", frequencyRule, func(p *probe) { frequencies(p, p.readmitting()) }},
	{"joint-distribution", "Explorer: the propensity is the probability of the row given the picks above it, so their product is that of the slate", jointDistribution},
	{"judge-agrees", "Judge: the probability that the explorer picks slate[i] at place i, given the picks above it", judgeAgrees},
	{"judge-sums-to-one", "Judge: the probability that the explorer picks slate[i] at place i, given the picks above it", judgeSumsToOne},
	{"judge-impossible-slates", "Judge: places that could not have come get 0, and so do all below them", judgeImpossibleSlates},
}

const frequencyRule = "Explorer: the propensity is the probability of the row given the picks above it, in (0, 1]"

// probe is what a case works with.
type probe struct {
	Suite
	e       recsys.Explorer
	fresh   func() recsys.Explorer
	details []string
}

func (p *probe) failf(format string, args ...any) {
	p.details = append(p.details, fmt.Sprintf(format, args...))
}

// guarded calls f and reports a panic in it.
func (p *probe) guarded(f func()) {
	defer func() {
		if v := recover(); v != nil {
			p.failf("panic: %v", v)
		}
	}()
	f()
}

// explorer returns a new explorer, bound as a pipeline binds it.
func (p *probe) explorer() recsys.Explorer {
	e := p.fresh()
	bound, err := recsys.Bind(e, schema())
	if err != nil {
		p.failf("Bind: %v", err)
	}
	return bound
}

// outcome is what one call did.
type outcome struct {
	rows  []int32
	props []float64
	err   error
	slate error // of the slate
	open  bool  // a place was left though a row could come
}

func (o *outcome) equal(x *outcome) bool {
	return slices.Equal(o.rows, x.rows) && slices.Equal(o.props, x.props) && (o.err == nil) == (x.err == nil)
}

// explore calls e once on a new table of in.
func explore(ctx context.Context, e recsys.Explorer, in *instance, seed uint64) outcome {
	c, order := in.table()
	return exploreTable(ctx, e, in, c, order, seed)
}

func exploreTable(ctx context.Context, e recsys.Explorer, in *instance, c *recsys.Candidates, order []int32, seed uint64) outcome {
	s := c.Slate(in.k, order)
	err := e.Explore(ctx, in.query(seed), c, s)
	return outcome{
		rows: slices.Clone(s.Rows()), props: slices.Clone(s.Propensities()),
		err: err, slate: s.Err(), open: s.Next(),
	}
}
