// Package hash turns seeds, names and ids into 64 well-mixed bits that stay the
// same for ever: on every machine, in every process, in every later version.
// Seeds of stages, splits of data and buckets of an encoder depend on it, so a
// change of one bit would be a change of every stored experiment.
//
// None of it withstands an adversary who chooses the input; a table in memory
// that takes strings from outside hashes with hash/maphash instead.
package hash

// golden is 2^64 divided by the golden ratio, made odd: the step of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// Mix64 returns the finalizer of SplitMix64 at x: a bijection of the 64-bit
// numbers in which each input bit flips each output bit with probability close
// to one half. Mix64(0) is 0. The SplitMix64 generator seeded with s returns
// Mix64(s + n*0x9e3779b97f4a7c15) as its n-th number, n = 1, 2, ...
//
// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
// Generators", OOPSLA 2014, figure 17, in the variant 13 of Stafford's mixers
// that Vigna's public-domain splitmix64.c has.
func Mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Combine returns a hash of seed and the values in their order. Combine(seed) is
// seed itself, and Combine(seed, a, b) is Combine(Combine(seed, a), b), so that a
// prefix can be computed once. For a fixed seed each value maps one to one. It
// does not allocate.
func Combine(seed uint64, values ...uint64) uint64 {
	for _, v := range values {
		seed = Mix64(Mix64(seed+golden) + v)
	}
	return seed
}
