package hnsw_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/hnsw"
)

// An item that is far the best before and after each update is found by every search beside
// the updates, whatever the plan and the options.
func TestUpdatesDoNotHideAnItem(t *testing.T) {
	const best, hidden = 7, 10 // the first two items
	updates, sizes := 4000, []int{50, 2000, 12000}
	if testing.Short() {
		updates = 1000
	}
	if race.Enabled {
		sizes = sizes[:2]
	}
	for _, n := range sizes {
		c := newCatalogue(61, n, 8, 1)
		q := []float32{1, 1, 1, 1, 1, 1, 1, 1}
		for _, m := range []retrieval.Metric{retrieval.InnerProduct, retrieval.L2} {
			x := c.build(t, hnsw.Config{Metric: m, EfConstruction: 30, M: 8})
			size := float32(100)
			if m == retrieval.L2 {
				size = 1
			}
			vectorOf := func(i int) []float32 {
				v := make([]float32, 8)
				for j := range v {
					v[j] = size + size/1000*float32((i+j)%7)
				}
				return v
			}
			for _, item := range []recsys.ItemID{best, hidden} {
				if err := x.Update(item, vectorOf(0)); err != nil {
					t.Fatal(err)
				}
			}
			options := map[string]retrieval.SearchOptions{
				"nothing":         {},
				"allow":           {Allow: []recsys.ItemID{best, 13, 16}},
				"a wide filter":   {Filter: retrieval.Where(func(item recsys.ItemID) bool { return item != hidden })},
				"a narrow filter": {Filter: retrieval.AllowItems(best, 13, 16)},
				"exclude":         {Exclude: []recsys.ItemID{hidden, 13}},
				"exclude, filter": {Exclude: []recsys.ItemID{hidden}, Filter: retrieval.Where(all)},
			}
			var over atomic.Bool
			var wg sync.WaitGroup
			for what, opt := range options {
				wg.Go(func() {
					var dst []retrieval.Neighbor
					searches, misses := 0, 0
					for !over.Load() && !t.Failed() {
						var err error
						if dst, err = x.Search(dst[:0], q, 1, opt); err != nil {
							t.Error(err)
						}
						searches++
						if len(dst) != 1 || dst[0].Item != best && (dst[0].Item != hidden || what != "nothing") {
							misses++
						}
					}
					// A search that is held up while thousands of rows change hands may miss one.
					if misses > 1+searches/5000 {
						t.Errorf("%v, %d items, %s: %d of %d searches miss the item", m, n, what, misses, searches)
					}
				})
			}
			for i := range updates {
				for _, item := range []recsys.ItemID{best, hidden} {
					if err := x.Update(item, vectorOf(i)); err != nil {
						t.Error(err)
					}
				}
			}
			over.Store(true)
			wg.Wait()
		}
	}
}
