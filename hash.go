package recsys

import "github.com/recsyskit/recsys/internal/hash"

// HashID returns the ID that stands for a string where no vocabulary is kept:
// XXH64 of its bytes, seed 0. [Pipeline.Context] uses it for text in an ID column.
func HashID(s string) uint64 { return hash.String(0, s) }

// fingerprint is a running hash. Its values stand in files, so it never changes.
type fingerprint uint64

func (h *fingerprint) text(s string) *fingerprint {
	*h = fingerprint(hash.String(uint64(*h), s))
	return h
}

func (h *fingerprint) num(v uint64) *fingerprint {
	*h = fingerprint(hash.Combine(uint64(*h), v))
	return h
}
