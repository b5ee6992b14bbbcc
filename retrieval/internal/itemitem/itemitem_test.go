package itemitem_test

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/internal/itemitem"
)

// random returns interactions with weights in quarters, so that sums are exact, and many ties.
func random(t testing.TB, seed uint64, users, items, n int) *retrieval.Interactions {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var r retrieval.Records
	for range n {
		r.Users = append(r.Users, recsys.UserID(rnd.IntN(users)))
		i := min(rnd.IntN(items), rnd.IntN(items)) // some items are popular
		r.Items = append(r.Items, recsys.ItemID(5*i))
		r.Weights = append(r.Weights, float32(rnd.IntN(8)+1)/4)
	}
	in, err := retrieval.NewInteractions(r, retrieval.LastWeight)
	require.NoError(t, err)
	return in
}

func product(in *retrieval.Interactions, keep, workers int) *itemitem.Product {
	return &itemitem.Product{
		Left: in.ByItem(), Right: in.ByUser(), Keep: keep, Workers: workers,
		Scale: func(row, column int32, x float32) float32 { return x - float32((row+column)%3) },
	}
}

// naive is the product by the definition: a dense matrix, each row sorted and cut.
func naive(in *retrieval.Interactions, keep int) (rows [][]int32, weights [][]float32) {
	n := in.NumItems()
	for i := range n {
		type entry struct {
			column int32
			weight float32
		}
		var row []entry
		for j := range n {
			sum := float32(0)
			for u := range in.NumUsers() {
				a, _ := in.ByUser().At(u, i)
				b, _ := in.ByUser().At(u, j)
				sum += a * b
			}
			if w := sum - float32((i+j)%3); i != j && sum > 0 && w > 0 {
				row = append(row, entry{int32(j), w})
			}
		}
		slices.SortFunc(row, func(a, b entry) int {
			return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.column, b.column))
		})
		var columns []int32
		var values []float32
		row = row[:min(keep, len(row))]
		slices.SortFunc(row, func(a, b entry) int { return cmp.Compare(a.column, b.column) })
		for _, e := range row {
			columns, values = append(columns, e.column), append(values, e.weight)
		}
		rows, weights = append(rows, columns), append(weights, values)
	}
	return rows, weights
}

func TestProductIsTheNaiveProduct(t *testing.T) {
	for _, size := range []struct{ users, items, n int }{{1, 1, 1}, {3, 5, 9}, {20, 33, 200}, {50, 64, 600}, {30, 100, 900}} {
		for _, keep := range []int{1, 3, 17, 1000} {
			in := random(t, uint64(size.n), size.users, size.items, size.n)
			got, err := product(in, keep, 3).Compute(t.Context())
			require.NoError(t, err)
			require.NoError(t, got.Check())
			require.Equal(t, in.NumItems(), got.Rows())
			require.Equal(t, in.NumItems(), got.Cols)
			rows, weights := naive(in, keep)
			for i := range rows {
				index, weight := got.Row(i)
				require.Equal(t, rows[i], append([]int32(nil), index...), "row %d of %v, keep %d", i, size, keep)
				require.Equal(t, weights[i], append([]float32(nil), weight...))
			}
		}
	}
}

func TestProductOfNothingIsEmpty(t *testing.T) {
	in, err := retrieval.NewInteractions(retrieval.Records{}, retrieval.SumWeights)
	require.NoError(t, err)
	rows, err := product(in, 10, 4).Compute(t.Context())
	require.NoError(t, err)
	require.NoError(t, rows.Check())
	require.Zero(t, rows.Rows())
	require.Zero(t, itemitem.KeepBest(rows, 3, 2).Rows())
}

func TestProductDoesNotDependOnWorkers(t *testing.T) {
	in := random(t, 7, 200, 150, 4000)
	p := product(in, 20, 1)
	p.Scale = func(_, _ int32, x float32) float32 { return x / 3 }
	want, err := p.Compute(t.Context())
	require.NoError(t, err)
	for _, workers := range []int{2, 3, 16} {
		p.Workers = workers
		got, err := p.Compute(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, itemitem.KeepBest(want, 5, 1), itemitem.KeepBest(got, 5, workers))
	}
}

func TestProductReportsProgressInOrder(t *testing.T) {
	in := random(t, 7, 200, 150, 4000)
	p := product(in, 20, 4)
	var steps []int
	p.Progress = func(done, all int) {
		require.Equal(t, in.NumItems(), all)
		steps = append(steps, done)
	}
	_, err := p.Compute(t.Context())
	require.NoError(t, err)
	require.True(t, slices.IsSorted(steps))
	require.Equal(t, in.NumItems(), steps[len(steps)-1])
}

func TestProductStopsWithTheCauseOfTheContext(t *testing.T) {
	in := random(t, 7, 200, 150, 4000)
	why := errors.New("the deploy is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	p := product(in, 20, 2)
	p.Progress = func(int, int) { cancel(why) }
	_, err := p.Compute(ctx)
	require.ErrorIs(t, err, why)
}

func TestKeepBestKeepsTheLargestOfEachRow(t *testing.T) {
	in := random(t, 3, 40, 50, 700)
	all, err := product(in, 1000, 1).Compute(t.Context())
	require.NoError(t, err)
	for _, keep := range []int{-1, 0, 1, 7, 1000} {
		got := itemitem.KeepBest(all, keep, 3)
		require.NoError(t, got.Check())
		want, err := product(in, max(keep, 0), 1).Compute(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestEachRowVisitsEveryRowOnce(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 1000} {
		visits := make([]int, n)
		itemitem.EachRow(n, 3, func() func(int) {
			return func(row int) { visits[row]++ }
		})
		require.Equal(t, slices.Repeat([]int{1}, n), visits)
	}
}
