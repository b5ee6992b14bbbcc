package ensemble

import (
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

// table holds the scores of what is ranked for one case.
type table struct {
	rows     int
	scores   []float32 // by source, then by row
	relevant []int32   // rows of the answers
	answers  int       // all, also those without a row
}

// newTable returns an empty table of the items, which ascend.
func newTable(items []recsys.ItemID, c *Case, sources int) table {
	t := table{rows: len(items), scores: make([]float32, sources*len(items)), answers: len(c.Relevant)}
	for _, id := range c.Relevant {
		if at, in := slices.BinarySearch(items, id); in {
			t.relevant = append(t.relevant, int32(at))
		}
	}
	return t
}

func (t *table) column(source int) []float32 {
	return t.scores[source*t.rows : (source+1)*t.rows]
}

// total fills dst with the weighted scores of the rows.
func (t *table) total(dst, weights []float32) []float32 {
	dst = slices.Grow(dst[:0], t.rows)[:t.rows]
	clear(dst)
	for j, w := range weights {
		if w == 0 {
			continue
		}
		for k, x := range t.column(j) {
			dst[k] += float32(w * x)
		}
	}
	return dst
}

// sorted returns the items ascending, each once.
func sorted(items []recsys.ItemID) []recsys.ItemID {
	items = slices.Clone(items)
	slices.Sort(items)
	return slices.Compact(items)
}

// unit fills a column over the pool with what a pipeline's merge makes of a list: its scores on a
// scale from 0 to 1, and 0 for what is not on it.
func unit(column []float32, pool []recsys.ItemID, sink *recsys.Sink) {
	clear(column)
	ids, scores := sink.Items()
	lo, hi, _ := spread(scores)
	for k := len(ids) - 1; k >= 0; k-- { // of doubles the first counts
		x := scores[k]
		switch {
		case x-x == 0 && hi > lo:
			x = float32((float64(x) - float64(lo)) / (float64(hi) - float64(lo)))
		case x-x == 0 || x > 0: // a flat list, or +Inf
			x = 1
		default:
			x = 0
		}
		at, _ := slices.BinarySearch(pool, ids[k])
		column[at] = x
	}
}

// parallel calls do for parts of 0 to n.
func (l *learner) parallel(n int, do func(from, to int)) {
	part := (n + l.Workers - 1) / l.Workers
	var wg sync.WaitGroup
	for from := 0; from < n; from += part {
		wg.Go(func() { do(from, min(from+part, n)) })
	}
	wg.Wait()
}
