package skew

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/features/frame"
)

// CompareServed runs a join whose labels bring along what was served, under names with a prefix, and reports how that differs from what
// the tables have: "served.price" is compared with "price". It is what asof.ExposureConfig.Prefix is for.
//
// Both sides come from one row of the join, so they correspond by themselves: cfg.Keys must be empty. The names in cfg, in the report and
// in errors are those without the prefix, and rows are numbered in the order of the join. An ID that is 0 counts as missing, as a float that is NaN.
// Vectors, which labels do not bring along, are not compared.
//
// Errors are those of [Compare] and of the join, which cannot be run again; one for a prefix that no column of the join has, and one when
// none of those with it has a counterpart.
func CompareServed(ctx context.Context, j *asof.Join, prefix string, cfg Config) (*Report, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	if len(cfg.Keys) > 0 {
		return nil, fmt.Errorf("skew: Config.Keys is %q; want none, as both sides are of one row", cfg.Keys)
	}
	if prefix == "" {
		return nil, errors.New("skew: the prefix is empty; want that of the columns as they were served, as in ExposureConfig.Prefix")
	}
	var l, r half
	l.chunk.Rows, r.chunk.Rows = 1, 1
	split(&l, &r, prefix, j.Columns(), frame.Float32)
	split(&l, &r, prefix, j.IDColumns(), frame.Uint64)
	if len(l.chunk.Columns) == 0 {
		return nil, fmt.Errorf("skew: no column of the join begins with %q, they are %q; want those that were served, as from ExposureConfig.Prefix",
			prefix, append(j.Columns(), j.IDColumns()...))
	}
	c, err := newComparison(cfg, l.chunk.Fields(), r.chunk.Fields())
	if err != nil {
		return nil, err
	}
	if len(c.columns) == 0 {
		return nil, fmt.Errorf("skew: of the columns that begin with %q, %q, no table has one without; want tables with what was served",
			prefix, c.onlyLogged)
	}
	for row, err := range j.All(ctx) {
		if err != nil {
			return nil, fmt.Errorf("skew: the join: %w", err)
		}
		l.take(row)
		r.take(row)
		if err := c.row(&l.side, &r.side); err != nil {
			return nil, err
		}
	}
	return c.report(), nil
}

// half is one side of a joined row, as a chunk of one row.
type half struct {
	side
	places []int // of each column, among those of its kind
}

// split gives each column of a kind to its side.
func split(l, r *half, prefix string, names []string, kind frame.Kind) {
	for i, name := range names {
		h := r
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			h, name = l, rest
		}
		c := frame.Column{Field: frame.Field{Name: name, Kind: kind}}
		if kind == frame.Float32 {
			c.Float32 = make([]float32, 1)
		} else {
			c.Uint64, c.Missing = make([]uint64, 1), make(recsys.Bits, 1)
		}
		h.chunk.Columns, h.places = append(h.chunk.Columns, c), append(h.places, i)
	}
}

func (h *half) take(row *asof.Joined) {
	for k, at := range h.places {
		c := &h.chunk.Columns[k]
		if c.Kind == frame.Float32 {
			c.Float32[0] = row.Floats[at]
			continue
		}
		c.Uint64[0], c.Missing[0] = row.IDs[at], 0
		if row.IDs[at] == 0 {
			c.SetMissing(0)
		}
	}
}
