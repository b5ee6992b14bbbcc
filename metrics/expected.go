package metrics

// The functions of this file give the mean of a metric over all orders of the
// items within each tie group, each order being as likely as another. groups
// is a ranking as [TieGroups] builds it: best first, without overlap. One
// positive that ties with m negatives, below a better items, is
// TieGroup{Above: a, Size: m + 1, Relevant: 1, Gain: 1}.
//
// Source of all: McSherry and Najork, "Computing Information Retrieval
// Performance Measures Efficiently in the Presence of Tied Scores", ECIR 2008.

// ExpectedHitRate returns the probability that one of the first k items is
// relevant, over random order within the tie groups. With k <= 0 there is no
// cutoff. It is 0 for an empty groups. It costs O(k) at most.
func ExpectedHitRate(groups []TieGroup, k int) float64 {
	if len(groups) == 0 {
		return 0
	}
	g := groups[0] // if a later group reaches the cutoff, this one is above it
	return 1 - missProbability(g.Size, g.Relevant, g.slots(k))
}

// ExpectedPrecision returns the mean of [Precision] at cutoff k > 0 over random
// order within the tie groups. It is 0 for k <= 0, since groups does not tell
// the length of the list.
func ExpectedPrecision(groups []TieGroup, k int) float64 {
	if k <= 0 {
		return 0
	}
	return expectedHits(groups, k) / float64(k)
}

// ExpectedRecall returns the mean of [Recall] at cutoff k over random order
// within the tie groups; relevant counts the user's relevant items, retrieved
// or not. With k <= 0 there is no cutoff. The result is 0 when relevant <= 0.
func ExpectedRecall(groups []TieGroup, relevant, k int) float64 {
	if relevant <= 0 {
		return 0
	}
	return expectedHits(groups, k) / float64(relevant)
}

// ExpectedDCG returns the mean of [DCG] at cutoff k over random order within
// the tie groups. With k <= 0 there is no cutoff. It costs O(k), without a
// cutoff O(items in groups).
func ExpectedDCG(groups []TieGroup, k int) float64 {
	var sum float64
	for _, g := range groups {
		var weight float64
		for j := range g.slots(k) {
			weight += 1 / discount(g.Above+j)
		}
		if weight > 0 {
			sum += float64(g.Gain / float64(g.Size) * weight)
		}
	}
	return sum
}

// ExpectedNDCG returns the mean of [NDCG] at cutoff k over random order within
// the tie groups; ideal and the results for nothing relevant are as there. It
// is what scikit-learn's ndcg_score averages to.
func ExpectedNDCG[F Float](groups []TieGroup, ideal []F, k int) float64 {
	return normalize(ExpectedDCG(groups, k), DCG(descending(ideal), k))
}

// ExpectedNDCGBinary returns the mean of [NDCGBinary] at cutoff k over random
// order within the tie groups; every gain counts as 1. The result is 0 when
// relevant <= 0. It does not allocate.
func ExpectedNDCGBinary(groups []TieGroup, relevant, k int) float64 {
	var sum float64
	for _, g := range groups {
		var weight float64
		for j := range g.slots(k) {
			weight += 1 / discount(g.Above+j)
		}
		if weight > 0 {
			sum += float64(float64(g.Relevant) / float64(g.Size) * weight)
		}
	}
	return normalize(sum, idealBinary(relevant, k))
}

// ExpectedReciprocalRank returns the mean of [ReciprocalRank] at cutoff k over
// random order within the tie groups. With k <= 0 there is no cutoff. It is 0
// for an empty groups. It costs O(k), without a cutoff O(size of the first
// group).
func ExpectedReciprocalRank(groups []TieGroup, k int) float64 {
	if len(groups) == 0 {
		return 0
	}
	g := groups[0]
	var sum float64
	none := 1.0 // probability that none of the first j is relevant
	for j := range min(g.slots(k), g.Size-g.Relevant+1) {
		first := none * float64(g.Relevant) / float64(g.Size-j)
		sum += first / float64(g.Above+j+1)
		none *= float64(g.Size-g.Relevant-j) / float64(g.Size-j)
	}
	return sum
}

// ExpectedAveragePrecision returns the mean of [AveragePrecision] at cutoff k
// over random order within the tie groups; relevant counts the user's relevant
// items, retrieved or not. With k <= 0 there is no cutoff. The result is 0 when
// relevant <= 0. It costs O(k), without a cutoff O(items in groups).
func ExpectedAveragePrecision(groups []TieGroup, relevant, k int) float64 {
	if relevant <= 0 {
		return 0
	}
	var sum float64
	above := 0 // relevant items in the groups above
	for _, g := range groups {
		share := float64(g.Relevant) / float64(g.Size)
		for j := range g.slots(k) {
			// Given a relevant item at place j of the group, each of the j
			// before it is one of the other relevant ones equally likely.
			before := float64(above)
			if g.Size > 1 {
				before += float64(j) * float64(g.Relevant-1) / float64(g.Size-1)
			}
			sum += float64(share*(before+1)) / float64(g.Above+j+1)
		}
		above += g.Relevant
	}
	return sum / float64(relevant)
}

// slots returns how many of the group's places are above cutoff k.
func (g TieGroup) slots(k int) int {
	if k <= 0 {
		return g.Size
	}
	return max(0, min(g.Size, k-g.Above))
}

func expectedHits(groups []TieGroup, k int) float64 {
	var sum float64
	for _, g := range groups {
		if n := g.slots(k); n > 0 {
			sum += float64(g.Relevant) * float64(n) / float64(g.Size)
		}
	}
	return sum
}

// missProbability returns the probability that draws of size items without
// replacement hold none of the relevant ones: C(size-relevant, draws) /
// C(size, draws). The product is the same with relevant and draws exchanged,
// so the smaller of the two is the number of factors.
func missProbability(size, relevant, draws int) float64 {
	few, many := min(relevant, draws), max(relevant, draws)
	p := 1.0
	for j := range few {
		if size-many-j <= 0 {
			return 0
		}
		p *= float64(size-many-j) / float64(size-j)
	}
	return p
}
