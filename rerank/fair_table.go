package rerank

import (
	"fmt"
	"slices"
)

// FairTable returns for each prefix of a ranking of k places how many protected items it must hold at least: element i-1 is m for the
// first i places, the smallest m with
//
//	F(m; i, p) > alpha
//
// where F is the distribution function of the binomial distribution. A ranking passes when every prefix holds that many:
// then none of its prefixes has so few protected items that fair draws, each protected with probability p, would have as few with a
// probability of alpha at most. That is k tests, and fair rankings fail one of them more often than alpha;
// [AdjustFairAlpha] says how much smaller alpha must be.
//
// k <= 0 gives an empty table. It is an error if p or alpha is outside (0, 1). It costs O(k²).
//
// Source: Zehlike et al., "FA*IR: A Fair Top-k Ranking Algorithm", CIKM 2017, definition 2 and algorithm 1.
func FairTable(k int, p, alpha float64) ([]int, error) {
	if err := probabilities("FairTable", p, alpha); err != nil {
		return nil, err
	}
	return newBinomials(k, p).table(nil, alpha), nil
}

// AdjustFairAlpha returns the largest level of the single test, at most alpha, at which fair draws of k places fail one
// of the k tests of [FairTable] with a probability of alpha at most, and that probability.
//
// The tables of all levels are finitely many, and the probability of failing steps up between them; corrected is the
// level at which the table in force begins to hold, so that FairTable(k, p, corrected) is the table. Where
// even the first step is too much, it is a level whose table is of zeros, which nothing fails.
//
// It is an error if p or alpha is outside (0, 1). The probability is exact, by counting over all
// sequences of draws, not by simulation; it costs O(k²) for each of some log2(k²) levels that are tried, and
// at most 8·k² bytes.
//
// Source: Zehlike et al., CIKM 2017, section 4.2, "Model Adjustment". The paper searches for a level whose probability of failing is near
// alpha; this is the closest one that does not exceed it.
func AdjustFairAlpha(k int, p, alpha float64) (corrected, fails float64, err error) {
	if err := probabilities("AdjustFairAlpha", p, alpha); err != nil {
		return 0, 0, err
	}
	b := newBinomials(k, p)
	// A table changes where alpha reaches a value of the distribution function.
	table := b.table(nil, alpha)
	count := 0
	for _, m := range table {
		count += m + 1
	}
	steps := make([]float64, 0, count)
	for i := 1; i <= b.k; i++ {
		for _, f := range b.cumulative(i) {
			if f > alpha {
				break
			}
			steps = append(steps, f)
		}
	}
	slices.Sort(steps)
	steps = slices.Compact(steps)
	failing := func(level float64) float64 {
		table = b.table(table, level)
		return b.fails(table)
	}
	// The steps before at hold.
	at, _ := slices.BinarySearchFunc(steps, alpha, func(level, alpha float64) int {
		if failing(level) <= alpha {
			return -1
		}
		return 1
	})
	switch {
	case len(steps) == 0: // the table of alpha is of zeros
		return alpha, 0, nil
	case at == 0:
		return steps[0] / 2, 0, nil
	}
	return steps[at-1], failing(steps[at-1]), nil
}

// FairFailure returns the probability that a ranking of fair draws, each protected with probability p, fails a table: that
// some prefix of it holds fewer protected items than table says. It is an error if p is outside (0, 1). It costs O(k²) for a table of k places.
func FairFailure(table []int, p float64) (float64, error) {
	if err := probabilities("FairFailure", p, 0.5); err != nil {
		return 0, err
	}
	return (&binomials{p: p, k: len(table)}).fails(table), nil
}

func probabilities(fn string, p, alpha float64) error {
	switch {
	case !(p > 0 && p < 1):
		return fmt.Errorf("rerank: %s: p is %v; want a probability in (0, 1)", fn, p)
	case !(alpha > 0 && alpha < 1):
		return fmt.Errorf("rerank: %s: alpha is %v; want a level in (0, 1)", fn, alpha)
	}
	return nil
}

// binomials holds the distribution functions for 1 to k draws.
type binomials struct {
	p     float64
	k     int
	sums  []float64 // row i, of i+1 elements, for i draws, one after the other
	begin []int
}

// newBinomials builds the distributions by adding draws one at a time, so that all terms are positive and no digits are lost.
func newBinomials(k int, p float64) *binomials {
	b := &binomials{p: p, k: max(k, 0)}
	b.sums, b.begin = make([]float64, 0, b.k*(b.k+3)/2), make([]int, 0, b.k)
	mass := make([]float64, b.k+1)
	mass[0] = 1
	for i := 1; i <= b.k; i++ {
		b.begin = append(b.begin, len(b.sums))
		sum := 0.0
		for j := i; j > 0; j-- {
			mass[j] = float64(mass[j]*(1-p)) + float64(mass[j-1]*p)
		}
		mass[0] *= 1 - p
		for j := range i + 1 {
			sum += mass[j]
			b.sums = append(b.sums, sum)
		}
	}
	return b
}

// cumulative returns the distribution function of i draws.
func (b *binomials) cumulative(i int) []float64 { return b.sums[b.begin[i-1] : b.begin[i-1]+i+1] }

// table returns the table of a level, in dst's memory.
func (b *binomials) table(dst []int, alpha float64) []int {
	dst = dst[:0]
	m := 0
	for i := 1; i <= b.k; i++ {
		f := b.cumulative(i)
		for m < i && !(f[m] > alpha) { // m never falls: with one more draw every value of f is less
			m++
		}
		dst = append(dst, m)
	}
	return dst
}

// fails returns the probability that draws fail a table.
func (b *binomials) fails(table []int) float64 {
	mass := make([]float64, len(table)+1) // of the counts of protected items of sequences that hold so far
	mass[0] = 1
	failed := 0.0
	for i, m := range table {
		for j := i + 1; j > 0; j-- {
			mass[j] = float64(mass[j]*(1-b.p)) + float64(mass[j-1]*b.p)
		}
		mass[0] *= 1 - b.p
		for j := range min(max(m, 0), i+2) {
			failed += mass[j]
			mass[j] = 0
		}
	}
	return failed
}
