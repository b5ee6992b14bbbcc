package rerank

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
)

// SelectFair returns k items, best first, so that every prefix holds the protected items that a table says: the best item of
// all where the prefix holds enough, else the best protected one.
//
// rel holds the relevance of n items; protected, of the same length, says which are in the protected group; table is that of [FairTable] for
// k places, and its last element serves for places beyond it. Ties go to protected items, then to the smallest index. Where no protected item
// is left the best of the others comes, and the ranking fails the table. Fewer than k items give all of them, k <= 0 none.
//
// It is an error if a relevance is not finite, if the lengths differ, or if table is empty and k > 0. It costs O(n log n + n·k).
//
// Source: Zehlike et al., "FA*IR: A Fair Top-k Ranking Algorithm", CIKM 2017, algorithm 2.
func SelectFair[F float32 | float64](rel []F, protected []bool, table []int, k int) (order []int32, err error) {
	if len(rel) != len(protected) {
		return nil, fmt.Errorf("rerank: SelectFair: rel has %d items and protected %d", len(rel), len(protected))
	}
	if err := finite("SelectFair", "rel", rel); err != nil {
		return nil, err
	}
	if k > 0 && len(table) == 0 {
		return nil, fmt.Errorf("rerank: SelectFair: table is empty; want one for %d places", k)
	}
	rows := byRelevance(rel)
	f := fair{rows: rows, table: table}
	for _, i := range rows {
		f.protected, f.worth = append(f.protected, protected[i]), append(f.worth, float64(rel[i]))
	}
	open := recsys.MakeBits(len(rel))
	open.SetFirst(len(rel))
	for range min(k, len(rel)) {
		i := f.best(open)
		f.pick(i)
		open.Clear(int(rows[i]))
		order = append(order, rows[i])
	}
	return order, nil
}

// byRelevance returns the items, the most relevant first, ties by index.
func byRelevance[F float32 | float64](rel []F) []int32 {
	rows := sequence(len(rel))
	slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(rel[b], rel[a]) })
	return rows
}

// GroupExposure returns the exposure of each of some groups in a ranking: the sum of 1/log2(1+rank) over the
// places of its items, as in DCG. order holds items, best first, and group the group of each item, in [0, groups). It panics if
// an item has no group or a group is out of range.
//
// Source: Singh and Joachims, "Fairness of Exposure in Rankings", KDD 2018, section 3.
func GroupExposure(order []int32, group []int, groups int) []float64 {
	sums := make([]float64, groups)
	for i, item := range order {
		sums[group[item]] += discount(i)
	}
	return sums
}

// fair is the state of a selection by FA*IR. Items are numbered best first; item i stands in row rows[i].
type fair struct {
	rows      []int32
	protected []bool
	worth     []float64
	table     []int
	places    int // filled
	held      int // by protected items
}

func (f *fair) best(open recsys.Bits) int {
	best, safe := -1, -1 // of all, and of the protected
	for i, row := range f.rows {
		if !open.Has(int(row)) {
			continue
		}
		if best < 0 {
			best = i
		}
		if f.protected[i] {
			safe = i
			break
		}
	}
	switch {
	case safe < 0:
		return best
	case f.held < f.table[min(f.places, len(f.table)-1)], f.worth[safe] == f.worth[best]:
		return safe
	}
	return best
}

func (f *fair) pick(i int) {
	f.places++
	if f.protected[i] {
		f.held++
	}
}
