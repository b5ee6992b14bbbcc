package recsys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

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
			r.lap(st.index, n-r.res.Trace.Filtered)
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

// rank scores the rows. A ranker writes its score beside the table, so that one
// that fails half way leaves the score before it in force.
func (r *run) rank(ctx context.Context) error {
	p, c := r.p, &r.c
	copy(c.score, c.merged)
	r.ranked = resize(r.ranked, len(p.rankers))
	clear(r.ranked)
	for i, st := range p.rankers {
		if st.fallback && r.primaryServed(i) {
			continue
		}
		r.q.stage = st.hash
		err := r.forcedTo(st.label)
		if err == nil {
			r.scores = unknown(r.scores, c.Len())
			r.spoilHeads(p.heads[i])
			if st.remote != nil {
				err = r.rankRemotely(ctx, i)
			} else {
				err = r.callRanker(ctx, i)
			}
		}
		if err != nil {
			r.spoilHeads(p.heads[i])
			if err := r.failed(st.label, st.required, err); err != nil {
				return err
			}
			r.lap(st.index, 0)
			continue
		}
		r.ranked[i] = true
		c.score, r.scores = r.scores, c.score
		if st.fallback {
			r.degrade(Degradation{Stage: st.label, Reason: ReasonFallback})
		}
		r.lap(st.index, c.Len())
	}
	if p.objective == nil {
		return nil
	}
	st := p.objective
	r.q.stage = st.hash
	err := r.forcedTo(st.label)
	if err == nil {
		err = r.callObjective(st)
	}
	if err != nil {
		if err := r.failed(st.label, st.required, err); err != nil {
			return err
		}
	}
	r.lap(st.index, c.Len())
	return nil
}

// primaryServed reports whether ranker i, a fallback, is not needed.
func (r *run) primaryServed(i int) bool {
	for i--; i >= 0; i-- {
		if r.ranked[i] {
			return true
		}
		if !r.p.rankers[i].fallback {
			return false
		}
	}
	return true
}

func (r *run) callRanker(ctx context.Context, i int) (err error) {
	defer catch(&err)
	h := r.p.heads[i]
	out := Scores{Score: r.scores, Stride: len(r.p.schema.heads)}
	if h.n > 0 {
		out.Heads = r.c.heads[h.at:]
	}
	return r.p.rankers[i].run.Rank(ctx, &r.q, &r.c, out)
}

// rankRemotely ranks a deep copy of the table elsewhere.
func (r *run) rankRemotely(ctx context.Context, i int) error {
	p, st := r.p, r.p.rankers[i]
	if !st.gate.acquire() {
		return ErrSaturated
	}
	defer r.fan.cancel()
	n, h := r.c.Len(), p.heads[i]
	c := p.newCall()
	r.q.cloneTo(&c.q)
	r.c.cloneTo(&c.table)
	c.out.Score, c.out.Heads, c.out.Stride = unknown(c.out.Score, n), unknown(c.out.Heads, n*h.n), h.n
	p.launch(r.fan.context(ctx, *st.remote), c, p.rankWork[i], &st.gate)
	ok, err := c.wait()
	if !ok {
		return err
	}
	if err == nil {
		copy(r.scores, c.out.Score)
		for row := range n {
			copy(r.c.HeadRow(row)[h.at:], c.out.Heads[row*h.n:(row+1)*h.n])
		}
	}
	p.calls.Put(c)
	return err
}

// unknown returns n NaNs in s's memory: what a stage leaves out must not be what it, or
// another one, wrote for an earlier request.
func unknown(s []float32, n int) []float32 {
	s = resize(s, n)
	for i := range s {
		s[i] = float32(math.NaN())
	}
	return s
}

// spoilHeads makes the heads of a failed ranker NaN: they are unknown, not zero.
func (r *run) spoilHeads(h headRange) {
	for row := range r.c.ids {
		heads := r.c.HeadRow(row)[h.at : h.at+h.n]
		for j := range heads {
			heads[j] = float32(math.NaN())
		}
	}
}

var errHeadLost = errors.New("the ranker of a head failed")

// callObjective turns heads into scores.
func (r *run) callObjective(st *stage[Objective]) (err error) {
	defer catch(&err)
	p, c := r.p, &r.c
	for j, at := range p.gather {
		if !r.headServed(at) {
			return fmt.Errorf("head %q: %w", st.run.Heads()[j], errHeadLost)
		}
	}
	n, k := c.Len(), len(p.gather)
	heads := c.heads[:n*k]
	if !p.gatherAll {
		r.gather = resize(r.gather, n*k)
		for row := range n {
			from, to := c.HeadRow(row), r.gather[row*k:(row+1)*k]
			for j, at := range p.gather {
				to[j] = from[at]
			}
		}
		heads = r.gather
	}
	r.scores = unknown(r.scores, n)
	if err := st.run.Score(r.scores, heads); err != nil {
		return err
	}
	c.score, r.scores = r.scores, c.score
	return nil
}

// headServed reports whether a ranker that writes head at served.
func (r *run) headServed(at int) bool {
	for i, h := range r.p.heads {
		if r.ranked[i] && at >= h.at && at < h.at+h.n {
			return true
		}
	}
	return false
}
