package recsys

import (
	"errors"
	"fmt"
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
	maxWeight   = 1e6
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
	if err := errors.Join(w.errs...); err != nil {
		return nil, fmt.Errorf("recsys: build: %w", err)
	}
	return w.p, nil
}

// wiring is the work of one Build. Declared stages are copied, so that a Builder can build again.
type wiring struct {
	b        *Builder
	p        *Pipeline
	errs     []error
	names    map[string]bool // labels in use
	explicit map[string]bool // labels that options give

	schema      schemaBuilder
	columns     map[*stage[FeatureSource]][]Column
	constraints []*stage[Constraint]
}

func (w *wiring) bad(label string, err error) {
	// One StageError per mistake, also where a stage joined several.
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		if joined := errors.Join(many.Unwrap()...); joined != nil && err.Error() == joined.Error() {
			for _, e := range many.Unwrap() {
				if e != nil {
					w.bad(label, e)
				}
			}
			return
		}
	}
	w.errs = append(w.errs, &StageError{label, err})
}

func (w *wiring) badf(label, format string, args ...any) { w.bad(label, fmt.Errorf(format, args...)) }

// allow lists the options that a kind of stage has a use for.
type allow struct{ quota, weight, remote, fallback, required, relax, log bool }

// check looks at each stage by itself.
func (w *wiring) check() {
	b, p := w.b, w.p
	w.names = map[string]bool{}
	w.reserve()
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
	for i, st := range w.p.rankers {
		if st.required && i+1 < len(w.p.rankers) && w.p.rankers[i+1].fallback {
			w.badf(st.label, "Required, so the fallback %q would never serve; mark the last fallback Required instead", w.p.rankers[i+1].label)
		}
	}
}

// reserve notes the explicit names, so that no stage without one is named like that.
func (w *wiring) reserve() {
	b := w.b
	w.explicit = map[string]bool{}
	reserve(w, b.features)
	reserve(w, b.filters)
	reserve(w, b.rankers)
	reserve(w, b.objectives)
	reserve(w, b.rerankers)
	reserve(w, b.constraints)
	reserve(w, b.explorers)
	reserve(w, b.sinks)
}

func reserve[S any](w *wiring, stages []*stage[S]) {
	for _, st := range stages {
		if st.explicitName != nil {
			w.explicit[st.kind+"/"+*st.explicitName] = true
		}
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
		if st.remote == nil {
			continue
		}
		for _, c := range w.columnsOf(st) {
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
	if sum := row + first + second + items + rank; sum > *b.budget || sum < 0 {
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
		if st.nameOption {
			w.badf(st.label, "Name has no meaning here: the first argument is the name")
		}
		if isNil(st.given) {
			w.badf(st.label, "%s is nil", strings.ToLower(reflect.TypeFor[S]().Name()))
		} else if v, ok := any(st.given).(Validator); ok {
			if err := validated(v); err != nil {
				w.bad(st.label, err)
			}
		}
		if can.remote && st.remote == nil {
			calls, err := guardedRemote(st.given)
			if err != nil {
				w.bad(st.label, err)
			}
			if calls {
				w.badf(st.label, "asks another machine; mark it Remote(budget), or a request waits for it without a bound")
			}
		}
		out = append(out, st)
	}
	return out
}

func guardedRemote[S any](given S) (calls bool, err error) {
	defer catch(&err)
	a, ok := AbilityOf[RemoteCaller](given)
	return ok && a.CallsRemote(), nil
}

// columnsOf asks a source for its columns once; a panic is a mistake of the stage.
func (w *wiring) columnsOf(st *stage[FeatureSource]) []Column {
	if columns, ok := w.columns[st]; ok || isNil(st.given) {
		return columns
	}
	columns, err := guardedColumns(st.given)
	if err != nil {
		w.bad(st.label, err)
	}
	if w.columns == nil {
		w.columns = map[*stage[FeatureSource]][]Column{}
	}
	w.columns[st] = columns
	return columns
}

func guardedColumns(s FeatureSource) (columns []Column, err error) {
	defer catch(&err)
	return s.Columns(), nil
}

func guardedHeads(s interface{ Heads() []string }) (heads []string, err error) {
	defer catch(&err)
	return s.Heads(), nil
}

func validated(v Validator) (err error) {
	defer catch(&err)
	return v.Validate()
}

// name gives a stage its label, "kind/name".
func (w *wiring) name(kind string, name, label *string, explicit *string, given any) {
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
	if s, ok := given.(FeatureSource); ok && kind == "features" {
		// A panic is reported where the views are declared.
		if views, err := guardedViews[ViewSource](s, ViewSource.FeatureViews); err == nil && len(views) == 1 && views[0].Name != "" {
			base = views[0].Name
		}
	}
	for n := 1; ; n++ {
		*name = base
		if n > 1 {
			*name = fmt.Sprintf("%s#%d", base, n)
		}
		if *label = kind + "/" + *name; !w.names[*label] && !w.explicit[*label] {
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
	} else if x := float32(*o.weight); !(x > 0) || x > maxWeight {
		w.badf(label, "Weight is %v; want a number > 0, at most %v", *o.weight, maxWeight)
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
