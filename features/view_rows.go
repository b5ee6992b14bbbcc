package features

import "time"

// Rows makes and checks rows of a view without a store of them: for feeds, and for stores outside of this package. It is
// immutable and safe for concurrent use.
type Rows struct{ layout *layout }

// NewRows returns the rows of a view, or the errors of [View.Validate].
func NewRows(v *View) (*Rows, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	own := *v
	own.Columns = v.Stored()
	return &Rows{newLayout(&own)}, nil
}

// Check returns nil if a store of the view takes r, whatever it has already: the right number of values, all of them
// finite or, of floats, NaN; an event time in the years 1678 to 2261, or none where neither TTL nor MaxAge needs one;
// a key other than 0 if the entity is Context. The error is a [*RowError]. It allocates only for an error.
func (r *Rows) Check(row *Row) error {
	_, err := r.layout.check(row)
	return err
}

// Row returns a row of values given by column name, as [Store.Row] does.
func (r *Rows) Row(key uint64, at time.Time, values map[string]any) (Row, error) {
	return r.layout.named(key, at, values)
}
