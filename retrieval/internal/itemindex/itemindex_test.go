package itemindex_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval/internal/itemindex"
)

// draw returns n distinct IDs in [0, limit), ascending.
func draw(rnd *rand.Rand, n int, limit uint64) []recsys.ItemID {
	seen := map[recsys.ItemID]bool{}
	for len(seen) < n {
		seen[recsys.ItemID(rnd.Uint64N(limit))] = true
	}
	var ids []recsys.ItemID
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func TestFindAgreesWithAMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 7, 8, 15, 16, 17, 24, 25, 100, 5000} {
		for name, limit := range map[string]uint64{"dense": uint64(2*n + 1), "sparse": math.MaxUint64} {
			ids := draw(rnd, n, limit)
			if n > 2 && name == "sparse" {
				ids[0], ids[n-1] = 0, math.MaxUint64
			}
			x, err := itemindex.New(ids)
			if err != nil {
				t.Fatal(err)
			}
			want := map[recsys.ItemID]int32{}
			for i, id := range ids {
				want[id] = int32(i)
			}
			probe := append(slices.Clone(ids), 0, 1, math.MaxUint64, math.MaxUint64-1, recsys.ItemID(n))
			for range 100 {
				probe = append(probe, recsys.ItemID(rnd.Uint64()))
			}
			for _, id := range probe {
				row, ok := want[id]
				if !ok {
					row = -1
				}
				if got := x.Find(id); got != row {
					t.Fatalf("%s, n = %d: Find(%d) = %d, want %d", name, n, id, got, row)
				}
			}
			if x.Len() != n || len(x.IDs()) != n {
				t.Errorf("Len is %d, want %d", x.Len(), n)
			}
		}
	}
}

func TestZeroIndexIsEmpty(t *testing.T) {
	var x itemindex.Index
	if got := x.Find(0); got != -1 || x.Len() != 0 {
		t.Errorf("Find = %d in an index of %d items, want -1 in an empty one", got, x.Len())
	}
}

func TestNewRefusesIDsOutOfOrder(t *testing.T) {
	for _, ids := range [][]recsys.ItemID{{1, 1}, {0, 2, 1}} {
		if _, err := itemindex.New(ids); err == nil || !strings.Contains(err.Error(), "ascending") {
			t.Errorf("%v: error %v, want one that says ascending", ids, err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, bench := range []struct {
		name  string
		limit uint64
	}{{"ids=dense", 60_000}, {"ids=sparse", math.MaxUint64}} {
		b.Run(bench.name, func(b *testing.B) {
			ids := draw(rnd, 40_000, bench.limit)
			x, err := itemindex.New(ids)
			if err != nil {
				b.Fatal(err)
			}
			sum := int32(0)
			for b.Loop() {
				for _, id := range ids {
					sum += x.Find(id)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(ids)), "ns/item")
			_ = sum
		})
	}
}
