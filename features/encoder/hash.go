package encoder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// HashIDs returns the 64-bit hash of the IDs in their order under a seed, on which [Hash], [Cross] and the hashed
// [MultiHot] rest: XXH64 with that seed of the bytes of the IDs, each as eight bytes, the lowest first. In Python:
//
//	xxhash.xxh64(struct.pack("<%dQ" % len(ids), *ids), seed=seed).intdigest()
//
// The file testdata/hash_vectors.txt of this package has test vectors. HashIDs does not allocate for up to eight IDs.
//
// Source: Collet, "xxHash fast digest algorithm", section XXH64.
func HashIDs(seed uint64, ids ...uint64) uint64 {
	if len(ids) == 1 {
		return hashID(seed, ids[0])
	}
	var few [8 * maxCross]byte
	b := few[:0]
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	return hash.Bytes(seed, b)
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

// hashID is HashIDs of one ID: XXH64 of eight bytes, written out.
func hashID(seed, id uint64) uint64 {
	const (
		prime1 = 0x9e3779b185ebca87
		prime2 = 0xc2b2ae3d27d4eb4f
		prime3 = 0x165667b19e3779f9
		prime4 = 0x85ebca77c2b2ae63
		prime5 = 0x27d4eb2f165667c5
	)
	h := seed + prime5 + 8
	h ^= bits.RotateLeft64(id*prime2, 31) * prime1
	h = bits.RotateLeft64(h, 27)*prime1 + prime4
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
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
	var b [8 * maxCross]byte
	for i := range n {
		for j := range in {
			binary.LittleEndian.PutUint64(b[8*j:], in[j].u[i*in[j].stride])
		}
		o.u[i*o.stride] = Bucket(hash.Bytes(k.seed, b[:8*len(in)]), k.buckets)
	}
}
