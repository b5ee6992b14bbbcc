package ranking

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/hash"
)

// Select returns a dataset of the named columns only, float and ID ones, in the
// order of names; all else is shared with d. The error lists every name that d
// does not have.
func (d *Dataset) Select(names ...string) (*Dataset, error) {
	floats, ids := indexOf(d.Columns), indexOf(d.IDColumns)
	var fromFloats, fromIDs []int
	var unknown []string
	out := *d
	out.Columns, out.IDColumns = nil, nil
	for _, name := range names {
		if j, ok := floats[name]; ok {
			out.Columns, fromFloats = append(out.Columns, name), append(fromFloats, j)
		} else if j, ok := ids[name]; ok {
			out.IDColumns, fromIDs = append(out.IDColumns, name), append(fromIDs, j)
		} else {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("ranking: Dataset.Select: no column %s (columns: %s; id columns: %s)", list(unknown), list(d.Columns), list(d.IDColumns))
	}
	out.Floats = pickColumns(d.Floats, len(d.Columns), fromFloats)
	out.IDs = pickColumns(d.IDs, len(d.IDColumns), fromIDs)
	return &out, nil
}

func indexOf(names []string) map[string]int {
	m := make(map[string]int, len(names))
	for i, name := range names {
		m[name] = i
	}
	return m
}

// pickColumns copies columns of a row-major matrix of the given width.
func pickColumns[T any](m []T, width int, columns []int) []T {
	if width == 0 {
		return nil
	}
	out := make([]T, 0, len(m)/width*len(columns))
	for ; len(m) >= width; m = m[width:] {
		for _, j := range columns {
			out = append(out, m[j])
		}
	}
	return out
}

// Rows returns a dataset of the given rows of d, copied, in the given order; a row
// may come more than once. Group i of a dataset without Groups keeps its number.
func (d *Dataset) Rows(rows []int32) *Dataset {
	groups := d.Groups
	if len(groups) == 0 {
		groups = make([]uint64, d.Len())
		for i := range groups {
			groups[i] = uint64(i)
		}
	}
	return &Dataset{
		Columns: d.Columns, Floats: pickRows(d.Floats, len(d.Columns), rows),
		IDColumns: d.IDColumns, IDs: pickRows(d.IDs, len(d.IDColumns), rows),
		Heads: d.Heads, Labels: pickRows(d.Labels, len(d.Heads), rows),
		Weights:      pickRows(d.Weights, 1, rows),
		WeightedBy:   d.WeightedBy,
		Groups:       pickRows(groups, 1, rows),
		Times:        pickRows(d.Times, 1, rows),
		Positions:    pickRows(d.Positions, 1, rows),
		Propensities: pickRows(d.Propensities, 1, rows),
		Views:        d.Views,
	}
}

func pickRows[T any](m []T, width int, rows []int32) []T {
	if len(m) == 0 {
		return nil
	}
	out := make([]T, 0, len(rows)*width)
	for _, i := range rows {
		out = append(out, m[int(i)*width:(int(i)+1)*width]...)
	}
	return out
}

// Split divides the rows at random: fraction of the groups, in [0, 1], go to held,
// the others to train, rows in their order. Which way a group goes depends on its
// value and seed alone, so it goes the same way in every dataset that holds it.
// The error names a fraction outside [0, 1].
func (d *Dataset) Split(fraction float64, seed uint64) (train, held *Dataset, err error) {
	if !(fraction >= 0 && fraction <= 1) {
		return nil, nil, fmt.Errorf("ranking: Dataset.Split: fraction is %v; want 0 to 1", fraction)
	}
	train, held = d.divide(func(i int) bool {
		return float64(hash.Combine(seed, d.Group(i))>>11)*0x1p-53 < fraction
	})
	return train, held, nil
}

// SplitTime divides the rows by time: those from cut on, in Unix nanoseconds, go
// to held, the others to train. A group whose rows have different times is
// divided. It is an error when d has rows but no Times.
func (d *Dataset) SplitTime(cut int64) (train, held *Dataset, err error) {
	if d.Len() > 0 && len(d.Times) == 0 {
		return nil, nil, errors.New("ranking: Dataset.SplitTime: there are no Times; use Split")
	}
	train, held = d.divide(func(i int) bool { return d.Times[i] >= cut })
	return train, held, nil
}

func (d *Dataset) divide(hold func(i int) bool) (train, held *Dataset) {
	var in, out []int32
	for i := range d.Len() {
		if hold(i) {
			out = append(out, int32(i))
		} else {
			in = append(in, int32(i))
		}
	}
	return d.Rows(in), d.Rows(out)
}

// Shuffle returns the rows in an order that depends on seed alone; groups do not
// stay together, see [Dataset.GroupRows].
func (d *Dataset) Shuffle(seed uint64) *Dataset {
	rows := make([]int32, d.Len())
	for i := range rows {
		rows[i] = int32(i)
	}
	shuffle(rows, seed, 0)
	return d.Rows(rows)
}

// shuffle permutes rows by a stream of seed.
func shuffle(rows []int32, seed, stream uint64) {
	r := rand.New(rand.NewPCG(hash.Mix64(seed), hash.Combine(seed, stream)))
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
}
