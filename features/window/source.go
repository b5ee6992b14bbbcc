package window

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys"
)

// SourceConfig says how an [Aggregator] is served.
type SourceConfig struct {
	// Scope says what the keys are: ItemIDs by default, UserIDs with recsys.PerRequest.
	Scope recsys.Scope

	// Prefix stands before each column's name. The default is none.
	Prefix string

	// View names the view that the columns are, for exposure records and for models that were
	// trained on it; its version is the hash of the declaration. The default is none.
	View string

	// RefuseFuture makes a row missing whose key has an event after the query's Now:
	// its windows may hold what Now must not see. By default it is served, as of its newest event.
	RefuseFuture bool
}

// Source serves the rows of an [Aggregator] at the query's Now, while events are
// added. An unknown key is a missing row; see [Aggregator.Read]. A value
// that no float32 holds becomes the nearest one. A query without Now reads each
// key as of its newest event. The age of a row is the time since its key's newest event,
// 0 where that is after Now, unknown without Now.
//
// Any number of calls run concurrently; n rows cost n look-ups and no allocation.
type Source struct {
	a       *Aggregator
	config  SourceConfig
	columns []recsys.Column
	views   []recsys.FeatureView
	rows    sync.Pool
}

var (
	_ recsys.FeatureSource = (*Source)(nil)
	_ recsys.Overwriter    = (*Source)(nil)
	_ recsys.Versioned     = (*Source)(nil)
	_ recsys.AgeWriter     = (*Source)(nil)
	_ recsys.ViewSource    = (*Source)(nil)
)

// NewSource returns a source that reads a. The error names the scope if it is none.
func NewSource(a *Aggregator, config SourceConfig) (*Source, error) {
	if config.Scope > recsys.PerRequest {
		return nil, fmt.Errorf("window: SourceConfig.Scope is %d; want PerItem or PerRequest", config.Scope)
	}
	s := &Source{a: a, config: config, columns: slices.Clone(a.Columns())}
	for i := range s.columns {
		s.columns[i].Name = config.Prefix + s.columns[i].Name
		s.columns[i].Scope = config.Scope
	}
	if config.View != "" {
		s.views = []recsys.FeatureView{{Name: config.View, Hash: a.Hash()}}
	}
	s.rows.New = func() any { return new(Row) }
	return s, nil
}

// Columns returns the aggregator's columns with scope and prefix.
func (s *Source) Columns() []recsys.Column { return s.columns }

// Overwrites returns true: Hydrate writes every cell itself.
func (s *Source) Overwrites() bool { return true }

// Version returns the hash of the declaration.
func (s *Source) Version() string { return fmt.Sprintf("%016x", s.a.Hash()) }

// WritesAges returns true.
func (s *Source) WritesAges() bool { return true }

// FeatureViews returns the view that SourceConfig.View names, if it does.
func (s *Source) FeatureViews() []recsys.FeatureView { return s.views }

// Hydrate writes the rows of the items, or of the query's user, into out. The context is
// not looked at, as nothing is waited for. The error says that out has not these
// columns, or not a row for each item; a pipeline's blocks have.
func (s *Source) Hydrate(_ context.Context, q *recsys.Query, items []recsys.ItemID, out *recsys.Block) error {
	if s.config.Scope == recsys.PerRequest {
		user := [1]recsys.ItemID{recsys.ItemID(q.User)}
		items = user[:]
	}
	p := s.a.plan
	if out.Floats != len(p.defaults) || len(out.ID) != p.ids || len(out.Vector) != 0 || out.Rows != len(items) {
		return fmt.Errorf("window: block of %d rows, %d floats, %d ids and %d vectors; want %d, %d, %d and 0",
			out.Rows, out.Floats, len(out.ID), len(out.Vector), len(items), len(p.defaults), p.ids)
	}
	now, dated := int64(-MaxTime), !q.Now.IsZero()
	if dated {
		now = Nanos(q.Now)
	}
	row := s.rows.Get().(*Row)
	defer s.rows.Put(row)
	for i, id := range items {
		age := math.NaN()
		known := s.a.Read(uint64(id), now, row)
		if known && s.config.RefuseFuture && dated && row.Newest > now {
			known = false
		}
		if known {
			write(out, i, row)
			if dated {
				age = float64(max(now-row.Newest, 0)) / 1e9
			}
		} else {
			out.Miss(i)
		}
		if out.Age != nil {
			out.Age[i] = float32(age)
		}
	}
	return nil
}

// write copies a row into row i of a block.
func write(out *recsys.Block, i int, row *Row) {
	dst := out.FloatRow(i)
	for j, v := range row.Floats {
		if v == v {
			v = min(max(v, -math.MaxFloat32), math.MaxFloat32)
		}
		dst[j] = float32(v)
	}
	for j, v := range row.IDs {
		out.ID[j][i] = v
	}
	out.Missing.Clear(i)
	out.Stale.Clear(i)
}
