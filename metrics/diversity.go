package metrics

import "math"

// Novelty returns the mean self-information of the items of a list, in bits:
//
//	1/n Σ_i -log2(max(c_i, 1) / total)
//
// counts[i] is how often the i-th item of the list was seen before (users who
// consumed it, or interactions), and total is the number of users, or of all
// interactions. An item that nobody has seen counts as seen once: it is the
// most surprising, but not infinitely so. Lists of all users may be
// concatenated. The result is NaN for an empty list, a count that is NaN, or
// total <= 0; it is negative if counts exceed total.
//
// Source: Zhou et al., PNAS 107 (2010), "surprisal"; Vargas and Castells,
// RecSys 2011.
func Novelty[N Number](counts []N, total N) float64 {
	if !(total > 0) {
		return math.NaN()
	}
	var sum float64
	for _, c := range counts {
		sum -= math.Log2(max(float64(c), 1) / float64(total))
	}
	return sum / float64(len(counts))
}

// IntraListDiversity returns the mean distance over the unordered pairs of a
// list:
//
//	ILD = 2/(n(n-1)) Σ_{i<j} d(i, j)
//
// distance must be symmetric; it is called once for each of the n(n-1)/2
// pairs, the earlier item first. The result is NaN for a list of fewer than two
// items, which has no pair.
//
// Source: Smyth and McClave, ICCBR 2001; Ziegler et al., WWW 2005 (there
// as similarity).
func IntraListDiversity[T any](list []T, distance func(a, b T) float64) float64 {
	var sum float64
	for j := range list {
		for i := range j {
			sum += distance(list[i], list[j])
		}
	}
	n := float64(len(list))
	return sum / (n * (n - 1) / 2)
}

// CosineDistance returns 1 - cos(a, b), in [0, 2], the usual distance of
// [IntraListDiversity] over embeddings. It is NaN if a vector is zero or holds
// NaN, and panics if the lengths differ.
func CosineDistance[F Float](a, b []F) float64 {
	if len(a) != len(b) {
		panic("metrics: lengths differ")
	}
	var dot, aa, bb float64
	for i, x := range a {
		x, y := float64(x), float64(b[i])
		dot += float64(x * y)
		aa += float64(x * x)
		bb += float64(y * y)
	}
	return 1 - min(max(dot/(math.Sqrt(aa)*math.Sqrt(bb)), -1), 1)
}
