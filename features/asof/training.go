package asof

import (
	"context"
	"fmt"
	"slices"

	"github.com/recsyskit/recsys"
)

// Training is a table of training rows in memory. It has the fields of ranking.Dataset, one for one, so that a caller
// turns one into the other by a conversion: ranking.Dataset(*t). See there for what they hold.
type Training struct {
	Columns []string
	Floats  []float32

	IDColumns []string
	IDs       []uint64

	Heads  []string
	Labels []float32

	Weights      []float32
	WeightedBy   string
	Groups       []uint64
	Times        []int64
	Positions    []int32
	Propensities []float64

	Views []recsys.FeatureView
}

// Collect runs the join and returns all of its rows, in the order of time. Vector columns, which a ranking.Dataset does not
// have, are left out. Weights are nil when all are 1; WeightedBy is for the caller to set. Views are
// those of the tables that [TableOf] made and those that [Exposures] found in the records, so that a model is not served from another
// version of them. One that is of another version in the records than in a table is an error, a [*recsys.ViewError]; with
// ExposureConfig.AnyVersion that of the table counts.
func (j *Join) Collect(ctx context.Context) (*Training, error) {
	t := &Training{Columns: j.Columns(), IDColumns: j.IDColumns(), Heads: append([]string(nil), j.cfg.Labels.Heads...)}
	for i := range j.cfg.Tables {
		if v := j.cfg.Tables[i].View; v.Hash != 0 && !slices.Contains(t.Views, v) {
			t.Views = append(t.Views, v)
		}
	}
	weighted := false
	for row, err := range j.All(ctx) {
		if err != nil {
			return nil, err
		}
		t.Floats, t.IDs, t.Labels = append(t.Floats, row.Floats...), append(t.IDs, row.IDs...), append(t.Labels, row.Values...)
		t.Weights, t.Groups, t.Times = append(t.Weights, row.Weight), append(t.Groups, row.Group), append(t.Times, row.Time)
		t.Positions, t.Propensities = append(t.Positions, row.Position), append(t.Propensities, row.Propensity)
		weighted = weighted || row.Weight != 1
	}
	if !weighted {
		t.Weights = nil
	}
	if err := t.addServed(j.cfg.Labels.views); err != nil {
		return nil, err
	}
	return t, nil
}

// addServed adds the views that labels bring along to those of the tables.
func (t *Training) addServed(views func() ([]recsys.FeatureView, bool)) error {
	if views == nil {
		return nil
	}
	served, last := views()
	for _, v := range served {
		i := slices.IndexFunc(t.Views, func(w recsys.FeatureView) bool { return w.Name == v.Name })
		switch {
		case i < 0:
			t.Views = append(t.Views, v)
		case t.Views[i] != v && !last:
			return fmt.Errorf("asof: labels: %w", &recsys.ViewError{
				View: v.Name, Want: t.Views[i].Hash, Have: v.Hash,
				Reason: "the records were served from another version than the table has; join the version that was served, or set AnyVersion",
			})
		}
	}
	return nil
}
