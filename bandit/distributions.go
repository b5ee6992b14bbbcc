package bandit

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// The functions of this file make distributions over actions on plain slices. Those that take dst write into its memory where
// that is large enough, and return it. Sums are 1 up to rounding; no actions give an empty result.
//
// They follow Vowpal Wabbit's explore library, in float64.

// GreedyDistribution returns epsilon-greedy over scores: the highest ones share 1-epsilon, and all share epsilon. A NaN is below all
// scores. The error says that epsilon is outside [0, 1].
func GreedyDistribution(dst, scores []float64, epsilon float64) ([]float64, error) {
	if err := checkEpsilon("GreedyDistribution", epsilon); err != nil {
		return dst[:0], err
	}
	dst = sized(dst, len(scores))
	best, ties := math.Inf(-1), 0
	for _, x := range scores {
		switch {
		case x > best:
			best, ties = x, 1
		case x == best:
			ties++
		}
	}
	for i, x := range scores {
		dst[i] = epsilon / float64(len(scores))
		if x == best && ties > 0 {
			dst[i] += (1 - epsilon) / float64(ties)
		}
	}
	if ties == 0 {
		fill(dst, 1/float64(len(dst))) // all are NaN
	}
	return dst, nil
}

// SoftmaxDistribution returns exp(lambda·score), scaled to sum to 1. lambda 0 gives the uniform distribution, below 0 it prefers small
// scores. The error names a score or lambda that is not finite.
func SoftmaxDistribution(dst, scores []float64, lambda float64) ([]float64, error) {
	if !finite([]float64{lambda}) {
		return dst[:0], fmt.Errorf("bandit: SoftmaxDistribution: lambda is %v; want a finite number", lambda)
	}
	for i, x := range scores {
		if !finite([]float64{x}) {
			return dst[:0], fmt.Errorf("bandit: SoftmaxDistribution: score %d is %v; want a finite number", i, x)
		}
	}
	dst = append(dst[:0], scores...)
	softmax(dst, lambda)
	return dst, nil
}

// BagDistribution returns the shares of votes: votes[i] is how many of several models have action i for the best. Without any vote
// all actions are equal. The error names a number below 0.
func BagDistribution(dst []float64, votes []int) ([]float64, error) {
	sum := 0.0
	for i, n := range votes {
		if n < 0 {
			return dst[:0], fmt.Errorf("bandit: BagDistribution: action %d has %d votes; want >= 0", i, n)
		}
		sum += float64(n)
	}
	dst = sized(dst, len(votes))
	for i, n := range votes {
		dst[i] = float64(n) / sum
	}
	if sum == 0 {
		fill(dst, 1/float64(len(dst)))
	}
	return dst, nil
}

// MixUniform replaces p by (1-epsilon)·p + epsilon/len(p). epsilon is held within [0, 1].
func MixUniform(p []float64, epsilon float64) {
	epsilon = min(max(epsilon, 0), 1)
	each := epsilon / float64(len(p))
	for i, x := range p {
		p[i] = float64((1-epsilon)*x) + each
	}
}

// MinProbability replaces p, a distribution, by the nearest one (in Euclidean distance) that gives each of m actions at least epsilon/m. If
// zeros is false, actions of probability 0 keep it, and m counts the others. The error says that
// epsilon is outside [0, 1]. It allocates len(p) floats.
//
// Source: the projection onto a simplex of Duchi, Shalev-Shwartz, Singer and Chandra, ICML 2008, figure 1, with a floor in place of 0.
func MinProbability(p []float64, epsilon float64, zeros bool) error {
	if err := checkEpsilon("MinProbability", epsilon); err != nil {
		return err
	}
	sorted := slices.Clone(p)
	if !zeros {
		sorted = slices.DeleteFunc(sorted, func(x float64) bool { return x == 0 })
	}
	m := float64(len(sorted))
	if m == 0 || epsilon == 0 {
		return nil
	}
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(b, a) })
	// The k highest give up the same, and all others come to the floor. k is the largest number that keeps
	// the k highest above it.
	floor, sum, give := epsilon/m, 0.0, 0.0
	for i, x := range sorted {
		sum += x
		tau := (sum + float64((m-float64(i+1))*floor) - 1) / float64(i+1)
		if i > 0 && x-tau <= floor {
			break
		}
		give = tau
	}
	for i, x := range p {
		if zeros || x != 0 {
			p[i] = max(x-give, floor)
		}
	}
	return nil
}

// SampleSeed returns the index that Vowpal Wabbit draws from p with this seed: by one step of its linear congruential generator, to 23
// bits, so that a draw of its logs can be made again. p need not sum to 1; -1 means that p is empty. Seeds must be random
// themselves: consecutive ones are not. Explorers of this package draw with [recsys.Query].Rand instead.
func SampleSeed(p []float64, seed uint64) int {
	const a, c = 0xeece66d5deece66d, 2147483647
	u := float64((a*seed+c)>>25&0x7fffff) / (1 << 23)
	total := 0.0
	for _, x := range p {
		total += max(x, 0)
	}
	draw, sum := float64(total*u), 0.0
	for i, x := range p {
		if sum += max(x, 0); sum > draw {
			return i
		}
	}
	if total == 0 {
		return min(len(p), 1) - 1 // as there: the first
	}
	return len(p) - 1
}

// SampleString is [SampleSeed] with the seed that Vowpal Wabbit makes of an event's ID: its 32-bit MurmurHash3.
func SampleString(p []float64, id string) int { return SampleSeed(p, uint64(murmur3(id))) }

// murmur3 is MurmurHash3_x86_32 of seed 0 (Appleby, public domain).
func murmur3(s string) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	h, n := uint32(0), uint32(len(s))
	scramble := func(k uint32) uint32 {
		k *= c1
		return (k<<15 | k>>17) * c2
	}
	for ; len(s) >= 4; s = s[4:] {
		h ^= scramble(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
		h = (h<<13|h>>19)*5 + 0xe6546b64
	}
	k := uint32(0)
	for i := len(s) - 1; i >= 0; i-- {
		k = k<<8 | uint32(s[i])
	}
	h ^= scramble(k)
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

func checkEpsilon(function string, epsilon float64) error {
	if !(epsilon >= 0 && epsilon <= 1) {
		return fmt.Errorf("bandit: %s: epsilon is %v; want 0 to 1", function, epsilon)
	}
	return nil
}

func fill(s []float64, x float64) {
	for i := range s {
		s[i] = x
	}
}
