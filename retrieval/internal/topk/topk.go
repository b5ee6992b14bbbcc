// Package topk selects the best of many scored items, for the retrievers that
// score a catalogue and for the trainers that keep the best neighbours.
//
// A score and the item's position are one integer, a key, that is smaller the
// better the item: the higher score first, equal scores by position. Where
// positions are in the order of the item IDs, as they are in all models of package
// retrieval, that is the tie rule of the module.
package topk

import (
	"math"
	"slices"
)

// Key returns the key of the item at a position, which must be >= 0. NaN comes
// after every number; -0 equals 0.
func Key(score float32, position int32) uint64 {
	return uint64(descending(score))<<32 | uint64(uint32(position))
}

// Position returns the position that a key was made of.
func Position(key uint64) int32 { return int32(uint32(key)) }

// Score returns the score that a key was made of; -0 comes back as 0 and every
// NaN as one and the same.
func Score(key uint64) float32 {
	b := uint32(key >> 32)
	if b == math.MaxUint32 {
		return float32(math.NaN())
	}
	if b>>31 != 0 { // a negative score
		return math.Float32frombits(b)
	}
	return math.Float32frombits(^b &^ (1 << 31))
}

func descending(x float32) uint32 {
	if x != x {
		return math.MaxUint32
	}
	b := math.Float32bits(x + 0)
	if b>>31 != 0 {
		return b
	}
	return ^b &^ (1 << 31)
}

// Best returns the n smallest keys in ascending order, all when there are fewer.
// It permutes keys and returns a part of them, and does not allocate. The keys
// must differ. It takes O(len(keys) + n log n) time on average.
func Best(keys []uint64, n int) []uint64 {
	keys = Select(keys, n)
	slices.Sort(keys)
	return keys
}

// Select is Best without the order, in O(len(keys)) time on average.
func Select(keys []uint64, n int) []uint64 {
	if n <= 0 {
		return keys[:0]
	}
	if n < len(keys) {
		split(keys, n)
		keys = keys[:n]
	}
	return keys
}

// split moves the n smallest keys, 0 < n < len(keys), to the front: Hoare's
// selection. Each round halves what is left on average; after too many rounds, as
// on input made against the choice of the pivot, sorting ends it.
func split(keys []uint64, n int) {
	for budget := 4 * bitLen(len(keys)); len(keys) > 32; budget-- {
		if budget == 0 {
			break
		}
		pivot := medianOfThree(keys[0], keys[len(keys)/2], keys[len(keys)-1])
		i, j := -1, len(keys)
		for {
			for i++; keys[i] < pivot; i++ {
			}
			for j--; keys[j] > pivot; j-- {
			}
			if i >= j {
				break
			}
			keys[i], keys[j] = keys[j], keys[i]
		}
		// keys[:j+1] <= pivot <= keys[j+1:]
		switch {
		case n == j+1:
			return
		case n <= j:
			keys = keys[:j+1]
		default:
			keys, n = keys[j+1:], n-(j+1)
		}
	}
	slices.Sort(keys)
}

func bitLen(n int) int {
	bits := 1
	for ; n > 0; n >>= 1 {
		bits++
	}
	return bits
}

func medianOfThree(a, b, c uint64) uint64 {
	if a > b {
		a, b = b, a
	}
	return max(a, min(b, c))
}
