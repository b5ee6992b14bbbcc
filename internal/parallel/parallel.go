// Package parallel hands out the parts of a long computation to goroutines.
package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Each calls f for every i below n, from at most workers goroutines, in ascending order of
// their start. f is told which worker it is, from 0, for memory of its own. When ctx ends, no
// further call begins. It returns ctx's cause if it has ended, also during the last calls: nil
// says that all were made.
func Each(ctx context.Context, workers, n int, f func(worker, i int)) error {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			f(0, i)
		}
		return context.Cause(ctx)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(w, i)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// Do calls f for every i below n, from at most workers goroutines, and returns when all have
// returned.
func Do(workers, n int, f func(i int)) {
	_ = Each(context.Background(), workers, n, func(_, i int) { f(i) }) // it cannot be cancelled
}
