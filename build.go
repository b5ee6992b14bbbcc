package recsys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"time"
)

// Limits of a pipeline, from the width of its bit masks.
const (
	maxSources  = 64
	maxGroups   = 64
	maxContext  = 64
	maxFilters  = 255
	maxQuota    = 1_000_000
	defQuota    = 100
	defInFlight = 256
)

// Build wires the pipeline. It reports every mistake at once: the error joins one
// [*StageError] per mistake, each naming the stage and the field.
func (b *Builder) Build() (*Pipeline, error) {
	w := &wiring{b: b, p: &Pipeline{}}
	for _, err := range b.errs {
		w.bad("pipeline", err)
	}
	w.check()
	w.layout()
	w.bind()
	if err := errors.Join(w.errs...); err != nil {
		return nil, fmt.Errorf("recsys: build: %w", err)
	}
	w.seal()
	return w.p, nil
}

// wiring is the work of one Build. Declared stages are copied, so that a Builder can build again.
type wiring struct {
	b     *Builder
	p     *Pipeline
	errs  []error
	names map[string]bool // labels in use

	schema      schemaBuilder
	constraints []*stage[Constraint]
}

func (w *wiring) bad(label string, err error) {
	// One StageError per mistake, also where a stage joined several.
	if many, ok := err.(interface{ Unwrap() []error }); ok && err.Error() == errors.Join(many.Unwrap()...).Error() {
		for _, e := range many.Unwrap() {
			w.bad(label, e)
		}
		return
	}
	w.errs = append(w.errs, &StageError{label, err})
}

func (w *wiring) badf(label, format string, args ...any) { w.bad(label, fmt.Errorf(format, args...)) }

// allow lists the options that a kind of stage has a use for.
type allow struct{ quota, weight, remote, fallback, required, relax, log bool }

// check looks at each stage by itself.
func (w *wiring) check() {
	b, p := w.b, w.p
	p.sources = declare(w, b.sources, allow{quota: true, weight: true, remote: true, fallback: true, required: true})
	p.features = declare(w, b.features, allow{remote: true, required: true})
	p.filters = declare(w, b.filters, allow{required: true})
	p.rankers = declare(w, b.rankers, allow{remote: true, fallback: true, required: true})
	objectives := declare(w, b.objectives, allow{required: true})
	p.rerankers = declare(w, b.rerankers, allow{required: true})
	constraints := declare(w, b.constraints, allow{relax: true})
	explorers := declare(w, b.explorers, allow{required: true})
	p.sinks = declare(w, b.sinks, allow{log: true})
	w.checkSources()
	if len(objectives) > 1 {
		w.badf(objectives[1].label, "a pipeline has one objective; %q is set already", objectives[0].label)
	}
	if len(explorers) > 1 {
		w.badf(explorers[1].label, "a pipeline has one explorer; wrap several in a mixture")
	}
	if len(p.filters) > maxFilters {
		w.badf(p.filters[maxFilters].label, "more than %d filters", maxFilters)
	}
	if len(objectives) > 0 {
		p.objective = objectives[0]
	}
	if len(explorers) > 0 {
		p.explorer = explorers[0]
	}
	for _, st := range constraints {
		p.constraints = append(p.constraints, st.run)
		p.rules = append(p.rules, constraintStage{st.label, st.relaxed})
		w.constraints = append(w.constraints, st)
	}
	for i, o := range b.observers {
		if isNil(o) {
			w.badf(fmt.Sprintf("observe/%d", i+1), "observer is nil")
		}
	}
	p.observers = b.observers
	w.checkSettings()
}

func (w *wiring) checkSources() {
	primaries := 0
	for i, st := range w.p.sources {
		if i == maxSources {
			w.badf(st.label, "more than %d retrievers", maxSources)
		}
		if !st.fallback {
			primaries++
		}
	}
	switch {
	case len(w.p.sources) == 0:
		w.badf("retrieve", "no retriever; add one with Retrieve")
	case primaries == 0:
		w.badf("retrieve", "all retrievers are fallbacks; at least one must not be")
	}
}

func (w *wiring) checkSettings() {
	b, p := w.b, w.p
	p.merge, p.clock, p.version = b.merge, b.clock, b.version
	if p.clock == nil {
		p.clock = time.Now
	}
	if b.merge >= merges {
		w.badf("merge", "unknown method %d; want RRF, WeightedScore, MaxScore or RoundRobin", b.merge)
	}
	if b.merge == RoundRobin {
		for _, st := range p.sources {
			if st.weight != nil && *st.weight != 1 {
				w.badf(st.label, "Weight has no meaning with RoundRobin; use Quota")
			}
		}
	}
	if b.cap != nil {
		if p.cap = *b.cap; p.cap < 1 {
			w.badf("merge", "MaxCandidates is %d; want >= 1", p.cap)
		}
	}
	if b.depth != nil {
		if p.depth = *b.depth; p.depth < 1 {
			w.badf("explore", "Depth is %d; want >= 1", p.depth)
		}
		if len(b.explorers) == 0 {
			w.badf("explore", "Depth is set, but there is no explorer")
		}
	}
	w.checkBudget()
}

// checkBudget adds the budgets of what waits in sequence; what waits at once counts as its longest.
func (w *wiring) checkBudget() {
	b, p := w.b, w.p
	if b.budget == nil {
		return
	}
	if *b.budget <= 0 {
		w.badf("pipeline", "Budget is %v; want > 0", *b.budget)
		return
	}
	var first, second, row, items, rank time.Duration
	for _, st := range p.sources {
		if st.remote != nil && st.fallback {
			second = max(second, *st.remote)
		} else if st.remote != nil {
			first = max(first, *st.remote)
		}
	}
	for _, st := range p.features {
		if st.remote == nil || isNil(st.given) {
			continue
		}
		for _, c := range st.given.Columns() {
			if c.Scope == PerRequest {
				row = max(row, *st.remote)
			} else {
				items = max(items, *st.remote)
			}
		}
	}
	for _, st := range p.rankers {
		if st.remote != nil {
			rank += *st.remote
		}
	}
	if sum := row + first + second + items + rank; sum > *b.budget {
		w.badf("pipeline", "remote stages may take %v (request row %v, retrieval %v, fallback retrieval %v, item features %v, ranking %v); Budget is %v",
			sum, row, first, second, items, rank, *b.budget)
	}
}

// declare copies the stages of one kind, names them and checks their options.
func declare[S any](w *wiring, given []*stage[S], can allow) []*stage[S] {
	var out []*stage[S]
	for _, g := range given {
		st := &stage[S]{kind: g.kind, given: g.given, run: g.given, stageOptions: g.stageOptions}
		w.name(st.kind, &st.name, &st.label, st.explicitName, st.given)
		st.hash = HashID(st.label)
		w.options(st.label, &st.stageOptions, can)
		st.gate.max = defInFlight
		if st.inFlight != nil {
			st.gate.max = int64(*st.inFlight)
		}
		if isNil(st.given) {
			w.badf(st.label, "%s is nil", strings.ToLower(reflect.TypeFor[S]().Name()))
		} else if v, ok := any(st.given).(Validator); ok {
			if err := validated(v); err != nil {
				w.bad(st.label, err)
			}
		}
		out = append(out, st)
	}
	return out
}

func validated(v Validator) (err error) {
	defer catch(&err)
	return v.Validate()
}

// name gives a stage its label, "kind/name".
func (w *wiring) name(kind string, name, label *string, explicit *string, given any) {
	if w.names == nil {
		w.names = map[string]bool{}
	}
	if explicit != nil {
		*name = *explicit
		*label = kind + "/" + *name
		switch {
		case *name == "":
			w.badf(kind, "a stage has the empty name")
		case w.names[*label]:
			w.badf(*label, "two stages have this name")
		}
		w.names[*label] = true
		return
	}
	base := strings.TrimLeft(fmt.Sprintf("%T", given), "*")
	for n := 1; ; n++ {
		*name = base
		if n > 1 {
			*name = fmt.Sprintf("%s#%d", base, n)
		}
		if *label = kind + "/" + *name; !w.names[*label] {
			w.names[*label] = true
			return
		}
	}
}

// options checks the options of one stage and fills in defaults.
func (w *wiring) options(label string, o *stageOptions, can allow) {
	no := func(set, ok bool, what string) {
		if set && !ok {
			w.badf(label, "%s has no meaning here", what)
		}
	}
	no(o.quota != nil, can.quota, "Quota")
	no(o.weight != nil, can.weight, "Weight")
	no(o.remote != nil, can.remote, "Remote")
	no(o.fallback, can.fallback, "AsFallback")
	no(o.required, can.required, "Required")
	no(o.optional, can.required, "Optional")
	no(o.relaxed, can.relax, "Relax")
	no(o.level != nil, can.log, "a log level")
	no(o.sample != nil, can.log, "Sample")
	if o.required && o.optional {
		w.badf(label, "both Required and Optional")
	}
	if o.quota == nil {
		o.quota = new(defQuota)
	} else if *o.quota < 1 || *o.quota > maxQuota {
		w.badf(label, "Quota is %d; want 1 to %d", *o.quota, maxQuota)
	}
	if o.weight == nil {
		o.weight = new(1.0)
	} else if !(*o.weight > 0) || math.IsInf(*o.weight, 0) {
		w.badf(label, "Weight is %v; want a finite number > 0", *o.weight)
	}
	if o.remote != nil && *o.remote <= 0 {
		w.badf(label, "Remote budget is %v; want > 0", *o.remote)
	}
	if o.inFlight != nil {
		if o.remote == nil {
			w.badf(label, "InFlight without Remote: stages in process run on the request's goroutine")
		}
		if *o.inFlight < 1 {
			w.badf(label, "InFlight is %d; want >= 1", *o.inFlight)
		}
	}
	if o.level == nil {
		o.level = new(LogSlate)
	}
	if o.sample == nil {
		o.sample = new(0)
	} else {
		if *o.sample < 0 {
			w.badf(label, "Sample is %d; want >= 0", *o.sample)
		}
		if *o.level == LogFull && *o.sample > 0 {
			w.badf(label, "Sample with LogFull: a full record holds all rows")
		}
	}
}

// isNil reports whether an interface holds nothing, or a nil pointer, map or function.
func isNil(x any) bool {
	if x == nil {
		return true
	}
	switch v := reflect.ValueOf(x); v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice:
		return v.IsNil()
	}
	return false
}

// layout collects all columns, heads and sources and gives them their places.
func (w *wiring) layout() {
	b, p := w.b, w.p
	sb := &w.schema
	for _, st := range p.sources {
		sb.addSource(st.name)
	}
	sb.addColumns(contextSource, b.context)
	w.take("context", sb)
	if len(b.context) > maxContext {
		w.badf("context", "%d context columns; at most %d", len(b.context), maxContext)
	}
	p.requestCols = make([]blockLayout, len(p.features))
	p.itemCols = make([]blockLayout, len(p.features))
	for i, st := range p.features {
		if isNil(st.given) {
			continue
		}
		columns := st.given.Columns()
		if len(columns) == 0 {
			w.badf(st.label, "declares no columns")
		}
		groups := sb.addColumns(st.label, columns)
		w.take(st.label, sb)
		p.requestCols[i].group, p.itemCols[i].group = groups[PerRequest], groups[PerItem]
		p.requestCols[i].add(columns, PerRequest)
		p.itemCols[i].add(columns, PerItem)
	}
	if len(sb.groups) > maxGroups {
		w.badf("features", "more than %d feature sources and scopes", maxGroups)
	}
	w.layoutHeads()
	p.schema = sb.schema()
	w.places()
}

// take moves the mistakes that the schema found to a stage.
func (w *wiring) take(label string, sb *schemaBuilder) {
	for _, err := range sb.errs {
		w.bad(label, err)
	}
	sb.errs = nil
}

// layoutHeads gives each ranker its range of heads; a fallback shares that of the ranker before it.
func (w *wiring) layoutHeads() {
	p, sb := w.p, &w.schema
	var primary []string
	for i, st := range p.rankers {
		heads := headsOf(st.given)
		if !st.fallback {
			primary = heads
			at := len(sb.heads)
			for _, h := range heads {
				sb.addHead(st.label, h)
			}
			w.take(st.label, sb)
			p.heads = append(p.heads, headRange{at, len(sb.heads) - at})
			continue
		}
		if i == 0 {
			w.badf(st.label, "AsFallback: there is no ranker before it")
			p.heads = append(p.heads, headRange{})
			continue
		}
		if strings.Join(heads, "\x00") != strings.Join(primary, "\x00") {
			w.badf(st.label, "AsFallback: writes the heads %s; the ranker before it writes %s", list(heads), list(primary))
		}
		p.heads = append(p.heads, p.heads[i-1])
	}
}

func headsOf(r Ranker) []string {
	if h, ok := r.(HeadWriter); ok && !isNil(r) {
		return h.Heads()
	}
	return nil
}

// places finds where each source's columns stand.
func (w *wiring) places() {
	p := w.p
	set := func(l *blockLayout, scope Scope) {
		l.firstFloat, l.firstID, l.firstVector = -1, -1, -1
		for i := range p.schema.fields {
			f := &p.schema.fields[i]
			if f.Group != l.group || f.Scope != scope {
				continue
			}
			at := map[Kind]*int{Float: &l.firstFloat, ID: &l.firstID, Vector: &l.firstVector}[f.Kind]
			if *at < 0 {
				*at = f.Index
			}
		}
		l.firstFloat, l.firstID, l.firstVector = max(l.firstFloat, 0), max(l.firstID, 0), max(l.firstVector, 0)
	}
	for i := range p.features {
		set(&p.requestCols[i], PerRequest)
		set(&p.itemCols[i], PerItem)
	}
	var h fingerprint
	for i := range w.b.context {
		c := &w.b.context[i]
		h.text(c.Name).num(uint64(c.Kind)).num(uint64(c.Dim))
		if f, ok := p.schema.Field(c.Name); ok {
			p.context = append(p.context, *c)
			p.contextAt = append(p.contextAt, f)
		}
	}
	p.contextHash = uint64(h)
}

// bind resolves names: each stage sees what is written before it.
func (w *wiring) bind() {
	p := w.p
	writer := map[string]int{contextSource: -1} // source name -> order
	for i, st := range p.features {
		writer[st.label] = i
	}
	request := p.schema.before(0, func(f *Field) bool { return f.Scope == PerRequest })
	for _, st := range p.sources {
		bind(w, st, request)
	}
	for i, st := range p.features {
		bind(w, st, p.schema.before(0, func(f *Field) bool { return writer[f.Source] < i }))
	}
	hydrated := p.schema.before(0, func(*Field) bool { return true })
	for _, st := range p.filters {
		bind(w, st, hydrated)
	}
	for i, st := range p.rankers {
		bind(w, st, p.schema.before(p.heads[i].at, func(*Field) bool { return true }))
	}
	w.bindObjective()
	for _, st := range p.rerankers {
		bind(w, st, p.schema)
	}
	for i, st := range w.constraints {
		bind(w, st, p.schema)
		p.constraints[i] = st.run
	}
	if p.explorer != nil {
		bind(w, p.explorer, p.schema)
	}
	for _, st := range p.sinks {
		bind(w, st, p.schema)
	}
}

func bind[S any](w *wiring, st *stage[S], s *Schema) {
	if isNil(st.given) {
		return
	}
	bound, err := guardedBind(st.given, s)
	if err != nil {
		w.bad(st.label, err)
		return
	}
	st.run = bound
}

func guardedBind[S any](given S, s *Schema) (bound S, err error) {
	defer catch(&err)
	return Bind(given, s)
}

// bindObjective finds the heads that the objective reads.
func (w *wiring) bindObjective() {
	p := w.p
	st := p.objective
	if st == nil || isNil(st.given) {
		return
	}
	if len(p.rankers) == 0 {
		w.badf(st.label, "an objective needs a ranker that writes its heads; there is none")
		return
	}
	bind(w, st, p.schema)
	heads := st.run.Heads()
	if len(heads) == 0 {
		w.badf(st.label, "names no heads")
	}
	p.gatherAll = len(heads) == len(p.schema.heads)
	seen := map[string]bool{}
	for i, name := range heads {
		at, err := p.schema.Head(name)
		switch {
		case err != nil:
			w.bad(st.label, err)
		case seen[name]:
			w.badf(st.label, "head %q: named twice", name)
		}
		seen[name] = true
		p.gather = append(p.gather, at)
		p.gatherAll = p.gatherAll && at == i
	}
}

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
