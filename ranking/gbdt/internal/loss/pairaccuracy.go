package loss

import (
	"cmp"
	"errors"
	"slices"
)

// pairAccuracy is the mean over queries of the share of pairs with different labels whose scores have the order of the
// labels, ties half. Queries without such a pair do not count. Any number is a label. It costs
// O(m log m) for a query of m rows.
type pairAccuracy struct {
	rows    [][]int32 // of each query with a pair, by label
	labels  []float32
	workers int
}

func newPairAccuracy(d Data) (*pairAccuracy, error) {
	if len(d.Starts) < 2 {
		return nil, errors.New("there are no groups")
	}
	o := &pairAccuracy{labels: d.Labels, workers: d.Workers}
	for _, rows := range d.queries() {
		slices.SortFunc(rows, func(a, b int32) int {
			return cmp.Or(cmp.Compare(d.Labels[a], d.Labels[b]), cmp.Compare(a, b))
		})
		if d.Labels[rows[0]] != d.Labels[rows[len(rows)-1]] {
			o.rows = append(o.rows, rows)
		}
	}
	if o.rows == nil {
		return nil, ErrNoPairs
	}
	return o, nil
}

func (o *pairAccuracy) value(score []float64) float64 {
	values := make([]float64, len(o.rows))
	overQueries(o.workers, o.rows, func(q int, s *pairCounts) { values[q] = s.share(o.rows[q], o.labels, score) })
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// pairCounts counts the rows so far by the rank of their score, in a tree of sums.
//
// Source: Fenwick, "A new data structure for cumulative frequency tables", Software: Practice and Experience 1994.
type pairCounts struct {
	order []int32 // places in rows, by score
	rank  []int32 // of each row, from 1; the same for the same score
	sums  []int32
}

// share returns the share of the pairs of rows, sorted by label, that score in that order.
func (s *pairCounts) share(rows []int32, labels []float32, score []float64) float64 {
	ranks := s.setRanks(rows, score)
	s.sums = append(s.sums[:0], make([]int32, ranks+1)...)
	wins, pairs := 0.0, 0.0
	for from := 0; from < len(rows); {
		to := from
		for ; to < len(rows) && labels[rows[to]] == labels[rows[from]]; to++ {
			below := s.upTo(s.rank[to] - 1)
			equal := s.upTo(s.rank[to]) - below
			wins += float64(below) + float64(equal)/2
			pairs += float64(from)
		}
		for ; from < to; from++ {
			for r := s.rank[from]; r <= ranks; r += r & -r {
				s.sums[r]++
			}
		}
	}
	return wins / pairs
}

// setRanks sets s.rank and returns the largest rank. NaN is below all scores.
func (s *pairCounts) setRanks(rows []int32, score []float64) int32 {
	s.order, s.rank = s.order[:0], append(s.rank[:0], make([]int32, len(rows))...)
	for i := range rows {
		s.order = append(s.order, int32(i))
	}
	slices.SortFunc(s.order, func(a, b int32) int { return cmp.Compare(score[rows[a]], score[rows[b]]) })
	rank := int32(1)
	for k, i := range s.order {
		if k > 0 && cmp.Compare(score[rows[i]], score[rows[s.order[k-1]]]) != 0 {
			rank++
		}
		s.rank[i] = rank
	}
	return rank
}

// upTo returns how many rows so far have that rank or a lower one.
func (s *pairCounts) upTo(rank int32) int32 {
	sum := int32(0)
	for ; rank > 0; rank -= rank & -rank {
		sum += s.sums[rank]
	}
	return sum
}
