package recsys

import (
	"slices"
	"strings"
)

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
		columns := w.columnsOf(st)
		if _, ok := st.given.(CandidateHydrator); ok && st.remote != nil {
			w.badf(st.label, "Remote, but %T reads the candidate table, which stays in process", st.given)
		}
		if len(columns) == 0 {
			w.badf(st.label, "declares no columns")
		}
		groups := sb.addColumns(st.label, columns)
		w.take(st.label, sb)
		p.requestCols[i].group, p.itemCols[i].group = groups[PerRequest], groups[PerItem]
		p.requestCols[i].add(columns, PerRequest)
		p.itemCols[i].add(columns, PerItem)
		w.declared(st, &p.requestCols[i], &p.itemCols[i])
	}
	w.layoutAges(len(sb.groups))
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
		heads, err := headsOf(st.given)
		if err != nil {
			w.bad(st.label, err)
		}
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

func headsOf(r Ranker) ([]string, error) {
	if h, ok := r.(HeadWriter); ok && !isNil(r) {
		return guardedHeads(h)
	}
	return nil, nil
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
		if isNil(st.given) {
			continue
		}
		atOnce := st.remote != nil && !p.requestCols[i].empty() // remote sources of the request row run at once
		seen := p.schema.before(0, func(f *Field) bool {
			if atOnce && f.Scope == PerRequest {
				return f.Source == contextSource
			}
			return writer[f.Source] < i
		})
		seen.later = map[string]string{}
		for _, f := range p.schema.fields {
			if writer[f.Source] > i && !(atOnce && f.Scope == PerRequest) {
				seen.later[f.Name] = f.Source
			}
		}
		bind(w, st, seen)
		if columns, err := guardedColumns(st.run); err == nil && !slices.EqualFunc(columns, w.columnsOf(st), sameColumn) {
			w.badf(st.label, "Bind changed the columns that %T declares", st.given)
		}
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
		var err error
		if p.exploration, err = explorationOf(p.explorer.run); err != nil {
			w.bad(p.explorer.label, err)
		}
	}
	for _, st := range p.sinks {
		bind(w, st, p.schema)
	}
	w.checkViews()
}

func sameColumn(a, b Column) bool {
	return a.Name == b.Name && a.Kind == b.Kind && a.Dim == b.Dim && a.Scope == b.Scope
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
	heads, err := guardedHeads(st.run)
	if err != nil {
		w.bad(st.label, err)
		return
	}
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
	w.checkHeadKinds(heads)
}

// checkHeadKinds compares what the objective takes its heads for with what the rankers say they are.
func (w *wiring) checkHeadKinds(heads []string) {
	p := w.p
	needs, ok := w.kindsOf(p.objective.label, p.objective.run, heads)
	if !ok {
		return
	}
	need := map[string]HeadKind{}
	for i, name := range heads {
		need[name] = needs[i]
	}
	for _, st := range p.rankers {
		written, err := headsOf(st.given)
		if err != nil {
			continue // reported by layoutHeads
		}
		kinds, ok := w.kindsOf(st.label, st.run, written)
		if !ok {
			continue
		}
		for i, name := range written {
			have, want := kinds[i], need[name]
			if have != "" && slices.Index(headKinds[:], have) < slices.Index(headKinds[:], want) {
				w.bad(p.objective.label, &HeadKindError{Head: name, Ranker: st.label, Have: have, Want: want})
			}
		}
	}
}

// kindsOf returns the kinds of a stage's heads; ok is false when it does not say them, or says nonsense.
func (w *wiring) kindsOf(label string, stage any, heads []string) (kinds []HeadKind, ok bool) {
	k, ok := stage.(HeadKinder)
	if !ok || isNil(stage) {
		return nil, false
	}
	kinds, err := guardedKinds(k)
	if err != nil {
		w.bad(label, err)
		return nil, false
	}
	if len(kinds) != len(heads) {
		w.badf(label, "HeadKinds names %d kinds for %d heads", len(kinds), len(heads))
		return nil, false
	}
	for i, kind := range kinds {
		if kind != "" && !slices.Contains(headKinds[:], kind) {
			w.badf(label, "head %q: unknown kind %q; want %q, %q, %q or none", heads[i], kind, HeadScore, HeadValue, HeadProbability)
			ok = false
		}
	}
	return kinds, ok
}

func guardedKinds(k HeadKinder) (kinds []HeadKind, err error) {
	defer catch(&err)
	return k.HeadKinds(), nil
}
