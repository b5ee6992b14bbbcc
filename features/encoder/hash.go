package encoder

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/recsyskit/recsys"
)

// HashIDs returns the 64-bit hash of the IDs in their order under a seed, on which [Hash], [Cross] and the hashed
// [MultiHot] rest: XXH64 with that seed of the bytes of the IDs, each as eight bytes, the lowest first. In Python:
//
//	xxhash.xxh64(struct.pack("<%dQ" % len(ids), *ids), seed=seed).intdigest()
//
// The file testdata/hash_vectors.txt of this package has test vectors. HashIDs does not allocate.
//
// Source: Collet, "xxHash fast digest algorithm", section XXH64.
func HashIDs(seed uint64, ids ...uint64) uint64 {
	return hashWords(seed, ids)
}

// Bucket returns the number in [0, buckets) that a hash stands for: the upper 64 bits of the 128-bit product
// hash · buckets, in Python (h * buckets) >> 64. With 0 buckets it returns the hash.
//
// Source: Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29(1), 2019, section 4, without the rejection: the chances of two
// buckets differ by less than buckets / 2^64.
func Bucket(h, buckets uint64) uint64 {
	if buckets == 0 {
		return h
	}
	hi, _ := bits.Mul64(h, buckets)
	return hi
}

const (
	prime1 = 0x9e3779b185ebca87
	prime2 = 0xc2b2ae3d27d4eb4f
	prime3 = 0x165667b19e3779f9
	prime4 = 0x85ebca77c2b2ae63
	prime5 = 0x27d4eb2f165667c5
)

// hashWords is XXH64 of 64-bit words: hash.Bytes of their bytes, without the bytes.
func hashWords(seed uint64, ids []uint64) uint64 {
	h, n := seed+prime5, uint64(8*len(ids))
	if len(ids) >= 4 {
		a, b, c, d := seed+prime1+prime2, seed+prime2, seed, seed-prime1
		for ; len(ids) >= 4; ids = ids[4:] {
			a, b = round(a, ids[0]), round(b, ids[1])
			c, d = round(c, ids[2]), round(d, ids[3])
		}
		h = bits.RotateLeft64(a, 1) + bits.RotateLeft64(b, 7) + bits.RotateLeft64(c, 12) + bits.RotateLeft64(d, 18)
		for _, lane := range [...]uint64{a, b, c, d} {
			h = (h^round(0, lane))*prime1 + prime4
		}
	}
	h += n
	for _, id := range ids {
		h = bits.RotateLeft64(h^round(0, id), 27)*prime1 + prime4
	}
	return avalanche(h)
}

func round(acc, lane uint64) uint64 { return bits.RotateLeft64(acc+lane*prime2, 31) * prime1 }

func avalanche(h uint64) uint64 {
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

// hashID is HashIDs of one ID, small enough to be inlined.
func hashID(seed, id uint64) uint64 {
	return avalanche(bits.RotateLeft64((seed+prime5+8)^round(0, id), 27)*prime1 + prime4)
}

// hashTwo is HashIDs of two IDs.
func hashTwo(seed, a, b uint64) uint64 {
	h := bits.RotateLeft64((seed+prime5+16)^round(0, a), 27)*prime1 + prime4
	return avalanche(bits.RotateLeft64(h^round(0, b), 27)*prime1 + prime4)
}

// maxBuckets keeps the numbers of buckets where every consumer can hold them.
const maxBuckets = 1 << 62

// Hash turns an ID into one of a fixed number of buckets: what a model with a table of that size reads. Several IDs
// share a bucket. It reads one ID column and writes one:
//
//	Bucket(HashIDs(Seed, id), Buckets)
//
// No value is special: a missing ID, which is 0, has a bucket like any other. Text becomes an ID by [recsys.HashID].
//
// Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009, without the sign hash.
type Hash struct {
	// Buckets is the number of buckets, at most 2^62. 0 means none: the ID becomes its 64-bit hash.
	Buckets uint64 `json:"buckets"`
	// Seed chooses the hash function.
	Seed uint64 `json:"seed"`
}

// Cross turns a combination of IDs into one of a fixed number of buckets: user × hour, country × category. Their order
// matters. It reads two to eight ID columns and writes one:
//
//	Bucket(HashIDs(Seed, id1, id2, …), Buckets)
//
// Numbers are crossed through [Buckets].
//
// Source: Cheng et al., "Wide & Deep Learning for Recommender Systems", DLRS 2016, equation 1, hashed.
type Cross struct {
	// Buckets is the number of buckets, at most 2^62. 0 means none: the combination becomes its 64-bit hash.
	Buckets uint64 `json:"buckets"`
	// Seed chooses the hash function.
	Seed uint64 `json:"seed"`
}

const maxCross = 8

func planHash(name string, in []recsys.Column, buckets uint64) ([]recsys.Column, error) {
	var errs []error
	if buckets > maxBuckets {
		errs = append(errs, fmt.Errorf("field Buckets is %d; want at most 2^62 (0 means the whole hash)", buckets))
	}
	for i := range in {
		if in[i].Kind != recsys.ID {
			errs = append(errs, fmt.Errorf("%w; a number becomes an ID by Buckets", wrongKind(&in[i], recsys.ID)))
		}
	}
	return []recsys.Column{{Name: name, Kind: recsys.ID}}, errors.Join(errs...)
}

func (e Hash) kind() string { return "hash" }

func (e Hash) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("reads %d columns; want 1 ID column, or use Cross", len(in))
	}
	return planHash(name, in, e.Buckets)
}

func (e Hash) fitter([]recsys.Column, *FitConfig) fitter { return nil }
func (e Hash) kernel([]recsys.Column) kernel             { return hashKernel{e.Buckets, e.Seed} }
func (e Hash) sum(h *fingerprint)                        { h.num(e.Buckets).num(e.Seed) }

func (e Cross) kind() string { return "cross" }

func (e Cross) plan(name string, in []recsys.Column) ([]recsys.Column, error) {
	if len(in) < 2 || len(in) > maxCross {
		return nil, fmt.Errorf("reads %d columns; want 2 to %d ID columns", len(in), maxCross)
	}
	return planHash(name, in, e.Buckets)
}

func (e Cross) fitter([]recsys.Column, *FitConfig) fitter { return nil }
func (e Cross) kernel([]recsys.Column) kernel             { return hashKernel{e.Buckets, e.Seed} }
func (e Cross) sum(h *fingerprint)                        { h.num(e.Buckets).num(e.Seed) }

type hashKernel struct{ buckets, seed uint64 }

func (k hashKernel) run(n int, in, out []lane, _ *Counts) {
	o := &out[0]
	if len(in) == 1 {
		a := &in[0]
		for i := range n {
			o.u[i*o.stride] = Bucket(hashID(k.seed, a.u[i*a.stride]), k.buckets)
		}
		return
	}
	if len(in) == 2 {
		a, b := &in[0], &in[1]
		for i := range n {
			o.u[i*o.stride] = Bucket(hashTwo(k.seed, a.u[i*a.stride], b.u[i*b.stride]), k.buckets)
		}
		return
	}
	var ids [maxCross]uint64
	for i := range n {
		for j := range in {
			ids[j] = in[j].u[i*in[j].stride]
		}
		o.u[i*o.stride] = Bucket(hashWords(k.seed, ids[:len(in)]), k.buckets)
	}
}
