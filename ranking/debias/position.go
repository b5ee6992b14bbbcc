package debias

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking"
)

// Position makes the position a feature: in training the place at which a row was
// shown, at serving one place, the same for all rows. A model that is told the position need not
// explain by other features that what stands on top is clicked more.
//
//	place := debias.Position{Column: "position"}
//	train, err := place.Dataset(data)                       // the column has each row's position
//	…
//	recsys.NewPipeline(…, recsys.Features(place), recsys.Rank(model), …) // the column is 0
//
// It is a feature source of one column of scope PerRequest: another source of that name is an error of
// Build, and so is a pipeline without it, since the model does not find its column. It
// allocates nothing and is safe for concurrent use.
//
// Source: Craswell et al., WSDM 2008 (the bias); Guo et al., RecSys 2019, section 3 (position as a
// feature, one value at serving).
type Position struct {
	// Column is the name of the column. Required.
	Column string
	// Kind is recsys.Float, for trees, or recsys.ID, which gives linear models a weight for each place:
	// the ID is the position plus 1, since 0 is a missing value.
	Kind recsys.Kind
	// At is the position that serving holds, from 0. Scores are those of rows at that place, so for
	// probabilities of a click choose one of those that are served; the order of rows depends
	// on it only if the model has interactions.
	At int
}

var (
	_ recsys.FeatureSource = Position{}
	_ recsys.Overwriter    = Position{}
	_ recsys.Validator     = Position{}
	_ recsys.Versioned     = Position{}
)

// Validate reports a missing name, another kind, and a negative position.
func (p Position) Validate() error {
	switch {
	case p.Column == "":
		return fmt.Errorf("debias: Position.Column is empty; want the name of the column")
	case p.Kind != recsys.Float && p.Kind != recsys.ID:
		return fmt.Errorf("debias: Position.Kind is %v; want Float or ID", p.Kind)
	case p.At < 0 || p.At >= maxPositions:
		return fmt.Errorf("debias: Position.At is %d; want 0 to %d", p.At, maxPositions-1)
	}
	return nil
}

// Columns declares the column.
func (p Position) Columns() []recsys.Column {
	return []recsys.Column{{Name: p.Column, Kind: p.Kind, Scope: recsys.PerRequest}}
}

// Overwrites says that Hydrate writes every cell.
func (Position) Overwrites() bool { return true }

// Version names the position that is held.
func (p Position) Version() string { return fmt.Sprintf("%s=%d", p.Column, p.At) }

// Hydrate writes the position that is held.
func (p Position) Hydrate(_ context.Context, _ *recsys.Query, _ []recsys.ItemID, out *recsys.Block) error {
	for i := range out.Rows {
		if p.Kind == recsys.ID {
			out.ID[0][i] = uint64(p.At) + 1
		} else {
			out.FloatRow(i)[0] = float32(p.At)
		}
	}
	return nil
}

// Dataset returns d with the column, which has each row's position, missing (NaN, or ID 0) where it is
// -1. A column of that name that is there, as in rows that were logged while it was held, is replaced. All else is
// shared with d. It is an error when d has no Positions, is not valid, or has the name under the
// other kind.
func (p Position) Dataset(d *ranking.Dataset) (*ranking.Dataset, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("debias: %w", err)
	}
	if len(d.Positions) == 0 {
		return nil, fmt.Errorf("debias: the dataset has no Positions for the column %q", p.Column)
	}
	out := *d
	if p.Kind == recsys.ID {
		if slices.Contains(d.Columns, p.Column) {
			return nil, fmt.Errorf("debias: the column %q of the dataset is a float; Position.Kind is ID", p.Column)
		}
		out.IDColumns, out.IDs = withColumn(d.IDColumns, d.IDs, p.Column, d.Positions, func(k int32) uint64 { return uint64(k + 1) })
		return &out, nil
	}
	if slices.Contains(d.IDColumns, p.Column) {
		return nil, fmt.Errorf("debias: the column %q of the dataset is an ID; Position.Kind is Float", p.Column)
	}
	out.Columns, out.Floats = withColumn(d.Columns, d.Floats, p.Column, d.Positions, func(k int32) float32 {
		if k < 0 {
			return float32(math.NaN())
		}
		return float32(k)
	})
	return &out, nil
}

// withColumn returns a copy of a row-major matrix with the named column, replaced or added.
func withColumn[T any](names []string, m []T, name string, positions []int32, value func(int32) T) ([]string, []T) {
	w := len(names)
	at := slices.Index(names, name)
	if at < 0 {
		at, names = w, append(slices.Clip(names), name)
	}
	out := make([]T, 0, len(positions)*len(names))
	for i, k := range positions {
		out = append(out, m[i*w:(i+1)*w]...)
		if at == w {
			out = append(out, value(k))
		} else {
			out[i*w+at] = value(k)
		}
	}
	return names, out
}
