package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// state is an index after changes, beside a fresh one of the same items.
type state struct {
	after   string
	kind    *annindex.Kind
	changed []*subject
	fresh   []*subject // by effort, as changed
}

// changer applies changes to one index and takes their time.
type changer struct {
	d     *annset.Set
	index retrieval.MutableIndex
	live  []int // rows in the index
	rest  []int // rows outside it
	rand  *rand.Rand

	insert, remove, update stopwatch
}

// stopwatch adds up the time of equal steps.
type stopwatch struct {
	total time.Duration
	steps int
}

// mean returns the time of a step in microseconds, 0 without steps.
func (s *stopwatch) mean() float64 { return micros(s.total) / float64(max(s.steps, 1)) }

// churnAll runs churn on every kind that can change.
func (p *program) churnAll(ctx context.Context, d *annset.Set) ([]*state, error) {
	if d.Base.Rows < 4 {
		return nil, cli.Usagef("-churn needs at least 4 items, and there are %d", d.Base.Rows)
	}
	var all []*state
	for _, k := range p.kinds {
		states, err := p.churnOne(ctx, d, k)
		if err != nil {
			return nil, fmt.Errorf("churn of %s: %w", k.Name, err)
		}
		all = append(all, states...)
	}
	return all, nil
}

// churnOne builds an index of half of the items, drawn at random, replaces each of them by
// one of the other half, as often as -churn says, and deletes half of what is then there.
// After each of the two the index is compacted, if it can be.
func (p *program) churnOne(ctx context.Context, d *annset.Set, k *annindex.Kind) ([]*state, error) {
	c := &changer{d: d, rand: rand.New(rand.NewPCG(p.common.Seed, 1))}
	order := c.rand.Perm(d.Base.Rows)
	c.live, c.rest = order[:len(order)/2], order[len(order)/2:len(order)/2*2]
	b, err := p.fresh(ctx, d, k, c.live)
	if err != nil {
		return nil, err
	}
	var ok bool
	if c.index, ok = b.index.(retrieval.MutableIndex); !ok {
		return nil, p.event("churn", cli.F("index", k.Name), cli.F("after", "no change: it is immutable"))
	}
	var states []*state
	look := func(after string) error {
		s, err := p.compare(ctx, d, b, c, after)
		states = append(states, s)
		return err
	}
	for turn := range p.churn {
		if err := c.replaceAll(ctx); err != nil {
			return nil, err
		}
		if turn == 0 {
			if err := c.updateSome(); err != nil {
				return nil, err
			}
		}
		if err := look(fmt.Sprintf("%d turnovers", turn+1)); err != nil {
			return nil, err
		}
	}
	if err := p.compact(ctx, b, look); err != nil {
		return nil, err
	}
	if err := c.deleteHalf(ctx); err != nil {
		return nil, err
	}
	if err := look("half deleted"); err != nil {
		return nil, err
	}
	return states, p.compact(ctx, b, look)
}

// compact lets an index tidy up, if it can, and has a look at it then.
func (p *program) compact(ctx context.Context, b *built, look func(after string) error) error {
	x, ok := b.index.(interface{ Compact(context.Context) error })
	if !ok {
		return nil
	}
	watch := annset.StartStopwatch()
	if err := x.Compact(ctx); err != nil {
		return err
	}
	wall, cpu := watch.Seconds()
	if err := p.event("compact", cli.F("index", b.kind.Name), cli.F("wall_s", wall), cli.F("cpu_s", cpu)); err != nil {
		return err
	}
	return look("compaction")
}

// fresh builds an index of the given rows.
func (p *program) fresh(ctx context.Context, d *annset.Set, k *annindex.Kind, rows []int) (*built, error) {
	items, base := pick(d, rows)
	return p.build(ctx, k, items, base)
}

// pick returns the items of some rows and their vectors.
func pick(d *annset.Set, rows []int) ([]recsys.ItemID, vector.Matrix) {
	items := make([]recsys.ItemID, len(rows))
	base := vector.NewMatrix(len(rows), d.Base.Dim)
	for i, row := range rows {
		items[i] = d.Items[row]
		copy(base.Row(i), d.Base.Row(row))
	}
	return items, base
}

// replaceAll deletes every live row and inserts one of the rest for it, a hundredth at a time.
func (c *changer) replaceAll(ctx context.Context) error {
	c.rand.Shuffle(len(c.live), func(i, j int) { c.live[i], c.live[j] = c.live[j], c.live[i] })
	step := max(1, len(c.live)/100)
	for from := 0; from < len(c.live); from += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+step, len(c.live))
		if err := c.remove.time(c.live[from:to], func(row int) error { return c.index.Delete(c.d.Items[row]) }); err != nil {
			return err
		}
		if err := c.insert.time(c.rest[from:to], func(row int) error { return c.index.Insert(c.d.Items[row], c.d.Base.Row(row)) }); err != nil {
			return err
		}
	}
	c.live, c.rest = c.rest, c.live
	return nil
}

// updateSome gives some live rows the vectors of rows outside, then their own again.
func (c *changer) updateSome() error {
	some := c.live[:min(len(c.live), 1000)]
	other := map[int]int{}
	for i, row := range some {
		other[row] = c.rest[i]
	}
	if err := c.update.time(some, func(row int) error { return c.index.Update(c.d.Items[row], c.d.Base.Row(other[row])) }); err != nil {
		return err
	}
	return c.update.time(some, func(row int) error { return c.index.Update(c.d.Items[row], c.d.Base.Row(row)) })
}

// deleteHalf deletes every second live row.
func (c *changer) deleteHalf(ctx context.Context) error {
	gone := c.live[len(c.live)/2:]
	c.live = c.live[:len(c.live)/2]
	if err := c.remove.time(gone, func(row int) error { return c.index.Delete(c.d.Items[row]) }); err != nil {
		return err
	}
	return ctx.Err()
}

// time takes the CPU time of doing something to each row.
func (s *stopwatch) time(rows []int, do func(row int) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	clock := annset.StartClock()
	for _, row := range rows {
		if err := do(row); err != nil {
			return err
		}
	}
	s.total += clock.Elapsed()
	s.steps += len(rows)
	return nil
}

// compare measures the changed index and a fresh one of the same items in turn.
func (p *program) compare(ctx context.Context, d *annset.Set, b *built, c *changer, after string) (*state, error) {
	s := &state{after: after, kind: b.kind}
	fresh, err := p.fresh(ctx, d, b.kind, c.live)
	if err != nil {
		return nil, err
	}
	part := *d
	part.Truth = annset.Lists{} // another set of items
	all := recsys.MakeBits(d.Base.Rows)
	for _, row := range c.live {
		all.Set(row)
	}
	truth, err := part.TrueItems(ctx, p.metric, p.k, p.common.Workers, all.Has, p.log)
	if err != nil {
		return nil, err
	}
	m := &meter{queries: d.Queries, k: p.k, threads: p.threads}
	none := &filter{share: 1}
	if s.changed, err = p.subjects(ctx, b, none, truth, m); err != nil {
		return nil, err
	}
	if s.fresh, err = p.subjects(ctx, fresh, none, truth, m); err != nil {
		return nil, err
	}
	n := min(len(s.changed), len(s.fresh)) // a sweep may end earlier on one of the two
	s.changed, s.fresh = s.changed[:n], s.fresh[:n]
	var pairs []*subject
	for i := range n {
		pairs = append(pairs, s.changed[i], s.fresh[i])
	}
	if err := m.sweep(ctx, pairs, p.rounds, func(int) {}); err != nil {
		return nil, err
	}
	for i := 0; i < n && p.json; i++ { // text has the rates at a recall alone
		x, y := s.changed[i], s.fresh[i]
		if err := p.event("churn",
			cli.F("index", b.kind.Name), cli.F("after", after), cli.F("items", len(c.live)), cli.F("ef", x.effort),
			cli.F("recall", x.recall), cli.F("fresh_recall", y.recall), cli.F("qps", x.qps()), cli.F("fresh_qps", y.qps())); err != nil {
			return nil, err
		}
	}
	changed, anew := s.curves()
	for _, level := range annset.RecallLevels {
		if x, y := changed.QPSAt(level), anew.QPSAt(level); x > 0 && y > 0 {
			if err := p.event("churn_at_recall",
				cli.F("index", b.kind.Name), cli.F("after", after), cli.F("recall", level),
				cli.F("qps", x), cli.F("fresh_qps", y), cli.F("ratio", x/y),
				cli.F("insert_us", c.insert.mean()), cli.F("update_us", c.update.mean()), cli.F("delete_us", c.remove.mean())); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// curves returns what was measured of the changed index and of the fresh one.
func (s *state) curves() (changed, fresh annset.Curve) {
	changed.Name = s.kind.Name + " after " + s.after
	fresh.Name = s.kind.Name + " fresh"
	for i, x := range s.changed {
		changed.Points = append(changed.Points, annset.Point{Effort: x.effort, Recall: x.recall, QPS: x.qps()})
		y := s.fresh[i]
		fresh.Points = append(fresh.Points, annset.Point{Effort: y.effort, Recall: y.recall, QPS: y.qps()})
	}
	return changed, fresh
}
