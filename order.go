package recsys

import (
	"math"
	"slices"
)

// sorter orders rows by score, best first, NaN last, ties by item ID. It holds scratch memory.
type sorter struct {
	keys, swap []uint64 // descending score in the high half, row in the low half
}

// descending maps a score to an integer that is smaller the better the score. NaN is the largest; -0 equals 0.
func descending(x float32) uint32 {
	if x != x {
		return math.MaxUint32
	}
	b := math.Float32bits(x + 0)
	if b>>31 != 0 {
		return b&^(1<<31) | 1<<31
	}
	return ^b &^ (1 << 31)
}

// all appends every row whose bit in keep is set (every row when keep is nil), best first.
func (s *sorter) all(dst []int32, score []float32, ids []ItemID, keep Bits) []int32 {
	s.keys = s.keys[:0]
	for i, x := range score {
		if keep == nil || keep.Has(i) {
			s.keys = append(s.keys, uint64(descending(x))<<32|uint64(i))
		}
	}
	s.radix()
	return s.emit(dst, ids)
}

// top appends the n best rows, best first. It is faster than all for small n.
func (s *sorter) top(dst []int32, score []float32, ids []ItemID, keep Bits, n int) []int32 {
	if n <= 0 {
		return dst
	}
	if n > len(score)/4 {
		dst = s.all(dst, score, ids, keep)
		return dst[:min(len(dst), n)]
	}
	h := s.keys[:0] // a heap with the worst of the best at the root
	for i, x := range score {
		if keep != nil && !keep.Has(i) {
			continue
		}
		key := uint64(descending(x))<<32 | uint64(i)
		switch {
		case len(h) < n:
			h = append(h, key)
			for c := len(h) - 1; c > 0 && worse(h[c], h[(c-1)/2], ids); c = (c - 1) / 2 {
				h[c], h[(c-1)/2] = h[(c-1)/2], h[c]
			}
		case key>>32 <= h[0]>>32 && worse(h[0], key, ids):
			h[0] = key
			siftDown(h, ids)
		}
	}
	s.keys = h
	s.radix()
	return s.emit(dst, ids)
}

// worse reports whether key a sorts after key b.
func worse(a, b uint64, ids []ItemID) bool {
	if a>>32 != b>>32 {
		return a>>32 > b>>32
	}
	return ids[uint32(a)] > ids[uint32(b)]
}

func siftDown(h []uint64, ids []ItemID) {
	for p := 0; ; {
		c := 2*p + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && worse(h[c+1], h[c], ids) {
			c++
		}
		if !worse(h[c], h[p], ids) {
			return
		}
		h[p], h[c] = h[c], h[p]
		p = c
	}
}

// radix sorts the keys by their high halves, stably.
func (s *sorter) radix() {
	if len(s.keys) < 128 {
		slices.Sort(s.keys)
		return
	}
	var count [4][256]int32
	for _, k := range s.keys {
		count[0][k>>32&255]++
		count[1][k>>40&255]++
		count[2][k>>48&255]++
		count[3][k>>56]++
	}
	s.swap = resize(s.swap, len(s.keys))
	for d := range count {
		shift := 32 + 8*uint(d)
		c := &count[d]
		if c[s.keys[0]>>shift&255] == int32(len(s.keys)) {
			continue // all the same digit
		}
		at := int32(0)
		for i := range c {
			c[i], at = at, at+c[i]
		}
		for _, k := range s.keys {
			digit := k >> shift & 255
			s.swap[c[digit]] = k
			c[digit]++
		}
		s.keys, s.swap = s.swap, s.keys
	}
}

// emit appends the rows of the sorted keys, runs of equal scores by item ID.
func (s *sorter) emit(dst []int32, ids []ItemID) []int32 {
	for i := 0; i < len(s.keys); {
		j := i + 1
		for j < len(s.keys) && s.keys[j]>>32 == s.keys[i]>>32 {
			j++
		}
		if j-i > 1 {
			slices.SortFunc(s.keys[i:j], func(a, b uint64) int {
				if ids[uint32(a)] < ids[uint32(b)] {
					return -1
				}
				return 1
			})
		}
		i = j
	}
	for _, k := range s.keys {
		dst = append(dst, int32(uint32(k)))
	}
	return dst
}
