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
	steps := 6000
	if testing.Short() {
		steps = 1500
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
				var done atomic.Bool
				var wg sync.WaitGroup
				for r := range readers {
					wg.Go(func() { readWhileChanging(t, x, &done, uint64(r), stable, level) })
				}
				wg.Go(func() {
					for !done.Load() {
						if _, err := x.WriteTo(io.Discard); err != nil {
							t.Error(err)
						}
					}
				})
				there := map[recsys.ItemID]bool{}
				for range steps {
					item := recsys.ItemID(rng.IntN(all))
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
				done.Store(true)
				wg.Wait()
			})
		}
	}
}

func readWhileChanging(t *testing.T, x *flat.Index, done *atomic.Bool, seed uint64, stable int, level func(*rand.Rand) []float32) {
	rng := rand.New(rand.NewPCG(seed, 3))
	even := retrieval.Where(func(item recsys.ItemID) bool { return item%2 == 0 })
	few := retrieval.Where(func(item recsys.ItemID) bool { return item%64 == 0 })
	allow := []recsys.ItemID{0, 5, 10, 15, 100_000}
	var dst []retrieval.Neighbor
	for !done.Load() && !t.Failed() {
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
