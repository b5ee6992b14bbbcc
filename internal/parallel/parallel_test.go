package parallel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/parallel"
)

func TestEachCallsEveryPartOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 7} {
		for _, n := range []int{0, 1, 2, 100} {
			calls := make([]atomic.Int32, n)
			require.NoError(t, parallel.Each(t.Context(), workers, n, func(w, i int) {
				if w < 0 || w >= max(workers, 1) {
					t.Errorf("worker %d of %d", w, workers)
				}
				calls[i].Add(1)
			}))
			for i := range calls {
				require.EqualValues(t, 1, calls[i].Load())
			}
		}
	}
}

func TestEachStopsWithItsContext(t *testing.T) {
	why := errors.New("enough")
	for _, workers := range []int{1, 3} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var calls atomic.Int32
		err := parallel.Each(ctx, workers, 1000, func(_, i int) {
			if calls.Add(1) == 10 {
				cancel(why)
			}
		})
		require.ErrorIs(t, err, why)
		require.LessOrEqual(t, calls.Load(), int32(10+workers))
		require.ErrorIs(t, parallel.Each(ctx, workers, 0, nil), why)
	}
}

func TestDoCallsEveryPartOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 7} {
		calls := make([]atomic.Int32, 100)
		parallel.Do(workers, len(calls), func(i int) { calls[i].Add(1) })
		for i := range calls {
			require.EqualValues(t, 1, calls[i].Load(), "part %d", i)
		}
	}
}
