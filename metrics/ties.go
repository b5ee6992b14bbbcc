package metrics

import (
	"math"
	"slices"
)

// TieGroup describes a set of items that share a score, of which at least one
// is relevant, within a ranking. A ranking with ties is a []TieGroup, best
// first; groups without relevant items are left out, since no expectation
// needs them.
type TieGroup struct {
	Score    float64 // what the items share; NaN ranks below every number
	Above    int     // items with a higher score, relevant or not
	Size     int     // items in the group, relevant or not
	Relevant int     // of these, items with a gain > 0
	Gain     float64 // the sum of their gains
}

// TieGroups appends to dst the tie groups of a ranking by descending score and
// returns it. scores[i] and gains[i] belong to item i, in any order; an item
// is relevant if its gain is > 0 (NaN is not). A NaN score ranks below every
// number and ties with other NaN scores.
//
// The time is O(n log p) for n items, p of them relevant: nothing but the
// relevant items is sorted. It panics if the lengths differ.
func TieGroups[F Float](dst []TieGroup, scores, gains []F) []TieGroup {
	if len(scores) != len(gains) {
		panic("metrics: lengths differ")
	}
	base := len(dst)
	for i, g := range gains {
		if g > 0 {
			dst = append(dst, TieGroup{Score: float64(scores[i]), Relevant: 1, Gain: float64(g)})
		}
	}
	return placeGroups(dst, base, scores)
}

// TieGroupsAt is [TieGroups] for items that are relevant, with gain 1, or not:
// relevant lists the positions in scores of the relevant items, each once, in
// any order. It panics if a position is out of range.
func TieGroupsAt[F Float, I ~int | ~int32 | ~int64 | ~uint32 | ~uint64](dst []TieGroup, scores []F, relevant []I) []TieGroup {
	base := len(dst)
	for _, i := range relevant {
		dst = append(dst, TieGroup{Score: float64(scores[i]), Relevant: 1, Gain: 1})
	}
	return placeGroups(dst, base, scores)
}

// placeGroups turns dst[base:], one group per relevant item, into tie groups
// among all scores.
func placeGroups[F Float](dst []TieGroup, base int, scores []F) []TieGroup {
	slices.SortFunc(dst[base:], func(a, b TieGroup) int {
		switch {
		case outranks(a.Score, b.Score):
			return -1
		case outranks(b.Score, a.Score):
			return 1
		}
		return 0
	})
	n := base
	for i := base; i < len(dst); i++ {
		if n > base && !outranks(dst[n-1].Score, dst[i].Score) {
			dst[n-1].Relevant++
			dst[n-1].Gain += dst[i].Gain
			continue
		}
		dst[n] = dst[i]
		n++
	}
	dst = dst[:n]
	groups := dst[base:]
	if n == base {
		return dst
	}
	lowest := groups[len(groups)-1].Score
	for _, s := range scores {
		score := float64(s)
		if score < lowest {
			continue // most items, when the model is good
		}
		// Find the first group that score is not below.
		j, end := 0, len(groups)
		for j < end {
			if mid := int(uint(j+end) / 2); outranks(groups[mid].Score, score) {
				j = mid + 1
			} else {
				end = mid
			}
		}
		if j < len(groups) && !outranks(score, groups[j].Score) {
			groups[j].Size++
			j++
		}
		if j < len(groups) {
			groups[j].Above++ // and above every group after j: summed up below
		}
	}
	for j := 1; j < len(groups); j++ {
		groups[j].Above += groups[j-1].Above
	}
	return dst
}

// outranks reports whether score a is above score b.
func outranks(a, b float64) bool {
	return a > b || (math.IsNaN(b) && !math.IsNaN(a))
}
