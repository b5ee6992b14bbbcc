package retrievaltest

import (
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// filtersOf returns filters of every kind, by name, for the items of a catalogue.
func filtersOf(c *catalogue) map[string]*retrieval.Filter {
	third := func(item recsys.ItemID) bool { return item%3 == 0 }
	sorted := slices.Sorted(slices.Values(c.items))
	bits := recsys.MakeBits(2 * len(c.items))
	for i := 0; i < 2*len(c.items); i += 3 {
		bits.Set(i)
	}
	half, few := retrieval.AllowItems(c.items[:len(c.items)/2]...), retrieval.AllowItems(append(sorted[:3:3], fresh(0), fresh(1))...)
	odd := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 1 })
	return map[string]*retrieval.Filter{
		"AllowItems, half":         half,
		"AllowItems, three":        few,
		"AllowItems, none":         retrieval.AllowItems(),
		"AllowItems, unknown":      retrieval.AllowItems(fresh(3), fresh(4)),
		"DenyItems, half":          retrieval.DenyItems(c.items[:len(c.items)/2]...),
		"DenyItems, none":          retrieval.DenyItems(),
		"DenyItems, all":           retrieval.DenyItems(c.items...),
		"DenyItems, all but three": retrieval.DenyItems(sorted[3:]...),
		"BitmapFilter":             retrieval.BitmapFilter(30, bits),
		"BitmapFilter, empty":      retrieval.BitmapFilter(0, nil),
		"Where, third":             retrieval.Where(third),
		"Where, nothing":           retrieval.Where(func(recsys.ItemID) bool { return false }),
		"Where, everything":        retrieval.Where(func(recsys.ItemID) bool { return true }),
		"AllOf":                    retrieval.AllOf(odd, half, retrieval.Not(few)),
		"AllOf, nothing":           retrieval.AllOf(odd, retrieval.Not(odd)),
		"AllOf of none":            retrieval.AllOf(),
		"AnyOf":                    retrieval.AnyOf(few, odd),
		"AnyOf of lists":           retrieval.AnyOf(few, retrieval.AllowItems(sorted[len(sorted)/2:]...)),
		"AnyOf of none":            retrieval.AnyOf(),
		"Not":                      retrieval.Not(odd),
	}
}

func filters(p *indexProbe) {
	p.each(300, 16, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		for name, f := range filtersOf(c) {
			for range 2 { // resolving, and resolved
				p.compare("filter "+name, ix, oracle, c.queries[:12], 10, retrieval.SearchOptions{Filter: f})
			}
			p.compare("filter "+name, ix, oracle, c.queries[:2], 300, retrieval.SearchOptions{Filter: f})
		}
	})
	p.each(2000, 16, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		for _, share := range []float64{0.5, 0.1, 0.01, 0.001} {
			n := int(share * 2000)
			f := retrieval.AllowItems(c.items[:n]...)
			p.compare(fmt.Sprintf("a filter that matches %d of 2000", n), ix, oracle, c.queries, 10, retrieval.SearchOptions{Filter: f})
		}
		// What the filter leaves is the rear of the list: the items of the smallest norm, which
		// hardly anything leads to under the inner product.
		zero := make([]float32, 16)
		far, err := oracle.Search(nil, c.queries[0], 2000, retrieval.SearchOptions{})
		if oracle.Metric() == retrieval.L2 {
			far, err = oracle.Search(nil, zero, 2000, retrieval.SearchOptions{})
			slices.Reverse(far)
		}
		if err != nil {
			panic(err)
		}
		var rear []recsys.ItemID
		for _, n := range far[1800:] {
			rear = append(rear, n.Item)
		}
		p.compare("a filter that matches the 200 farthest", ix, oracle, c.queries, 10, retrieval.SearchOptions{Filter: retrieval.AllowItems(rear...)})
	})
}

func lists(p *indexProbe) {
	p.each(300, 16, func(ix retrieval.Index, oracle *Exact, c *catalogue) {
		some := append(slices.Clone(c.items[:40]), fresh(1), c.items[3], fresh(1), c.items[3]) // unknown and doubled
		odd := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 1 })
		for name, opt := range map[string]retrieval.SearchOptions{
			"allow some":                {Allow: some},
			"allow one":                 {Allow: c.items[7:8]},
			"allow none":                {Allow: []recsys.ItemID{}},
			"allow unknown":             {Allow: []recsys.ItemID{fresh(1), fresh(2)}},
			"allow all":                 {Allow: c.items},
			"exclude some":              {Exclude: some},
			"exclude none":              {Exclude: []recsys.ItemID{}},
			"exclude all":               {Exclude: c.items},
			"exclude all but one":       {Exclude: c.items[1:]},
			"exclude unknown":           {Exclude: []recsys.ItemID{fresh(1), fresh(1)}},
			"allow and exclude":         {Allow: some, Exclude: c.items[20:200]},
			"allow what is excluded":    {Allow: some, Exclude: some},
			"filter and allow":          {Filter: odd, Allow: some},
			"filter and exclude":        {Filter: odd, Exclude: some},
			"filter, allow and exclude": {Filter: odd, Allow: c.items[:150], Exclude: some},
		} {
			for _, k := range []int{1, 10, 300} {
				p.compare(name, ix, oracle, c.queries[:6], k, opt)
			}
		}
		// The best are excluded: the next ones come.
		for _, q := range c.queries[:6] {
			best, err := oracle.Search(nil, q, 60, retrieval.SearchOptions{})
			if err != nil {
				panic(err)
			}
			var seen []recsys.ItemID
			for _, n := range best {
				seen = append(seen, n.Item)
			}
			p.compare("the best 60 excluded", ix, oracle, [][]float32{q}, 10, retrieval.SearchOptions{Exclude: seen})
		}
	})
}
