package fm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/internal/place"
)

// binding is where a model's columns stand in a table of candidates. Columns of the request
// are the same for all candidates, so their sums are computed once.
type binding struct {
	request, item struct{ floats, ids []spot }
	table         place.Columns
	scratch       sync.Pool
}

// spot is where a column of the model stands.
type spot struct{ column, at int }

// scratch is what one call of Rank needs.
type scratch struct {
	request, block rows
	state          []float32
	z              [blockRows]float32
}

// blockRows is how many candidates are encoded before they are scored.
const blockRows = 64

// Bind finds the model's columns in the schema. The error joins a [*recsys.ColumnError] for each
// that is absent or of another kind.
func (m *Model) Bind(s *recsys.Schema) (recsys.Ranker, error) {
	if len(m.heads) == 0 {
		return nil, errors.New("fm: Model is empty; train or load one")
	}
	b, err := m.bind(s)
	if err != nil {
		return nil, err
	}
	bound := *m
	bound.bound = b
	return &bound, nil
}

func (s *space) bind(schema *recsys.Schema) (*binding, error) {
	b := new(binding)
	b.scratch.New = func() any { return new(scratch) }
	var errs []error
	for j, name := range s.columns {
		f, err := schema.Float(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b.table.Add(f)
		to := &b.item.floats
		if f.Scope == recsys.PerRequest {
			to = &b.request.floats
		}
		*to = append(*to, spot{j, f.Index})
	}
	for k, name := range s.idColumns {
		f, err := schema.ID(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b.table.Add(f)
		to := &b.item.ids
		if f.Scope == recsys.PerRequest {
			to = &b.request.ids
		}
		*to = append(*to, spot{k, f.Index})
	}
	return b, errors.Join(errs...)
}

// Rank writes each head's prediction, and the first head's as the score: probabilities of
// Logistic, numbers of Squared. It allocates nothing in steady state and does not look at ctx.
// The columns of the request are scored once, those of the item for each row: O(H c k)
// for a row with c of them, of an FFM O(H c² k) with all. A table whose columns are not where Bind found
// them is an error, which wraps a [*recsys.ColumnError] for each that is absent.
func (m *Model) Rank(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out recsys.Scores) error {
	if m.bound == nil {
		return ranking.ErrUnbound
	}
	return m.rank(m.bound, c, out)
}

func (m *Model) rank(b *binding, c *recsys.Candidates, out recsys.Scores) error {
	n, heads := c.Len(), len(m.heads)
	if n == 0 {
		return nil
	}
	if err := b.table.Check(c.Schema()); err != nil {
		return fmt.Errorf("fm: %w", err)
	}
	if out.Stride < heads || len(out.Heads) < (n-1)*out.Stride+heads || len(out.Score) < n {
		return fmt.Errorf("fm: no room for %d rows of %d heads (stride %d, %d values)", n, heads, out.Stride, len(out.Heads))
	}
	s := b.scratch.Get().(*scratch)
	defer b.scratch.Put(s)
	s.request.reset()
	m.encodeCandidate(&s.request, b.request.floats, b.request.ids, c, 0)
	for from := 0; from < n; from += blockRows {
		to := min(n, from+blockRows)
		s.block.reset()
		for i := from; i < to; i++ {
			if m.kind == FFM {
				s.block.copyRow(&s.request)
			}
			m.encodeCandidate(&s.block, b.item.floats, b.item.ids, c, i)
		}
		for h := range heads {
			z := s.z[:to-from]
			m.predict(z, s, h)
			for i, p := range z {
				at := from + i
				if out.Heads[at*out.Stride+h] = p; h == 0 {
					out.Score[at] = p
				}
			}
		}
	}
	return nil
}

// copyRow appends the entries of the only row of o, without ending the row.
func (r *rows) copyRow(o *rows) {
	r.slots, r.values, r.fields = append(r.slots, o.slots...), append(r.values, o.values...), append(r.fields, o.fields...)
}

// encodeCandidate appends a row of what candidate i has in the columns.
func (s *space) encodeCandidate(dst *rows, floats, ids []spot, c *recsys.Candidates, i int) {
	if len(floats) > 0 {
		row := c.Row(i)
		for _, p := range floats {
			if x := s.float(p.column, row[p.at]); x != 0 {
				dst.add(int32(p.column), x, p.column)
			}
		}
	}
	for _, p := range ids {
		if slot := s.id(p.column, c.IDColumn(p.at)[i]); slot >= 0 {
			dst.add(slot, 1, len(s.columns)+p.column)
		}
	}
	dst.end()
}

// predict writes the predictions of head h for the rows of s.block.
func (m *Model) predict(dst []float32, s *scratch, h int) {
	t := &m.tables[h]
	if m.kind == FFM {
		for i := range dst {
			slots, values, fields := s.block.row(i)
			dst[i] = t.ffm.Score(t.bias[0], slots, fields, values)
		}
	} else {
		if n := t.fm.StateLen(); len(s.state) < n {
			s.state = make([]float32, n)
		}
		state := s.state[:t.fm.StateLen()]
		clear(state)
		state[len(state)-1] = t.bias[0]
		t.fm.Sum(state, s.request.slots, s.request.values)
		t.fm.Scores(dst, state, s.block.starts, s.block.slots, s.block.values)
	}
	if m.loss == Logistic {
		simd.Sigmoid(dst, dst)
	}
}

// Predict appends the predictions of all rows of d to dst, row-major n x H, and returns it.
// The columns of d are found by name and may stand in any order; it needs no labels; d must be
// valid. The error lists the columns that d does not have.
func (m *Model) Predict(dst []float32, d *ranking.Dataset) ([]float32, error) {
	floats, ids, err := m.find(d)
	if err != nil {
		return dst, err
	}
	n, heads, from := d.Len(), len(m.heads), len(dst)
	dst = slices.Grow(dst, n*heads)[:from+n*heads]
	out := dst[from:]
	var s scratch
	s.request.reset()
	for i := 0; i < n; i += blockRows {
		to := min(n, i+blockRows)
		m.encode(&s.block, d, floats, ids, i, to)
		for h := range heads {
			z := s.z[:to-i]
			m.predict(z, &s, h)
			for at, p := range z {
				out[(i+at)*heads+h] = p
			}
		}
	}
	return dst, nil
}

// find returns where the columns of s stand in d.
func (s *space) find(d *ranking.Dataset) (floats, ids []int, err error) {
	var missing []string
	places := func(names, have []string) (at []int) {
		for _, name := range names {
			k := slices.Index(have, name)
			if k < 0 {
				missing = append(missing, name)
			}
			at = append(at, k)
		}
		return at
	}
	floats, ids = places(s.columns, d.Columns), places(s.idColumns, d.IDColumns)
	if len(missing) > 0 {
		return nil, nil, fmt.Errorf("fm: the dataset has no column %q", missing)
	}
	return floats, ids, nil
}
