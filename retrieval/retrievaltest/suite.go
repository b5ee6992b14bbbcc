package retrievaltest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// Run checks that the retriever that newRetriever returns keeps the contract; each case is a
// subtest with a retriever of its own. At least one of the requests must be one that the
// retriever has an answer to; without any, those of the zero [Suite] are used.
func Run(t *testing.T, newRetriever func(t *testing.T) recsys.Retriever, requests ...recsys.Request) {
	t.Helper()
	Suite{Requests: requests}.Run(t, newRetriever)
}

// Suite is the conformance suite with its settings.
type Suite struct {
	// Requests are what the retriever is asked. Nil means a few users whose histories and
	// anchors are among the items 1 to 8. Exclude, Allow and K are the suite's to set.
	Requests []recsys.Request

	// Columns and Fill are the request row that the retriever reads: Fill writes the row of
	// a request, as a feature source does for items = nil.
	Columns []recsys.Column
	Fill    func(q *recsys.Query, row *recsys.Block)

	// Empty, if not nil, returns a retriever that has no items, or was trained on nothing.
	Empty func() recsys.Retriever

	// Waits says that the retriever waits for network or disk, so that a done context must
	// end its calls with an error. Of others it is only asked that they return.
	Waits bool

	// Patience is how long a case may take, by the wall clock; 0 means a minute. A case
	// that takes longer counts as hung, and no further case runs.
	Patience time.Duration
}

// Violation is one rule that a retriever broke.
type Violation struct {
	Case   string // name of the case: the subtest
	Rule   string // the rule, as the contract has it
	Detail string // what was seen
}

// String returns case, detail and rule.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s\n\trule: %s", v.Case, v.Detail, v.Rule)
}

// Run checks the retrievers that newRetriever returns, one subtest for each case.
func (s Suite) Run(t *testing.T, newRetriever func(t *testing.T) recsys.Retriever) {
	t.Helper()
	hung := false
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Helper()
			if hung {
				t.Skip("a call of an earlier case has not returned")
			}
			r := newRetriever(t)
			if why := s.skips(c, r); why != "" {
				t.Skip(why)
			}
			var found []Violation
			found, hung = s.check(c, r)
			for _, v := range found {
				t.Errorf("%s\nrule: %s", v.Detail, v.Rule)
			}
		})
	}
}

// Check is Run without a testing.T: it returns what it finds, at most three violations of
// each case. newRetriever returns a new retriever at each call.
func (s Suite) Check(newRetriever func() recsys.Retriever) []Violation {
	var all []Violation
	for _, c := range cases {
		r := newRetriever()
		if s.skips(c, r) != "" {
			continue
		}
		found, hung := s.check(c, r)
		all = append(all, found...)
		if hung {
			break
		}
	}
	return all
}

// skips says why a case does not apply, or nothing.
func (s Suite) skips(c testCase, r recsys.Retriever) string {
	_, scores := r.(recsys.ItemScorer)
	switch {
	case c.scorer && !scores:
		return "the retriever is no recsys.ItemScorer"
	case c.empty && s.Empty == nil:
		return "Suite.Empty is not set"
	}
	return ""
}

// check runs one case on a goroutine of its own, so that a call that hangs is found.
func (s Suite) check(c testCase, r recsys.Retriever) (found []Violation, hung bool) {
	patience := s.Patience
	if patience <= 0 {
		patience = time.Minute
	}
	if s.Requests == nil {
		s.Requests = defaultRequests()
	}
	requests := make([]recsys.Request, len(s.Requests))
	for i, req := range s.Requests {
		requests[i] = clone(req) // some cases write to its slices
		requests[i].Exclude, requests[i].Allow, requests[i].Explain = nil, nil, false
	}
	s.Requests = requests
	p := &probe{Suite: s, retriever: r}
	return p.run(c.name, c.rule, patience, func() { c.check(p) })
}

// recorder collects what a case finds.
type recorder struct{ details []string }

func (r *recorder) fail(format string, args ...any) {
	r.details = append(r.details, fmt.Sprintf(format, args...))
}

// run calls check on a goroutine of its own and returns what it recorded, at most three
// violations. A check that does not return in time counts as hung, and its record is lost.
func (r *recorder) run(name, rule string, patience time.Duration, check func()) (found []Violation, hung bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.fail("panicked: %v\n%s", v, debug.Stack())
			}
		}()
		check()
	}()
	details := []string{fmt.Sprintf("a call did not return within %v", patience)}
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-done:
		details = r.details
	case <-wait.C:
		hung = true
	}
	for _, d := range details[:min(len(details), 3)] {
		found = append(found, Violation{Case: name, Rule: rule, Detail: d})
	}
	return found, hung
}

// defaultRequests cover a known user, a new one, and an item page.
func defaultRequests() []recsys.Request {
	at := time.Unix(1_700_000_000, 0)
	event := func(item recsys.ItemID, hours int) recsys.Event {
		return recsys.Event{Item: item, Kind: recsys.Click, Time: at.Add(-time.Duration(hours) * time.Hour)}
	}
	return []recsys.Request{
		{User: 1, Now: at, History: []recsys.Event{event(1, 30), event(2, 20), event(3, 1)}},
		{User: 2, Now: at, History: []recsys.Event{event(4, 3)}, Surface: "home"},
		{User: 3, Now: at, Items: []recsys.ItemID{5}},
		{User: 4, Now: at, History: []recsys.Event{event(6, 9), event(8, 8), event(6, 7)}, Items: []recsys.ItemID{7, 8}},
	}
}

// probe is the retriever under one case.
type probe struct {
	Suite
	recorder
	retriever recsys.Retriever
}

// list is one answer.
type list struct {
	items  []recsys.ItemID
	scores []float32
	err    error
}

// visit asks a pipeline that holds nothing but the retriever and the columns for n
// candidates, and calls look with the bound retriever and the query in its place.
func (p *probe) visit(ctx context.Context, req recsys.Request, n int, look func(r recsys.Retriever, q *recsys.Query, out *recsys.Sink) error) *recsys.Result {
	req.K = 1
	opts := []recsys.Option{recsys.Retrieve("under test", carrier{p.retriever, look}, recsys.Quota(n))}
	if len(p.Columns) > 0 {
		opts = append(opts, recsys.Features(recsys.FeatureFunc{
			Cols: p.Columns,
			Func: func(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
				if items == nil && p.Fill != nil {
					p.Fill(q, out)
				}
				return nil
			},
		}))
	}
	pipeline, err := recsys.NewPipeline(opts...).Build()
	if err != nil {
		p.fail("it cannot be built into a pipeline: %v", err)
		return nil
	}
	res, err := pipeline.Recommend(ctx, &req)
	if res == nil || err != nil && !errors.Is(err, recsys.ErrNoCandidates) {
		p.fail("request of user %d: %v", req.User, err)
	}
	if res != nil {
		for _, d := range res.Degraded {
			if d.Reason == recsys.ReasonPanic {
				p.fail("request of user %d: %v", req.User, d)
			}
		}
	}
	return res
}

// carrier stands in the pipeline in place of the retriever.
type carrier struct {
	inner recsys.Retriever
	look  func(r recsys.Retriever, q *recsys.Query, out *recsys.Sink) error
}

func (c carrier) Bind(s *recsys.Schema) (recsys.Retriever, error) {
	bound, err := recsys.Bind(c.inner, s)
	return carrier{bound, c.look}, err
}

func (c carrier) Validate() error {
	if v, ok := c.inner.(recsys.Validator); ok {
		return v.Validate()
	}
	return nil
}

func (c carrier) Retrieve(_ context.Context, q *recsys.Query, out *recsys.Sink) error {
	return c.look(c.inner, q, out)
}

// each calls look with the query of every request.
func (p *probe) each(look func(r recsys.Retriever, q *recsys.Query)) {
	for _, req := range p.Requests {
		p.visit(context.Background(), req, 1, func(r recsys.Retriever, q *recsys.Query, _ *recsys.Sink) error {
			look(r, q)
			return nil
		})
	}
}

// plenty is room for all that most retrievers have.
const plenty = 1000

// ask returns what the retriever proposes to a sink with room for n.
func ask(ctx context.Context, r recsys.Retriever, q *recsys.Query, n int) list {
	out := recsys.NewSink(n)
	err := r.Retrieve(ctx, q, out)
	items, scores := out.Items()
	return list{items, scores, err}
}

// answer is ask for what must not fail.
func (p *probe) answer(r recsys.Retriever, q *recsys.Query, n int) list {
	l := ask(context.Background(), r, q, n)
	if l.err != nil {
		p.fail("user %d: error %v", q.User, l.err)
	}
	return l
}
