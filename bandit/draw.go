package bandit

import (
	"math/bits"
	"math/rand/v2"

	"github.com/recsyskit/recsys"
)

// unit maps 64 uniform bits to the open interval (0, 1): the midpoint of one of 2^52
// cells. 0 and 1 cannot come: 0 would pick a first row however light it is.
func unit(bits uint64) float64 {
	return float64((float64(bits>>12) + 0.5) * 0x1p-52)
}

// below returns a uniform integer of [0, n), n > 0, without bias.
//
// Source: Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29, 2019.
func below(rng *rand.PCG, n uint64) uint64 {
	hi, lo := bits.Mul64(rng.Uint64(), n)
	if lo < n {
		for short := -n % n; lo < short; {
			hi, lo = bits.Mul64(rng.Uint64(), n)
		}
	}
	return hi
}

// nth returns member k, from 0, of b in ascending order; k < b.Count().
func nth(b recsys.Bits, k int) int32 {
	for j, word := range b {
		if n := bits.OnesCount64(word); k >= n {
			k -= n
			continue
		}
		for ; k > 0; k-- {
			word &= word - 1
		}
		return int32(64*j + bits.TrailingZeros64(word))
	}
	return -1
}
