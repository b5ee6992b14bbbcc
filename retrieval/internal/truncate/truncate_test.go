package truncate_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/retrieval/internal/truncate"
)

// task returns a task over the columns of a dense matrix.
func task(columns [][]float32, keep, block, workers int) *truncate.Task {
	n := len(columns)
	return &truncate.Task{
		Items: n, Keep: keep, Block: block, Workers: workers,
		Worker: func() func(first, count int, dst []float32) {
			return func(first, count int, dst []float32) {
				for j := range count {
					copy(dst[j*n:(j+1)*n], columns[first+j])
				}
			}
		},
	}
}

func TestTheLargestOfEachColumnAreKept(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 7, 33} {
		columns := make([][]float32, n)
		for j := range columns {
			columns[j] = make([]float32, n)
			for i := range columns[j] {
				columns[j][i] = float32(rng.IntN(9) - 4) // many ties and zeros
			}
		}
		for _, keep := range []int{0, 1, 3, 100} {
			want := make([][]float32, n) // as rows
			for i := range want {
				want[i] = make([]float32, n)
			}
			for j, column := range columns {
				var rows []int
				for i, x := range column {
					if i != j && x != 0 {
						rows = append(rows, i)
					}
				}
				slices.SortStableFunc(rows, func(a, b int) int {
					return cmp.Compare(math.Abs(float64(column[b])), math.Abs(float64(column[a])))
				})
				for _, i := range rows[:min(keep, len(rows))] {
					want[i][j] = column[i]
				}
			}
			for _, block := range []int{1, 4, 64} {
				for _, workers := range []int{1, 3} {
					m, err := task(columns, keep, block, workers).Compute(t.Context())
					require.NoError(t, err)
					require.NoError(t, m.Check())
					require.Equal(t, n, m.Rows())
					got := make([][]float32, n)
					for i := range got {
						got[i] = make([]float32, n)
						to, w := m.Row(i)
						for k, j := range to {
							require.NotZero(t, w[k])
							got[i][j] = w[k]
						}
					}
					require.Equal(t, want, got, "%d items, %d kept", n, keep)
				}
			}
		}
	}
}

func TestNaNIsKept(t *testing.T) {
	nan := float32(math.NaN())
	m, err := task([][]float32{{0, 5, nan}, {1, 0, 2}, {3, 4, 0}}, 1, 2, 1).Compute(t.Context())
	require.NoError(t, err)
	w, ok := m.At(2, 0)
	require.True(t, ok)
	require.True(t, math.IsNaN(float64(w)))
}

func TestProgressGrowsAndTheContextStops(t *testing.T) {
	columns := make([][]float32, 50)
	for j := range columns {
		columns[j] = make([]float32, 50)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	last := 0
	x := task(columns, 3, 4, 2)
	x.Progress = func(done, all int) {
		require.Equal(t, 50, all)
		require.Greater(t, done, last)
		if last = done; done >= 20 {
			cancel(why)
		}
	}
	_, err := x.Compute(ctx)
	require.ErrorIs(t, err, why)
	require.GreaterOrEqual(t, last, 20)
	require.Less(t, last, 50)
}
