package recsys

import (
	"context"
	"fmt"
	"io"
	"reflect"
)

// seal makes what requests use: work of remote stages, trace, versions.
func (w *wiring) seal() {
	p := w.p
	p.gate.idle = make(chan struct{})
	stop := func(label string) int {
		p.trace = append(p.trace, StageTrace{Name: label})
		return len(p.trace) - 1
	}
	p.weights = make([]float32, len(p.sources))
	p.sourceWork = make([]work, len(p.sources))
	for i, st := range p.sources {
		p.weights[i] = float32(*st.weight)
		p.rrf = append(p.rrf, rrfGains(p.weights[i], *st.quota))
		p.fallbacks = p.fallbacks || st.fallback
		p.sourceWork[i] = func(ctx context.Context, c *call) error { return st.run.Retrieve(ctx, &c.q, &c.sink) }
		st.index = stop(st.label)
		keep(p, st)
	}
	p.mergeAt = stop("merge")
	p.requestWork, p.itemWork = make([]work, len(p.features)), make([]work, len(p.features))
	for i, st := range p.features {
		p.requestWork[i] = func(ctx context.Context, c *call) error { return st.run.Hydrate(ctx, &c.q, nil, &c.block) }
		p.itemWork[i] = func(ctx context.Context, c *call) error { return st.run.Hydrate(ctx, &c.q, c.items, &c.block) }
		st.index = stop(st.label)
		keep(p, st)
	}
	for _, st := range p.filters {
		st.index = stop(st.label)
		keep(p, st)
	}
	p.rankWork = make([]work, len(p.rankers))
	for i, st := range p.rankers {
		p.rankWork[i] = func(ctx context.Context, c *call) error { return st.run.Rank(ctx, &c.q, &c.table, c.out) }
		st.index = stop(st.label)
		keep(p, st)
	}
	if st := p.objective; st != nil {
		st.index = stop(st.label)
		keep(p, st)
	}
	for _, st := range p.rerankers {
		st.index = stop(st.label)
		keep(p, st)
	}
	for _, st := range w.constraints {
		keep(p, st)
	}
	if st := p.explorer; st != nil {
		p.selectAt = stop(st.label)
		st.index = p.selectAt
		keep(p, st)
	} else {
		p.selectAt = stop("select")
	}
	for _, st := range p.sinks {
		keep(p, st)
	}
	if len(p.sinks) > 0 {
		p.logAt = stop("log")
	}
	w.sealVersion()
}

// sealVersion derives a version from the wiring when none was given.
func (w *wiring) sealVersion() {
	p := w.p
	if p.version != "" {
		return
	}
	var h fingerprint
	h.num(p.schema.hash)
	for i := range p.trace {
		h.text(p.trace[i].Name)
	}
	for i := range p.rules {
		h.text(p.rules[i].name)
	}
	for _, v := range p.versions {
		h.text(v.Stage).text(v.Version)
	}
	p.version = fmt.Sprintf("%016x", uint64(h))
}

// keep notes what a stage can do besides its work: its version, Close, Learn.
func keep[S any](p *Pipeline, st *stage[S]) {
	if v, ok := any(st.run).(Versioned); ok {
		p.versions = append(p.versions, StageVersion{st.label, v.Version()})
	}
	if c, ok := any(st.given).(io.Closer); ok {
		p.closers = append(p.closers, stageCloser{st.label, c})
	}
	if l, ok := any(st.run).(Learner); ok {
		p.learners = append(p.learners, stageLearner{st.label, l})
	}
}

// stageCloser is a stage that is closed with its pipeline.
type stageCloser struct {
	label  string
	closer io.Closer
}

func (c *stageCloser) close() (err error) {
	defer catch(&err)
	return c.closer.Close()
}

// sharedWith reports whether next uses the same stage.
func (c *stageCloser) sharedWith(next *Pipeline) bool {
	if next == nil || !reflect.TypeOf(c.closer).Comparable() {
		return false
	}
	for i := range next.closers {
		if reflect.TypeOf(next.closers[i].closer).Comparable() && next.closers[i].closer == c.closer {
			return true
		}
	}
	return false
}
