package retrievaltest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// mutable calls look for a mutable index of every metric.
func (p *indexProbe) mutable(n, dim int, look func(ix retrieval.MutableIndex, oracle *Exact, c *catalogue)) {
	p.each(n, dim, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		if m, ok := ix.(retrieval.MutableIndex); ok {
			look(m, oracle, c)
		} else {
			p.fail("it is no retrieval.MutableIndex")
		}
	})
}

// refusedChange checks that a change is refused and leaves everything as it was.
func (p *indexProbe) refusedChange(what string, ix retrieval.Index, oracle *Exact, c *catalogue, change func() error, want error) {
	if err := change(); !errors.Is(err, want) {
		p.fail("%v, %s: error %v; want %v", ix.Metric(), what, err, want)
	}
	if ix.Len() != oracle.Len() {
		p.fail("%v, after %s: Len is %d; want %d", ix.Metric(), what, ix.Len(), oracle.Len())
	}
	p.compare("after "+what, ix, oracle, c.queries[:3], 10, retrieval.SearchOptions{})
}

// holds checks that an item is in the index with the vector that the oracle has, and can
// be found, or is not there.
func (p *indexProbe) holds(what string, ix retrieval.Index, oracle *Exact, item recsys.ItemID) {
	want, known := oracle.Vector(nil, item)
	got, ok := ix.Vector(nil, item)
	if ok != known || !slices.Equal(got, want) {
		p.fail("%v, %s: Vector of item %d = %v, %v; want %v, %v", ix.Metric(), what, item, got, ok, want, known)
		return
	}
	if ix.Len() != oracle.Len() {
		p.fail("%v, %s: Len is %d; want %d", ix.Metric(), what, ix.Len(), oracle.Len())
	}
	q := want
	if !known {
		q = make([]float32, ix.Dim())
	}
	p.compare(what, ix, oracle, [][]float32{q}, 1, retrieval.SearchOptions{Filter: retrieval.AllowItems(item)})
	p.compare(what, ix, oracle, [][]float32{q}, 1, retrieval.SearchOptions{Allow: []recsys.ItemID{item}})
	if p.Recall == 0 {
		p.compare(what, ix, oracle, [][]float32{q}, 10, retrieval.SearchOptions{})
	}
}

// mutable names the methods that an index lacks.
func mutable(p *indexProbe) {
	p.each(3, 4, func(ix retrieval.Index, _ *Exact, _ *catalogue) {
		if _, ok := ix.(interface {
			Insert(recsys.ItemID, []float32) error
		}); !ok {
			p.fail("%T has no method Insert(recsys.ItemID, []float32) error", ix)
		}
		if _, ok := ix.(interface {
			Update(recsys.ItemID, []float32) error
		}); !ok {
			p.fail("%T has no method Update(recsys.ItemID, []float32) error", ix)
		}
		if _, ok := ix.(interface{ Delete(recsys.ItemID) error }); !ok {
			p.fail("%T has no method Delete(recsys.ItemID) error", ix)
		}
	})
}

func inserts(p *indexProbe) {
	for _, n := range []int{0, 1, 150} {
		p.mutable(n, 16, func(ix retrieval.MutableIndex, oracle *Exact, c *catalogue) {
			vec := make([]float32, 16)
			for i := range 60 {
				c.draw(vec)
				item := fresh(i)
				if i == 17 {
					clear(vec)
				}
				if err := errors.Join(ix.Insert(item, vec), oracle.Insert(item, vec)); err != nil {
					p.fail("%v: Insert: %v", ix.Metric(), err)
					return
				}
				clear(vec) // it was copied
				p.holds("after Insert", ix, oracle, item)
			}
			p.compare("after 60 times Insert", ix, oracle, c.queries, 10, retrieval.SearchOptions{})
			c.draw(vec)
			p.refusedChange("Insert of what is there", ix, oracle, c, func() error { return ix.Insert(fresh(3), vec) }, retrieval.ErrDuplicate)
			for _, d := range []int{0, 15, 17} {
				p.refusedChange(fmt.Sprintf("Insert of a vector of length %d", d), ix, oracle, c, func() error { return ix.Insert(fresh(999), make([]float32, d)) }, retrieval.ErrDimension)
			}
			for _, bad := range notFinite(vec) {
				p.refusedChange(fmt.Sprintf("Insert of %v", bad), ix, oracle, c, func() error { return ix.Insert(fresh(999), bad) }, retrieval.ErrNotFinite)
			}
			p.holds("after refused calls", ix, oracle, fresh(999))
		})
	}
}

func updates(p *indexProbe) {
	p.mutable(150, 16, func(ix retrieval.MutableIndex, oracle *Exact, c *catalogue) {
		vec := make([]float32, 16)
		for i := range 60 {
			c.draw(vec)
			item := c.items[(i*7)%len(c.items)]
			if err := errors.Join(ix.Update(item, vec), oracle.Update(item, vec)); err != nil {
				p.fail("%v: Update: %v", ix.Metric(), err)
				return
			}
			clear(vec)
			p.holds("after Update", ix, oracle, item)
		}
		p.compare("after 60 times Update", ix, oracle, c.queries, 10, retrieval.SearchOptions{})
		c.draw(vec)
		p.refusedChange("Update of what is not there", ix, oracle, c, func() error { return ix.Update(fresh(1), vec) }, retrieval.ErrNotFound)
		p.refusedChange("Update to a vector of length 15", ix, oracle, c, func() error { return ix.Update(c.items[3], vec[:15]) }, retrieval.ErrDimension)
		for _, bad := range notFinite(vec) {
			p.refusedChange(fmt.Sprintf("Update to %v", bad), ix, oracle, c, func() error { return ix.Update(c.items[3], bad) }, retrieval.ErrNotFinite)
		}
		p.holds("after refused calls", ix, oracle, c.items[3])
	})
}

func deletes(p *indexProbe) {
	p.mutable(150, 16, func(ix retrieval.MutableIndex, oracle *Exact, c *catalogue) {
		p.refusedChange("Delete of what is not there", ix, oracle, c, func() error { return ix.Delete(fresh(1)) }, retrieval.ErrNotFound)
		for i, item := range slices.Clone(c.items) {
			if err := errors.Join(ix.Delete(item), oracle.Delete(item)); err != nil {
				p.fail("%v: Delete: %v", ix.Metric(), err)
				return
			}
			p.holds("after Delete", ix, oracle, item)
			if i%25 == 0 {
				p.compare(fmt.Sprintf("after Delete of %d of 150", i+1), ix, oracle, c.queries[:10], 10, retrieval.SearchOptions{})
				p.refusedChange("a second Delete", ix, oracle, c, func() error { return ix.Delete(item) }, retrieval.ErrNotFound)
			}
		}
		p.compare("after Delete of all", ix, oracle, c.queries[:3], 10, retrieval.SearchOptions{})
		for _, item := range c.items[:20] { // what was deleted may come back
			if err := errors.Join(ix.Insert(item, c.queries[1]), oracle.Insert(item, c.queries[1])); err != nil {
				p.fail("%v: Insert after Delete: %v", ix.Metric(), err)
				return
			}
		}
		p.compare("after Insert into what Delete has emptied", ix, oracle, c.queries[:3], 10, retrieval.SearchOptions{})
	})
}

// change makes one change at random to index and oracle alike. live holds the items.
func (p *indexProbe) change(ix retrieval.MutableIndex, oracle *Exact, c *catalogue, live []recsys.ItemID) []recsys.ItemID {
	vec := make([]float32, ix.Dim())
	c.draw(vec)
	var err error
	switch r := c.rng.IntN(3); {
	case r == 0 || len(live) == 0:
		item := fresh(5000 + p.made)
		p.made++
		err = errors.Join(ix.Insert(item, vec), oracle.Insert(item, vec))
		live = append(live, item)
	case r == 1:
		item := live[c.rng.IntN(len(live))]
		err = errors.Join(ix.Update(item, vec), oracle.Update(item, vec))
	default:
		i := c.rng.IntN(len(live))
		err = errors.Join(ix.Delete(live[i]), oracle.Delete(live[i]))
		live = slices.Delete(live, i, i+1)
	}
	if err != nil {
		p.fail("%v: %v", ix.Metric(), err)
	}
	return live
}

func churn(p *indexProbe) {
	for _, n := range []int{3, 300} {
		p.mutable(n, 16, func(ix retrieval.MutableIndex, oracle *Exact, c *catalogue) {
			live := slices.Clone(c.items)
			odd := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 1 })
			for round := range 10 {
				for range n/5 + 2 {
					if live = p.change(ix, oracle, c, live); len(p.details) > 0 {
						return
					}
				}
				what := fmt.Sprintf("%d items at first, %d changes", n, (round+1)*(n/5+2))
				p.compare(what, ix, oracle, c.queries[:20], 10, retrieval.SearchOptions{})
				p.compare(what+", filter", ix, oracle, c.queries[:20], 10, retrieval.SearchOptions{Filter: odd})
				p.compare(what+", all", ix, oracle, c.queries[:2], 1000, retrieval.SearchOptions{})
			}
		})
	}
}

// filtersFollowChanges deletes what filters match and inserts what they do not, then the
// other way round: whoever keeps rows without looking at changes is found out.
func filtersFollowChanges(p *indexProbe) {
	p.mutable(120, 8, func(ix retrieval.MutableIndex, oracle *Exact, c *catalogue) {
		even := func(item recsys.ItemID) bool { return item%2 == 0 }
		list := retrieval.AllowItems(append(slices.Clone(c.items[:60]), fresh(0), fresh(1), fresh(2), fresh(3))...)
		filters := map[string]*retrieval.Filter{
			"Where": retrieval.Where(even), "Not": retrieval.Not(retrieval.Where(even)), "AllowItems": list,
			"DenyItems": retrieval.DenyItems(c.items[:60]...), "AllOf": retrieval.AllOf(retrieval.Where(even), list),
		}
		compare := func(what string) {
			for name, f := range filters {
				for _, k := range []int{10, 500} {
					p.compare(what+", filter "+name, ix, oracle, c.queries[:3], k, retrieval.SearchOptions{Filter: f})
				}
			}
		}
		compare("before changes")
		next := 0
		vec := make([]float32, 8)
		for round := range 6 {
			var gone []recsys.ItemID
			for _, item := range oracle.items {
				if even(item) == (round%2 == 0) && len(gone) < 25 {
					gone = append(gone, item)
				}
			}
			for _, item := range gone {
				if err := errors.Join(ix.Delete(item), oracle.Delete(item)); err != nil {
					p.fail("%v: Delete: %v", ix.Metric(), err)
				}
			}
			compare(fmt.Sprintf("round %d, %d items deleted", round, len(gone)))
			for n := 0; n < len(gone); next++ {
				if item := fresh(next); even(item) != (round%2 == 0) {
					c.draw(vec)
					if err := errors.Join(ix.Insert(item, vec), oracle.Insert(item, vec)); err != nil {
						p.fail("%v: Insert: %v", ix.Metric(), err)
						return
					}
					n++
				}
			}
			compare(fmt.Sprintf("round %d, as many others inserted", round))
		}
	})
}
