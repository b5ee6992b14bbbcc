package rankingtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

func sameCallSameScores(p *probe) {
	r := p.ranker()
	t := p.table(50, scattered, 9)
	want, ok := p.rank(r, t)
	if !ok {
		return
	}
	p.rank(r, p.table(64, complete, 10)) // something else between
	if got, ok := p.rank(r, t); ok {
		p.same("the same call again", t, got, want)
	}
	if got, ok := p.rank(p.ranker(), t); ok {
		p.same("a new ranker", t, got, want)
	}
}

func readOnly(p *probe) {
	r := p.ranker()
	for _, g := range []gaps{complete, scattered, all} {
		t := p.table(21, g, 11)
		q, c := t.query(), t.candidates()
		s := newScores(t.n, len(headsOf(r)), mark)
		if err := p.call(context.Background(), r, q, c, s.out()); err != nil {
			p.fatalf("Rank returned %q, on %v", err, t)
		}
		if what := t.changed(c); what != "" {
			p.failf("the table's %s changed, on %v", what, t)
		}
		if what := t.changedQuery(q); what != "" {
			p.failf("the query's %s changed, on %v", what, t)
		}
	}
}

// changed returns what of c differs from a new table, or "".
func (t *table) changed(c *recsys.Candidates) string {
	d := t.candidates()
	for i := range t.n {
		switch {
		case !equalBits(c.Row(i), d.Row(i)):
			return "float columns"
		case !equalBits(c.HeadRow(i), d.HeadRow(i)):
			return "heads of earlier rankers"
		case c.Sources(i) != d.Sources(i):
			return "source masks"
		}
		for j := range t.ids[i] {
			if c.IDColumn(j)[i] != d.IDColumn(j)[i] {
				return "id columns"
			}
		}
		for j := range t.vectors {
			if !equalBits(c.Vector(j, i), d.Vector(j, i)) {
				return "vectors"
			}
		}
	}
	for _, f := range t.schema.Fields() {
		if !slices.Equal(c.Missing(f.Group), d.Missing(f.Group)) || !slices.Equal(c.Stale(f.Group), d.Stale(f.Group)) {
			return "missing or stale bits"
		}
	}
	switch {
	case !slices.Equal(c.IDs(), d.IDs()):
		return "items"
	case !equalBits(c.Scores(), d.Scores()):
		return "scores (write to out instead)"
	case !equalBits(c.Utility(), d.Utility()):
		return "utilities"
	case !equalBits(c.MergeScores(), d.MergeScores()):
		return "merge scores"
	}
	return ""
}

func (t *table) changedQuery(q *recsys.Query) string {
	d := t.query()
	for j := range t.request.vectors {
		if !equalBits(q.Vector(j), d.Vector(j)) {
			return "vectors"
		}
	}
	switch {
	case !reflect.DeepEqual(q.Request, d.Request):
		return "request"
	case !equalBits(q.Floats(), d.Floats()):
		return "float columns"
	case !slices.Equal(q.IDs(), d.IDs()):
		return "id columns"
	}
	return ""
}

// keepsNothing ranks, overwrites the table in place, and ranks the same table again.
func keepsNothing(p *probe) {
	r := p.ranker()
	before, after := p.table(25, complete, 12), p.table(25, complete, 13)
	after.items = before.items
	want, ok := p.rank(p.ranker(), after)
	if !ok {
		return
	}
	q, c := before.query(), before.candidates()
	s := newScores(before.n, len(headsOf(r)), mark)
	if err := p.call(context.Background(), r, q, c, s.out()); err != nil {
		p.fatalf("Rank returned %q, on %v", err, before)
	}
	answered := slices.Clone(s.all)
	after.write(c)
	s2 := newScores(after.n, len(headsOf(r)), mark)
	if err := p.call(context.Background(), r, after.query(), c, s2.out()); err != nil {
		p.fatalf("Rank returned %q, on %v", err, after)
	}
	p.same("a table whose memory held another one before", after, s2, want)
	if !equalBits(answered, s.all) {
		p.failf("the second call wrote into the scores of the first")
	}
}

func concurrentCalls(p *probe) {
	r := p.ranker()
	tables := []*table{p.table(16, complete, 14), p.table(33, scattered, 15), p.table(70, complete, 16), p.table(1, all, 17)}
	var want []*scores
	for _, t := range tables {
		s, ok := p.rank(p.ranker(), t)
		if !ok {
			return
		}
		want = append(want, s)
	}
	const goroutines, rounds = 8, 20
	probes := make([]*probe, goroutines)
	var wg sync.WaitGroup
	for g := range probes {
		own := *p
		own.details = nil
		probes[g] = &own
		wg.Go(func() {
			own := probes[g]
			own.guarded(func() {
				for round := range rounds {
					k := (g + round) % len(tables)
					got, ok := own.rank(r, tables[k])
					if !ok {
						return
					}
					own.same(fmt.Sprintf("beside %d other calls", goroutines-1), tables[k], got, want[k])
				}
			})
		})
	}
	wg.Wait()
	for _, own := range probes {
		p.details, p.hung = append(p.details, own.details...), p.hung || own.hung
	}
}

func cancelledContext(p *probe) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := p.ranker()
	t := p.table(30, complete, 18)
	want, ok := p.rank(p.ranker(), t)
	if !ok {
		return
	}
	got := newScores(t.n, len(headsOf(r)), mark)
	switch err := p.call(ctx, r, t.query(), t.candidates(), got.out()); {
	case err == nil:
		p.same("with a cancelled context and no error", t, got, want)
	case !errors.Is(err, context.Canceled):
		p.failf("with a cancelled context Rank returned %q, which does not wrap context.Canceled", err)
	}
	if got, ok := p.rank(r, t); ok {
		p.same("after a cancelled call", t, got, want)
	}
}
