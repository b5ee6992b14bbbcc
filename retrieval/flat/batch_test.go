package flat_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

func TestSearchBatchIsSearchToTheBit(t *testing.T) {
	race.SkipSequential(t)
	forIndexes(t, []int{3, 40}, 1300, func(t *testing.T, rng *rand.Rand, x *flat.Index, o *oracle, m vector.Matrix) {
		for _, item := range []recsys.ItemID{0, 30, 60} {
			if err := x.Update(item, query(rng, m)); err != nil {
				t.Fatal(err)
			}
			if err := x.Delete(item + 3); err != nil {
				t.Fatal(err)
			}
		}
		var dst [][]retrieval.Neighbor
		for _, n := range []int{0, 5, 65} {
			q := vector.Matrix{Data: make([]float32, n*(m.Dim+2)), Rows: n, Dim: m.Dim, Stride: m.Dim + 2}
			for i := range n {
				copy(q.Row(i), query(rng, m))
			}
			for name, opt := range map[string]retrieval.SearchOptions{
				"all":     {},
				"exclude": {Exclude: []recsys.ItemID{1, 6, 9}},
				"filter":  {Filter: retrieval.Where(func(i recsys.ItemID) bool { return i%4 != 0 })},
				"few":     {Filter: retrieval.Where(func(i recsys.ItemID) bool { return i%40 == 0 })},
				"allow":   {Allow: []recsys.ItemID{0, 3, 6, 9, 12}},
			} {
				for _, k := range []int{10, 70} {
					if k == 70 && n > 5 {
						continue
					}
					var err error
					if dst, err = x.SearchBatch(dst, q, k, opt); err != nil {
						t.Fatal(err)
					}
					if len(dst) != n {
						t.Fatalf("%d lists; want %d", len(dst), n)
					}
					for i := range n {
						mustSame(t, fmt.Sprintf("d=%d %s k=%d query %d of %d", m.Dim, name, k, i, n), dst[i], search(t, x, q.Row(i), k, opt))
					}
				}
			}
		}
	})
}

func TestSearchBatchNamesTheBadQuery(t *testing.T) {
	m := vector.NewMatrix(3, 2)
	x, err := flat.New(flat.Config{}, []recsys.ItemID{1, 2, 3}, m)
	if err != nil {
		t.Fatal(err)
	}
	q := vector.NewMatrix(2, 2)
	q.Data[3] = float32(math.NaN())
	dst, err := x.SearchBatch(nil, q, 1, retrieval.SearchOptions{})
	if !errors.Is(err, retrieval.ErrNotFinite) || dst != nil || err.Error() != "flat: query 1: component 1 is NaN: vector is not finite" {
		t.Errorf("SearchBatch = %v, %v", dst, err)
	}
	if _, err := x.SearchBatch(nil, vector.NewMatrix(1, 3), 1, retrieval.SearchOptions{}); !errors.Is(err, retrieval.ErrDimension) {
		t.Errorf("SearchBatch of another dimension: %v", err)
	}
	var stats retrieval.SearchStats
	dst, err = x.SearchBatch(nil, vector.NewMatrix(5, 2), 2, retrieval.SearchOptions{Stats: &stats})
	if err != nil || len(dst) != 5 || !slices.Equal(dst[4], []retrieval.Neighbor{{Item: 1}, {Item: 2}}) || stats.Plan != "batch" || stats.Scored != 15 {
		t.Errorf("SearchBatch = %v, %v, %+v", dst, err, stats)
	}
}
