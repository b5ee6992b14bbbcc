package recsys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sync"
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

	sourceWork  []work // of remote stages, parallel to sources
	requestWork []work // parallel to features
	itemWork    []work
	rankWork    []work

	merge   Merge
	weights []float32
	rrf     [][]float32 // what each rank of a source is worth
	cap     int         // 0: none
	depth   int         // 0: 4 x K
	clock   func() time.Time
	version string

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
}

// headRange is where a ranker's heads stand: heads[at : at+n].
type headRange struct{ at, n int }

// Schema returns the layout of the candidate table: all columns, heads and sources.
func (p *Pipeline) Schema() *Schema { return p.schema }

// Version returns the version that stands in results and records.
func (p *Pipeline) Version() string { return p.version }

// Versions returns the versions of the stages that have one.
func (p *Pipeline) Versions() []StageVersion { return append([]StageVersion(nil), p.versions...) }

// Stages returns the names of all stages, in funnel order, as they stand in [Trace].
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
// remote calls, and closes the stages that are io.Closers, in reverse funnel order. A
// call that never returns makes Close wait until ctx is done; the stages are then left
// open and the error wraps ctx.Err().
func (p *Pipeline) Close(ctx context.Context) error { return p.closeExcept(ctx, nil) }

func (p *Pipeline) closeExcept(ctx context.Context, next *Pipeline) error {
	select {
	case <-p.gate.close():
	case <-ctx.Done():
		return fmt.Errorf("recsys: close: %d requests or remote calls still run: %w", p.gate.n.Load(), ctx.Err())
	}
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		if c := &p.closers[i]; !c.sharedWith(next) {
			if err := c.close(); err != nil {
				errs = append(errs, &StageError{c.label, err})
			}
		}
	}
	return errors.Join(errs...)
}

// run is the memory of one request. It is pooled.
type run struct {
	p   *Pipeline
	q   Query
	c   Candidates
	res *Result

	rule    itemRule
	sinks   []Sink
	views   []*Sink // what the merge reads: own sinks, or those of remote calls
	fan     fan
	blocks  []Block // one per feature source
	merger  merger
	sorter  sorter
	order   []int32
	before  []int32   // order before a re-ranker
	worth   []float32 // utilities before a re-ranker
	keep    Bits
	alive   Bits
	ranked  []bool // rankers that served
	scores  []float32
	gather  []float32
	slate   Slate
	cut     []ItemID // by MaxCandidates, when the request explains
	x       Exposure
	idBuf   []uint64
	vecBuf  [][]float32
	unshown []int32
	explore bool      // the explorer chose the slate
	held    []*call   // finished calls whose results are in use
	one     [2]uint64 // bits of a request block

	forced   []Degradation // of a replay: what failed then fails now
	replayed bool
	start    time.Time
	mark     time.Time
}

func newRun(p *Pipeline) *run {
	r := &run{p: p}
	r.sinks = make([]Sink, len(p.sources))
	r.views = make([]*Sink, len(p.sources))
	r.blocks = make([]Block, len(p.features))
	for i := range r.blocks {
		r.blocks[i].ID = make([][]uint64, 0, max(p.itemCols[i].ids, p.requestCols[i].ids))
		r.blocks[i].Vector = make([][]float32, 0, max(len(p.itemCols[i].dims), len(p.requestCols[i].dims)))
	}
	return r
}

// serve runs the funnel.
func (r *run) serve(ctx context.Context, req *Request, res *Result) error {
	r.res, r.replayed, r.forced = res, false, nil
	res.reset(r.p)
	r.start = time.Now()
	r.mark = r.start
	defer func() { res.Trace.Total = time.Since(r.start) }()
	if err := r.admit(ctx, req); err != nil {
		return err
	}
	err := r.steps(ctx)
	if err != nil {
		res.Items, res.Err = res.Items[:0], err
	}
	r.observe()
	return err
}

// steps runs the funnel after admission.
func (r *run) steps(ctx context.Context) error {
	for _, step := range [...]func(*run, context.Context) error{
		(*run).requestRow, (*run).retrieve, (*run).hydrate, (*run).finish,
	} {
		if err := step(r, ctx); err != nil {
			return err
		}
		if ctx.Err() == context.Canceled {
			return fmt.Errorf("recsys: request cancelled: %w", context.Cause(ctx))
		}
	}
	return nil
}

// forget drops what belongs to the caller, so that the pool does not keep it alive.
func (r *run) forget() {
	r.res, r.forced = nil, nil
	r.q.Request, r.x = Request{}, Exposure{Rows: r.x.Rows[:0]}
}

// admit checks the request and resolves it.
func (r *run) admit(ctx context.Context, req *Request) error {
	if req == nil {
		return fmt.Errorf("%w: request is nil", ErrRequest)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("recsys: context was done before the request began: %w", err)
	}
	if req.K < 1 {
		return fmt.Errorf("%w: K is %d; want >= 1", ErrRequest, req.K)
	}
	for i := range req.Context {
		if req.Context[i].layout != r.p.contextHash {
			return fmt.Errorf("%w: context value %d was made for other context columns; use this pipeline's Context", ErrRequest, i)
		}
	}
	r.q.reset(req, r.p.schema)
	r.q.resolve(r.p.clock)
	r.c.reset(r.p.schema)
	r.c.shape()
	r.res.ID, r.res.Now, r.res.Seed = r.q.ID, r.q.Now, r.q.Seed
	return nil
}

// finish is what replay repeats: everything after hydration.
func (r *run) finish(ctx context.Context) error {
	if err := r.filter(ctx); err != nil {
		return err
	}
	if err := r.rank(ctx); err != nil {
		return err
	}
	if err := r.rerank(ctx); err != nil {
		return err
	}
	if err := r.choose(ctx); err != nil {
		return err
	}
	r.report(ctx)
	if len(r.res.Items) == 0 {
		return r.nothing()
	}
	return nil
}

// nothing is the error of an empty answer: it carries the failures that led to it.
func (r *run) nothing() error {
	var causes []error
	for _, d := range r.res.Degraded {
		if d.Err != nil {
			causes = append(causes, &StageError{d.Stage, d.Err})
		} else {
			causes = append(causes, errors.New(d.String()))
		}
	}
	if len(causes) == 0 {
		return ErrNoCandidates
	}
	return fmt.Errorf("%w: %w", ErrNoCandidates, errors.Join(causes...))
}

// lap notes that a stage has ended: all stages between two laps are counted into the second.
func (r *run) lap(stage, out int) {
	now := time.Now()
	t := &r.res.Trace.Stages[stage]
	t.Took, t.Out, t.Ran = t.Took+now.Sub(r.mark), out, true
	r.mark = now
}

// failed records the failure of a stage; it returns an error if the stage is required.
func (r *run) failed(label string, required bool, err error) error {
	r.degrade(Degradation{Stage: label, Reason: reasonOf(err), Err: err})
	if required {
		return &StageError{label, err}
	}
	return nil
}

func (r *run) degrade(d Degradation) { r.res.Degraded = append(r.res.Degraded, d) }

// forcedTo reports whether a stage must fail because it failed in the record being replayed.
func (r *run) forcedTo(label string) error {
	if !r.replayed {
		return nil
	}
	for _, d := range r.forced {
		if d.Stage == label && d.Err != nil {
			return &recordedError{d.Reason, d.Err}
		}
	}
	return nil
}

// filter applies the filters.
func (r *run) filter(ctx context.Context) error {
	n := r.c.Len()
	r.alive = resizeBits(r.alive, n)
	r.alive.SetFirst(n)
	for i, st := range r.p.filters {
		r.keep = append(r.keep[:0], r.alive...)
		r.q.stage = st.hash
		err := r.forcedTo(st.label)
		if err == nil {
			err = r.callFilter(ctx, st)
		}
		if err != nil {
			if err := r.failed(st.label, !st.optional, err); err != nil {
				return err
			}
			r.lap(st.index, n)
			continue
		}
		for w := range r.alive {
			for gone := r.alive[w] &^ r.keep[w]; gone != 0; gone &= gone - 1 {
				r.c.dropped[w*64+bits.TrailingZeros64(gone)] = uint8(i + 1)
				r.res.Trace.Filtered++
			}
			r.alive[w] &= r.keep[w]
		}
		r.lap(st.index, n-r.res.Trace.Filtered)
	}
	return nil
}

func (r *run) callFilter(ctx context.Context, st *stage[Filter]) (err error) {
	defer catch(&err)
	return st.run.Filter(ctx, &r.q, &r.c, r.keep)
}

// rerank orders the rows and lets the re-rankers change the order.
func (r *run) rerank(ctx context.Context) error {
	c, p := &r.c, r.p
	for i, x := range c.score {
		if x != x {
			x = float32(math.Inf(-1))
			r.res.Trace.NaN++
		}
		c.utility[i] = x
	}
	if r.res.Trace.NaN > 0 {
		r.degrade(Degradation{Stage: "rank", Reason: ReasonNaN, Count: r.res.Trace.NaN})
	}
	alive := r.alive
	if r.res.Trace.Filtered == 0 {
		alive = nil
	}
	depth := r.depth()
	if len(p.rerankers) == 0 && len(p.constraints) == 0 && !r.q.Explain {
		// No stage can ask for a row below: sort no more than is needed.
		r.order = r.sorter.top(r.order[:0], c.score, c.ids, alive, max(depth, r.q.K))
	} else {
		r.order = r.sorter.all(r.order[:0], c.score, c.ids, alive)
	}
	c.constraints, c.stages = p.constraints, p.rules
	if r.q.Explain {
		r.res.explanation.noteOrder(r.order, c.Len(), len(p.rerankers), 0)
	}
	for i, st := range p.rerankers {
		r.before = append(r.before[:0], r.order...)
		r.worth = append(r.worth[:0], c.utility...)
		r.q.stage = st.hash
		err := r.forcedTo(st.label)
		if err == nil {
			err = r.callReRanker(ctx, st)
		}
		if err != nil {
			r.order = append(r.order[:0], r.before...)
			copy(c.utility, r.worth) // what it wrote half way does not count
			if err := r.failed(st.label, st.required, err); err != nil {
				return err
			}
		}
		if r.q.Explain {
			r.res.explanation.noteOrder(r.order, c.Len(), len(p.rerankers), i+1)
		}
		r.lap(st.index, len(r.order))
	}
	return nil
}

func (r *run) depth() int {
	switch {
	case r.p.explorer == nil:
		return r.q.K
	case r.p.depth > 0:
		return r.p.depth
	}
	return 4 * r.q.K
}

func (r *run) callReRanker(ctx context.Context, st *stage[ReRanker]) (err error) {
	defer catch(&err)
	order, err := st.run.ReRank(ctx, &r.q, &r.c, r.order)
	if err != nil {
		return err
	}
	if err := r.checkOrder(order); err != nil {
		return err
	}
	r.order = order
	return nil
}

// checkOrder refuses rows that are invented or doubled, which would be served twice.
func (r *run) checkOrder(order []int32) error {
	r.keep = resizeBits(r.keep, r.c.Len())
	for _, row := range r.before {
		r.keep.Set(int(row))
	}
	for i, row := range order {
		if row < 0 || int(row) >= r.c.Len() || !r.keep.Has(int(row)) {
			return fmt.Errorf("place %d of the new order is row %d, which is doubled or was not in the old one", i, row)
		}
		r.keep.Clear(int(row))
	}
	return nil
}

// choose fills the slate.
func (r *run) choose(ctx context.Context) error {
	p, c := r.p, &r.c
	r.explore = false
	if st := p.explorer; st != nil {
		r.q.stage = st.hash
		err := r.forcedTo(st.label)
		if err == nil {
			err = r.callExplorer(ctx, st)
		}
		switch {
		case err == nil:
			r.explore = true
		case r.slate.calling > 0:
			return r.constraintFailed(err)
		default:
			if err := r.failed(st.label, st.required, err); err != nil {
				return err
			}
		}
	}
	if !r.explore {
		if err := r.fill(); err != nil {
			return r.constraintFailed(err)
		}
	}
	r.lap(p.selectAt, len(r.slate.rows))
	if s := &r.slate; s.deadEnd >= 0 && s.deadEnd < len(p.rules) {
		d := Degradation{Stage: p.rules[s.deadEnd].name, Reason: ReasonDeadEnd}
		if !s.short {
			d.Reason = ReasonRelaxed
		}
		r.degrade(d)
	}
	for i, row := range r.slate.rows {
		r.res.Items = append(r.res.Items, Item{
			ID: c.ids[row], Score: c.score[row], Utility: c.utility[row],
			Propensity: r.slate.props[i], Sources: c.masks[row],
		})
	}
	return nil
}

// open readies the slate for an explorer, or for the greedy fill. Constraints run in it.
func (r *run) open() {
	window := len(r.order)
	if r.p.explorer != nil {
		window = r.depth()
	}
	r.slate.open(&r.c, r.q.K, r.order, window, r.p.constraints, r.p.rules)
	if r.q.Explain {
		r.res.explanation.blocker = resize(r.res.explanation.blocker, r.c.Len())
		r.slate.trace(r.res.explanation.blocker)
	}
}

// fill chooses the best admissible row for each place.
func (r *run) fill() (err error) {
	defer catch(&err)
	r.open()
	r.slate.fillGreedily()
	return r.slate.err
}

func (r *run) callExplorer(ctx context.Context, st *stage[Explorer]) (err error) {
	defer catch(&err)
	r.open()
	if err := st.run.Explore(ctx, &r.q, &r.c, &r.slate); err != nil {
		return err
	}
	if r.slate.err != nil {
		return r.slate.err
	}
	if r.slate.Next() {
		return fmt.Errorf("stopped at %d of %d places while rows were admissible", len(r.slate.rows), r.q.K)
	}
	return r.slate.err
}

// constraintFailed is the error of a constraint that panicked: serving on would break the rule.
func (r *run) constraintFailed(err error) error {
	label := "constrain"
	if i := r.slate.calling - 1; i >= 0 && i < len(r.p.rules) {
		label = r.p.rules[i].name
	}
	return r.failed(label, true, err)
}
