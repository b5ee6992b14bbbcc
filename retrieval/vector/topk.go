package vector

import (
	"cmp"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
)

// Hit is a row of a matrix and its inner product with a query.
type Hit struct {
	Row   uint32
	Score float32
}

// TopK appends the k rows of m with the largest inner products with q to dst, best first,
// equal ones by the smaller row, and returns it. A score has the bits of Dot. It appends
// all rows if there are fewer than k, and none if k <= 0. A row whose product is NaN or
// -Inf is not among them. It panics if len(q) is not m.Dim, or if m has more than 2³² rows.
//
// It reads each row once, and does not allocate if dst has room for k more. For many
// queries see [TopKBatch].
func TopK(dst []Hit, q []float32, m Matrix, k int) []Hit {
	mustQuery(q, m)
	mustNumber(m)
	k = min(k, m.Rows)
	if k <= 0 {
		return dst
	}
	const block = 112
	var (
		rows   [block + 16]uint32
		scores [block + 16]float32
	)
	dst = slices.Grow(dst, k)
	pool := hits{best: dst[len(dst):len(dst):cap(dst)], k: k}
	for i := 0; i < m.Rows; i += block {
		n := min(block, m.Rows-i)
		kept := simd.DotAbove(rows[:], scores[:], q, m.Data[i*m.Stride:], m.Stride, n, pool.threshold(), uint32(i))
		for j, row := range rows[:kept] {
			pool.add(Hit{Row: row, Score: scores[j]})
		}
	}
	pool.sort()
	return dst[:len(dst)+len(pool.best)]
}

func mustNumber(m Matrix) {
	if uint64(m.Rows) > math.MaxUint32+1 {
		panic("vector: too many rows")
	}
}

// hits keeps the best k hits that were added, in a heap whose root is the worst of them.
type hits struct {
	best []Hit // of capacity k at least
	k    int
}

// better reports whether a comes before b.
func better(a, b Hit) bool { return a.Score > b.Score || a.Score == b.Score && a.Row < b.Row }

// threshold returns what a later row must exceed to be among the best.
func (h *hits) threshold() float32 {
	if len(h.best) < h.k {
		return float32(math.Inf(-1))
	}
	return h.best[0].Score
}

// add takes a hit; one that is no better than the k best is dropped.
func (h *hits) add(x Hit) {
	if len(h.best) < h.k {
		h.best = append(h.best, x)
		i := len(h.best) - 1
		for i > 0 && better(h.best[(i-1)/2], x) {
			h.best[i] = h.best[(i-1)/2]
			i = (i - 1) / 2
		}
		h.best[i] = x
		return
	}
	if !better(x, h.best[0]) {
		return
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h.best) {
			break
		}
		if child+1 < len(h.best) && better(h.best[child], h.best[child+1]) {
			child++
		}
		if better(x, h.best[child]) {
			h.best[i] = h.best[child]
			i = child
			continue
		}
		break
	}
	h.best[i] = x
}

// sort orders the hits, best first; the heap is one no longer.
func (h *hits) sort() {
	slices.SortFunc(h.best, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Row, b.Row))
	})
}
