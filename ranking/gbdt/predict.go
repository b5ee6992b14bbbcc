package gbdt

import (
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
)

// Predict appends the predictions of all rows of d to dst, row-major n x len(Heads), and returns
// it. The columns of d are found by name and may stand in any order; it needs no labels; d must be
// valid. The error lists the columns that d does not have.
func (m *Model) Predict(dst []float32, d *ranking.Dataset) ([]float32, error) {
	columns, err := m.locate(d)
	if err != nil {
		return dst, err
	}
	n, heads, from := d.Len(), len(m.heads), len(dst)
	dst = slices.Grow(dst, n*heads)[:from+n*heads]
	s := m.pool.get()
	defer m.pool.put(s)
	block := m.block()
	for at := 0; at < n; at += block {
		k := min(block, n-at)
		m.readRows(s, d, columns, at, k)
		m.score(s, k, recsys.Scores{Heads: dst[from+at*heads:], Stride: heads})
	}
	return dst, nil
}

// block returns how many rows go through the engine at once: many, but not with many features.
func (m *Model) block() int { return max(1, min(512, 1<<18/max(len(m.features), 1))) }

// readRows makes s.rows of rows at to at+n-1 of d.
func (m *Model) readRows(s *scratch, d *ranking.Dataset, columns []int32, at, n int) {
	w := len(m.features)
	s.part32 = room(s.part32, n*w)
	m.copyRows(s.part32, d, columns, at, n)
	s.rows = engine.Rows{Floats: s.part32, Stride: w, N: n, Columns: s.identity(w)}
	if len(m.missing) > 0 {
		m.replace(s, n)
	}
}

// AppendRows appends the rows of d as [Model.PredictRows] takes them, n x len(Features), to dst.
// The error lists the columns that d does not have.
func (m *Model) AppendRows(dst []float64, d *ranking.Dataset) ([]float64, error) {
	columns, err := m.locate(d)
	if err != nil {
		return dst, err
	}
	w, block := len(m.features), m.block()
	values := make([]float32, block*w)
	for at, n := 0, d.Len(); at < n; at += block {
		k := min(block, n-at)
		m.copyRows(values, d, columns, at, k)
		for _, v := range values[:k*w] {
			dst = append(dst, float64(v))
		}
	}
	return dst, nil
}

// Category returns the value that stands for an ID in a row of [Model.PredictRows]: its category,
// -1 if the vocabulary does not have it, NaN for the ID 0 if the vocabulary does not have
// that; for a feature without a vocabulary the ID itself. feature is an index of [Model.Features].
func (m *Model) Category(feature int, id uint64) float64 {
	if m.vocab[feature] == nil {
		return float64(plainCategory(id))
	}
	return float64(keptCategory(&m.tables[feature], id))
}

// locate finds the features in d: a float column, or ^k for ID column k.
func (m *Model) locate(d *ranking.Dataset) ([]int32, error) {
	if len(m.forests) == 0 {
		return nil, fmt.Errorf("gbdt: Model is empty; train or load one")
	}
	columns := make([]int32, len(m.features))
	floats, ids := indexOf(d.Columns), indexOf(d.IDColumns)
	var missing, uncoded []string
	for j, f := range m.features {
		k, found := floats[f.Name]
		if m.vocab[j] != nil || f.Categorical && !found {
			id, ok := ids[f.Name]
			if k, found = ^id, ok; ok && m.vocab[j] == nil && !m.areCodes(j) {
				uncoded = append(uncoded, f.Name)
			}
		}
		if columns[j] = int32(k); !found {
			missing = append(missing, f.Name)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("gbdt: the dataset has no column %s", list(missing))
	}
	if uncoded != nil {
		return nil, uncodedError(uncoded)
	}
	return columns, nil
}

func indexOf(names []string) map[string]int {
	at := make(map[string]int, len(names))
	for j, name := range names {
		at[name] = j
	}
	return at
}

// copyRows writes the features of rows at to at+n-1 of d.
func (m *Model) copyRows(dst []float32, d *ranking.Dataset, columns []int32, at, n int) {
	w, floats, ids := len(m.features), len(d.Columns), len(d.IDColumns)
	for j, c := range columns {
		switch {
		case c >= 0:
			for i := range n {
				dst[i*w+j] = d.Floats[(at+i)*floats+int(c)]
			}
		case m.vocab[j] != nil:
			for i := range n {
				dst[i*w+j] = keptCategory(&m.tables[j], d.IDs[(at+i)*ids+int(^c)])
			}
		default:
			for i := range n {
				dst[i*w+j] = plainCategory(d.IDs[(at+i)*ids+int(^c)])
			}
		}
	}
}

// PredictRows appends the predictions of rows to dst, n x len(Heads), and returns it. rows is
// row-major, n x len(Features), in the order of [Model.Features]; NaN is missing, a
// category stands as its number ([Model.Category]).
//
// Values are float64, as LightGBM takes them. A model of XGBoost rounds them to float32 first, as the
// library does. An error says that rows are too short or too long.
func (m *Model) PredictRows(dst, rows []float64) ([]float64, error) {
	n, err := m.count(rows)
	if err != nil {
		return dst, err
	}
	raw, err := m.Raw(nil, rows)
	if err != nil {
		return dst, err
	}
	from, heads := len(dst), len(m.heads)
	dst = slices.Grow(dst, n*heads)[:from+n*heads]
	for i := range m.forests {
		f := &m.forests[i]
		one := make([]float64, f.Outputs)
		for r := range n {
			copy(one, raw[r*m.outputs+f.output:])
			f.predict(one)
			copy(dst[from+r*heads+f.head:][:f.width()], one)
		}
	}
	return dst, nil
}

// Raw appends the raw scores of rows to dst, n x Outputs: what the trees add up to, before the
// link, and in a random forest before it is divided by the rounds. rows is as in [Model.PredictRows].
func (m *Model) Raw(dst, rows []float64) ([]float64, error) {
	n, err := m.count(rows)
	if err != nil {
		return dst, err
	}
	from := len(dst)
	dst = slices.Grow(dst, n*m.outputs)[:from+n*m.outputs]
	s := m.pool.get()
	defer m.pool.put(s)
	w, block := len(m.features), m.block()
	for at := 0; at < n; at += block {
		k := min(block, n-at)
		m.rawBlock(s, dst[from+at*m.outputs:], rows[at*w:(at+k)*w], k)
	}
	return dst, nil
}

// rawBlock computes the raw scores of n rows: by the engine where all values are float32, else
// one by one.
func (m *Model) rawBlock(s *scratch, dst, rows []float64, n int) {
	w := len(m.features)
	exact := s.narrow(rows)
	s.rows = engine.Rows{Floats: s.part32, Stride: w, N: n, Columns: s.identity(w)}
	if len(m.missing) > 0 {
		m.replace(s, n)
	}
	for i := range m.forests {
		f := &m.forests[i]
		if exact || f.Float32 {
			s.raw = room(s.raw, n*f.Outputs)
			f.engine.Raw(s.raw, &s.rows, &s.engine)
			for r := range n {
				copy(dst[r*m.outputs+f.output:], s.raw[r*f.Outputs:(r+1)*f.Outputs])
			}
			continue
		}
		for r := range n {
			f.Raw(dst[r*m.outputs+f.output:][:f.Outputs], m.row(s, f, rows[r*w:(r+1)*w]), f.Rounds())
		}
	}
}

// narrow rounds rows into s.part32 and tells whether that lost nothing.
func (s *scratch) narrow(rows []float64) bool {
	s.part32 = room(s.part32, len(rows))
	exact := true
	for i, v := range rows {
		x := float32(v)
		s.part32[i] = x
		if float64(x) != v && v == v {
			exact = false
		}
	}
	return exact
}

// row returns a row as the trees of f take it.
func (m *Model) row(s *scratch, f *forest, row []float64) []float64 {
	if !f.Float32 && len(m.missing) == 0 {
		return row
	}
	s.row = append(s.row[:0], row...)
	for j, v := range s.row {
		if f.Float32 {
			s.row[j] = float64(float32(v))
		}
		for _, w := range m.missing {
			if float32(v) == float32(w) {
				s.row[j] = math.NaN()
			}
		}
	}
	return s.row
}

// count returns the number of rows.
func (m *Model) count(rows []float64) (int, error) {
	w := len(m.features)
	switch {
	case len(m.forests) == 0:
		return 0, fmt.Errorf("gbdt: Model is empty; train or load one")
	case w == 0 && len(rows) == 0:
		return 0, nil
	case w == 0 || len(rows)%w != 0:
		return 0, fmt.Errorf("gbdt: %d values are no rows of %d features", len(rows), w)
	}
	return len(rows) / w, nil
}

// Leaves appends the leaf that each row falls into in each tree, n x Trees, to dst: its index, for
// XGBoost's files the number of its node, as the libraries print them. rows is as in
// [Model.PredictRows].
func (m *Model) Leaves(dst []int32, rows []float64) ([]int32, error) {
	n, err := m.count(rows)
	if err != nil {
		return dst, err
	}
	s := m.pool.get()
	defer m.pool.put(s)
	w := len(m.features)
	dst = slices.Grow(dst, n*m.trees)
	for r := range n {
		for i := range m.forests {
			f := &m.forests[i]
			row := m.row(s, f, rows[r*w:(r+1)*w])
			for k := range f.Trees {
				dst = append(dst, f.Trees[k].LeafID(f.Trees[k].Leaf(row)))
			}
		}
	}
	return dst, nil
}
