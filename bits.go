package recsys

import "math/bits"

// Bits is a set of rows: bit i of word i/64 stands for row i.
// The length is fixed by whoever made it; methods panic, as slices do, beyond it.
type Bits []uint64

// MakeBits returns an empty set with room for rows 0 to n-1.
func MakeBits(n int) Bits { return make(Bits, (n+63)/64) }

// Has reports whether row i is in the set.
func (b Bits) Has(i int) bool { return b[uint(i)/64]>>(uint(i)%64)&1 != 0 }

// Set adds row i.
func (b Bits) Set(i int) { b[uint(i)/64] |= 1 << (uint(i) % 64) }

// Clear removes row i.
func (b Bits) Clear(i int) { b[uint(i)/64] &^= 1 << (uint(i) % 64) }

// SetFirst makes the set hold exactly the rows 0 to n-1.
func (b Bits) SetFirst(n int) {
	full := n / 64
	for i := range b {
		switch {
		case i < full:
			b[i] = ^uint64(0)
		case i == full:
			b[i] = 1<<(uint(n)%64) - 1
		default:
			b[i] = 0
		}
	}
}

// Reset empties the set.
func (b Bits) Reset() { clear(b) }

// Empty reports whether no row is in the set.
func (b Bits) Empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

// Count returns how many rows are in the set.
func (b Bits) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Next returns the smallest row >= i that is in the set, or -1.
//
//	for i := b.Next(0); i >= 0; i = b.Next(i + 1) { … }
func (b Bits) Next(i int) int {
	w := uint(i) / 64
	if w >= uint(len(b)) {
		return -1
	}
	word := b[w] >> (uint(i) % 64)
	if word != 0 {
		return i + bits.TrailingZeros64(word)
	}
	for w++; w < uint(len(b)); w++ {
		if b[w] != 0 {
			return int(w)*64 + bits.TrailingZeros64(b[w])
		}
	}
	return -1
}

// resizeBits returns an empty set for n rows, reusing b's memory where it is large enough.
func resizeBits(b Bits, n int) Bits {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(Bits, words, words+words/4)
	}
	b = b[:words]
	clear(b)
	return b
}
