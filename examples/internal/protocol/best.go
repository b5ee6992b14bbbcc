package protocol

import (
	"math"
	"slices"
)

// selector finds the best of a long list of scores in one pass over it.
type selector struct {
	found []int32
	kept  []float32
}

// best returns the positions of the k largest scores and of all that tie with the last of
// them, in no order, and that last score; ok is false when fewer than k scores are numbers.
// The slice is the selector's.
//
// What is below the best k of the scores so far is passed over with one comparison. Those
// above are collected, and when there are enough of them the bar is raised.
func (s *selector) best(scores []float32, k int) (found []int32, bar float32, ok bool) {
	bar = float32(math.Inf(-1))
	found = s.found[:0]
	full := 2*k + 64
	for i, x := range scores {
		if x >= bar { // not so for NaN
			if found = append(found, int32(i)); len(found) == full {
				found, bar = s.raise(found, scores, k)
				full = max(full, 2*len(found)) // many tie
			}
		}
	}
	if ok = len(found) >= k; ok {
		found, bar = s.raise(found, scores, k)
	}
	s.found = found
	return found, bar, ok
}

// raise keeps those of found whose score is not below the k-th largest, which it returns.
func (s *selector) raise(found []int32, scores []float32, k int) ([]int32, float32) {
	s.kept = s.kept[:0]
	for _, at := range found {
		s.kept = append(s.kept, scores[at])
	}
	bar := largest(s.kept, k)
	n := 0
	for _, at := range found {
		if scores[at] >= bar {
			found[n] = at
			n++
		}
	}
	return found[:n], bar
}

// largest returns the k-th largest of x, 1 <= k <= len(x), none of them NaN, and permutes x.
func largest(x []float32, k int) float32 {
	for len(x) > 32 {
		pivot := x[len(x)/2]
		// Three parts: above the pivot, equal to it, below it.
		above, at, below := 0, 0, len(x)
		for at < below {
			switch v := x[at]; {
			case v > pivot:
				x[above], x[at] = v, x[above]
				above++
				at++
			case v < pivot:
				below--
				x[at], x[below] = x[below], v
			default:
				at++
			}
		}
		switch {
		case k <= above:
			x = x[:above]
		case k <= below:
			return pivot
		default:
			x, k = x[below:], k-below
		}
	}
	slices.Sort(x)
	return x[len(x)-k]
}
