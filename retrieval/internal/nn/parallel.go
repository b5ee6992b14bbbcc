package nn

import (
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
)

// Each calls f for every shard below n, by up to workers goroutines, and returns when all
// are done. With one worker it calls them in order on the caller's goroutine.
func Each(workers, n int, f func(shard int)) {
	if workers = min(workers, n); workers <= 1 {
		for shard := range n {
			f(shard)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	work := func() {
		for shard := int(next.Add(1)) - 1; shard < n; shard = int(next.Add(1)) - 1 {
			f(shard)
		}
	}
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// Bounds returns the rows [from, to) of a shard, when n rows are cut into as many shards as
// evenly as it goes. The first shards are the longer ones.
func Bounds(shard, shards, n int) (from, to int) {
	size, rest := n/shards, n%shards
	from = shard*size + min(shard, rest)
	to = from + size
	if shard < rest {
		to++
	}
	return from, to
}

// span is how many elements a goroutine takes at a time of work that is done element by
// element, for which the cut does not matter.
const span = 16384

// spans calls f for pieces of n elements.
func spans(workers, n int, f func(from, to int)) {
	Each(workers, (n+span-1)/span, func(i int) { f(i*span, min((i+1)*span, n)) })
}

// Reduce makes dst the sum of the parts, in their order. All have one length; without parts
// dst becomes 0. dst may be the first part.
func Reduce(workers int, dst []float32, parts ...[]float32) {
	spans(workers, len(dst), func(from, to int) {
		sum := dst[from:to]
		if len(parts) == 0 {
			clear(sum)
			return
		}
		copy(sum, parts[0][from:to])
		for _, p := range parts[1:] {
			simd.Add(sum, p[from:to])
		}
	})
}
