package retrievaltest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

var suiteDims = []int{1, 3, 16, 17, 64, 100, 128}

func describesItself(p *indexProbe) {
	for _, n := range []int{0, 1, 2, 10} {
		for _, dim := range suiteDims {
			p.each(n, dim, func(ix retrieval.Index, oracle *Exact, _ *catalogue) {
				if ix.Len() != n || ix.Dim() != dim || ix.Metric() != oracle.Metric() {
					p.fail("%d items of dimension %d by %v; want %d of %d by %v", ix.Len(), ix.Dim(), ix.Metric(), n, dim, oracle.Metric())
				}
			})
		}
	}
}

func nearest(p *indexProbe) {
	for _, n := range []int{1, 2, 10, 1000} {
		for i, dim := range suiteDims {
			metrics := p.metrics()
			if n == 1000 && dim != 16 { // each dimension once, one of them for all
				metrics = metrics[i%len(metrics):][:1]
			}
			for _, m := range metrics {
				c := newCatalogue(uint64(i), n, dim)
				if ix, oracle, ok := p.make(m, c); ok {
					p.compare(fmt.Sprintf("%d x %d", n, dim), ix, oracle, c.queries, 10, retrieval.SearchOptions{})
				}
			}
		}
	}
}

// ties has every vector several times, so that most scores are equal to others.
func ties(p *indexProbe) {
	for _, m := range p.metrics() {
		c := newCatalogue(3, 200, 8)
		for i := range c.vectors.Rows {
			copy(c.vectors.Row(i), c.vectors.Row(i%7))
		}
		ix, oracle, ok := p.make(m, c)
		if !ok {
			continue
		}
		for _, k := range []int{1, 5, 10, 60, 200} {
			p.compare("each vector about 28 times", ix, oracle, c.queries[:10], k, retrieval.SearchOptions{})
		}
	}
}

func zeroVectors(p *indexProbe) {
	for _, m := range p.metrics() {
		c := newCatalogue(4, 60, 16)
		for i := range 30 {
			clear(c.vectors.Row(2 * i))
		}
		ix, oracle, ok := p.make(m, c)
		if !ok {
			continue
		}
		queries := append(c.queries[:5:5], make([]float32, 16))
		for _, k := range []int{1, 10, 60} {
			p.compare("half of the vectors zero", ix, oracle, queries, k, retrieval.SearchOptions{})
		}
		for i := range c.vectors.Data {
			c.vectors.Data[i] = 0
		}
		if ix, oracle, ok = p.make(m, c); ok {
			p.compare("all vectors zero", ix, oracle, queries, 10, retrieval.SearchOptions{})
		}
	}
}

func anyK(p *indexProbe) {
	for _, n := range []int{1, 2, 10, 300} {
		p.each(n, 16, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
			for _, k := range []int{math.MinInt, -1, 0, 1, 2, n - 1, n, n + 1, 5 * n, math.MaxInt} {
				p.compare(fmt.Sprintf("%d items", n), ix, oracle, c.queries[:3], k, retrieval.SearchOptions{})
			}
		})
	}
}

func emptyVectors(p *indexProbe) {
	for _, dim := range []int{1, 16, 17} {
		p.each(0, dim, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
			for _, opt := range []retrieval.SearchOptions{
				{}, {Filter: retrieval.DenyItems(1)}, {Allow: []recsys.ItemID{1}}, {Exclude: []recsys.ItemID{1}}, {Stats: new(retrieval.SearchStats)},
			} {
				p.compare("an empty index", ix, oracle, c.queries[:2], 10, opt)
			}
			dst := []float32{7}
			if err := ix.Score(dst, c.queries[0], []recsys.ItemID{1}); err != nil || dst[0] == dst[0] {
				p.fail("Score in an empty index = %v, %v; want NaN", dst[0], err)
			}
			if v, ok := ix.Vector(nil, 1); ok || len(v) > 0 {
				p.fail("Vector in an empty index = %v, %v", v, ok)
			}
		})
	}
}

func anyEffort(p *indexProbe) {
	p.each(1000, 16, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		sound := *p // recall is not asked for where effort is low
		sound.details = nil
		if p.Recall > 0 {
			sound.Recall = math.SmallestNonzeroFloat64
		}
		for _, effort := range []int{1, 2, 9} {
			sound.compare(fmt.Sprintf("effort %d", effort), ix, oracle, c.queries, 10, retrieval.SearchOptions{Effort: effort})
		}
		p.details = append(p.details, sound.details...)
		p.compare("effort 1000", ix, oracle, c.queries, 10, retrieval.SearchOptions{Effort: 1000})
	})
}

// refusedQuery checks that a query is refused with an error that wraps want.
func (p *indexProbe) refusedQuery(what string, ix retrieval.Index, q []float32, want error) {
	dst := []retrieval.Neighbor{{Item: 5, Score: 6}}
	for _, k := range []int{1, 0} {
		got, err := ix.Search(dst, q, k, retrieval.SearchOptions{})
		if !errors.Is(err, want) {
			p.fail("%s: Search for k = %d: error %v; want %v", what, k, err, want)
		}
		if len(got) != 1 || got[0] != dst[0] {
			p.fail("%s: Search returned %v; want dst as it was", what, got)
		}
	}
	if err := ix.Score([]float32{0}, q, []recsys.ItemID{0}); !errors.Is(err, want) {
		p.fail("%s: Score: error %v; want %v", what, err, want)
	}
}

func wrongDimension(p *indexProbe) {
	for _, n := range []int{0, 10} {
		p.each(n, 16, func(ix retrieval.Index, _ *Exact, c *catalogue) {
			for _, d := range []int{0, 1, 15, 17, 32} {
				p.refusedQuery(fmt.Sprintf("%d items of dimension 16, query of %d", n, d), ix, make([]float32, d), retrieval.ErrDimension)
			}
		})
	}
}

// notFinite returns vectors of which one value is not finite.
func notFinite(v []float32) [][]float32 {
	var all [][]float32
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, at := range []int{0, len(v) / 2, len(v) - 1} {
			bad := slices.Clone(v)
			bad[at] = float32(x)
			all = append(all, bad)
		}
	}
	return all
}

func queryNotFinite(p *indexProbe) {
	for _, n := range []int{0, 10} {
		p.each(n, 17, func(ix retrieval.Index, _ *Exact, c *catalogue) {
			for _, q := range notFinite(c.queries[0]) {
				p.refusedQuery(fmt.Sprintf("query %v", q), ix, q, retrieval.ErrNotFinite)
			}
		})
	}
}

func refusesBadVectors(p *indexProbe) {
	refused := func(what string, m retrieval.Metric, c *catalogue, want error, names ...any) {
		items, vectors := c.clone()
		ix, err := p.build(m, items, vectors, 2)
		if err == nil {
			p.closes = append(p.closes, ix)
			p.fail("%v, %s: no error", m, what)
			return
		}
		if want != nil && !errors.Is(err, want) {
			p.fail("%v, %s: error %q; want %v", m, what, err, want)
		}
		for _, name := range names {
			if !strings.Contains(err.Error(), fmt.Sprint(name)) {
				p.fail("%v, %s: error %q does not name %v; want the row and the item in the text", m, what, err, name)
			}
		}
	}
	for _, m := range p.metrics() {
		for _, row := range []int{0, 137, 299} {
			for _, bad := range notFinite(newCatalogue(1, 1, 5).vectors.Row(0)) {
				c := newCatalogue(5, 300, 5)
				copy(c.vectors.Row(row), bad)
				refused(fmt.Sprintf("row %d is %v", row, bad), m, c, retrieval.ErrNotFinite, row, c.items[row])
			}
		}
		c := newCatalogue(5, 300, 5)
		c.items[237] = c.items[41]
		refused("rows 41 and 237 have one item", m, c, retrieval.ErrDuplicate, 41, 237, c.items[41])
		c = newCatalogue(5, 300, 5)
		c.items = c.items[:299]
		refused("299 items with 300 vectors", m, c, nil)
	}
	refused("no such metric", retrieval.Metric(99), newCatalogue(5, 3, 5), nil)
}

func strided(p *indexProbe) {
	for _, m := range p.metrics() {
		c := newCatalogue(6, 100, 5)
		wide := vector.Matrix{Data: make([]float32, 99*9+5), Rows: 100, Dim: 5, Stride: 9}
		for i := range wide.Data {
			wide.Data[i] = nan
		}
		for i := range 100 {
			copy(wide.Row(i), c.vectors.Row(i))
		}
		ix, err := p.build(m, slices.Clone(c.items), wide, 2)
		if err != nil {
			p.fail("%v, stride 9 for dimension 5, NaN in between: %v", m, err)
			continue
		}
		p.closes = append(p.closes, ix)
		oracle, _ := NewExact(m, c.items, c.vectors)
		p.compare("stride 9 for dimension 5", ix, oracle, c.queries[:5], 10, retrieval.SearchOptions{})
	}
}

func appends(p *indexProbe) {
	p.each(50, 16, func(ix retrieval.Index, _ *Exact, c *catalogue) {
		want, err := ix.Search(nil, c.queries[0], 10, retrieval.SearchOptions{})
		if err != nil {
			p.fail("%v", err)
			return
		}
		for _, room := range []int{0, 5, 10, 30} {
			dst := make([]retrieval.Neighbor, 3, 3+room)
			for i := range dst {
				dst[i] = retrieval.Neighbor{Item: recsys.ItemID(i), Score: float32(100 + i)}
			}
			first := &dst[0]
			got, err := ix.Search(dst, c.queries[0], 10, retrieval.SearchOptions{})
			if err != nil || len(got) != 3+len(want) || !slices.Equal(got[:3], dst[:3]) || !slices.EqualFunc(got[3:], want, sameNeighbor) {
				p.fail("room for %d after 3 others: %v, %v; want the 3 others, then %v", room, got, err, want)
			}
			if len(got) > 0 && room >= 10 && &got[0] != first {
				p.fail("room for %d after 3 others: it took other memory", room)
			}
		}
	})
}

func scoreOf(p *indexProbe) {
	for _, dim := range suiteDims {
		p.each(70, dim, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
			items := append(slices.Clone(c.items), fresh(1), c.items[3], fresh(2), c.items[3])
			got, want := make([]float32, len(items)+1), make([]float32, len(items))
			got[len(items)] = 7
			if err := ix.Score(got[:len(items)], c.queries[0], items); err != nil {
				p.fail("%v", err)
				return
			}
			if err := oracle.Score(want, c.queries[0], items); err != nil {
				panic(err)
			}
			for i, item := range items {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] != got[i] && want[i] != want[i]) {
					p.fail("%v, dimension %d: item %d has score %v; want %v%s", ix.Metric(), dim, item, got[i], want[i], lastBit(ix.Metric(), got[i], want[i]))
					return
				}
			}
			if got[len(items)] != 7 {
				p.fail("%v: Score wrote behind dst", ix.Metric())
			}
			if err := ix.Score(nil, c.queries[0], nil); err != nil {
				p.fail("%v: Score of no items: %v", ix.Metric(), err)
			}
		})
	}
}

func vectorOf(p *indexProbe) {
	p.each(70, 17, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		for _, item := range append(slices.Clone(c.items), fresh(1)) {
			want, known := oracle.Vector([]float32{1, 2}, item)
			got, ok := ix.Vector([]float32{1, 2}, item)
			if ok != known || !slices.Equal(got, want) {
				p.fail("%v: Vector of item %d = %v, %v; want %v, %v", ix.Metric(), item, got, ok, want, known)
				return
			}
			if !ok {
				continue
			}
			clear(got) // it was appended: what the index holds is not written to
			if again, _ := ix.Vector(nil, item); !slices.Equal(again, want[2:]) {
				p.fail("%v: Vector gave out the index's own memory", ix.Metric())
				return
			}
		}
	})
}

func stats(p *indexProbe) {
	p.each(300, 16, func(ix retrieval.Index, _ *Exact, c *catalogue) {
		for name, opt := range map[string]retrieval.SearchOptions{
			"no options": {}, "a filter": {Filter: retrieval.DenyItems(c.items[:150]...)}, "a list": {Allow: c.items[:20]},
		} {
			s := retrieval.SearchStats{Plan: "stale", Scored: -1, Rescored: -1}
			opt.Stats = &s
			got, err := ix.Search(nil, c.queries[0], 10, opt)
			if err != nil {
				p.fail("%v", err)
				return
			}
			if s.Plan == "" || s.Plan == "stale" || s.Scored < len(got) || s.Rescored < 0 || s.Rescored > s.Scored {
				p.fail("%v, %s: %d neighbours with %+v; fill Plan (which method was taken), Scored (how many rows were compared, at least the neighbours) and Rescored (how many of them again, or 0)", ix.Metric(), name, len(got), s)
			}
		}
	})
}

func argumentsAreReadOnly(p *indexProbe) {
	p.each(300, 16, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		opt := retrieval.SearchOptions{
			Filter:  retrieval.DenyItems(c.items[200:]...),
			Allow:   slices.Concat(c.items[100:], []recsys.ItemID{fresh(1)}, c.items[:100]),
			Exclude: slices.Concat(c.items[50:60], []recsys.ItemID{fresh(2)}, c.items[:9]),
		}
		allow, exclude := slices.Clone(opt.Allow), slices.Clone(opt.Exclude)
		q := slices.Clone(c.queries[0])
		if _, err := ix.Search(nil, q, 10, opt); err != nil {
			p.fail("%v", err)
			return
		}
		items := slices.Clone(c.items)
		if err := ix.Score(make([]float32, len(items)), q, items); err != nil {
			p.fail("%v", err)
			return
		}
		if !slices.Equal(q, c.queries[0]) || !slices.Equal(allow, opt.Allow) || !slices.Equal(exclude, opt.Exclude) || !slices.Equal(items, c.items) {
			p.fail("%v: an argument was written to", ix.Metric())
		}
		// Other contents in the same memory.
		copy(q, c.queries[1])
		copy(opt.Allow, c.items[:len(allow)-1])
		copy(opt.Exclude, c.items[100:])
		p.compare("other arguments in the memory of the first", ix, oracle, [][]float32{q}, 10, opt)
	})
}

func concurrentSearches(p *indexProbe) {
	p.each(500, 16, func(ix retrieval.Index, _ *Exact, c *catalogue) {
		odd := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 1 })
		options := []retrieval.SearchOptions{{}, {Filter: odd}, {Allow: c.items[:40]}, {Exclude: c.items[:200]}}
		var want [][]retrieval.Neighbor
		for i, q := range c.queries {
			list, err := ix.Search(nil, q, 10, options[i%len(options)])
			if err != nil {
				p.fail("%v", err)
				return
			}
			want = append(want, list)
		}
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for g := range errs {
			wg.Go(func() {
				var dst []retrieval.Neighbor
				for turn := range 3 * len(c.queries) {
					i := (turn + 5*g) % len(c.queries)
					var err error
					if dst, err = ix.Search(dst[:0], c.queries[i], 10, options[i%len(options)]); err != nil {
						errs[g] = err
						return
					}
					if !slices.EqualFunc(dst, want[i], sameNeighbor) {
						errs[g] = fmt.Errorf("query %d: %v; alone %v", i, dst, want[i])
						return
					}
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			p.fail("%v: of %d concurrent searches some differ: %v", ix.Metric(), len(errs), err)
		}
	})
}

func allocatesNothing(p *indexProbe) {
	if race.Enabled {
		return // pools drop what they hold at random
	}
	p.each(600, 16, func(ix retrieval.Index, _ *Exact, c *catalogue) {
		dst, i := make([]retrieval.Neighbor, 0, 100), 0
		scores, vec := make([]float32, 50), make([]float32, 0, 16)
		none := func(what string, f func()) {
			for range 50 {
				f() // pools and memory reach their size
			}
			if n := testing.AllocsPerRun(100, f); n > 0 {
				p.fail("%v, %s: %v allocations; want none, or set IndexSuite.AllowAllocs", ix.Metric(), what, n)
			}
		}
		search := func(opt retrieval.SearchOptions) func() {
			return func() {
				i++
				dst, _ = ix.Search(dst[:0], c.queries[i%len(c.queries)], 100, opt)
			}
		}
		none("Search", search(retrieval.SearchOptions{}))
		none("Search with a filter", search(retrieval.SearchOptions{Filter: retrieval.DenyItems(c.items[:300]...)}))
		none("Search with a narrow filter", search(retrieval.SearchOptions{Filter: retrieval.AllowItems(c.items[:5]...)}))
		none("Search in a list", search(retrieval.SearchOptions{Allow: c.items[:50]}))
		none("Search without a list", search(retrieval.SearchOptions{Exclude: c.items[:50], Stats: new(retrieval.SearchStats)}))
		none("Score", func() { ix.Score(scores, c.queries[0], c.items[:50]) })
		none("Vector", func() { vec, _ = ix.Vector(vec[:0], c.items[9]) })
	})
}
