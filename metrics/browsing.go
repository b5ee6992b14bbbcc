package metrics

import "math"

// RBP returns the rank-biased precision of a reader who goes on to the next
// item with probability persistence:
//
//	RBP = (1-p) Σ_i g_i p^(i-1)
//
// gains[i] in [0, 1] is the gain of the item at rank i+1 (for binary relevance
// 1 if relevant); a gain <= 0 adds nothing, NaN gives NaN. persistence is in
// [0, 1): 0.5 is an impatient reader, 0.8 is usual, 0.95 a patient one. Items
// below the end of the list could still add persistence^len(gains).
// The result is in [0, 1), 0 for an empty list, NaN for a persistence outside
// [0, 1).
//
// Source: Moffat and Zobel, TOIS 27 (2008).
func RBP[F Float](gains []F, persistence float64) float64 {
	if !(persistence >= 0 && persistence < 1) {
		return math.NaN()
	}
	var sum float64
	weight := 1 - persistence
	for _, g := range gains {
		if !(g <= 0) {
			sum += float64(float64(g) * weight)
		}
		weight *= persistence
	}
	return sum
}

// ERR returns the expected reciprocal rank at cutoff k, of the item that
// satisfies a reader who goes down the list and is satisfied by an item of
// grade g with probability R(g):
//
//	ERR@k = Σ_{i=1..k} 1/i · R(g_i) Π_{j<i} (1 - R(g_j)),  R(g) = (2^g - 1) / 2^maxGrade
//
// grades[i] is the graded relevance, at most maxGrade, of the item at rank
// i+1; a grade <= 0 satisfies nobody. maxGrade is the highest grade of the
// scale (not of this list), so that users compare. With k <= 0 the whole list
// counts. The result is in [0, 1); it is NaN when a grade that counts is NaN or
// above maxGrade.
//
// Source: Chapelle, Metzler, Zhang and Grinspan, CIKM 2009, algorithm 2.
func ERR[F Float](grades []F, maxGrade F, k int) float64 {
	var sum float64
	reach := 1.0
	scale := math.Exp2(-float64(maxGrade))
	for i, g := range grades[:cut(len(grades), k)] {
		if g <= 0 {
			continue
		}
		if !(g <= maxGrade) {
			return math.NaN()
		}
		satisfied := float64(expGain(g) * scale)
		sum += float64(reach*satisfied) / float64(i+1)
		reach *= 1 - satisfied
	}
	return sum
}
