package fm

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// Model is a machine for each head over the same columns; see [Kind] for the formulas. Each
// float column is a coordinate whose value is standardised, (x - mean)/scale, but at most 1,000
// either way; each ID of an ID column is a coordinate whose value is 1. What is missing
// (NaN, an infinity, an ID without a coordinate) adds nothing.
//
// [Train] makes one, [Load] reads one from a file. It is immutable and safe for concurrent
// use. Bind it, by placing it into a pipeline, before Rank.
type Model struct {
	heads []string
	space
	kind   Kind
	loss   Loss
	tables []table // of the heads

	// Of a model that NewOnline can go on with.
	optimizer settings
	learned   []table
	steps     []int64

	version string
	bound   *binding // nil until Bind
}

// settings are what an optimizer goes on with.
type settings struct {
	Optimizer          Optimizer
	Rate, L1, L2, Beta float64
}

var (
	_ recsys.Ranker                = (*Model)(nil)
	_ recsys.HeadWriter            = (*Model)(nil)
	_ recsys.Versioned             = (*Model)(nil)
	_ recsys.Binder[recsys.Ranker] = (*Model)(nil)
)

// Heads returns the names of the heads, in the order of training. The slice is the model's.
func (m *Model) Heads() []string { return m.heads }

// Columns returns the names of the float columns, in the order of training. The slice is the model's.
func (m *Model) Columns() []string { return m.columns }

// IDColumns returns the names of the ID columns, in the order of training. The slice is the model's.
func (m *Model) IDColumns() []string { return m.idColumns }

// Kind returns which terms the model has.
func (m *Model) Kind() Kind { return m.kind }

// Loss returns what the model minimised, and so what its predictions are.
func (m *Model) Loss() Loss { return m.loss }

// Factors returns the length of the vectors, 0 of a Linear.
func (m *Model) Factors() int {
	if len(m.tables) == 0 {
		return 0
	}
	_, _, k := m.tables[0].arrays()
	return k
}

// Resumable reports whether [NewOnline] can go on with the model.
func (m *Model) Resumable() bool { return len(m.learned) > 0 }

// Version returns a hash of all that the model's scores depend on.
func (m *Model) Version() string { return m.version }

// String prints version and size.
func (m *Model) String() string {
	how := fmt.Sprintf("%d ids", m.space.len()-len(m.columns))
	if m.bits > 0 {
		how = fmt.Sprintf("%d buckets", 1<<m.bits)
	}
	return fmt.Sprintf("%v model %s: %d float and %d id columns, %s, %d factors, heads %s",
		m.kind, m.version, len(m.columns), len(m.idColumns), how, m.Factors(), strings.Join(m.heads, ", "))
}

// finish computes what follows from the stored fields.
func (m *Model) finish() {
	m.space.finish()
	m.version = fmt.Sprintf("fm-%016x", m.hash())
}

// schemaHash identifies the names that the model reads and writes.
func (m *Model) schemaHash() uint64 {
	h := uint64(0)
	for _, names := range [][]string{m.columns, m.idColumns, m.heads} {
		h = hash.Combine(h, uint64(len(names)))
		for _, name := range names {
			h = hash.String(h, name)
		}
	}
	return h
}

// hash identifies the model.
func (m *Model) hash() uint64 {
	h := hash.Combine(m.schemaHash(), uint64(m.kind), uint64(m.loss), uint64(m.Factors()), uint64(m.bits), m.seed)
	for _, values := range [][]float64{m.mean, m.scale} {
		for _, v := range values {
			h = hash.Combine(h, math.Float64bits(v))
		}
	}
	for _, ids := range m.ids {
		h = hash.Combine(hash.Combine(h, uint64(len(ids))), ids...)
	}
	for i := range m.tables {
		t := &m.tables[i]
		linear, factors, _ := t.arrays()
		for _, values := range [][]float32{t.bias, linear, factors} {
			for _, v := range values {
				h = hash.Mix64(h ^ uint64(math.Float32bits(v)))
			}
		}
	}
	return h
}

func (m *Model) head(name string) (int, error) {
	h := slices.Index(m.heads, name)
	if h < 0 {
		return 0, fmt.Errorf("fm: no head %q (heads: %s)", name, strings.Join(m.heads, ", "))
	}
	return h, nil
}

// Intercept returns the score (of Logistic: the log odds) of a row all of whose columns are
// missing. The error lists the heads when there is no such head.
func (m *Model) Intercept(head string) (float64, error) {
	h, err := m.head(head)
	if err != nil {
		return 0, err
	}
	return float64(m.tables[h].bias[0]), nil
}

// Contributions appends to dst what each column of one row adds to the score (of Logistic: the
// log odds) of the head: the float columns, in the order of [Model.Columns], then the ID
// columns. What a pair of columns adds counts half for either. Together with the intercept
// they are the score, up to rounding, so they say why the row got it. floats and ids hold the row in
// these orders. The error lists the heads when there is no such head, or names a wrong length.
func (m *Model) Contributions(dst []float64, head string, floats []float32, ids []uint64) ([]float64, error) {
	h, err := m.head(head)
	if err != nil {
		return dst, err
	}
	if len(floats) != len(m.columns) || len(ids) != len(m.idColumns) {
		return dst, fmt.Errorf("fm: row has %d floats and %d ids; want %d and %d", len(floats), len(ids), len(m.columns), len(m.idColumns))
	}
	var r rows
	r.reset()
	for j, v := range floats {
		if x := m.float(j, v); x != 0 {
			r.add(int32(j), x, j)
		}
	}
	for k, id := range ids {
		if slot := m.id(k, id); slot >= 0 {
			r.add(slot, 1, len(floats)+k)
		}
	}
	from := len(dst)
	dst = append(dst, make([]float64, m.fields())...)
	m.tables[h].contributions(dst[from:], &r)
	return dst, nil
}

// contributions adds to dst, by field, what the entries of r add.
func (t *table) contributions(dst []float64, r *rows) {
	linear, factors, k := t.arrays()
	vector := func(e, other int) []float32 {
		at := int(r.slots[e])
		if t.kind == FFM {
			at = at*t.ffm.Fields + int(r.fields[other])
		}
		return factors[at*k : (at+1)*k]
	}
	for a := range r.slots {
		x := float64(r.values[a])
		dst[r.fields[a]] += float64(x * float64(linear[r.slots[a]]))
		for b := a + 1; b < len(r.slots); b++ {
			dot := 0.0
			v, w := vector(a, b), vector(b, a)
			for f := range v {
				dot += float64(float64(v[f]) * float64(w[f]))
			}
			half := float64(0.5 * x * float64(r.values[b]) * dot)
			dst[r.fields[a]] += half
			dst[r.fields[b]] += half
		}
	}
}
