package flat_test

import (
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// Items below stable are always there, but their vectors change all the time; each vector
// has one value in all places, from 1 to 100. The others come and go. Every search must
// see each stable item once, with a vector that is whole.
func TestSearchesSeeEachItemOnceAndWholeDuringChanges(t *testing.T) {
	const stable, all, dim, readers = 400, 800, 48, 3
	rounds := 400
	if testing.Short() {
		rounds = 100
	}
	for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.L2} {
		for _, quantize := range quantizes {
			t.Run(metric.String()+"/"+quantize.String(), func(t *testing.T) {
				t.Parallel()
				level := func(rng *rand.Rand) []float32 {
					v := make([]float32, dim)
					value := float32(1 + rng.IntN(100))
					for i := range v {
						v[i] = value
					}
					return v
				}
				rng := rand.New(rand.NewPCG(1, 2))
				m := vector.NewMatrix(stable, dim)
				items := make([]recsys.ItemID, stable)
				for i := range items {
					items[i] = recsys.ItemID(i)
					copy(m.Row(i), level(rng))
				}
				x, err := flat.New(flat.Config{Metric: metric, Quantize: quantize}, items, m)
				if err != nil {
					t.Fatal(err)
				}
				var reading atomic.Int32
				var wg sync.WaitGroup
				reading.Store(readers)
				for r := range readers {
					wg.Go(func() {
						defer reading.Add(-1)
						readWhileChanging(t, x, rounds, uint64(r), stable, level)
					})
				}
				wg.Go(func() {
					// To write compacts; without, there are runs to merge.
					for metric == retrieval.L2 && reading.Load() > 0 {
						if _, err := x.WriteTo(io.Discard); err != nil {
							t.Error(err)
						}
					}
				})
				there := map[recsys.ItemID]bool{}
				for reading.Load() > 0 && !t.Failed() {
					item := recsys.ItemID(rng.IntN(all))
					if rng.IntN(2) == 0 {
						item = 0 // on which everybody looks
					}
					var err error
					switch {
					case item < stable:
						err = x.Update(item, level(rng))
					case there[item]:
						err = x.Delete(item)
						there[item] = false
					default:
						err = x.Insert(item, level(rng))
						there[item] = true
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				wg.Wait()
			})
		}
	}
}

func readWhileChanging(t *testing.T, x *flat.Index, rounds int, seed uint64, stable int, level func(*rand.Rand) []float32) {
	rng := rand.New(rand.NewPCG(seed, 3))
	even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
	few := retrieval.Where(func(item recsys.ItemID) bool { return item%64 == 0 })
	allow := []recsys.ItemID{0, 5, 10, 15, 100_000}
	var dst []retrieval.Neighbor
	for round := 0; round < rounds && !t.Failed(); round++ {
		q := level(rng)
		for _, c := range []struct {
			opt  retrieval.SearchOptions
			want func(recsys.ItemID) bool
		}{
			{retrieval.SearchOptions{}, func(recsys.ItemID) bool { return true }},
			{retrieval.SearchOptions{Filter: even}, even.Match},
			{retrieval.SearchOptions{Filter: few}, few.Match},
			{retrieval.SearchOptions{Exclude: []recsys.ItemID{7, 8}}, func(i recsys.ItemID) bool { return i != 7 && i != 8 }},
			{retrieval.SearchOptions{Allow: allow, Filter: even, Exclude: []recsys.ItemID{10}}, func(i recsys.ItemID) bool { return i == 0 }},
		} {
			var err error
			if dst, err = x.Search(dst[:0], q, 10_000, c.opt); err != nil {
				t.Error(err)
				return
			}
			seen := map[recsys.ItemID]bool{}
			for i, n := range dst {
				if seen[n.Item] {
					t.Errorf("item %d is found twice", n.Item)
				}
				seen[n.Item] = true
				if !c.want(n.Item) {
					t.Errorf("item %d does not pass", n.Item)
				}
				if i > 0 && n.Score > dst[i-1].Score {
					t.Errorf("scores %v, %v are not in order", dst[i-1].Score, n.Score)
				}
				if x.Metric() == retrieval.InnerProduct {
					if value := n.Score / (q[0] * float32(len(q))); value != float32(int(value)) || value < 1 || value > 100 {
						t.Errorf("item %d scores %v: no vector gives that", n.Item, n.Score)
					}
				}
			}
			for i := range stable {
				if item := recsys.ItemID(i); c.want(item) && !seen[item] {
					t.Errorf("item %d is missing", item)
				}
			}
		}
		v, ok := x.Vector(nil, recsys.ItemID(rng.IntN(stable)))
		if !ok {
			t.Error("a stable item has no vector")
			return
		}
		for _, value := range v {
			if value != v[0] {
				t.Errorf("a torn vector: %v", v)
				return
			}
		}
	}
}

// A filter is asked while a search is under way. This one changes the index then, so that
// the search must not mix what was before with what is after.
func TestSearchIsOfOneMoment(t *testing.T) {
	const n, dim = 1024, 16 // rows that are added begin a word of the filter's bits
	for _, quantize := range quantizes {
		for name, c := range map[string]struct {
			k   int
			opt retrieval.SearchOptions
			out map[recsys.ItemID]bool
		}{
			"scan":  {k: n, opt: retrieval.SearchOptions{Exclude: []recsys.ItemID{6}}, out: map[recsys.ItemID]bool{6: true}},
			"top":   {k: 10},
			"allow": {k: n, opt: retrieval.SearchOptions{Allow: []recsys.ItemID{1, 2, 3, 5, 6, 7, 900, 2000}, Exclude: []recsys.ItemID{6}}, out: map[recsys.ItemID]bool{6: true}},
		} {
			t.Run(quantize.String()+"/"+name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(9, 9))
				m := vector.NewMatrix(n, dim)
				kinds[0].make(rng, m)
				items := make([]recsys.ItemID, n)
				for i := range items {
					items[i] = recsys.ItemID(i)
				}
				x, err := flat.New(flat.Config{Quantize: quantize, Metric: retrieval.Cosine}, items, m)
				if err != nil {
					t.Fatal(err)
				}
				far := make([]float32, dim)
				far[0] = 1
				changed := false
				opt := c.opt
				opt.Filter = retrieval.Where(func(item recsys.ItemID) bool {
					if !changed && item == 1 {
						changed = true
						for _, err := range []error{x.Update(3, far), x.Update(900, far), x.Update(5, far), x.Update(6, far), x.Delete(7), x.Insert(2000, far)} {
							if err != nil {
								t.Error(err)
							}
						}
					}
					return item != 5
				})
				q := m.Row(900)
				found := search(t, x, q, c.k, opt)
				if !changed {
					t.Fatal("nothing was changed")
				}
				if opt.Allow == nil && (found[0].Item != 900 || found[0].Score < 0.999) {
					t.Errorf("the nearest is %v; want item 900 with the vector that it had", found[0])
				}
				seen := map[recsys.ItemID]bool{}
				for _, f := range found {
					if seen[f.Item] || f.Item == 5 || c.out[f.Item] {
						t.Errorf("item %d is found again, or though it must not be", f.Item)
					}
					seen[f.Item] = true
				}
				want := items
				if c.k < n {
					want = nil
				}
				if opt.Allow != nil {
					want = opt.Allow
				}
				for _, item := range want {
					if item != 5 && item != 7 && item != 2000 && !c.out[item] && !seen[item] {
						t.Errorf("item %d is missing", item)
					}
				}
			})
		}
	}
}
