package hash_test

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/recsyskit/recsys/internal/hash"
)

// Source: the first five outputs of splitmix64.c (Vigna, public domain) seeded
// with 1234567, as published in Rosetta Code, "Pseudo-random numbers/Splitmix64".
func TestMix64IsTheFinalizerOfSplitMix64(t *testing.T) {
	want := []uint64{
		6457827717110365317, 3203168211198807973, 9817491932198370423,
		4593380528125082431, 16408922859458223821,
	}
	state := uint64(1234567)
	for i, w := range want {
		state += 0x9e3779b97f4a7c15
		if got := hash.Mix64(state); got != w {
			t.Errorf("output %d is %d; want %d", i, got, w)
		}
	}
}

// Source: the strings are the test vectors of cespare/xxhash, the buffer with the
// seeds 0 and 2654435761 is the sanity check of xxHash itself.
func TestStringIsXXH64(t *testing.T) {
	for _, c := range []struct {
		seed uint64
		s    string
		want uint64
	}{
		{0, "", 0xef46db3751d8e999},
		{0, "a", 0xd24ec4f1a98c6e5b},
		{0, "as", 0x1c330fb2d66be179},
		{0, "asd", 0x631c37ce72a97393},
		{0, "asdf", 0x415872f599cea71e},
		{0, "abc", 0x44bc2cf5ad770999},
		{0, "Call me Ishmael. Some years ago--never mind how long precisely-", 0x02a2e85470d6fd96},
	} {
		if got := hash.String(c.seed, c.s); got != c.want {
			t.Errorf("String(%d, %q) = %#x; want %#x", c.seed, c.s, got, c.want)
		}
	}
	const prime32, prime64 = 2654435761, 11400714785074694797
	buffer := make([]byte, 222)
	for i, gen := 0, uint64(prime32); i < len(buffer); i++ {
		buffer[i] = byte(gen >> 56)
		gen *= prime64
	}
	for _, c := range []struct {
		seed uint64
		n    int
		want uint64
	}{
		{0, 1, 0xe934a84adb052768},
		{prime32, 1, 0x5014607643a9b4c3},
		{0, 4, 0x9136a0dca57457ee},
		{0, 14, 0x8282dcc4994e35c8},
		{prime32, 14, 0xc3bd6bf63deb6df0},
		{0, 222, 0xb641ae8cb691c174},
		{prime32, 222, 0x20cb8ab7ae10c14a},
	} {
		if got := hash.Bytes(c.seed, buffer[:c.n]); got != c.want {
			t.Errorf("Bytes(%d, buffer[:%d]) = %#x; want %#x", c.seed, c.n, got, c.want)
		}
	}
}

func TestBytesIsString(t *testing.T) {
	var b []byte
	for i := range 200 {
		if hash.Bytes(7, b) != hash.String(7, string(b)) {
			t.Fatalf("Bytes and String differ at length %d", len(b))
		}
		b = append(b, byte(i*37))
	}
}

// The values are this package's own; they may never change.
func TestCombineStaysWhatItWas(t *testing.T) {
	for _, c := range []struct {
		seed   uint64
		values []uint64
		want   uint64
	}{
		{0, nil, 0},
		{42, nil, 42},
		{0, []uint64{0}, 0x48218226ff3cd4bf},
		{0, []uint64{1}, 0xea8568d2e45fd6cb},
		{1, []uint64{0}, 0xdce423fc82c0d5b8},
		{1, []uint64{2, 3}, 0x2ee6c235b7d0c74c},
		{1, []uint64{3, 2}, 0xf6c8b633fe70aca8},
		{1<<64 - 1, []uint64{1<<64 - 1, 1 << 63}, 0xeafdbc6bd8653932},
	} {
		if got := hash.Combine(c.seed, c.values...); got != c.want {
			t.Errorf("Combine(%d, %v) = %#x; want %#x", c.seed, c.values, got, c.want)
		}
	}
	if hash.Combine(1, 2, 3) != hash.Combine(hash.Combine(1, 2), 3) {
		t.Error("a prefix cannot be computed once")
	}
}

func TestEveryInputBitMovesHalfOfTheOutput(t *testing.T) {
	key := []byte("0123456789abcdefghijklmnopqrstuvwxyz-recsys")
	for name, f := range map[string]func(uint64) uint64{
		"Mix64":         func(x uint64) uint64 { return hash.Mix64(x + 0x1234567) },
		"Combine seed":  func(x uint64) uint64 { return hash.Combine(x, 5) },
		"Combine value": func(x uint64) uint64 { return hash.Combine(5, x) },
		"Bytes": func(x uint64) uint64 {
			k := append([]byte(nil), key...)
			for i := range 8 {
				k[5*i] ^= byte(x >> (8 * i))
			}
			return hash.Bytes(9, k)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 4000
			var flips [64][64]int // [input bit][output bit]
			for i := range uint64(n) {
				x := hash.Mix64(i + 1)
				h := f(x)
				for in := range 64 {
					for d := h ^ f(x^1<<in); d != 0; d &= d - 1 {
						flips[in][bits.TrailingZeros64(d)]++
					}
				}
			}
			// 4,096 binomial counts with sigma = sqrt(n)/2 = 31.6; six sigma.
			for in := range 64 {
				for out := range 64 {
					if d := flips[in][out] - n/2; d < -190 || d > 190 {
						t.Errorf("input bit %d flips output bit %d in %d of %d cases", in, out, flips[in][out], n)
					}
				}
			}
		})
	}
}

func TestHashingDoesNotAllocate(t *testing.T) {
	s, b, id := "a string of more than thirty-two bytes", []byte("bytes"), uint64(3)
	if n := testing.AllocsPerRun(100, func() {
		id = hash.Combine(hash.String(id, s), hash.Bytes(id, b), id, 4)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkString(b *testing.B) {
	for _, n := range []int{8, 24, 100} {
		s := string(make([]byte, n))
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			var h uint64
			b.SetBytes(int64(n))
			for b.Loop() {
				h = hash.String(h, s)
			}
		})
	}
}
