package bandit

import (
	"math"
	"math/bits"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
)

// luce is Luce's choice rule over the admissible rows of a place:
//
//	P(row) = exp(utility[row]/T) / Σ exp(utility[r]/T) over the admissible r
//
// Weights are taken once, relative to a base utility, and again only when the
// admissible ones have drifted too far from it. Sums go by word of 64 rows, within
// a word by row: a place costs as many additions as its words changed since the
// last one. All numbers are functions of the utilities and of the admissible sets
// of the places so far, so whoever walks the same slate gets the same bits.
type luce[F float32 | float64] struct {
	utility     []F
	window      []int32
	temperature float64

	weight  []float64   // per row of the table; 0 outside the window
	sum     []float64   // per word: the weights of the rows in counted
	counted recsys.Bits // what sum holds

	// Of the place being filled:
	admissible recsys.Bits
	count      int     // admissible rows
	total      float64 // their weight; 0 when all have utility -Inf
}

// The weights of a place must sum to a number between minTotal and maxTotal, else they
// are taken anew, relative to the best admissible row. Weights below minWeight count as
// 0. So a quotient weight/total that is not 0 is at least 2^-1020: it does not underflow.
const (
	minTotal  = 0x1p-500
	maxTotal  = 0x1p60
	minWeight = 0x1p-960
)

// open readies l for a slate: the window holds the rows that can be drawn.
func (l *luce[F]) open(utility []F, window []int32, temperature float64) {
	n := len(utility)
	words := (n + 63) / 64
	l.utility, l.window, l.temperature = utility, window, temperature
	l.weight, l.sum, l.counted = zeros(l.weight, n), zeros(l.sum, words), zeros(l.counted, words)
}

// close forgets the request's memory and keeps its own.
func (l *luce[F]) close() { l.utility, l.window, l.admissible = nil, nil, nil }

// ready takes up the next place. admissible is read until the place after it.
func (l *luce[F]) ready(admissible recsys.Bits) {
	l.admissible = admissible
	l.tally()
	if l.count > 1 && !(l.total >= minTotal && l.total <= maxTotal) {
		l.rebase()
		l.tally()
	}
}

// tally counts and sums the admissible rows.
func (l *luce[F]) tally() {
	count, total := 0, 0.0
	for j, word := range l.admissible {
		if word != l.counted[j] {
			l.counted[j] = word
			sum, weight := 0.0, l.weight[64*j:]
			for ; word != 0; word &= word - 1 {
				sum += weight[bits.TrailingZeros64(word)]
			}
			l.sum[j] = sum
		}
		count += bits.OnesCount64(l.counted[j])
		total += l.sum[j]
	}
	l.count, l.total = count, total
}

// rebase takes the weights relative to the best admissible row. When none is
// above -Inf there is nothing to take: all their weights are 0 already.
func (l *luce[F]) rebase() {
	best := math.Inf(-1)
	for i := l.admissible.Next(0); i >= 0; i = l.admissible.Next(i + 1) {
		if u := float64(l.utility[i]); u > best {
			best = u
		}
	}
	if math.IsInf(best, -1) {
		return
	}
	for _, row := range l.window {
		l.weight[row] = weight(float64(l.utility[row]), best, l.temperature)
	}
	clear(l.counted)
	clear(l.sum)
}

// weight returns exp((u-base)/temperature). Rows of utility +Inf share all weight;
// NaN has none.
func weight(u, base, temperature float64) float64 {
	if u == base {
		return 1 // also where both are +Inf
	}
	w := fmath.Exp((u - base) / temperature)
	if !(w >= minWeight) {
		return 0
	}
	return w
}

// draw returns the admissible row at the fraction u, in (0, 1), of the total: the inverse
// of the distribution function. Its propensity is above 0.
func (l *luce[F]) draw(u float64) int32 {
	switch {
	case l.count == 1:
		return int32(l.admissible.Next(0))
	case l.total == 0:
		return nth(l.admissible, min(int(u*float64(l.count)), l.count-1))
	}
	// Rounding may leave x at or beyond the end of the last word, and rest at or
	// beyond the end of a word: the last row that has weight takes the remainder.
	x, start, word := float64(u*l.total), 0.0, 0
	for j, end := 0, 0.0; j < len(l.sum); j++ {
		if l.sum[j] == 0 {
			continue
		}
		word, start = j, end
		if end += l.sum[j]; x < end {
			break
		}
	}
	rest, sum, last := x-start, 0.0, 0
	for b := l.counted[word]; b != 0; b &= b - 1 {
		row := 64*word + bits.TrailingZeros64(b)
		if l.weight[row] == 0 {
			continue
		}
		last = row
		if sum += l.weight[row]; rest < sum {
			break
		}
	}
	return int32(last)
}

// propensity returns the probability of an admissible row.
func (l *luce[F]) propensity(row int32) float64 {
	switch {
	case l.count == 1:
		return 1
	case l.total == 0:
		return 1 / float64(l.count)
	}
	return l.weight[row] / l.total
}

// zeros returns n zeros, in s's memory where it is large enough.
func zeros[S ~[]E, E any](s S, n int) S {
	if cap(s) < n {
		return make(S, n, n+n/4)
	}
	s = s[:n]
	clear(s)
	return s
}
