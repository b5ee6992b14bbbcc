package page

import "math"

// stretches is the number of stretches that a long series is cut into before it is drawn.
const stretches = 180

// thin returns the indexes, ascending, that stand for all of y in a drawing: of each of
// stretches equal parts the first, the lowest, the highest and the last value, and a NaN
// wherever there are some between two of these. Short series are kept whole.
func thin(y []float64) []int {
	n := len(y)
	var at []int
	if n <= 4*stretches {
		for i := range y {
			at = append(at, i)
		}
		return at
	}
	keep := func(i int) {
		from := -1
		if len(at) > 0 {
			from = at[len(at)-1]
		}
		for k := from + 1; k < i; k++ {
			if math.IsNaN(y[k]) {
				at = append(at, k)
				break
			}
		}
		if i > from {
			at = append(at, i)
		}
	}
	for s := range stretches {
		from, to := s*n/stretches, (s+1)*n/stretches
		low, high := from, from
		for i := from; i < to; i++ {
			if math.IsNaN(y[low]) || y[i] < y[low] {
				low = i
			}
			if math.IsNaN(y[high]) || y[i] > y[high] {
				high = i
			}
		}
		for _, i := range []int{from, min(low, high), max(low, high), to - 1} {
			keep(i)
		}
	}
	return at
}
