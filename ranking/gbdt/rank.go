package gbdt

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/engine"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// scratch is the memory of one call.
type scratch struct {
	rows   engine.Rows
	part   engine.Rows // some of them, gathered
	engine engine.Scratch
	raw    []float64
	dense  []float32 // rows with every feature, where a value must be replaced
	part32 []float32
	ids    []float32   // categories of ID columns, one after the other
	extra  [][]float32 // views of ids
	plain  []int32     // 0, 1, …: the columns of dense rows
	row    []float64

	// Of cascades.
	more   []float64 // raw scores of the rows that go on
	chosen []float32 // their features
	keys   []float64
	order  []float64
	best   []int32 // the rows that go on
	tied   []int32
}

// scratchPool hands scratch out. It must not be copied.
type scratchPool struct{ pool sync.Pool }

func (p *scratchPool) get() *scratch {
	if s, ok := p.pool.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

// put takes scratch back; what it pointed to in the caller's tables is let go.
func (p *scratchPool) put(s *scratch) {
	s.rows, s.part = engine.Rows{}, engine.Rows{}
	p.pool.Put(s)
}

// room returns s with length n; what it held may be lost.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}

// Rank writes the heads, each after the link of its forest (a probability for a binary
// objective, the raw score for a ranking one), and the first head as the score. It allocates
// nothing once it has seen as many rows, and does not look at ctx. A table whose columns are not where
// Bind found them is an error, which wraps a [*recsys.ColumnError] for each that is absent.
//
// An ID that a vocabulary does not have, and a category that no tree has seen, go the way of
// those that the trees do not name. The ID 0, which a source writes where it has no value, is missing, unless
// the vocabulary has it. In the features of another library's file a row whose source says that it is
// missing is missing even then; see [Options].Categories.
func (m *Model) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	n := c.Len()
	if err := m.ready(c, out); err != nil || n == 0 {
		return err
	}
	s := m.pool.get()
	m.read(s, c)
	m.score(s, n, out)
	m.pool.put(s)
	for i := range n {
		out.Score[i] = out.Heads[i*out.Stride]
	}
	return nil
}

// score writes the heads of the rows in s.rows.
func (m *Model) score(s *scratch, n int, out recsys.Scores) {
	for i := range m.forests {
		f := &m.forests[i]
		s.raw = room(s.raw, n*f.Outputs)
		f.engine.Raw(s.raw, &s.rows, &s.engine)
		f.predict(s.raw)
		f.store(out, s.raw, n)
	}
}

// ready reports what keeps the model from ranking c.
func (m *Model) ready(c *recsys.Candidates, out recsys.Scores) error {
	b, n, heads := m.bound, c.Len(), len(m.heads)
	if b == nil {
		return ranking.ErrUnbound
	}
	if n == 0 {
		return nil
	}
	if err := b.table.Check(c.Schema()); err != nil {
		return fmt.Errorf("gbdt: %w", err)
	}
	if out.Stride < heads || len(out.Heads) < (n-1)*out.Stride+heads || len(out.Score) < n {
		return fmt.Errorf("gbdt: no room for %d rows of %d heads (stride %d, %d values)", n, heads, out.Stride, len(out.Heads))
	}
	return nil
}

// read makes s.rows of the table.
func (m *Model) read(s *scratch, c *recsys.Candidates) {
	b, n := m.bound, c.Len()
	s.ids, s.extra = room(s.ids, n*len(b.ids)), room(s.extra, len(b.ids))
	for k := range b.ids {
		dst := s.ids[k*n : (k+1)*n]
		m.categoriesOf(dst, &b.ids[k], c)
		s.extra[k] = dst
	}
	s.rows = engine.Rows{Floats: c.Floats(), Stride: c.Schema().Width(), N: n, Columns: b.columns, Extra: s.extra}
	if len(m.missing) > 0 {
		m.replace(s, n)
	}
}

// categoriesOf writes the categories of an ID column.
func (m *Model) categoriesOf(dst []float32, id *idColumn, c *recsys.Candidates) {
	if id.column < 0 {
		for i := range dst {
			dst[i] = float32(math.NaN())
		}
		return
	}
	ids := c.IDColumn(id.column)[:len(dst)]
	if id.kept {
		t := &m.tables[id.feature]
		for i, v := range ids {
			dst[i] = keptCategory(t, v)
		}
		if !id.apart {
			return
		}
	} else {
		for i, v := range ids {
			dst[i] = plainCategory(v)
		}
	}
	for i, missing := 0, c.Missing(id.group); i < len(dst); i++ {
		if missing.Has(i) && ids[i] == 0 {
			dst[i] = float32(math.NaN())
		}
	}
}

// replace copies all rows of s.rows with NaN for what counts as missing.
func (m *Model) replace(s *scratch, n int) {
	d := len(m.features)
	s.dense = room(s.dense, n*d)
	s.gather(s.dense, nil, n)
	for i, v := range s.dense {
		for _, w := range m.missing {
			if v == float32(w) {
				s.dense[i] = float32(math.NaN())
			}
		}
	}
	s.rows = engine.Rows{Floats: s.dense, Stride: d, N: n, Columns: s.identity(d)}
}

// gather copies the features of n rows, those that which lists or the first ones if it is nil.
func (s *scratch) gather(dst []float32, which []int32, n int) {
	r := &s.rows
	d := len(r.Columns)
	for k := range n {
		i := k
		if which != nil {
			i = int(which[k])
		}
		row := dst[k*d : (k+1)*d]
		floats := r.Floats[i*r.Stride : (i+1)*r.Stride]
		for j, at := range r.Columns {
			if at >= 0 {
				row[j] = floats[at]
			} else {
				row[j] = r.Extra[^at][i]
			}
		}
	}
}

// identity returns 0 to d-1.
func (s *scratch) identity(d int) []int32 {
	for len(s.plain) < d {
		s.plain = append(s.plain, int32(len(s.plain)))
	}
	return s.plain[:d]
}

// predict turns raw scores, rows of f.Outputs, into predictions, in place: a row's are its first
// f.width() values.
func (f *forest) predict(raw []float64) {
	if f.Average {
		f.average(raw, f.Rounds())
	}
	f.link(raw)
}

func (f *forest) average(raw []float64, rounds int) {
	if rounds > 0 {
		for i := range raw {
			raw[i] /= float64(rounds)
		}
	}
}

func (f *forest) link(raw []float64) {
	switch f.Link.Kind {
	case tree.Softmax, tree.ArgMax:
		for ; len(raw) > 0; raw = raw[f.Outputs:] {
			f.Link.Apply(raw[:f.Outputs])
		}
	default:
		f.Link.Apply(raw)
	}
}

// store writes the predictions of n rows as heads.
func (f *forest) store(out recsys.Scores, raw []float64, n int) {
	k, w := f.Outputs, f.width()
	for i := range n {
		head := out.Heads[i*out.Stride+f.head:][:w]
		for j := range head {
			head[j] = float32(raw[i*k+j])
		}
	}
}
