package metrics

import (
	"math"
	"slices"
)

// AUC returns the area under the ROC curve: the probability that a positive
// row scores above a negative one, a tie counting one half.
//
// scores[i], labels[i] and weights[i] belong to row i, in any order; a label >
// 0 is positive. weights, which are >= 0, multiply rows; nil means 1 each. The
// result is in [0, 1]. It is NaN when there is no positive or no negative
// weight (the AUC is not defined), or when a score or label is NaN or a weight
// is negative or not finite. It panics if the lengths differ. It costs O(n log
// n) time and O(n) memory.
//
// Source: Hanley and McNeil, Radiology 143 (1982); Fawcett, Pattern
// Recognition Letters 27 (2006), for ties.
func AUC[F Float](scores, labels, weights []F) float64 {
	rows, ok := sortRows(nil, scores, labels, weights)
	if !ok {
		return math.NaN()
	}
	return rocArea(rows)
}

// GAUC returns the grouped AUC: the mean of the AUC within each group, usually
// a user, weighted by the total weight of the group's rows (nil weights: by its
// number of rows, the impressions). Groups that have no positive or no negative
// row are left out of the sum and of the weights.
//
// groups[i] is the group of row i; rows of one group need not be adjacent.
// Everything else is as for [AUC]; the result is NaN when no group has both
// kinds of rows.
//
// Source: Zhu et al., "Optimized Cost per Click in Taobao Display Advertising",
// KDD 2017; Zhou et al., "Deep Interest Network", KDD 2018, section 6.3.
func GAUC[F Float, G comparable](scores, labels, weights []F, groups []G) float64 {
	if len(groups) != len(scores) {
		panic("metrics: lengths differ")
	}
	// Rows by group: groups in order of first appearance, so that the order
	// of summation depends on the input alone.
	number := make(map[G]int)
	group := make([]int, len(groups))
	for i, g := range groups {
		n, seen := number[g]
		if !seen {
			n = len(number)
			number[g] = n
		}
		group[i] = n
	}
	rows, ok := sortRows(group, scores, labels, weights)
	if !ok {
		return math.NaN()
	}
	var sum, total float64
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].group == rows[0].group {
			n++
		}
		if auc := rocArea(rows[:n]); !math.IsNaN(auc) {
			var weight float64
			for _, r := range rows[:n] {
				weight += r.weight
			}
			sum += float64(weight * auc)
			total += weight
		}
		rows = rows[n:]
	}
	return sum / total // NaN if there is no such group
}

// PRAUC returns the area under the precision-recall curve as average
// precision: the sum, over the distinct scores from high to low, of the
// precision at that threshold times the recall that it adds. Rows with one
// score form one step, so that ties need no order.
//
// Arguments and panics are as for [AUC]. The result is in (0, 1]; it is NaN
// when there is no positive weight, or when a score or label is NaN or a weight
// is negative or not finite.
//
// Source: Davis and Goadrich, ICML 2006, on why the points are not joined by
// straight lines; the sum is that of scikit-learn's average_precision_score.
func PRAUC[F Float](scores, labels, weights []F) float64 {
	rows, ok := sortRows(nil, scores, labels, weights)
	if !ok {
		return math.NaN()
	}
	var positive, all, sum float64
	for i := len(rows); i > 0; {
		var step float64
		for score := rows[i-1].score; i > 0 && rows[i-1].score == score; i-- {
			if rows[i-1].positive {
				step += rows[i-1].weight
			}
			all += rows[i-1].weight
		}
		positive += step
		if step > 0 {
			sum += float64(step * (positive / all))
		}
	}
	return sum / positive // NaN without a positive
}

// row is one scored row of a pointwise evaluation.
type row struct {
	group    int
	positive bool
	score    float64
	weight   float64
}

// sortRows returns the rows by group, then by ascending score; a nil group puts
// all in one. It reports false if a value makes the result undefined.
func sortRows[F Float](group []int, scores, labels, weights []F) ([]row, bool) {
	if len(labels) != len(scores) || weights != nil && len(weights) != len(scores) {
		panic("metrics: lengths differ")
	}
	rows := make([]row, len(scores))
	for i, s := range scores {
		r := row{score: float64(s), weight: 1, positive: labels[i] > 0}
		if weights != nil {
			r.weight = float64(weights[i])
		}
		if group != nil {
			r.group = group[i]
		}
		if math.IsNaN(r.score) || math.IsNaN(float64(labels[i])) || !(r.weight >= 0) || math.IsInf(r.weight, 1) {
			return nil, false
		}
		rows[i] = r
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.group != b.group:
			return a.group - b.group
		case a.score < b.score:
			return -1
		case a.score > b.score:
			return 1
		}
		return 0
	})
	return rows, true
}

// rocArea returns the AUC of rows by ascending score, NaN if one class has no
// weight.
func rocArea(rows []row) float64 {
	var area, below, positives float64 // below: weight of negatives with a lower score
	for i := 0; i < len(rows); {
		var pos, neg float64
		for score := rows[i].score; i < len(rows) && rows[i].score == score; i++ {
			if rows[i].positive {
				pos += rows[i].weight
			} else {
				neg += rows[i].weight
			}
		}
		area += float64(pos * (below + neg/2))
		below += neg
		positives += pos
	}
	return area / (positives * below)
}
