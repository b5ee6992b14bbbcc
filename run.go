package recsys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

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
	next    []int32   // order that a re-ranker returned
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
	ageBuf  []float32
	vecBuf  [][]float32
	unshown []int32
	trace   bool          // the request explains itself; stages do not see it
	explore bool          // the explorer chose the slate
	given   headers       // of the block that a source was given
	took    time.Duration // of the remote call that was joined last
	held    []*call       // finished calls whose results are in use
	one     [2]uint64     // bits of a request block
	age     [1]float32    // of a request block

	forced   []Degradation // of a replay: what failed then fails now
	replayed bool
	start    time.Time
	mark     time.Time
}

func newRun(p *Pipeline) *run {
	r := &run{p: p}
	r.c.aged = p.aged
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
	r.res, r.replayed, r.forced, r.trace = res, false, nil, false
	res.reset(r.p)
	r.start = time.Now()
	r.mark = r.start
	defer func() { res.Trace.Total = time.Since(r.start) }()
	if err := r.admit(ctx, req); err != nil {
		res.Err = err
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
		if err := cancelled(ctx, nil); err != nil {
			return err
		}
		if err := step(r, ctx); err != nil {
			return cancelled(ctx, err)
		}
	}
	return nil // finish has looked at ctx before it wrote the record
}

// cancelled returns err, or the error of a cancelled context that err or the cause led
// to. A deadline that has passed is no cancellation: what is there is served.
func cancelled(ctx context.Context, err error) error {
	if ctx.Err() != context.Canceled || errors.Is(err, context.Canceled) {
		return err
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("recsys: request cancelled: %w: %w", context.Canceled, err)
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
	r.trace, r.q.Explain = r.q.Explain, false
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
	if err := cancelled(ctx, nil); err != nil {
		return err // a slate that nobody sees is not logged
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

// lapRemote is lap for a stage that may be remote: its time is that of the call joined last.
func (r *run) lapRemote(stage, out int, remote bool) {
	t := &r.res.Trace.Stages[stage]
	before := t.Took
	r.lap(stage, out)
	if remote {
		t.Took = before + r.took
	}
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
