package recsys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pipeline is a wired funnel: immutable, safe for any number of concurrent requests.
// [NewPipeline] makes one, [Live] swaps one for another while requests run.
type Pipeline struct {
	sources     []*stage[Retriever]
	features    []*stage[FeatureSource]
	filters     []*stage[Filter]
	rankers     []*stage[Ranker]
	objective   *stage[Objective]
	rerankers   []*stage[ReRanker]
	explorer    *stage[Explorer]
	sinks       []*stage[ExposureSink]
	observers   []Observer
	constraints []Constraint      // bound, in declared order
	rules       []constraintStage // parallel to constraints

	schema      *Schema
	context     []Column
	contextHash uint64
	contextAt   []Field // where each context column stands
	requestCols []blockLayout
	itemCols    []blockLayout // parallel to features
	heads       []headRange   // parallel to rankers
	gather      []int         // head that the objective reads at each place
	gatherAll   bool          // gather is 0, 1, … over all heads
	fallbacks   bool          // a source is one
	aged        []bool        // groups that have ages; nil where none has
	stageViews  []StageView   // that the sources serve

	sourceWork  []work // of remote stages, parallel to sources
	requestWork []work // parallel to features
	itemWork    []work
	rankWork    []work

	merge       Merge
	weights     []float32
	rrf         [][]float32 // what each rank of a source is worth
	cap         int         // 0: none
	depth       int         // 0: 4 x K
	exploration Exploration // of the explorer
	clock       func() time.Time
	version     string

	versions []StageVersion
	trace    []StageTrace // names only
	selectAt int          // places in trace
	mergeAt  int
	logAt    int
	closers  []stageCloser
	learners []stageLearner

	runs  sync.Pool // *run
	calls sync.Pool // *call
	gate  gate

	next     atomic.Pointer[Pipeline] // what replaced it: its stages stay open
	prev     atomic.Pointer[Pipeline] // what it replaced, while that still runs
	closing  sync.Once
	closeErr error
}

// headRange is where a ranker's heads stand: heads[at : at+n].
type headRange struct{ at, n int }

// Schema returns the layout of the candidate table: all columns, heads and sources.
func (p *Pipeline) Schema() *Schema { return p.schema }

// Version returns the version that stands in results and records.
func (p *Pipeline) Version() string { return p.version }

// Versions returns the versions of the stages that have one.
func (p *Pipeline) Versions() []StageVersion { return append([]StageVersion(nil), p.versions...) }

// Stages returns the names of the steps as they stand in [Trace], in funnel order.
// Constraints and sinks are not steps of their own: they are part of the selection and of "log".
func (p *Pipeline) Stages() []string {
	names := make([]string, len(p.trace))
	for i := range p.trace {
		names[i] = p.trace[i].Name
	}
	return names
}

// Context resolves context features for [Request].Context: once per request, or once
// for many requests that share them. A key that is no context column and a value of
// the wrong type are errors that name it; a column without a value is missing. An ID
// column takes uint64, ItemID, UserID, a non-negative int, or a string, which counts as its [HashID].
func (p *Pipeline) Context(values map[string]any) ([]Value, error) {
	out := make([]Value, 0, len(values))
	var errs []error
	for i := range p.context {
		c := &p.context[i]
		v, ok := values[c.Name]
		if !ok {
			continue
		}
		value, err := contextValue(c, v)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		value.column, value.layout = i, p.contextHash
		out = append(out, value)
	}
	for name := range values {
		if f, ok := p.schema.Field(name); !ok || f.Group != 0 || f.Source != contextSource {
			errs = append(errs, fmt.Errorf("context %q: no such context column", name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return out, nil
}

// Recommend answers req.
//
// Partial failure is an answer: what degraded stands in [Result].Degraded. An error
// is returned only when the request is not valid (it wraps [ErrRequest]), a required stage
// failed (a [*StageError]), nothing could be served ([ErrNoCandidates]), ctx was
// done at the start or cancelled on the way (ctx.Err()), or the pipeline is closed
// ([ErrClosed]). The result is never nil; with an error it has no items but says what happened.
func (p *Pipeline) Recommend(ctx context.Context, req *Request) (*Result, error) {
	res := new(Result)
	return res, p.RecommendInto(ctx, req, res)
}

// RecommendInto is Recommend into a result that is used again: it allocates nothing
// in steady state when all stages run in process and allocate nothing themselves.
func (p *Pipeline) RecommendInto(ctx context.Context, req *Request, res *Result) error {
	if !p.gate.enter() {
		res.reset(p)
		res.Err = ErrClosed
		return ErrClosed
	}
	defer p.gate.leave()
	r := p.run()
	err := r.serve(ctx, req, res)
	r.forget()
	p.runs.Put(r)
	return err
}

func (p *Pipeline) run() *run {
	if r, _ := p.runs.Get().(*run); r != nil {
		return r
	}
	return newRun(p)
}

// Close turns further requests away, waits for the running ones and for abandoned
// remote calls, and closes the stages that are io.Closers, in reverse funnel order and
// each once. A call that never returns makes Close wait until ctx is done; the stages are
// then left open and the error wraps ctx.Err(): call Close again. After [Live.Swap] the
// stages that the next pipeline uses stay open.
func (p *Pipeline) Close(ctx context.Context) error {
	p.gate.close()
	// A pipeline that this one replaced may still run on stages that both use.
	for q := p; q != nil; q = q.prev.Load() {
		select {
		case <-q.gate.idle:
			continue
		default:
		}
		select {
		case <-q.gate.idle:
		case <-ctx.Done():
			return fmt.Errorf("recsys: close: %d requests or remote calls still run: %w", q.gate.n.Load(), ctx.Err())
		}
	}
	p.closing.Do(func() { p.closeErr = p.closeStages(p.next.Load()) })
	return p.closeErr
}

func (p *Pipeline) closeStages(next *Pipeline) error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		if c := &p.closers[i]; next == nil || !next.uses(c.closer) {
			if err := c.close(); err != nil {
				errs = append(errs, &StageError{c.label, err})
			}
		}
	}
	return errors.Join(errs...)
}

// uses reports whether the pipeline would close this stage too.
func (p *Pipeline) uses(c io.Closer) bool {
	return slices.ContainsFunc(p.closers, func(x stageCloser) bool { return sameStage(x.closer, c) })
}

// sameStage reports whether two stages are one: equal where their values can be compared.
func sameStage(a, b any) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
