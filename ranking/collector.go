package ranking

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/hash"
)

// CollectorConfig says what a [Collector] takes from exposure records.
type CollectorConfig struct {
	// Columns and IDColumns name the feature columns to take. Nil means all columns
	// of the kind in the schema of the first record; an empty list means none.
	// Vector columns are not taken.
	Columns, IDColumns []string
	// Heads names the labels. There is at least one.
	Heads []string
	// AnyVersion takes records of several versions of a feature view, for what has not changed in meaning: a column
	// that was added. The version of the last record counts then. By default such a record is an error.
	AnyVersion bool
}

// Collector makes a [Dataset] of exposure records: the features as they were
// served, with position, propensity, time and, as the group, the decision. It is
// not safe for concurrent use.
type Collector struct {
	cfg     CollectorConfig
	data    Dataset
	layouts map[uint64]*layout // by schema hash
	found   map[string]bool    // columns that some schema had
	labels  []float32          // of one record
}

// layout is where the columns stand in the rows of one schema; -1: it has no such column.
type layout struct{ floats, ids []int }

// NewCollector returns an empty collector, or an error when the configuration
// names no head, or a name twice.
func NewCollector(cfg CollectorConfig) (*Collector, error) {
	c := &Collector{cfg: cfg, layouts: map[uint64]*layout{}, found: map[string]bool{}}
	c.data = Dataset{Columns: cfg.Columns, IDColumns: cfg.IDColumns, Heads: cfg.Heads}
	if len(cfg.Heads) == 0 {
		return nil, errors.New("ranking: CollectorConfig.Heads is empty; want the names of the labels")
	}
	if err := errors.Join(c.data.checkShape()...); err != nil {
		return nil, err
	}
	return c, nil
}

// Add appends rows of one exposure record, all of them or, with an error, none. labels is row-major with one row of
// len(Heads) for each of the first rows of x.Rows: usually the x.Shown rows of the
// slate, as computed from the feedback that was joined to them. NaN is an unknown
// label; a row without a known label is left out.
//
// A column that this record's schema does not have is missing (NaN, or ID 0), so
// that a feature may be younger than the log. An infinite feature counts as
// missing, as it does in rankers. x is not kept.
//
// Dataset.Views becomes the views that the columns taken come from, as the records have them. The error wraps a
// [*recsys.ViewError] when x was served from another version of one than the records before it; see CollectorConfig.AnyVersion.
func (c *Collector) Add(x *recsys.Exposure, labels []float32) error {
	h := len(c.cfg.Heads)
	if len(labels)%h != 0 || len(labels)/h > len(x.Rows) {
		return fmt.Errorf("ranking: exposure %q: %d labels for %d rows and %d heads; want a row of heads for each of the first rows", x.ID, len(labels), len(x.Rows), h)
	}
	l, err := c.layout(x.Schema)
	if err != nil {
		return fmt.Errorf("ranking: exposure %q: %w", x.ID, err)
	}
	rows := x.Rows[:len(labels)/h]
	for i := range rows {
		if err := l.fits(&rows[i], x.Schema); err != nil {
			return fmt.Errorf("ranking: exposure %q: row %d %w", x.ID, i, err)
		}
	}
	if err := c.views(x); err != nil {
		return fmt.Errorf("ranking: exposure %q: %w", x.ID, err)
	}
	group := hash.String(0, x.ID)
	for i := range rows {
		if y := labels[i*h : (i+1)*h]; anyKnown(y) {
			c.append(&rows[i], l, y)
			c.data.Groups = append(c.data.Groups, group)
			c.data.Times = append(c.data.Times, unixNano(x.Now))
		}
	}
	return nil
}

// views notes the views of a record, all of them or none: those whose stage wrote a column that is taken, and those
// with encoders, as the columns that these derive have another stage.
func (c *Collector) views(x *recsys.Exposure) error {
	for i := range x.Views {
		v := &x.Views[i]
		if at := c.viewAt(v.Name); !c.cfg.AnyVersion && at >= 0 && c.data.Views[at] != v.FeatureView && c.takes(x, v) {
			return &recsys.ViewError{
				View: v.Name, Want: c.data.Views[at].Hash, Have: v.Hash,
				Reason: "records before were served from another version; collect each version for itself, or set AnyVersion",
			}
		}
	}
	for i := range x.Views {
		v := &x.Views[i]
		switch at := c.viewAt(v.Name); {
		case !c.takes(x, v):
		case at >= 0:
			c.data.Views[at] = v.FeatureView
		default:
			c.data.Views = append(c.data.Views, v.FeatureView)
		}
	}
	return nil
}

func (c *Collector) viewAt(name string) int {
	return slices.IndexFunc(c.data.Views, func(v recsys.FeatureView) bool { return v.Name == name })
}

// takes reports whether columns that are taken may come from a view.
func (c *Collector) takes(x *recsys.Exposure, v *recsys.StageView) bool {
	wrote := func(name string) bool {
		f, ok := x.Schema.Field(name)
		return ok && f.Source == v.Stage
	}
	return v.Encoders != 0 || slices.ContainsFunc(c.data.Columns, wrote) || slices.ContainsFunc(c.data.IDColumns, wrote)
}

// fits checks that a row is as long as its schema says.
func (l *layout) fits(row *recsys.ExposureRow, s *recsys.Schema) error {
	if len(row.Floats) != s.Width() {
		return fmt.Errorf("has %d floats; its schema has %d", len(row.Floats), s.Width())
	}
	for _, at := range l.ids {
		if at >= len(row.IDs) {
			return fmt.Errorf("has %d ids; its schema has more", len(row.IDs))
		}
	}
	return nil
}

// AddJoined appends the shown rows of one exposure record with what label makes of
// their feedback. label writes the labels of one row into dst, which arrives as NaN;
// feedback is empty where nothing came, which says no more than that the slate was
// served. An error of label ends the call; nothing of the record is added then.
func (c *Collector) AddJoined(j recsys.Joined, label func(dst []float32, feedback []recsys.Feedback) error) error {
	x, h := j.Exposure, len(c.cfg.Heads)
	shown := min(x.Shown, len(x.Rows))
	c.labels = extend(c.labels[:0], shown*h, float32(math.NaN()))
	for i := range shown {
		var feedback []recsys.Feedback
		if i < len(j.Feedback) {
			feedback = j.Feedback[i]
		}
		if err := label(c.labels[i*h:(i+1)*h:(i+1)*h], feedback); err != nil {
			return fmt.Errorf("ranking: exposure %q: labels of row %d: %w", x.ID, i, err)
		}
	}
	return c.Add(x, c.labels)
}

// append adds one row, which has been checked.
func (c *Collector) append(row *recsys.ExposureRow, l *layout, labels []float32) {
	d := &c.data
	for _, at := range l.floats {
		v := float32(math.NaN())
		if at >= 0 && isFinite(float64(row.Floats[at])) {
			v = row.Floats[at]
		}
		d.Floats = append(d.Floats, v)
	}
	for _, at := range l.ids {
		id := uint64(0)
		if at >= 0 {
			id = row.IDs[at]
		}
		d.IDs = append(d.IDs, id)
	}
	p := row.Propensity
	if row.Position < 0 || p == 0 {
		p = math.NaN()
	}
	d.Labels = append(d.Labels, labels...)
	d.Positions = append(d.Positions, int32(row.Position))
	d.Propensities = append(d.Propensities, p)
}

func anyKnown(labels []float32) bool {
	for _, y := range labels {
		if y == y {
			return true
		}
	}
	return false
}

// layout resolves the columns in a schema, once for each schema.
func (c *Collector) layout(s *recsys.Schema) (*layout, error) {
	if s == nil {
		return nil, errors.New("the record has no schema")
	}
	if l, ok := c.layouts[s.Hash()]; ok {
		return l, nil
	}
	if len(c.layouts) == 0 {
		c.adopt(s)
	}
	l := new(layout)
	var errs []error
	resolve := func(names []string, kind recsys.Kind) (at []int) {
		for _, name := range names {
			f, ok := s.Field(name)
			switch {
			case !ok:
				f.Index = -1
			case f.Kind != kind:
				errs = append(errs, &recsys.ColumnError{Column: name, Want: kind, Have: &f})
			default:
				c.found[name] = true
			}
			at = append(at, f.Index)
		}
		return at
	}
	l.floats = resolve(c.data.Columns, recsys.Float)
	l.ids = resolve(c.data.IDColumns, recsys.ID)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.layouts[s.Hash()] = l
	return l, nil
}

// adopt takes the columns of the first schema where the configuration names none.
func (c *Collector) adopt(s *recsys.Schema) {
	for _, f := range s.Fields() {
		if f.Kind == recsys.Float && c.cfg.Columns == nil {
			c.data.Columns = append(c.data.Columns, f.Name)
		}
		if f.Kind == recsys.ID && c.cfg.IDColumns == nil {
			c.data.IDColumns = append(c.data.IDColumns, f.Name)
		}
	}
}

// Dataset returns what was added. It is an error when a column that the
// configuration names stood in no record: the name is wrong, or the column was
// never served. The dataset shares memory with the collector, which must not be
// used afterwards.
func (c *Collector) Dataset() (*Dataset, error) {
	var never []string
	for _, name := range append(append([]string(nil), c.data.Columns...), c.data.IDColumns...) {
		if !c.found[name] {
			never = append(never, name)
		}
	}
	if len(never) > 0 {
		return nil, fmt.Errorf("ranking: no exposure record has the column %s", list(never))
	}
	return &c.data, c.data.Validate()
}
