package encoder

import (
	"math"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// fingerprint is a running hash of what a set is. Its values stand in files, so it never changes.
type fingerprint uint64

func (h *fingerprint) text(s string) *fingerprint {
	*h = fingerprint(hash.String(uint64(*h), s))
	return h
}

func (h *fingerprint) num(v uint64) *fingerprint {
	*h = fingerprint(hash.Combine(uint64(*h), v))
	return h
}

func (h *fingerprint) flag(v bool) *fingerprint {
	if v {
		return h.num(1)
	}
	return h.num(0)
}

func (h *fingerprint) real(v float64) *fingerprint { return h.num(math.Float64bits(v)) }

func (h *fingerprint) reals(v []float64) *fingerprint {
	h.num(uint64(len(v)))
	for _, x := range v {
		h.real(x)
	}
	return h
}

func (h *fingerprint) singles(v []float32) *fingerprint {
	h.num(uint64(len(v)))
	for _, x := range v {
		h.num(uint64(math.Float32bits(x)))
	}
	return h
}

func (h *fingerprint) nums(v []uint64) *fingerprint {
	h.num(uint64(len(v)))
	for _, x := range v {
		h.num(x)
	}
	return h
}

func (h *fingerprint) column(c *recsys.Column) *fingerprint {
	return h.text(c.Name).num(uint64(c.Kind)).num(uint64(c.Dim)).num(uint64(c.Scope))
}
