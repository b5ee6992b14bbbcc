package annset_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// whole returns a matrix of small whole numbers, whose products are exact and often equal.
func whole(rows, dim int, seed uint64) vector.Matrix {
	r := rand.New(rand.NewPCG(seed, 0))
	m := vector.NewMatrix(rows, dim)
	for i := range m.Data {
		m.Data[i] = float32(r.IntN(7) - 3)
	}
	return m
}

// sortAll is what Truth must equal: all allowed rows sorted.
func sortAll(base, queries vector.Matrix, metric retrieval.Metric, k int, allow func(int) bool) [][]int32 {
	var all [][]int32
	for q := range queries.Rows {
		var rows []int32
		score := make([]float64, base.Rows)
		for i := range base.Rows {
			for j, x := range base.Row(i) {
				y := queries.Row(q)[j]
				if metric == retrieval.L2 {
					score[i] -= float64(x-y) * float64(x-y)
				} else {
					score[i] += float64(x) * float64(y)
				}
			}
			if allow == nil || allow(i) {
				rows = append(rows, int32(i))
			}
		}
		slices.SortStableFunc(rows, func(a, b int32) int {
			switch {
			case score[a] > score[b]:
				return -1
			case score[a] < score[b]:
				return 1
			}
			return 0
		})
		all = append(all, rows[:min(k, len(rows))])
	}
	return all
}

func TestTruthIsAFullSort(t *testing.T) {
	even := func(i int) bool { return i%2 == 0 }
	few := func(i int) bool { return i%300 == 7 }
	for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.L2} {
		for _, dim := range []int{1, 3, 17, 400} {
			base, queries := whole(1100, dim, 1), whole(19, dim, 2)
			for name, allow := range map[string]func(int) bool{"all": nil, "even": even, "few": few} {
				for _, k := range []int{1, 10, 3000} {
					want := sortAll(base, queries, metric, k, allow)
					for _, workers := range []int{1, 3} {
						var done atomic.Int64
						got, err := annset.Truth(t.Context(), base, queries, metric, k, workers, allow, func(n int) { done.Add(int64(n)) })
						if err != nil || got.Len() != queries.Rows || int(done.Load()) != queries.Rows {
							t.Fatalf("%d lists, %d done, %v", got.Len(), done.Load(), err)
						}
						for q := range want {
							if !slices.Equal(got.Row(q), want[q]) {
								t.Fatalf("%v d=%d %s k=%d workers=%d query %d:\n%v, want\n%v", metric, dim, name, k, workers, q, got.Row(q), want[q])
							}
						}
					}
				}
			}
		}
	}
}

func TestTruthOfNothing(t *testing.T) {
	base := whole(5, 3, 1)
	none := func(int) bool { return false }
	for _, tt := range []struct {
		queries int
		k       int
		allow   func(int) bool
	}{{0, 3, nil}, {2, 0, nil}, {2, -1, nil}, {2, 3, none}} {
		got, err := annset.Truth(t.Context(), base, whole(tt.queries, 3, 2), retrieval.InnerProduct, tt.k, 2, tt.allow, nil)
		if err != nil || got.IDs != nil || got.Width != 0 {
			t.Errorf("%d queries, k=%d: %v, %v", tt.queries, tt.k, got, err)
		}
	}
}

func TestTruthStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := annset.Truth(ctx, whole(5, 3, 1), whole(5, 3, 2), retrieval.InnerProduct, 1, 2, nil, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestRecall(t *testing.T) {
	truth := annset.Lists{Width: 3, IDs: []int32{1, 2, 3, 4, 5, 6}}
	for _, tt := range []struct {
		k     int
		found [][]int32
		want  float64
	}{
		{3, [][]int32{{3, 2, 1}, {4, 5, 6}}, 1},
		{3, [][]int32{{1}, {}}, 1. / 6},
		{2, [][]int32{{1, 3}, {5, 4}}, 3. / 4}, // 3 is not among the first two
		{9, [][]int32{{1, 2, 3, 7, 8, 9}, nil}, 1. / 2},
		{0, [][]int32{{1}, {1}}, 1},
	} {
		if got := annset.Recall(truth, tt.k, tt.found); math.Abs(got-tt.want) > 1e-15 {
			t.Errorf("k=%d found %v: recall %v, want %v", tt.k, tt.found, got, tt.want)
		}
	}
}
