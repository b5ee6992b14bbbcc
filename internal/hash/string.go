package hash

import "math/bits"

const (
	prime1 = 0x9e3779b185ebca87
	prime2 = 0xc2b2ae3d27d4eb4f
	prime3 = 0x165667b19e3779f9
	prime4 = 0x85ebca77c2b2ae63
	prime5 = 0x27d4eb2f165667c5
)

// String returns the XXH64 hash of the bytes of s under the seed. It does not
// allocate.
//
// Source: Collet, "xxHash fast digest algorithm", section XXH64.
func String(seed uint64, s string) uint64 { return xxh64(seed, s) }

// Bytes returns String(seed, string(b)).
func Bytes(seed uint64, b []byte) uint64 { return xxh64(seed, b) }

func xxh64[T string | []byte](seed uint64, s T) uint64 {
	n := uint64(len(s))
	h := seed + prime5
	if len(s) >= 32 {
		a, b, c, d := seed+prime1+prime2, seed+prime2, seed, seed-prime1
		for ; len(s) >= 32; s = s[32:] {
			a = round(a, load64(s))
			b = round(b, load64(s[8:]))
			c = round(c, load64(s[16:]))
			d = round(d, load64(s[24:]))
		}
		h = bits.RotateLeft64(a, 1) + bits.RotateLeft64(b, 7) + bits.RotateLeft64(c, 12) + bits.RotateLeft64(d, 18)
		for _, lane := range [...]uint64{a, b, c, d} {
			h = (h^round(0, lane))*prime1 + prime4
		}
	}
	h += n
	for ; len(s) >= 8; s = s[8:] {
		h = bits.RotateLeft64(h^round(0, load64(s)), 27)*prime1 + prime4
	}
	if len(s) >= 4 {
		h = bits.RotateLeft64(h^uint64(load32(s))*prime1, 23)*prime2 + prime3
		s = s[4:]
	}
	for i := range len(s) {
		h = bits.RotateLeft64(h^uint64(s[i])*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

func round(acc, lane uint64) uint64 {
	return bits.RotateLeft64(acc+lane*prime2, 31) * prime1
}

func load64[T string | []byte](s T) uint64 {
	return uint64(load32(s)) | uint64(load32(s[4:]))<<32
}

func load32[T string | []byte](s T) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
