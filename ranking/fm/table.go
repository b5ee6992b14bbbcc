package fm

import (
	"math"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/internal/simd"
)

// table is the parameters of one head, with Parts numbers for each: of a model 1, of a learner
// as many as its optimizer needs.
type table struct {
	kind Kind
	bias []float32 // Parts numbers
	fm   simd.FM   // FM, and Linear with K = 0
	ffm  simd.FFM
}

func newTable(kind Kind, n, fields, factors, parts int) table {
	t := table{kind: kind, bias: make([]float32, parts)}
	if kind == FFM {
		t.ffm = simd.FFM{
			K: factors, Fields: max(fields, 1), Parts: parts,
			Linear: make([]float32, n*parts), Factors: make([]float32, n*parts*max(fields, 1)*factors),
		}
	} else {
		t.fm = simd.FM{K: factors, Parts: parts, Linear: make([]float32, n*parts), Factors: make([]float32, n*parts*factors)}
	}
	return t
}

// arrays returns all numbers but those of the intercept, and the length of the pieces that
// belong to one of the numbers of a parameter: w[0], a[0], w[1], a[1], … has pieces of 1.
func (t *table) arrays() (linear, factors []float32, piece int) {
	if t.kind == FFM {
		return t.ffm.Linear, t.ffm.Factors, t.ffm.K
	}
	return t.fm.Linear, t.fm.Factors, t.fm.K
}

func (t *table) parts() int { return len(t.bias) }

// stateLen is the length of the sums of a row.
func (t *table) stateLen() int {
	if t.kind == FFM {
		return 1
	}
	return t.fm.StateLen()
}

// score returns z of a row and leaves its sums in state.
func (t *table) score(state []float32, slots []int32, values []float32, fields []uint16) float32 {
	if t.kind == FFM {
		return t.ffm.Score(t.bias[0], slots, fields, values)
	}
	clear(state)
	state[len(state)-1] = t.bias[0]
	t.fm.Sum(state, slots, values)
	return t.fm.Fold(state)
}

// clone returns a copy that shares nothing with t.
func (t *table) clone() table {
	c := *t
	c.bias = append([]float32(nil), t.bias...)
	c.fm.Linear, c.fm.Factors = append([]float32(nil), t.fm.Linear...), append([]float32(nil), t.fm.Factors...)
	c.ffm.Linear, c.ffm.Factors = append([]float32(nil), t.ffm.Linear...), append([]float32(nil), t.ffm.Factors...)
	return c
}

// assign makes t, of the same shape, equal to o.
func (t *table) assign(o *table) {
	copy(t.bias, o.bias)
	copy(t.fm.Linear, o.fm.Linear)
	copy(t.fm.Factors, o.fm.Factors)
	copy(t.ffm.Linear, o.ffm.Linear)
	copy(t.ffm.Factors, o.ffm.Factors)
}

// alone returns the parameters without what an optimizer keeps of them.
func (t *table) alone() table {
	out := table{kind: t.kind, bias: []float32{t.bias[0]}, fm: t.fm, ffm: t.ffm}
	linear, factors, k := t.arrays()
	first := func(all []float32, piece int) []float32 {
		if len(all) == 0 {
			return nil
		}
		kept := make([]float32, 0, len(all)/t.parts())
		for at := 0; at < len(all); at += piece * t.parts() {
			kept = append(kept, all[at:at+piece]...)
		}
		return kept
	}
	w, v := first(linear, 1), first(factors, k)
	if t.kind == FFM {
		out.ffm.Parts, out.ffm.Linear, out.ffm.Factors = 1, w, v
	} else {
		out.fm.Parts, out.fm.Linear, out.fm.Factors = 1, w, v
	}
	return out
}

// bounded reports whether all numbers are finite, and parameters at most maxParameter.
func (t *table) bounded() bool {
	linear, factors, k := t.arrays()
	for _, a := range []struct {
		values []float32
		piece  int
	}{{t.bias, 1}, {linear, 1}, {factors, k}} {
		for at := 0; at < len(a.values); {
			for part := range t.parts() {
				limit := float32(maxParameter)
				if part > 0 {
					limit = math.MaxFloat32
				}
				for _, v := range a.values[at : at+a.piece] {
					if !(v <= limit && v >= -limit) {
						return false
					}
				}
				at += a.piece
			}
		}
	}
	return true
}

// maxParameter bounds parameters, so that no score is NaN: 64 million entries with values
// and factors at their bounds sum to less than the largest float32.
const maxParameter = 1e6

// start sets the intercept, and the factors of the coordinates that seen marks to
// normal numbers that depend on seed, head and coordinate alone. The other coordinates
// are 0 and add nothing until they are learned.
func (t *table) start(cfg *Config, head string, intercept float64, seen []bool) {
	t.bias[0] = float32(intercept)
	scale := orDefault(cfg.InitScale, 0.05)
	// FTRL's parameters follow from z.
	z := -(orDefault(cfg.Beta, 1)/cfg.rate() + cfg.L2)
	if cfg.Optimizer == FTRL {
		t.bias[1] = float32(-intercept * orDefault(cfg.Beta, 1) / cfg.rate())
	}
	_, factors, k := t.arrays()
	if k == 0 || len(seen) == 0 {
		return
	}
	seed := hash.String(hash.Combine(cfg.Seed, 1), head)
	size := len(factors) / len(seen)
	for i, yes := range seen {
		if !yes {
			continue
		}
		cell := factors[i*size : (i+1)*size]
		for at := 0; at < size; at += k * t.parts() {
			for f := range k {
				v := scale * normal(hash.Combine(seed, uint64(i), uint64(at+f)))
				cell[at+f] = float32(v)
				if cfg.Optimizer == FTRL {
					cell[at+k+f] = float32(v * z)
				}
			}
		}
	}
}

// normal returns a number of mean 0 and variance 1, within 3.5, made of the bits of h: the sum of four
// even ones, which is as good as normal here and has the same bits everywhere.
func normal(h uint64) float64 {
	sum := h&0xffff + h>>16&0xffff + h>>32&0xffff + h>>48
	return (float64(float64(sum)*0x1p-16) - (2 - 0x1p-15)) * 1.7320508075688772
}
