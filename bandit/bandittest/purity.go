package bandittest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

func utilityNotScore(p *probe) {
	for _, in := range p.settings() {
		for seed := range uint64(20) {
			want := explore(context.Background(), p.e, in, p.Seed+seed)
			c, order := in.table()
			slices.Reverse(c.Scores())
			got := exploreTable(context.Background(), p.e, in, c, order, p.Seed+seed)
			if !got.equal(&want) {
				p.failf("%s: seed %d: rows %v, propensities %v; with other scores but the same utilities %v, %v",
					in.name, p.Seed+seed, want.rows, want.props, got.rows, got.props)
				return
			}
		}
	}
}

func sameQuerySameSlate(p *probe) {
	for _, in := range p.settings() {
		for seed := range uint64(20) {
			want := explore(context.Background(), p.e, in, p.Seed+seed)
			for _, e := range []recsys.Explorer{p.e, p.explorer()} {
				if got := explore(context.Background(), e, in, p.Seed+seed); !got.equal(&want) {
					p.failf("%s: seed %d: rows %v, propensities %v; called again %v, %v",
						in.name, p.Seed+seed, want.rows, want.props, got.rows, got.props)
					return
				}
			}
		}
	}
}

// snapshot is a copy of all that an explorer can reach but must not write.
type snapshot struct {
	Request                                        recsys.Request
	IDs                                            []recsys.ItemID
	Utility, Scores, Merged, Floats, Heads, Vector []float32
	Column                                         []uint64
	Missing, Stale                                 recsys.Bits
	Order                                          []int32
}

func snap(q *recsys.Query, c *recsys.Candidates, order []int32) snapshot {
	vector, _ := c.Vectors(0)
	var heads []float32
	for i := range c.Len() {
		heads = append(heads, c.HeadRow(i)...)
	}
	return snapshot{
		Request: q.Request,
		IDs:     slices.Clone(c.IDs()),
		Utility: slices.Clone(c.Utility()), Scores: slices.Clone(c.Scores()), Merged: slices.Clone(c.MergeScores()),
		Floats: slices.Clone(c.Floats()), Heads: heads, Vector: slices.Clone(vector),
		Column:  slices.Clone(c.IDColumn(0)),
		Missing: slices.Clone(c.Missing(0)), Stale: slices.Clone(c.Stale(0)),
		Order: slices.Clone(order),
	}
}

func writesOnlyTheSlate(p *probe) {
	for _, in := range p.settings() {
		c, order := in.table()
		for seed := range uint64(10) {
			q := in.query(p.Seed + seed)
			before := snap(q, c, order)
			slate := c.Slate(in.k, order)
			err := p.e.Explore(context.Background(), q, c, slate)
			if err != nil {
				p.failf("%s: Explore returned %v", in.name, err)
			}
			after := snap(q, c, slate.Order()) // the slate walks a copy of the order
			for i := range reflect.TypeFor[snapshot]().NumField() {
				x, y := reflect.ValueOf(before).Field(i).Interface(), reflect.ValueOf(after).Field(i).Interface()
				if !reflect.DeepEqual(x, y) {
					p.failf("%s: %s was %v and is %v", in.name, reflect.TypeFor[snapshot]().Field(i).Name, x, y)
					return
				}
			}
		}
	}
}

func concurrentCalls(p *probe) {
	const workers, rounds = 8, 30
	tables := append(p.sized(70, 10), p.settings()...)
	for _, in := range tables {
		in.rules = append(slices.Clone(in.rules), yielding)
	}
	want := make([][]outcome, workers)
	for w := range want {
		want[w] = make([]outcome, rounds)
		for i := range want[w] {
			want[w][i] = explore(context.Background(), p.e, tables[(w+i)%len(tables)], p.Seed+uint64(i))
		}
	}
	var wg sync.WaitGroup
	found := make([]string, workers)
	for w := range workers {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					found[w] = fmt.Sprintf("panic: %v", v)
				}
			}()
			for i := range want[w] {
				in := tables[(w+i)%len(tables)]
				if got := explore(context.Background(), p.e, in, p.Seed+uint64(i)); !got.equal(&want[w][i]) {
					found[w] = fmt.Sprintf("%s: seed %d: rows %v, propensities %v; beside other calls %v, %v",
						in.name, p.Seed+uint64(i), want[w][i].rows, want[w][i].props, got.rows, got.props)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, s := range found {
		if s != "" {
			p.failf("%s", s)
		}
	}
}

// keepsNothing calls explorers on tables of all sizes, forth and back: what a call
// finds must not depend on the calls before it.
func keepsNothing(p *probe) {
	var tables []*instance
	for _, size := range sizes {
		tables = append(tables, p.sized(size[0], size[1])...)
	}
	forth, back := p.explorer(), p.explorer()
	want := make([]outcome, len(tables))
	for i, in := range tables {
		want[i] = explore(context.Background(), forth, in, p.Seed)
	}
	for i := len(tables) - 1; i >= 0; i-- {
		if got := explore(context.Background(), back, tables[i], p.Seed); !got.equal(&want[i]) {
			p.failf("%s, %d rows: rows %v, propensities %v; after other tables %v, %v",
				tables[i].name, len(tables[i].utility), want[i].rows, want[i].props, got.rows, got.props)
			return
		}
	}
}

func cancelledContext(p *probe) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, in := range p.settings() {
		o := explore(ctx, p.e, in, p.Seed)
		switch {
		case o.err != nil && !errors.Is(o.err, context.Canceled):
			p.failf("%s: Explore returned %v, which does not wrap context.Canceled", in.name, o.err)
		case o.err == nil && o.open:
			p.failf("%s: Explore returned nil after %d of %d places", in.name, len(o.rows), in.k)
		}
	}
}
