package metrics

import (
	"math"
	"slices"
)

// Float is the element type of gains, scores, labels and weights. Sums are
// taken in float64 whatever it is.
type Float interface {
	~float32 | ~float64
}

// DCG returns the discounted cumulative gain at cutoff k:
//
//	DCG@k = Σ_{i=1..k} g_i / log2(i+1)
//
// gains[i] is the gain of the item at rank i+1; a gain <= 0 adds nothing. With
// k <= 0 or k > len(gains) the whole list counts; DCG of an empty list is 0.
// A NaN among the gains that count gives NaN.
//
// Source: Järvelin and Kekäläinen, TOIS 20 (2002), with the discount of Burges
// et al., ICML 2005, which also trec_eval uses.
func DCG[F Float](gains []F, k int) float64 {
	var sum float64
	for i, g := range gains[:cut(len(gains), k)] {
		if g <= 0 {
			continue
		}
		sum += float64(g) / discount(i)
	}
	return sum
}

// NDCG returns the normalized discounted cumulative gain at cutoff k,
// DCG@k of the ranking over DCG@k of the best ranking. The gains are taken as
// they are (linear gain, the ndcg and ndcg_cut of trec_eval); [NDCGExp] takes
// grades.
//
// gains[i] is the gain of the item at rank i+1; ideal holds the gains of all
// judged items, retrieved or not, in any order. With k <= 0 there is no
// cutoff. The result is in [0, 1] as long as the gains are among ideal; it is
// 0 when ideal holds no positive gain and NaN when one of the gains that count
// is NaN. NDCG allocates only to sort ideal, when it does not descend already.
//
// Source: Järvelin and Kekäläinen, TOIS 20 (2002).
func NDCG[F Float](gains, ideal []F, k int) float64 {
	return normalize(DCG(gains, k), DCG(descending(ideal), k))
}

// NDCGExp returns [NDCG] with the exponential gain 2^g-1 of grades g, as
// LightGBM and XGBoost report it:
//
//	DCG@k = Σ_{i=1..k} (2^g_i - 1) / log2(i+1)
//
// grades[i] is the graded relevance of the item at rank i+1, ideal holds the
// grades of all judged items in any order. Everything else is as for NDCG.
//
// Source: Burges et al., ICML 2005.
func NDCGExp[F Float](grades, ideal []F, k int) float64 {
	return normalize(dcgExp(grades, k), dcgExp(descending(ideal), k))
}

// NDCGBinary returns [NDCG] where an item is relevant, with gain 1, or not: an
// item of the ranking is relevant if its gain is > 0, and relevant counts the
// relevant items, retrieved or not. The best ranking has min(relevant, k) of
// them on top. The result is 0 when relevant <= 0. It does not allocate.
func NDCGBinary[F Float](gains []F, relevant, k int) float64 {
	var sum float64
	for i, g := range gains[:cut(len(gains), k)] {
		if g > 0 {
			sum += 1 / discount(i)
		}
	}
	return normalize(sum, idealBinary(relevant, k))
}

// ExpGains appends to dst the exponential gain 2^g-1 of each grade and returns
// it; a grade <= 0 has gain 0. It turns grades into gains for functions
// that take gains, such as [DCG] and [ExpectedNDCG].
func ExpGains[F Float](dst, grades []F) []F {
	for _, g := range grades {
		dst = append(dst, F(expGain(g)))
	}
	return dst
}

func expGain[F Float](grade F) float64 {
	if grade <= 0 {
		return 0
	}
	return math.Exp2(float64(grade)) - 1
}

func dcgExp[F Float](grades []F, k int) float64 {
	var sum float64
	for i, g := range grades[:cut(len(grades), k)] {
		if g <= 0 {
			continue
		}
		sum += expGain(g) / discount(i)
	}
	return sum
}

// idealBinary returns the DCG of min(relevant, k) gains of 1.
func idealBinary(relevant, k int) float64 {
	if k > 0 && relevant > k {
		relevant = k
	}
	var sum float64
	for i := range relevant {
		sum += 1 / discount(i)
	}
	return sum
}

func normalize(dcg, ideal float64) float64 {
	if ideal == 0 {
		return 0
	}
	return dcg / ideal
}

// descending returns x from high to low, x itself if it is so already. NaN
// comes first, so that no cutoff hides it.
func descending[F Float](x []F) []F {
	order := func(a, b F) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		case a == b:
			return 0
		case a != a && b != b:
			return 0
		case a != a:
			return -1
		}
		return 1
	}
	if slices.IsSortedFunc(x, order) {
		return x
	}
	x = slices.Clone(x)
	slices.SortFunc(x, order)
	return x
}

// discount returns what the gain at rank i+1 is divided by.
func discount(i int) float64 { return math.Log2(float64(i + 2)) }

// cut returns how many of n ranks cutoff k leaves.
func cut(n, k int) int {
	if k <= 0 || k > n {
		return n
	}
	return k
}
