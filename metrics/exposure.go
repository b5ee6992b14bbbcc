package metrics

import (
	"math"
	"slices"
)

// Number is the element type of counts and exposures.
type Number interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64 | Float
}

// Coverage returns the share of the catalogue that was shown at all, in [0, 1].
//
// exposure[i] is how often, or with what weight, item i of the whole catalogue
// was shown; items never shown stand there with 0 (NaN counts as not shown).
// The result is NaN for an empty catalogue.
//
// Source: Herlocker, Konstan, Terveen and Riedl, TOIS 22 (2004), "catalog
// coverage".
func Coverage[N Number](exposure []N) float64 {
	shown := 0
	for _, x := range exposure {
		if x > 0 {
			shown++
		}
	}
	return float64(shown) / float64(len(exposure))
}

// Gini returns the Gini index of exposure over the whole catalogue: 0 when all
// items are shown alike, (n-1)/n when one of n takes all.
//
//	G = Σ_i (2i - n - 1) x_(i) / (n Σ x),  x_(1) <= ... <= x_(n)
//
// exposure[i] >= 0 is how often, or with what weight, item i was shown; items
// never shown belong there with 0, else the index says how even exposure is
// among the lucky ones. The result is NaN for an empty catalogue, when
// nothing was shown, or when an exposure is negative or NaN. It sorts a copy.
//
// Source: Gini 1912; Fleder and Hosanagar, Management Science 55 (2009), for
// recommenders.
func Gini[N Number](exposure []N) float64 {
	sorted, total := ascending(exposure)
	n := float64(len(sorted))
	var sum float64
	for i, x := range sorted {
		sum += float64((2*float64(i+1) - n - 1) * x)
	}
	return sum / (n * total)
}

// Lorenz appends to dst the points of the Lorenz curve of exposure and returns
// it: len(exposure)+1 shares, of which the i-th is what the i least exposed
// items have of all exposure, from 0 to 1. The area between the curve and
// the diagonal is half of the [Gini] index.
//
// exposure is as for Gini; dst is returned as it is for an empty catalogue,
// when nothing was shown, or when an exposure is negative or NaN.
//
// Source: Lorenz, Publications of the American Statistical Association 9 (1905).
func Lorenz[N Number](dst []float64, exposure []N) []float64 {
	sorted, total := ascending(exposure)
	if !(total > 0) {
		return dst
	}
	dst = append(dst, 0)
	var sum float64
	for i, x := range sorted {
		sum += x
		if i == len(sorted)-1 {
			sum = total
		}
		dst = append(dst, sum/total)
	}
	return dst
}

// Entropy returns the Shannon entropy of the exposure shares, in bits: log2(n)
// when n items are shown alike, 0 when one takes all. Two to its power is the
// number of items that, shown alike, would have the same entropy.
//
// exposure is as for [Gini], and so are the cases that give NaN.
//
// Source: Shannon 1948, section 6.
func Entropy[N Number](exposure []N) float64 {
	var total float64
	for _, x := range exposure {
		if !(x >= 0) {
			return math.NaN()
		}
		total += float64(x)
	}
	if total == 0 {
		return math.NaN()
	}
	var sum float64
	for _, x := range exposure {
		if x > 0 {
			p := float64(x) / total
			sum -= float64(p * math.Log2(p))
		}
	}
	return max(sum, 0)
}

// ascending returns exposure from low to high and its sum, NaN if one is
// negative or NaN.
func ascending[N Number](exposure []N) ([]float64, float64) {
	sorted := make([]float64, len(exposure))
	for i, x := range exposure {
		if !(x >= 0) {
			return nil, math.NaN()
		}
		sorted[i] = float64(x)
	}
	slices.Sort(sorted)
	var total float64
	for _, x := range sorted {
		total += x
	}
	return sorted, total
}
