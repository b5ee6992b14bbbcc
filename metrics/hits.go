package metrics

// HitRate returns 1 if one of the first k items is relevant, else 0: the
// success measure of trec_eval. Its mean over users is the hit rate.
//
// gains[i] is the gain of the item at rank i+1, relevant if > 0 (NaN is not).
// With k <= 0 the whole list counts. An empty list and a user without relevant
// items have 0.
func HitRate[F Float](gains []F, k int) float64 {
	for _, g := range gains[:cut(len(gains), k)] {
		if g > 0 {
			return 1
		}
	}
	return 0
}

// Precision returns the share of relevant items among the first k:
//
//	P@k = hits in the first k / k
//
// gains[i] is the gain of the item at rank i+1, relevant if > 0 (NaN is not).
// A list shorter than k counts as filled up with items that are not relevant,
// as in trec_eval. With k <= 0 the divisor is len(gains). The result is 0 for
// an empty list.
func Precision[F Float](gains []F, k int) float64 {
	n := k
	if k <= 0 {
		n = len(gains)
	}
	if n == 0 {
		return 0
	}
	return float64(hits(gains, k)) / float64(n)
}

// Recall returns the share of the relevant items that are among the first k:
//
//	R@k = hits in the first k / relevant
//
// gains[i] is the gain of the item at rank i+1, relevant if > 0 (NaN is not);
// relevant counts the user's relevant items, retrieved or not. With k <= 0 the
// whole list counts. The result is 0 when relevant <= 0: leave such users
// out of the mean unless they are meant to count as failures.
//
// Some authors divide by min(relevant, k), so that a full list can reach 1.
// This one divides by relevant, as trec_eval does.
func Recall[F Float](gains []F, relevant, k int) float64 {
	if relevant <= 0 {
		return 0
	}
	return float64(hits(gains, k)) / float64(relevant)
}

// RPrecision returns the precision at cutoff relevant, where precision and
// recall are equal. gains and relevant are as for [Recall]; the result is 0
// when relevant <= 0.
//
// Source: Buckley and Voorhees, "Retrieval System Evaluation", in TREC:
// Experiment and Evaluation in Information Retrieval, 2005.
func RPrecision[F Float](gains []F, relevant int) float64 {
	return Recall(gains, relevant, relevant)
}

func hits[F Float](gains []F, k int) int {
	n := 0
	for _, g := range gains[:cut(len(gains), k)] {
		if g > 0 {
			n++
		}
	}
	return n
}
