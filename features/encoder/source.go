package encoder

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/recsyskit/recsys"
)

// errNoTable says what to do with a source that works from the candidate table.
var errNoTable = errors.New("encoder: Set reads the columns of earlier sources; give it to recsys.Features without Remote")

// Hydrate returns an error: the set is not bound, so it does not know where its inputs are.
func (s *Set) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return errNoTable
}

// Bind finds the inputs by name among the columns of the sources before the set. The error joins [ErrUnfitted] and, for each input, a
// [*recsys.ColumnError] when no source writes it, or as another kind, and an [*InputError] when its dimension or scope is not the declared one.
//
// What it returns reads the request row and the candidate table, so it runs in process and cannot be marked Remote. It
// writes every cell: no row is missing. A row is stale when a source of an input says so of it. It allocates nothing in steady state.
func (s *Set) Bind(schema *recsys.Schema) (recsys.FeatureSource, error) {
	p := s.program()
	b := &bound{Set: s, p: p, fields: make([]recsys.Field, len(p.inputs))}
	errs := []error{p.unfitted}
	for i := range p.inputs {
		if !p.columns[i].read {
			continue
		}
		f, err := findInput(schema, &p.inputs[i])
		errs, b.fields[i] = append(errs, err), f
		b.read = append(b.read, i)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	b.itemGroups = b.groups(recsys.PerItem)
	b.requestGroups = b.groups(recsys.PerRequest)
	return b, nil
}

func findInput(schema *recsys.Schema, want *recsys.Column) (recsys.Field, error) {
	find := schema.Float
	switch want.Kind {
	case recsys.ID:
		find = schema.ID
	case recsys.Vector:
		find = schema.Vector
	}
	f, err := find(want.Name)
	if err == nil && (f.Dim != want.Dim || f.Scope != want.Scope) {
		err = &InputError{Want: *want, Have: f.Column}
	}
	return f, err
}

// bound is a Set that knows where its inputs stand.
type bound struct {
	*Set
	p      *program
	fields []recsys.Field // of the inputs
	read   []int          // the inputs that some step reads

	itemGroups, requestGroups []group // whose stale bits count for the set's rows of either scope

	good atomic.Pointer[recsys.Schema] // the last table that was as in Bind
}

// group is the bits of a source.
type group struct {
	index int
	scope recsys.Scope
}

var (
	_ recsys.FeatureSource     = (*bound)(nil)
	_ recsys.CandidateHydrator = (*bound)(nil)
	_ recsys.Overwriter        = (*bound)(nil)
)

func (b *bound) Columns() []recsys.Column { return b.p.public }
func (b *bound) Overwrites() bool         { return true }

// groups returns the groups of the inputs that the steps of a scope depend on.
func (b *bound) groups(scope recsys.Scope) []group {
	p := b.p
	needed := make([]bool, len(p.columns))
	var all []group
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		need := s.scope == scope && !s.Hidden
		for _, c := range s.out {
			need = need || needed[c]
		}
		for _, c := range s.in {
			needed[c] = needed[c] || need
		}
	}
	seen := map[int]bool{}
	for i := range p.inputs {
		if f := &b.fields[i]; needed[i] && !seen[f.Group] {
			seen[f.Group] = true
			all = append(all, group{f.Group, f.Scope})
		}
	}
	return all
}

// Hydrate writes the columns of scope PerRequest.
func (b *bound) Hydrate(ctx context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if items != nil {
		return errNoTable
	}
	w := b.p.work()
	defer b.p.done(w)
	b.readRequest(w, q)
	b.places(w, out, recsys.PerRequest)
	for _, g := range b.requestGroups {
		if q.Stale(g.index) {
			out.Stale.Set(0)
		}
	}
	return b.p.run(ctx, w, 1, b.p.requests)
}

// HydrateCandidates writes the columns of scope PerItem.
func (b *bound) HydrateCandidates(ctx context.Context, q *recsys.Query, c *recsys.Candidates, out *recsys.Block) error {
	if err := b.check(c.Schema()); err != nil {
		return err
	}
	if out.Rows == 0 {
		return nil
	}
	p := b.p
	w := p.work()
	defer p.done(w)
	b.readRequest(w, q)
	for _, i := range b.read {
		f := &b.fields[i]
		if f.Scope == recsys.PerRequest {
			continue
		}
		switch f.Kind {
		case recsys.Float:
			w.full[i] = lane{f: c.Floats()[f.Index:], stride: c.Schema().Width(), dim: 1}
		case recsys.ID:
			w.full[i] = lane{u: c.IDColumn(f.Index), stride: 1, dim: 1}
		case recsys.Vector:
			data, dim := c.Vectors(f.Index)
			w.full[i] = lane{f: data, stride: dim, dim: dim}
		}
	}
	b.places(w, out, recsys.PerItem)
	b.stale(q, c, out)
	if len(p.shared) > 0 {
		counted := w.counts // what is computed a second time is not counted twice
		w.counts = w.uncounted
		err := p.run(ctx, w, 1, p.shared)
		w.counts = counted
		if err != nil {
			return err
		}
	}
	return p.run(ctx, w, out.Rows, p.items)
}

// readRequest points at the inputs of scope PerRequest, which are the same for all rows.
func (b *bound) readRequest(w *work, q *recsys.Query) {
	w.now[0] = nanoseconds(q.Now)
	w.time = lane{t: w.now[:]}
	for _, i := range b.read {
		f := &b.fields[i]
		switch {
		case f.Scope != recsys.PerRequest:
		case f.Kind == recsys.Float:
			w.full[i] = lane{f: q.Floats()[f.Index:], dim: 1}
		case f.Kind == recsys.ID:
			w.full[i] = lane{u: q.IDs()[f.Index:], dim: 1}
		default:
			w.full[i] = lane{f: q.Vector(f.Index), dim: f.Dim}
		}
	}
}

// places points at the cells of the block for public columns of the scope, and at scratch for all others.
func (b *bound) places(w *work, out *recsys.Block, scope recsys.Scope) {
	p := b.p
	for i := len(p.inputs); i < len(p.columns); i++ {
		c := &p.columns[i]
		switch {
		case c.Scope != scope && c.Scope == recsys.PerItem: // not computed in this call
		case c.Scope != scope:
			w.full[i] = p.scratchLane(w, c, 0)
		case c.hidden:
			w.full[i] = p.scratchLane(w, c, 1)
		case c.Kind == recsys.Float:
			w.full[i] = lane{f: out.Float[c.place:], stride: out.Stride, dim: 1}
		case c.Kind == recsys.ID:
			w.full[i] = lane{u: out.ID[c.place], stride: 1, dim: 1}
		default:
			w.full[i] = lane{f: out.Vector[c.place], stride: c.Dim, dim: c.Dim}
		}
	}
}

// stale marks the rows that an input is stale in.
func (b *bound) stale(q *recsys.Query, c *recsys.Candidates, out *recsys.Block) {
	for _, g := range b.itemGroups {
		if g.scope == recsys.PerRequest {
			if q.Stale(g.index) {
				out.Stale.SetFirst(out.Rows)
			}
			continue
		}
		for i, bits := range c.Stale(g.index) {
			out.Stale[i] |= bits
		}
	}
}

// check returns an error when a table is not laid out as the one that the set was bound to.
func (b *bound) check(s *recsys.Schema) error {
	if s != nil && b.good.Load() == s {
		return nil
	}
	for _, i := range b.read {
		want := &b.fields[i]
		f, err := findInput(s, &b.p.inputs[i])
		if err != nil {
			return err
		}
		if f.Index != want.Index || f.Group != want.Group {
			return fmt.Errorf("encoder: input %q is %v column %d of the table; it was %d in Bind", f.Name, f.Kind, f.Index, want.Index)
		}
	}
	b.good.Store(s)
	return nil
}
