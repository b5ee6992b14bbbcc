package ranking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/internal/place"
)

// binding is where a model's columns stand in a matrix, with the weights in that order.
type binding struct {
	cols  []int32 // ascending; cols[p] holds column order[p] of the model
	order []int32
	start int // the first column when they stand side by side, else -1
	table place.Columns
	ids   []int

	w   []float32 // H x d, on raw values, in the order of cols
	gap []float32 // H x d: what a missing value adds to the raw sum
	b   []float32 // H: the intercepts on raw values
}

// Bind finds the model's columns in the schema. The error joins a
// [*recsys.ColumnError] for each that is absent or of another kind.
func (m *Linear) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	if len(m.heads) == 0 {
		return nil, errors.New("ranking: Linear is empty; train or load one")
	}
	var errs []error
	var fields []recsys.Field
	floats, ids := make([]int32, len(m.columns)), make([]int, len(m.idColumns))
	for j, name := range m.columns {
		f, err := s.Float(name)
		floats[j], fields, errs = int32(f.Index), append(fields, f), append(errs, err)
	}
	for j, name := range m.idColumns {
		f, err := s.ID(name)
		ids[j], fields, errs = f.Index, append(fields, f), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	bound := *m
	bound.bound = m.bind(floats, ids)
	for _, f := range fields {
		bound.bound.table.Add(f)
	}
	return &bound, nil
}

// bind places the model's float columns at the given columns of a matrix.
func (m *Linear) bind(floats []int32, ids []int) *binding {
	d := len(floats)
	b := &binding{ids: ids, start: -1, cols: make([]int32, d), order: make([]int32, d)}
	for j := range b.order {
		b.order[j] = int32(j)
	}
	slices.SortFunc(b.order, func(i, j int32) int { return cmp.Compare(floats[i], floats[j]) })
	for p, j := range b.order {
		b.cols[p] = floats[j]
	}
	switch {
	case d == 0:
		b.start = 0
	case int(b.cols[d-1]-b.cols[0])+1 == d:
		b.start = int(b.cols[0])
	}
	for h := range m.heads {
		intercept := m.bias[h]
		for _, j := range b.order {
			slope := m.weights[h*d+int(j)] / m.scale[j]
			atMean := float64(slope * m.mean[j])
			intercept -= atMean
			if len(m.absent) > 0 {
				atMean += m.absent[h*d+int(j)]
			}
			b.w, b.gap = append(b.w, float32(slope)), append(b.gap, float32(atMean))
		}
		b.b = append(b.b, float32(intercept))
	}
	return b
}

// Rank writes each head's probability, and the first head's as the score. It
// allocates nothing and does not look at ctx. Two scores that round to 1 are a
// tie: from log odds of 17 on. The cost is H*(d+c) for each row. A table whose columns are not where Bind
// found them is an error, which wraps a [*recsys.ColumnError] for each that is absent.
func (m *Linear) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	b, n, heads := m.bound, c.Len(), len(m.heads)
	if b == nil {
		return ErrUnbound
	}
	if n == 0 {
		return nil
	}
	if err := b.table.Check(c.Schema()); err != nil {
		return fmt.Errorf("ranking: linear: %w", err)
	}
	if out.Stride < heads || len(out.Heads) < (n-1)*out.Stride+heads || len(out.Score) < n {
		return fmt.Errorf("ranking: linear: no room for %d rows of %d heads (stride %d, %d values)", n, heads, out.Stride, len(out.Heads))
	}
	m.logits(b, out.Heads, out.Stride, c.Floats(), c.Schema().Width(), n)
	for k, at := range b.ids {
		m.addIDs(k, out.Heads, out.Stride, c.IDColumn(at), 1, n)
	}
	if out.Stride == heads {
		sigmoids(out.Heads[:n*heads])
	}
	for i := range n {
		row := out.Heads[i*out.Stride:][:heads]
		if out.Stride != heads {
			sigmoids(row)
		}
		out.Score[i] = row[0]
	}
	return nil
}

// logits writes what the float columns of n rows give, intercepts included. It
// takes two rows at a time; an odd last one goes with itself.
func (m *Linear) logits(b *binding, dst []float32, stride int, floats []float32, width, n int) {
	d, start, cols, careful := len(b.cols), b.start, b.cols, m.careful
	for i := 0; i < n; i += 2 {
		k := min(i+1, n-1)
		x, y := floats[i*width:(i+1)*width], floats[k*width:(k+1)*width]
		for h, intercept := range b.b {
			w := b.w[h*d : (h+1)*d]
			var u, v float32
			if start >= 0 {
				u, v = dot2(w, x[start:], y[start:])
			} else {
				u, v = dot2At(w, x, y, cols)
			}
			u, v = u+intercept, v+intercept
			// NaN and infinities in a row come out as such: looking at the result is
			// cheaper than looking at every value.
			if u-u != 0 || careful {
				u = m.repair(b, h, x)
			}
			if v-v != 0 || careful {
				v = m.repair(b, h, y)
			}
			dst[i*stride+h], dst[k*stride+h] = u, v
		}
	}
}

// repair returns the log odds of a row, without its IDs, where the plain product gave
// no finite number: values are missing or huge.
func (m *Linear) repair(b *binding, h int, row []float32) float32 {
	if !m.careful {
		d := len(b.cols)
		z := dotGaps(b.w[h*d:(h+1)*d], b.gap[h*d:(h+1)*d], row, b.cols) + b.b[h]
		if z-z == 0 {
			return z
		}
	}
	return float32(m.exact(b, h, row))
}

// exact returns the log odds of a row without its IDs in float64.
func (m *Linear) exact(b *binding, h int, row []float32) float64 {
	d := len(b.cols)
	z := m.bias[h]
	for p, j := range b.order {
		z += m.adds(h*d+int(j), int(j), row[b.cols[p]])
	}
	return z
}

// adds returns what value v of float column j adds, under the weight at.
func (m *Linear) adds(at, j int, v float32) float64 {
	if v-v == 0 {
		return float64(m.weights[at] * ((float64(v) - m.mean[j]) / m.scale[j]))
	}
	if len(m.absent) > 0 {
		return m.absent[at]
	}
	return 0
}

// addIDs adds the weights of ID column k: row i has ids[i*step].
func (m *Linear) addIDs(k int, dst []float32, stride int, ids []uint64, step, n int) {
	t, first, heads := &m.tables[k], m.firsts[k], len(m.heads)
	for i := range n {
		at := int(t.Find(ids[i*step]))
		if at < 0 {
			continue
		}
		w := m.idWeights[(first+at)*heads:][:heads]
		for h, v := range w {
			dst[i*stride+h] += v
		}
	}
}

// Predict appends the probabilities of all rows of d to dst, row-major n x H, and
// returns it. The columns of d are found by name and may stand in any order; it
// needs no labels; d must be valid. The error lists the columns that d does not have.
func (m *Linear) Predict(dst []float32, d *Dataset) ([]float32, error) {
	floats, ids := make([]int32, len(m.columns)), make([]int, len(m.idColumns))
	haveFloats, haveIDs := indexOf(d.Columns), indexOf(d.IDColumns)
	var missing []string
	for j, name := range m.columns {
		at, ok := haveFloats[name]
		if floats[j] = int32(at); !ok {
			missing = append(missing, name)
		}
	}
	for j, name := range m.idColumns {
		at, ok := haveIDs[name]
		if ids[j] = at; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return dst, fmt.Errorf("ranking: linear: the dataset has no column %s", list(missing))
	}
	n, heads, from := d.Len(), len(m.heads), len(dst)
	dst = slices.Grow(dst, n*heads)[:from+n*heads]
	out := dst[from:]
	m.logits(m.bind(floats, ids), out, heads, d.Floats, len(d.Columns), n)
	for k, at := range ids {
		if n > 0 {
			m.addIDs(k, out, heads, d.IDs[at:], len(d.IDColumns), n)
		}
	}
	sigmoids(out)
	return dst, nil
}
