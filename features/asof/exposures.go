package asof

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features"
	"github.com/recsyskit/recsys/internal/hash"
)

// ExposureConfig says what [Exposures] takes from exposure records.
type ExposureConfig struct {
	// Heads names the labels; at least one.
	Heads []string
	// Label writes the labels of one shown row into dst, which arrives as NaN; feedback is empty
	// where nothing came. It is what ranking.Collector.AddJoined takes. Required.
	Label func(dst []float32, feedback []recsys.Feedback) error

	// Columns and IDColumns name features to take along as they were served. One that a record's
	// schema does not have is NaN, or 0: a feature may be younger than the log. One that no record has is an error.
	Columns, IDColumns []string
	// Prefix stands before the names that these columns get in the labels, so that a table can have the same features under their own:
	// with "served." the join has both "served.price" and "price", which skew.CompareServed compares.
	Prefix string

	// Unshown takes the recorded candidates that were not shown as well: all their labels are 0, and
	// they weigh 1 / Inclusion, so that a sample of them stands for all.
	Unshown bool

	// AnyVersion takes rows of all versions of a feature view as one; by default a record that was served from another version
	// than those before it is an error. Training.Views then has the last one.
	AnyVersion bool
}

// Exposures returns the rows of an exposure log as labels: what was shown to whom and when, what came of it, and,
// where cfg asks for them, features as they were served.
//
// Keys are "user", "item" and "user-item", the features.PairKey of both. Time is Exposure.Now, Group the hash of its ID (as ranking.Collector has it), Weight 1. Propensity is NaN
// where the row was not shown. A row all of whose labels are unknown is left out. A [recsys.Joiner] gives exposures in the order of
// time unless some come later than its Lateness, so Sorted is for the caller to set. The slices of cfg are copied.
//
// Memory is that of one exposure. The error says what cfg lacks; an error of joined, of Label, or of a
// record without a schema that has the columns in their kinds is one of the iteration, and at its end a column that no record had.
func Exposures(cfg ExposureConfig, joined iter.Seq2[recsys.Joined, error]) (Labels, error) {
	if len(cfg.Heads) == 0 || cfg.Label == nil {
		return Labels{}, errors.New("asof: ExposureConfig: Heads is empty or Label is nil; want the names of the labels and what they are")
	}
	cfg.Heads, cfg.Columns, cfg.IDColumns = slices.Clone(cfg.Heads), slices.Clone(cfg.Columns), slices.Clone(cfg.IDColumns)
	l := Labels{
		Keys: []string{userKey, itemKey, pairKey}, Heads: slices.Clone(cfg.Heads),
		Columns: prefixed(cfg.Prefix, cfg.Columns), IDColumns: prefixed(cfg.Prefix, cfg.IDColumns),
	}
	var views atomic.Pointer[[]recsys.FeatureView] // of the last iteration: rows may be read more than once, and at the same time
	l.views = func() (served []recsys.FeatureView, last bool) {
		if v := views.Load(); v != nil {
			served = *v
		}
		return served, cfg.AnyVersion
	}
	l.Rows = func(yield func(Label, error) bool) {
		e := exposureReader{ExposureConfig: cfg, yield: yield, found: map[string]bool{}}
		defer func() { views.Store(&e.views) }()
		e.label.Keys, e.label.Values = make([]uint64, 3), make([]float32, len(cfg.Heads))
		e.label.Floats, e.label.IDs = make([]float32, len(cfg.Columns)), make([]uint64, len(cfg.IDColumns))
		for j, err := range joined {
			if err != nil {
				yield(Label{}, err)
				return
			}
			more, err := e.read(&j)
			if err != nil {
				yield(Label{}, fmt.Errorf("exposure %q: %w", j.Exposure.ID, err))
				return
			}
			if !more {
				return
			}
		}
		if err := e.unknown(); err != nil {
			yield(Label{}, err)
		}
	}
	return l, nil
}

// prefixed returns names with a prefix.
func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + name
	}
	return out
}

// unknown returns what is wrong when a column was in none of the records, of which there was at least one.
func (e *exposureReader) unknown() error {
	if e.schema == nil {
		return nil
	}
	var names []string
	for _, name := range slices.Concat(e.Columns, e.IDColumns) {
		if !e.found[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	var have []string
	for _, f := range e.schema.Fields() {
		have = append(have, f.Name)
	}
	return fmt.Errorf("no record has the columns %q; want columns that were served, the last record has %q", names, have)
}

type exposureReader struct {
	ExposureConfig
	yield func(Label, error) bool
	label Label

	schema      *recsys.Schema // of the places
	floats, ids []int          // -1: no such column
	found       map[string]bool
	views       []recsys.FeatureView
}

// read yields the rows of one exposure; more says whether to go on.
func (e *exposureReader) read(j *recsys.Joined) (more bool, err error) {
	x := j.Exposure
	if err := e.resolve(x.Schema); err != nil {
		return false, err
	}
	if err := e.noteViews(x); err != nil {
		return false, err
	}
	n := min(x.Shown, len(x.Rows))
	if e.Unshown {
		n = len(x.Rows)
	}
	a := &e.label
	a.Time, a.Group = nano(x.Now), hash.String(0, x.ID)
	for i := range x.Rows[:max(n, 0)] {
		row := &x.Rows[i]
		a.Keys[0], a.Keys[1], a.Keys[2] = uint64(x.User), uint64(row.Item), features.PairKey(x.User, row.Item)
		a.Weight, a.Position, a.Propensity = 1, int32(row.Position), row.Propensity
		if i >= x.Shown {
			clear(a.Values)
			if !(row.Inclusion > 0 && row.Inclusion <= 1) {
				return false, fmt.Errorf("row %d: inclusion probability %v; want > 0 and <= 1", i, row.Inclusion)
			}
			a.Weight = float32(1 / row.Inclusion)
		} else if err := e.labels(j, i); err != nil {
			return false, fmt.Errorf("labels of row %d: %w", i, err)
		}
		if row.Position < 0 || row.Propensity == 0 {
			a.Propensity = math.NaN()
		}
		if allUnknown(a.Values) {
			continue
		}
		if err := e.served(row); err != nil {
			return false, fmt.Errorf("row %d %w", i, err)
		}
		if !e.yield(*a, nil) {
			return false, nil
		}
	}
	return true, nil
}

// nano returns t in Unix nanoseconds, 0 for the zero time.
func nano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func (e *exposureReader) labels(j *recsys.Joined, i int) error {
	for h := range e.label.Values {
		e.label.Values[h] = float32(math.NaN())
	}
	var feedback []recsys.Feedback
	if i < len(j.Feedback) {
		feedback = j.Feedback[i]
	}
	return e.Label(e.label.Values, feedback)
}

func allUnknown(values []float32) bool {
	for _, v := range values {
		if v == v {
			return false
		}
	}
	return true
}

// served takes the features of a row.
func (e *exposureReader) served(row *recsys.ExposureRow) error {
	for k, at := range e.floats {
		e.label.Floats[k] = float32(math.NaN())
		if at >= len(row.Floats) {
			return fmt.Errorf("has %d floats; its schema has more", len(row.Floats))
		} else if at >= 0 {
			e.label.Floats[k] = row.Floats[at]
		}
	}
	for k, at := range e.ids {
		e.label.IDs[k] = 0
		if at >= len(row.IDs) {
			return fmt.Errorf("has %d ids; its schema has more", len(row.IDs))
		} else if at >= 0 {
			e.label.IDs[k] = row.IDs[at]
		}
	}
	return nil
}

// resolve finds the columns in a schema, once for each run of records that share one.
func (e *exposureReader) resolve(s *recsys.Schema) error {
	if s == e.schema && s != nil || len(e.Columns)+len(e.IDColumns) == 0 {
		return nil
	}
	if s == nil {
		return errors.New("the record has no schema")
	}
	var err error
	place := func(name string, kind recsys.Kind) int {
		f, ok := s.Field(name)
		if !ok {
			return -1
		}
		e.found[name] = true
		if f.Kind != kind {
			err = errors.Join(err, &recsys.ColumnError{Column: name, Want: kind, Have: &f})
		}
		return f.Index
	}
	e.floats, e.ids = e.floats[:0], e.ids[:0]
	for _, name := range e.Columns {
		e.floats = append(e.floats, place(name, recsys.Float))
	}
	for _, name := range e.IDColumns {
		e.ids = append(e.ids, place(name, recsys.ID))
	}
	e.schema = s
	return err
}
