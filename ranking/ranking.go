package ranking

import (
	"runtime"

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
