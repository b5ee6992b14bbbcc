package recsys

// fnv is a running FNV-1a 64 hash. Its values stand in files, so it never changes.
type fnv uint64

func newFNV() *fnv { h := fnv(14695981039346656037); return &h }

func (h *fnv) byte(b byte) { *h = (*h ^ fnv(b)) * 1099511628211 }

// text hashes the length and the bytes, so that "a","bc" and "ab","c" differ.
func (h *fnv) text(s string) *fnv {
	h.num(uint64(len(s)))
	for i := 0; i < len(s); i++ {
		h.byte(s[i])
	}
	return h
}

func (h *fnv) num(v uint64) *fnv {
	for range 8 {
		h.byte(byte(v))
		v >>= 8
	}
	return h
}

// HashID returns the ID that stands for a string where no vocabulary is kept:
// FNV-1a 64 of its bytes. [Pipeline.Context] uses it for text in an ID column.
func HashID(s string) uint64 {
	h := newFNV()
	for i := 0; i < len(s); i++ {
		h.byte(s[i])
	}
	return uint64(*h)
}

// mix64 is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection
// whose output bits each depend on all input bits.
func mix64(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
