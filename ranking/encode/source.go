package encode

import (
	"context"
	"errors"
	"fmt"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking/internal/place"
)

// errNoTable says what to do with a source that works from the candidate table.
var errNoTable = errors.New("encode: Target reads the ID columns of the candidate table; give it to recsys.Features without Remote")

var (
	_ recsys.FeatureSource                = (*Target)(nil)
	_ recsys.Binder[recsys.FeatureSource] = (*Target)(nil)
	_ recsys.CandidateHydrator            = (*bound)(nil)
	_ recsys.Overwriter                   = (*bound)(nil)
)

// Columns declares the float columns [Target.Names], of scope PerItem.
func (t *Target) Columns() []recsys.Column {
	var columns []recsys.Column
	for _, name := range t.Names() {
		columns = append(columns, recsys.Column{Name: name})
	}
	return columns
}

// Hydrate returns an error: there is no table to read.
func (t *Target) Hydrate(context.Context, *recsys.Query, []recsys.ItemID, *recsys.Block) error {
	return errNoTable
}

// Bind finds the ID columns by name. The error lists those that no earlier source writes.
func (t *Target) Bind(s *recsys.Schema) (recsys.FeatureSource, error) {
	b := &bound{Target: t, columns: t.Columns()}
	var errs []error
	for _, name := range t.idColumns {
		f, err := s.ID(name)
		if err != nil {
			errs = append(errs, err)
		}
		b.table.Add(f)
		b.at = append(b.at, f.Index)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// bound is a Target that knows where its ID columns stand.
type bound struct {
	*Target
	columns []recsys.Column
	at      []int // ID column of the table
	table   place.Columns
}

func (b *bound) Columns() []recsys.Column { return b.columns }
func (b *bound) Overwrites() bool         { return true }

// HydrateCandidates writes a row for each candidate. It goes key by key, so that the look-ups into one
// table follow each other.
func (b *bound) HydrateCandidates(_ context.Context, _ *recsys.Query, c *recsys.Candidates, out *recsys.Block) error {
	if err := b.table.Check(c.Schema()); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	w := b.width()
	for i := range b.keys {
		k := &b.keys[i]
		first := c.IDColumn(b.at[k.columns[0]])
		for r := range out.Rows {
			code := first[r]
			for _, j := range k.columns[1:] {
				code = hash.Combine(code, c.IDColumn(b.at[j])[r])
			}
			b.look(out.FloatRow(r)[i*w:(i+1)*w], k, code)
		}
	}
	return nil
}
