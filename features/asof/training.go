package asof

import (
	"context"
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
// those of the tables that [TableOf] made, so that a model is not served from another version of them.
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
	return t, nil
}
