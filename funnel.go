package recsys

import (
	"cmp"
	"context"
	"time"
)

// contextSource is the source name of context columns.
const contextSource = "context"

// requestRow hydrates the request row: context values, then the sources of request columns.
func (r *run) requestRow(ctx context.Context) error {
	p, q := r.p, &r.q
	r.contextRow()
	r.fan.reset(len(p.features))
	defer r.fan.cancel()
	for i, st := range p.features {
		if !p.requestCols[i].empty() && st.remote != nil {
			r.launchFeatures(ctx, i, &p.requestCols[i], p.requestWork[i], nil)
		}
	}
	for i, st := range p.features {
		l := &p.requestCols[i]
		if l.empty() {
			continue
		}
		b := r.requestBlock(&r.blocks[i], l)
		var err error
		if st.remote != nil {
			err = r.joinFeatures(i, b)
		} else {
			err = r.callFeatures(ctx, st, nil, b)
		}
		if err != nil {
			r.blocks[i].ID, r.blocks[i].Vector = nil, nil // whatever the source put there is its own
			b = r.requestBlock(&r.blocks[i], l)
			b.miss()
			if err := r.failed(st.label, st.required, err); err != nil {
				r.abandon()
				return err
			}
		}
		if b.Missing.Has(0) {
			q.missing.Set(l.group)
		}
		if b.Stale.Has(0) {
			q.stale.Set(l.group)
		}
		if l.ages {
			q.ages[l.group] = b.Age[0]
		}
		r.lapRemote(st.index, 1, st.remote != nil)
	}
	return nil
}

// contextRow writes the context values; the group is missing when a column has none.
func (r *run) contextRow() {
	p, q := r.p, &r.q
	if len(p.context) == 0 {
		return
	}
	given := uint64(0)
	for i := range q.Context {
		v := &q.Context[i]
		f := &p.contextAt[v.column]
		if v.float != v.float {
			continue // NaN is a way to say unknown
		}
		given |= 1 << uint(v.column%64)
		switch f.Kind {
		case Float:
			q.floats[f.Index] = v.float
		case ID:
			q.ids[f.Index] = v.id
		case Vector:
			copy(q.vectors[f.Index], v.vector)
		}
	}
	if given != 1<<uint(len(p.context))-1 {
		q.missing.Set(p.contextAt[0].Group)
	}
}

// requestBlock shapes b as a view of one source's part of the request row.
func (r *run) requestBlock(b *Block, l *blockLayout) *Block {
	q := &r.q
	b.Rows, b.Stride, b.Floats = 1, len(l.defaults), len(l.defaults)
	b.defaults, b.Dims = l.defaults, l.dims
	b.Float = q.floats[l.firstFloat : l.firstFloat+len(l.defaults)]
	b.ID, b.Vector = b.ID[:0], b.Vector[:0]
	for j := range l.ids {
		at := l.firstID + j
		b.ID = append(b.ID, q.ids[at:at+1])
	}
	for j := range l.dims {
		b.Vector = append(b.Vector, q.vectors[l.firstVector+j])
	}
	b.Missing, b.Stale = resizeBits(r.one[:1], 1), resizeBits(r.one[1:], 1)
	if b.Age = nil; l.ages {
		b.Age = r.age[:]
	}
	return b
}

// retrieve asks the sources, falls back where declared, and merges.
func (r *run) retrieve(ctx context.Context) error {
	p := r.p
	rule := r.rule.set(&r.q)
	for i := range r.sinks {
		r.views[i] = &r.sinks[i]
		r.sinks[i].reset(*p.sources[i].quota, rule, r.trace)
	}
	short, err := r.askSources(ctx, false)
	if err != nil {
		return err
	}
	r.c.reset(p.schema)
	r.merger.merge(p.merge, &r.c, r.views, p.weights, p.rrf)
	if p.fallbacks && (short || r.c.Len() < r.q.K) {
		if _, err := r.askSources(ctx, true); err != nil {
			r.c.shape()
			return err
		}
		r.c.reset(p.schema)
		r.merger.merge(p.merge, &r.c, r.views, p.weights, p.rrf)
	}
	for _, s := range r.views {
		r.res.Trace.Excluded += s.refused
	}
	if r.trace {
		r.res.explanation.noteSpill(r.views)
	}
	r.res.Trace.Merged = r.c.Len()
	r.cut = r.cut[:0]
	if p.cap > 0 {
		r.cut = r.merger.cut(&r.c, p.cap, r.cut, r.trace)
	}
	r.recycle()
	r.c.shape()
	r.lap(p.mergeAt, r.c.Len())
	if r.c.Len() == 0 {
		if r.trace {
			r.slate.rows, r.slate.props = r.slate.rows[:0], r.slate.props[:0]
			r.res.explanation.note(r)
			r.res.traced = true
		}
		return r.nothing()
	}
	return nil
}

// askSources calls the sources that are (or are not) fallbacks: remote ones at once,
// the others meanwhile. It reports whether one failed.
func (r *run) askSources(ctx context.Context, fallback bool) (failed bool, err error) {
	p := r.p
	r.fan.reset(len(p.sources))
	defer r.fan.cancel()
	for i, st := range p.sources {
		if st.fallback != fallback || st.remote == nil || !st.gate.acquire() {
			continue
		}
		c := p.newCall()
		r.q.stage = st.hash
		r.q.cloneTo(&c.q)
		c.sink.reset(*st.quota, c.rule.set(&c.q), r.trace)
		r.fan.calls[i] = c
		p.launch(r.fan.context(ctx, *st.remote), c, p.sourceWork[i], &st.gate)
	}
	for i, st := range p.sources {
		if st.fallback == fallback && st.remote == nil {
			err := r.callSource(ctx, st, &r.sinks[i])
			if err := r.sourceDone(i, err, &failed); err != nil {
				r.abandon()
				return failed, err
			}
		}
	}
	for i, st := range p.sources {
		if st.fallback == fallback && st.remote != nil {
			err := r.joinSource(i)
			if err := r.sourceDone(i, err, &failed); err != nil {
				r.abandon()
				return failed, err
			}
		}
	}
	return failed, nil
}

func (r *run) callSource(ctx context.Context, st *stage[Retriever], out *Sink) (err error) {
	defer catch(&err)
	r.q.stage = st.hash
	err = st.run.Retrieve(ctx, &r.q, out)
	return cmp.Or(err, out.check())
}

// joinSource waits for a remote source and shows its sink to the merge.
func (r *run) joinSource(i int) error {
	c := r.fan.calls[i]
	r.took = 0
	if c == nil {
		return ErrSaturated
	}
	start := c.start
	ok, err := c.wait()
	if !ok {
		r.fan.calls[i] = nil
		r.took = time.Since(start)
		return err
	}
	r.took = c.took
	if err == nil {
		err = c.sink.check()
	}
	if err == nil {
		r.views[i] = &c.sink
	}
	r.fan.calls[i] = nil
	r.held = append(r.held, c)
	return err
}

// sourceDone records how a source ended. What a failed source had proposed does not count.
func (r *run) sourceDone(i int, err error, failed *bool) error {
	st := r.p.sources[i]
	if err != nil {
		*failed = true
		s := &r.sinks[i]
		s.ids, s.scores, s.spill = s.ids[:0], s.scores[:0], s.spill[:0]
		if err := r.failed(st.label, st.required, err); err != nil {
			return err
		}
	} else if st.fallback {
		r.degrade(Degradation{Stage: st.label, Reason: ReasonFallback})
	}
	r.lapRemote(st.index, len(r.views[i].ids), st.remote != nil)
	return nil
}

// abandon gives up the remote calls that still run.
func (r *run) abandon() {
	for i, c := range r.fan.calls {
		if c == nil {
			continue
		}
		r.fan.calls[i] = nil
		if !c.state.CompareAndSwap(running, abandoned) {
			<-c.done
			r.p.calls.Put(c)
		}
	}
	r.recycle()
}

// recycle gives back the finished calls whose results were in use.
func (r *run) recycle() {
	for i, c := range r.held {
		r.p.calls.Put(c)
		r.held[i] = nil
	}
	r.held = r.held[:0]
}

// hydrate fills the candidate table.
func (r *run) hydrate(ctx context.Context) error {
	p, c := r.p, &r.c
	r.broadcast()
	r.fan.reset(len(p.features))
	defer r.fan.cancel()
	for i, st := range p.features {
		if !p.itemCols[i].empty() && st.remote != nil {
			r.launchFeatures(ctx, i, &p.itemCols[i], p.itemWork[i], c.ids)
		}
	}
	for i, st := range p.features {
		l := &p.itemCols[i]
		if l.empty() {
			continue
		}
		b := r.itemBlock(&r.blocks[i], l)
		var err error
		if st.remote != nil {
			err = r.joinFeatures(i, b)
		} else {
			err = r.callFeatures(ctx, st, c.ids, b)
		}
		if err != nil {
			r.blocks[i].ID, r.blocks[i].Vector = nil, nil // whatever the source put there is its own
			b = r.itemBlock(&r.blocks[i], l)
			b.miss()
			if err := r.failed(st.label, st.required, err); err != nil {
				r.abandon()
				r.missRest(i + 1)
				return err
			}
		}
		r.lapRemote(st.index, c.Len(), st.remote != nil)
	}
	return nil
}

// missRest makes the columns of the sources that were not reached missing: observers see the table.
func (r *run) missRest(from int) {
	for i := from; i < len(r.p.features); i++ {
		if l := &r.p.itemCols[i]; !l.empty() {
			r.itemBlock(&r.blocks[i], l).miss()
		}
	}
}

// itemBlock shapes b as a view of one source's columns of the table.
func (r *run) itemBlock(b *Block, l *blockLayout) *Block {
	c := &r.c
	b.Rows, b.Stride, b.Floats = c.Len(), c.schema.floats, len(l.defaults)
	b.defaults, b.Dims = l.defaults, l.dims
	b.Float = c.floats[min(l.firstFloat, len(c.floats)):]
	b.ID, b.Vector = b.ID[:0], b.Vector[:0]
	for j := range l.ids {
		b.ID = append(b.ID, c.idcols[l.firstID+j])
	}
	for j := range l.dims {
		b.Vector = append(b.Vector, c.vectors[l.firstVector+j])
	}
	b.Missing, b.Stale = c.missing[l.group], c.stale[l.group]
	b.Age = c.ages[l.group]
	return b
}

// callFeatures lets an in-process source fill b: from the table when it can.
func (r *run) callFeatures(ctx context.Context, st *stage[FeatureSource], items []ItemID, b *Block) (err error) {
	defer catch(&err)
	if o, ok := st.run.(Overwriter); !ok || !o.Overwrites() {
		b.fill()
	}
	b.forgetAges()
	r.q.stage = st.hash
	r.given.note(b)
	if h, ok := st.run.(CandidateHydrator); ok && items != nil {
		err = h.HydrateCandidates(ctx, &r.q, &r.c, b)
	} else {
		err = st.run.Hydrate(ctx, &r.q, items, b)
	}
	return cmp.Or(err, r.given.check(b))
}

// launchFeatures starts the call of a remote source on private copies.
func (r *run) launchFeatures(ctx context.Context, i int, l *blockLayout, do work, items []ItemID) {
	st := r.p.features[i]
	if !st.gate.acquire() {
		return
	}
	c := r.p.newCall()
	r.q.stage = st.hash
	r.q.cloneTo(&c.q)
	c.items = append(c.items[:0], items...)
	rows := len(items)
	if items == nil {
		c.items, rows = nil, 1
	}
	l.private(&c.memory, rows)
	c.block = c.memory
	c.outerID = append(c.outerID[:0], c.memory.ID...)
	c.outerV = append(c.outerV[:0], c.memory.Vector...)
	c.block.ID, c.block.Vector = c.outerID, c.outerV
	c.given.note(&c.block)
	r.fan.calls[i] = c
	r.p.launch(r.fan.context(ctx, *st.remote), c, do, &st.gate)
}

// joinFeatures waits for a remote source and copies its columns.
func (r *run) joinFeatures(i int, b *Block) error {
	c := r.fan.calls[i]
	r.took = 0
	if c == nil {
		return ErrSaturated
	}
	r.fan.calls[i] = nil
	start := c.start
	ok, err := c.wait()
	if !ok {
		r.took = time.Since(start)
		return err
	}
	r.took = c.took
	if err == nil {
		if err = c.given.check(&c.block); err == nil {
			c.memory.copyTo(b)
		}
	}
	r.p.calls.Put(c)
	return err
}

// broadcast writes the request row into every row of the table.
func (r *run) broadcast() {
	c, q, s := &r.c, &r.q, r.p.schema
	if s.reqFloats > 0 {
		for i := range c.ids {
			copy(c.floats[i*s.floats:], q.floats)
		}
	}
	for j, v := range q.ids {
		col := c.idcols[j]
		for i := range col {
			col[i] = v
		}
	}
	for g := range s.groups {
		if q.missing.Has(g) {
			c.missing[g].SetFirst(len(c.ids))
		}
		if q.stale.Has(g) {
			c.stale[g].SetFirst(len(c.ids))
		}
		if age := q.ages[g]; age == age && c.ages[g] != nil {
			for i := range c.ages[g] {
				c.ages[g][i] = age
			}
		}
	}
}
