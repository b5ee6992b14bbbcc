package recsys

import (
	"context"
	"fmt"
	"math"
)

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
	if len(p.rerankers) == 0 && len(p.constraints) == 0 && p.explorer == nil && !r.trace {
		// No stage can ask for a row below: sort no more than is needed.
		r.order = r.sorter.top(r.order[:0], c.score, c.ids, alive, r.q.K)
	} else {
		r.order = r.sorter.all(r.order[:0], c.score, c.ids, alive)
	}
	c.constraints, c.stages = p.constraints, p.rules
	if r.trace {
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
		if r.trace {
			r.res.explanation.noteOrder(r.order, c.Len(), len(p.rerankers), i+1)
		}
		r.lap(st.index, len(r.order))
	}
	return nil
}

// depth is the window of an explorer.
func (r *run) depth() int {
	if r.p.depth > 0 {
		return r.p.depth
	}
	return 4 * min(r.q.K, r.c.Len()) // K may be as large as an int
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
	// The slice may be the stage's own: take its contents, not its memory.
	r.next = append(r.next[:0], order...)
	r.order, r.next = r.next, r.order
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
	r.slate.calling = 0
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
	r.reportSlate()
	for i, row := range r.slate.rows {
		r.res.Items = append(r.res.Items, Item{
			ID: c.ids[row], Score: c.score[row], Utility: c.utility[row],
			Propensity: r.slate.props[i], PropensityError: r.slate.ses[i], Sources: c.masks[row],
		})
	}
	return nil
}

// reportSlate names the constraints that were given up, and the one that left no row.
func (r *run) reportSlate() {
	s := &r.slate
	for i := s.relaxed.Next(0); i >= 0; i = s.relaxed.Next(i + 1) {
		r.degrade(Degradation{Stage: r.p.rules[i].name, Reason: ReasonRelaxed})
	}
	if s.deadEnd >= 0 {
		r.degrade(Degradation{Stage: r.p.rules[s.deadEnd].name, Reason: ReasonDeadEnd})
	}
}

// open readies the slate for an explorer, or for the greedy fill. Constraints run in it.
func (r *run) open() {
	window := len(r.order)
	if r.p.explorer != nil {
		window = r.depth()
	}
	r.slate.open(&r.c, r.q.K, r.order, window, r.p.constraints, r.p.rules)
	if r.trace {
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
