// Package place says whether a table has its columns where a ranker has been told by Bind.
//
// A pipeline ranks the tables of its own schema. A caller who binds a ranker by hand may give it
// another table: with too few columns, or with others in their places.
package place

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/recsyskit/recsys"
)

// Columns are the columns that a ranker reads. It must not be copied once Check has been called.
type Columns struct {
	fields []recsys.Field
	good   atomic.Pointer[recsys.Schema] // the last one that passed Check
}

// Add adds a column, of the schema that the ranker is bound to.
func (c *Columns) Add(f recsys.Field) { c.fields = append(c.fields, f) }

// Check returns nil if s has all columns where they were in Bind. The error joins a
// [*recsys.ColumnError] for each that is absent or of another kind, and one that says where it stands
// for each that has moved. A schema that it has just seen costs a comparison. It is safe for
// concurrent use, and allocates nothing unless it fails.
func (c *Columns) Check(s *recsys.Schema) error {
	if s != nil && c.good.Load() == s {
		return nil
	}
	for i := range c.fields {
		f := &c.fields[i]
		if have, ok := s.Field(f.Name); !ok || !same(f, &have) {
			return c.differences(s)
		}
	}
	c.good.Store(s)
	return nil
}

// same tells whether values and missing bits of a column are found in the same place.
func same(a, b *recsys.Field) bool {
	return a.Kind == b.Kind && a.Scope == b.Scope && a.Index == b.Index && a.Group == b.Group
}

func (c *Columns) differences(s *recsys.Schema) error {
	var errs []error
	for i := range c.fields {
		f := &c.fields[i]
		read := s.Float
		if f.Kind == recsys.ID {
			read = s.ID
		}
		have, err := read(f.Name)
		if err == nil && !same(f, &have) {
			err = fmt.Errorf("feature %q: %v column %d of the table; it was %d in Bind", f.Name, f.Kind, have.Index, f.Index)
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("the table is not of the schema that the model was bound to: %w", errors.Join(errs...))
}
