package kmeans

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/vector"
)

const (
	pointTile    = 128      // points that share a tile of centroids
	centroidTile = 24 << 10 // bytes of centroids that stay in the first-level cache
)

// Assign writes the cell of each point to dst, which has an element for each: the centroid
// with the greatest product when spherical, which must then have length 1, else the one at
// the least Euclidean distance; of equal ones the first. There must be a centroid. It
// fails only with the error of ctx.
func Assign(ctx context.Context, dst []uint32, points, centroids vector.Matrix, spherical bool, workers int) error {
	half := halfNorms(centroids, spherical)
	tile := max(1, centroidTile/(4*max(1, centroids.Dim)))
	return Each(ctx, workers, points.Rows, pointTile, func(lo, hi int) {
		var best [pointTile]float32
		out := make([]float32, min(tile, centroids.Rows))
		for i := range best[:hi-lo] {
			best[i] = float32(math.Inf(-1))
			dst[lo+i] = 0
		}
		for c := 0; c < centroids.Rows; c += tile {
			out := out[:min(tile, centroids.Rows-c)]
			rows := centroids.Data[c*centroids.Stride:]
			for p := lo; p < hi; p++ {
				simd.DotBatch(out, points.Row(p), rows, centroids.Stride)
				if half != nil {
					for i, h := range half[c : c+len(out)] {
						out[i] -= h
					}
				}
				top, at := best[p-lo], -1
				for i, s := range out {
					if s > top {
						top, at = s, i
					}
				}
				if at >= 0 {
					best[p-lo], dst[p] = top, uint32(c+at)
				}
			}
		}
	})
}

// ByCell writes the points 0 to len(owner)-1 to order by ascending cell, ascending within
// one, and returns where each cell starts: cell c holds order[start[c]:start[c+1]]. It
// takes start's memory; its length says how many cells there are, less one.
func ByCell(order []uint32, start []int, owner []uint32) []int {
	clear(start)
	for _, c := range owner {
		start[c+1]++
	}
	for c := 1; c < len(start); c++ {
		start[c] += start[c-1]
	}
	// start[c] moves to the end of cell c, which is where cell c+1 starts.
	for p, c := range owner {
		order[start[c]] = uint32(p)
		start[c]++
	}
	copy(start[1:], start)
	start[0] = 0
	return start
}

// Each calls f for consecutive ranges of 0 to n-1 that have the given length, but for the
// last, by several goroutines. It stops early and returns the error when ctx ends.
func Each(ctx context.Context, workers, n, length int, f func(lo, hi int)) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	work := func() {
		for ctx.Err() == nil {
			hi := int(next.Add(int64(length)))
			lo := hi - length
			if lo >= n {
				return
			}
			f(lo, min(hi, n))
		}
	}
	var wg sync.WaitGroup
	for range min(workers, (n+length-1)/length) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return ctx.Err()
}
