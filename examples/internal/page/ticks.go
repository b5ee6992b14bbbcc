package page

import (
	"math"
	"strconv"
)

// step is the distance of ticks: m times 10 to the e, with m 1, 2 or 5.
type step struct {
	m int64
	e int
}

// times returns k steps as the float64 next to the decimal number.
func (s step) times(k int64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatInt(k*s.m, 10)+"e"+strconv.Itoa(s.e), 64)
	if err != nil { // out of range: the largest float64 with the sign of k
		return math.Copysign(math.MaxFloat64, float64(k))
	}
	return v
}

// stepFor returns the smallest step that cuts lo..hi, as widen leaves them, into at
// most n parts.
func stepFor(lo, hi float64, n int) step {
	raw := hi/float64(n) - lo/float64(n)
	e := int(math.Floor(math.Log10(raw)))
	for {
		for _, m := range []int64{1, 2, 5} {
			if s := (step{m, e}); s.times(1) >= raw*(1-1e-9) {
				return s
			}
		}
		e++
	}
}

// tickSlack is the part of a step by which a tick may lie outside, more than what
// rounding makes of the 10^9 steps from zero that an axis may be away.
const tickSlack = 1e-6

// ticksIn returns the multiples of s in lo..hi, ascending.
func ticksIn(lo, hi float64, s step) []float64 {
	d := s.times(1)
	first, last := int64(math.Ceil(lo/d-tickSlack)), int64(math.Floor(hi/d+tickSlack))
	var ticks []float64
	for k := first; k <= last; k++ {
		ticks = append(ticks, s.times(k))
	}
	return ticks
}

// Values of a size above largestShown count as not finite, and those of a logarithmic
// axis are at least smallestLog: so sums and steps stay finite.
const (
	largestShown = 1e300
	smallestLog  = 1e-290
)

// widen returns ends that a scale can have: apart by more than rounding.
func widen(lo, hi float64) (float64, float64) {
	size := max(math.Abs(lo), math.Abs(hi))
	switch {
	case size < 1e-290:
		return 0, 1
	case hi-lo > size*1e-8:
		return lo, hi
	}
	return lo - math.Abs(lo)/2, hi + math.Abs(hi)/2
}

// nice returns lo and hi moved out to the next multiples of s.
func nice(lo, hi float64, s step) (float64, float64) {
	d := s.times(1)
	return s.times(int64(math.Floor(lo/d + tickSlack))), s.times(int64(math.Ceil(hi/d - tickSlack)))
}

// logTicks returns at most about n ticks of a logarithmic axis in lo..hi, 0 < lo < hi:
// powers of ten, with 2 and 5 between them or without; on less than a decade those of
// a linear axis.
func logTicks(lo, hi float64, n int) []float64 {
	const slack = 1 + 1e-9
	first, last := int(math.Floor(math.Log10(lo))), int(math.Ceil(math.Log10(hi)))
	every := max(1, int(stepFor(float64(first), float64(last), n).times(1)))
	collect := func(ms ...int64) []float64 {
		var ticks []float64
		for e := first; e <= last; e++ {
			if e%every != 0 {
				continue
			}
			for _, m := range ms {
				if v := (step{m, e}).times(1); v >= lo/slack && v <= hi*slack {
					ticks = append(ticks, v)
				}
			}
		}
		return ticks
	}
	if every > 1 {
		return collect(1)
	}
	for _, ms := range [][]int64{{1, 2, 5}, {1, 3}, {1}} {
		if t := collect(ms...); len(t) >= 3 && len(t) <= n+1 {
			return t
		}
	}
	if t := collect(1); len(t) >= 3 {
		return t
	}
	return ticksIn(lo, hi, stepFor(lo, hi, n))
}

// niceLog returns lo and hi moved out to 1, 2 or 5 times a power of ten.
func niceLog(lo, hi float64) (float64, float64) {
	const slack = 1 + 1e-9
	out := func(v float64, up bool) float64 {
		e := int(math.Floor(math.Log10(v)))
		found := v
		for d := e - 1; d <= e+1; d++ {
			for _, m := range []int64{1, 2, 5} {
				t := (step{m, d}).times(1)
				if up && t >= v/slack {
					return t
				}
				if !up && t > 0 && t <= v*slack {
					found = t
				}
			}
		}
		return found
	}
	return out(lo, false), out(hi, true)
}

// tickLabels returns the labels of ticks, with as many decimals as tell them apart.
func tickLabels(ticks []float64) []string {
	largest := 0.0
	for _, t := range ticks {
		largest = max(largest, math.Abs(t))
	}
	if largest == 0 || largest >= 1e-3 && largest < 1e15 {
		for _, u := range []struct {
			from, size float64
			suffix     string
			most       int // decimals
		}{{1e12, 1e12, "T", 2}, {1e9, 1e9, "G", 2}, {1e6, 1e6, "M", 2}, {1e4, 1e3, "k", 2}, {0, 1, "", 12}} {
			if largest < u.from {
				continue
			}
			if d, ok := decimalsThatTell(ticks, u.size, u.most, nearly); ok {
				return label0(ticks, func(t float64) string { return Fixed(d)(t/u.size) + u.suffix })
			}
		}
	}
	d := digitsThatTell(ticks)
	return label0(ticks, func(t float64) string { return scientific(t, d) })
}

// label0 returns the labels that f makes, and "0" for zero.
func label0(ticks []float64, f Format) []string {
	return mapTicks(ticks, func(t float64) string {
		if t == 0 {
			return "0"
		}
		return f(t)
	})
}

// digitsThatTell returns the fewest decimals of the mantissa that show ticks nearly.
func digitsThatTell(ticks []float64) int {
	least := math.Inf(1)
	for i := 1; i < len(ticks); i++ {
		least = min(least, ticks[i]-ticks[i-1])
	}
	for d := range 15 {
		tell := true
		for _, t := range ticks {
			v, _ := strconv.ParseFloat(strconv.FormatFloat(t, 'e', d, 64), 64)
			tell = tell && math.Abs(v-t) <= nearly*min(least, math.Abs(t))
		}
		if tell {
			return d
		}
	}
	return 15
}

// logTickLabels returns the labels of ticks of a logarithmic axis, each on its own.
func logTickLabels(ticks []float64) []string {
	return mapTicks(ticks, func(t float64) string {
		if t >= 1e3 && t < 1e15 && ticks[len(ticks)-1] >= 1e4 {
			return Short(t)
		}
		return tickLabels([]float64{t})[0]
	})
}

func mapTicks(ticks []float64, f Format) []string {
	labels := make([]string, len(ticks))
	for i, t := range ticks {
		labels[i] = f(t)
	}
	return labels
}

// How near a number in decimals must come to a value, as a part of the smallest value and
// of the smallest distance between neighbours.
const (
	nearly  = 1e-3
	exactly = 1e-9
)

// decimalsThatTell returns the fewest decimals, at most most, that show values/unit so near.
func decimalsThatTell(values []float64, unit float64, most int, near float64) (int, bool) {
	least := math.Inf(1)
	for i, v := range values {
		if v != 0 {
			least = min(least, math.Abs(v/unit))
		}
		if i > 0 && v != values[i-1] {
			least = min(least, math.Abs(v/unit-values[i-1]/unit))
		}
	}
	for d := 0; d <= most; d++ {
		p, exact := math.Pow10(d), true
		for _, v := range values {
			x := v / unit * p
			exact = exact && math.Abs(x-math.Round(x)) <= near*least*p
		}
		if exact {
			return d, true
		}
	}
	return 0, false
}
