package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// each calls do for 0 to n-1, from several goroutines, each with its number. It ends early
// when ctx does or a call fails, and returns the error of the smallest i that failed.
func each(ctx context.Context, n, workers int, do func(worker, i int) error) error {
	var next atomic.Int64
	var failed atomic.Bool
	var group sync.WaitGroup
	workers = max(1, min(workers, n))
	errs := make([]error, workers)
	at := make([]int, workers)
	for w := range workers {
		group.Go(func() {
			for !failed.Load() && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[w] = do(w, i); errs[w] != nil {
					at[w] = i
					failed.Store(true)
					return
				}
			}
		})
	}
	group.Wait()
	first := -1
	for w, err := range errs {
		if err != nil && !errors.Is(err, ctx.Err()) && (first < 0 || at[w] < at[first]) {
			first = w
		}
	}
	if first >= 0 {
		return errs[first]
	}
	return ctx.Err()
}
