package recsys

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
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
		keep(w, st)
	}
	p.mergeAt = stop("merge")
	p.requestWork, p.itemWork = make([]work, len(p.features)), make([]work, len(p.features))
	for i, st := range p.features {
		p.requestWork[i] = func(ctx context.Context, c *call) error { return st.run.Hydrate(ctx, &c.q, nil, &c.block) }
		p.itemWork[i] = func(ctx context.Context, c *call) error { return st.run.Hydrate(ctx, &c.q, c.items, &c.block) }
		st.index = stop(st.label)
		keep(w, st)
	}
	for _, st := range p.filters {
		st.index = stop(st.label)
		keep(w, st)
	}
	p.rankWork = make([]work, len(p.rankers))
	for i, st := range p.rankers {
		p.rankWork[i] = func(ctx context.Context, c *call) error { return st.run.Rank(ctx, &c.q, &c.table, c.out) }
		st.index = stop(st.label)
		keep(w, st)
	}
	if st := p.objective; st != nil {
		st.index = stop(st.label)
		keep(w, st)
	}
	for _, st := range p.rerankers {
		st.index = stop(st.label)
		keep(w, st)
	}
	for _, st := range w.constraints {
		keep(w, st)
	}
	if st := p.explorer; st != nil {
		p.selectAt = stop(st.label)
		st.index = p.selectAt
		keep(w, st)
	} else {
		p.selectAt = stop("select")
	}
	for _, st := range p.sinks {
		keep(w, st)
	}
	if len(p.sinks) > 0 {
		p.logAt = stop("log")
	}
	w.sealVersion()
}

// sealVersion hashes all that decides a slate beside the stages themselves: their order
// and options, the schema. The hash stands first among the versions of every record, and
// is, with those of the stages, the pipeline's version when none was given.
func (w *wiring) sealVersion() {
	p := w.p
	var h fingerprint
	h.num(p.schema.hash).num(uint64(p.merge)).num(uint64(p.cap)).num(uint64(p.depth))
	for _, st := range p.sources {
		h.text(st.label).num(uint64(*st.quota)).num(math.Float64bits(*st.weight)).num(uint64(flags(&st.stageOptions)))
	}
	hashOptions(&h, p.features)
	hashOptions(&h, p.filters)
	hashOptions(&h, p.rankers)
	hashOptions(&h, p.rerankers)
	if p.objective != nil {
		hashOptions(&h, []*stage[Objective]{p.objective})
	}
	if p.explorer != nil {
		hashOptions(&h, []*stage[Explorer]{p.explorer})
	}
	for i := range p.trace {
		h.text(p.trace[i].Name)
	}
	for _, v := range p.stageViews {
		h.text(v.Stage).text(v.Name).num(v.Hash)
	}
	for i := range p.schema.fields {
		h.num(uint64(math.Float32bits(p.schema.fields[i].missing())))
	}
	for _, r := range p.rules {
		h.text(r.name)
		if r.relax {
			h.num(1)
		}
	}
	wired := StageVersion{"pipeline", fmt.Sprintf("%016x", uint64(h))}
	p.versions = append([]StageVersion{wired}, p.versions...)
	if p.version == "" {
		for _, v := range p.versions {
			h.text(v.Stage).text(v.Version)
		}
		p.version = fmt.Sprintf("%016x", uint64(h))
	}
}

func hashOptions[S any](h *fingerprint, stages []*stage[S]) {
	for _, st := range stages {
		h.text(st.label).num(uint64(flags(&st.stageOptions)))
	}
}

func flags(o *stageOptions) int {
	f := 0
	for i, set := range []bool{o.fallback, o.required, o.optional, o.remote != nil} {
		if set {
			f |= 1 << i
		}
	}
	return f
}

// keep notes what a stage can do besides its work: its version, Close, Learn.
func keep[S any](w *wiring, st *stage[S]) {
	p := w.p
	v, ok, err := ability[Versioned](st.run)
	if err != nil {
		w.bad(st.label, err)
		return
	}
	if ok {
		version, err := guardedVersion(v)
		if err != nil {
			w.bad(st.label, err)
		}
		p.versions = append(p.versions, StageVersion{st.label, version})
	}
	if c, ok, _ := ability[io.Closer](st.given); ok && !p.uses(c) {
		p.closers = append(p.closers, stageCloser{st.label, c})
	}
	if l, ok, _ := ability[Learner](st.run); ok && !slices.ContainsFunc(p.learners, func(x stageLearner) bool { return sameStage(x.Learner, l) }) {
		p.learners = append(p.learners, stageLearner{st.label, l})
	}
}

func guardedVersion(v Versioned) (version string, err error) {
	defer catch(&err)
	return v.Version(), nil
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
