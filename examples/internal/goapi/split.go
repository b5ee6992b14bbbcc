package goapi

import "hash/fnv"

// Part names a share of the users.
type Part uint8

// The parts, and their expected shares of the folders.
const (
	PartA Part = iota // 60 %, to train on
	PartB             // 20 %, to choose with
	PartC             // 20 %, to report on
)

// String returns "A", "B" or "C", or "?" for another value.
func (p Part) String() string {
	if p > PartC {
		return "?"
	}
	return "ABC"[p : p+1]
}

// PartOf returns the part of the folder dir under seed. All files of a folder
// fall into one part, so that the variants of a file for several systems, and a
// file and its test, are never on both sides of a split. Folders are drawn, not
// files: the shares of the users differ from 60/20/20 by what big folders weigh.
//
// The draw is FNV-1a 64 of the bytes of dir, xor the mixed seed, mixed again by
// the finalizer of SplitMix64 and taken modulo 5: 0 to 2 is A, 3 is B, 4 is C. It
// is stable over runs, machines and releases of this package. FNV alone is too
// regular for short strings that differ in their last byte; the finalizer
// spreads every bit.
//
// Source: Fowler, Noll and Vo, FNV-1a; Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", OOPSLA 2014, mix64 with Stafford's variant 13.
func PartOf(dir string, seed uint64) Part {
	h := fnv.New64a()
	h.Write([]byte(dir))
	switch mix64(h.Sum64()^mix64(seed)) % 5 {
	case 3:
		return PartB
	case 4:
		return PartC
	}
	return PartA
}

// mix64 is a bijection on the 64-bit numbers that spreads every bit. The addition
// keeps 0 from being a fixed point.
func mix64(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Split returns the users of the three parts under seed, see [PartOf], as indices
// into Users, ascending. Together they hold each user once.
func (d *Dataset) Split(seed uint64) (a, b, c []int) {
	for i := range d.Users {
		switch PartOf(d.Users[i].Dir, seed) {
		case PartA:
			a = append(a, i)
		case PartB:
			b = append(b, i)
		case PartC:
			c = append(c, i)
		}
	}
	return a, b, c
}

// Cut splits a user's uses into the history, about the first 80 %, and the
// targets: the last max(1, round(n/5)) of n uses, halves rounded up. Both are
// parts of uses, not copies, and the history cannot be appended into the targets.
// A single use is a target without a history; without uses both are empty.
func Cut(uses []Use) (history, targets []Use) {
	n := len(uses)
	t := min(max(1, (2*n+5)/10), n)
	return uses[: n-t : n-t], uses[n-t:]
}
