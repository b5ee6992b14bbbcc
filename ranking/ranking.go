package ranking

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
)

// Ranker is the interface of the stage, owned by the root package.
type Ranker = recsys.Ranker

// workersOf returns how many goroutines a Workers field of n stands for.
func workersOf(n int) int {
	if n == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// parallel calls f(0) to f(n-1), up to workers of them at once, and returns when
// all have returned. What f does must not depend on the order of the calls.
func parallel(workers, n int, f func(i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
