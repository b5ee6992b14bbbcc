package window

import "math"

// A sum is two float64s, high and low, whose exact sum it is, |low| at most half a unit
// in the last place of high: some 106 bits. Windows take granules away that
// they have added, for years; with 53 bits the roundings would pile up, and what a
// large value displaced would stay lost after it has left.
//
// Source: Knuth, The Art of Computer Programming 2, 4.2.2, theorem B (TwoSum); Dekker,
// "A floating-point technique for extending the available precision", 1971.

// addTo adds high + low to the sum in s[0] and s[1].
func addTo(s []uint64, high, low float64) {
	a, b := math.Float64frombits(s[0]), math.Float64frombits(s[1])
	sum := a + high
	v := sum - a
	rest := (a - (sum - v)) + (high - v)
	rest += b + low
	h := sum + rest
	s[0], s[1] = math.Float64bits(h), math.Float64bits(rest-(h-sum))
}

// sumAt returns the sum in s[0] and s[1].
func sumAt(s []uint64) (high, low float64) {
	return math.Float64frombits(s[0]), math.Float64frombits(s[1])
}

// The total of a window is a sum from which entries are taken again, and a third word: the peak, the largest absolute value that the
// sum has had since it was added up. The sum is as exact as that one was, not as what it is now, however often something left since.
const (
	totalPeak  = 2
	totalWords = 3
)

// lost is how many times larger than a total its peak may be once something has left; after that the total is added up anew.
const lost = 1 << 40

// addToTotal adds high + low to the total in s.
func addToTotal(s []uint64, high, low float64) {
	addTo(s, high, low)
	s[totalPeak] = math.Float64bits(max(math.Float64frombits(s[totalPeak]), math.Abs(math.Float64frombits(s[0]))))
}

// lossy reports whether the sum in s is so much smaller than the peak that it has lost bits that count.
func lossy(s []uint64, peak uint64) bool {
	return math.Float64frombits(peak) > lost*math.Abs(math.Float64frombits(s[0]))
}
