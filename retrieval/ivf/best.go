package ivf

import (
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
)

// best keeps the k best of the rows that it is shown, equal scores by the smaller item. A
// NaN is worse than every number.
type best struct {
	k    int
	heap []retrieval.Neighbor // the worst one first
}

func (b *best) reset(k int) { b.k, b.heap = k, b.heap[:0] }

// add shows it a row; the item is looked up only if the score may count.
func (b *best) add(score float32, row uint32, rows *retrieval.Rows) {
	if len(b.heap) == b.k && score < b.heap[0].Score {
		return
	}
	n := retrieval.Neighbor{Item: rows.Item(row), Score: score}
	if len(b.heap) < b.k {
		b.heap = append(b.heap, n)
		b.rise(len(b.heap) - 1)
	} else if before(n, b.heap[0]) {
		b.heap[0] = n
		b.sink()
	}
}

// before reports whether a comes before c in an answer.
func before(a, c retrieval.Neighbor) bool { return compare(a, c) < 0 }

func compare(a, c retrieval.Neighbor) int {
	switch {
	case a.Score > c.Score:
		return -1
	case a.Score < c.Score:
		return 1
	case a.Score != a.Score && c.Score == c.Score:
		return 1
	case a.Score == a.Score && c.Score != c.Score:
		return -1
	}
	return compareItems(a.Item, c.Item)
}

func compareItems(a, c recsys.ItemID) int {
	switch {
	case a < c:
		return -1
	case a > c:
		return 1
	}
	return 0
}

func (b *best) rise(i int) {
	h := b.heap
	for i > 0 {
		parent := (i - 1) / 2
		if !before(h[parent], h[i]) {
			return
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

func (b *best) sink() {
	h := b.heap
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && before(h[child], h[child+1]) {
			child++
		}
		if !before(h[i], h[child]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// appendTo appends the rows to dst, the best first.
func (b *best) appendTo(dst []retrieval.Neighbor) []retrieval.Neighbor {
	slices.SortFunc(b.heap, compare)
	return append(dst, b.heap...)
}
