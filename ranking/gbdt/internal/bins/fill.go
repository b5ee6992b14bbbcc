package bins

import (
	"context"
	"math"

	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// chunkRows is how many rows a worker takes at a time: those of 64 features stay in the
// second-level cache while it goes through them column by column.
const chunkRows = 1024

// each calls f for 0 to n-1, with the number of the worker that calls, until ctx is done: then it returns ctx.Err().
func each(ctx context.Context, workers, n int, f func(worker, i int)) error {
	if parallel.Each(ctx, workers, n, f) != nil {
		return ctx.Err() // and not its cause, which callers do not look for
	}
	return nil
}

// scan returns the kind of missing values of each numeric column, and the error of the first
// category that is too large.
func scan(ctx context.Context, in Input, cfg Config) ([]tree.Missing, error) {
	d := len(in.Features)
	kind := tree.MissingNaN
	if cfg.ZeroAsMissing {
		kind = tree.MissingZero
	}
	some := make([]bool, cfg.Workers*d)
	wrong := make([]error, chunks(in.Rows))
	err := each(ctx, cfg.Workers, len(wrong), func(worker, chunk int) {
		has := some[worker*d : (worker+1)*d]
		for r := chunk * chunkRows; r < min((chunk+1)*chunkRows, in.Rows); r++ {
			for j, x := range in.Values[r*d : (r+1)*d] {
				switch {
				case x != x:
					has[j] = true
				case in.Features[j].Categorical:
					if x >= MaxCategory {
						wrong[chunk] = &InputError{
							Feature: in.Features[j].Name, Row: r, Value: x,
							Want: "a category below 2^24: number the categories densely",
						}
						return
					}
				case cfg.ZeroAsMissing && math.Abs(float64(x)) <= tree.ZeroThreshold:
					has[j] = true
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for _, err := range wrong {
		if err != nil {
			return nil, err
		}
	}
	kinds := make([]tree.Missing, d)
	for i, has := range some {
		if has {
			kinds[i%d] = kind
		}
	}
	for j := range kinds {
		if in.Features[j].Categorical {
			kinds[j] = tree.MissingNaN // NaN is no category
		}
	}
	return kinds, nil
}

func chunks(rows int) int { return (rows + chunkRows - 1) / chunkRows }

// fill looks up the bins of all values. Before [Table.drop] every feature has a column.
func (t *Table) fill(ctx context.Context, in Input) error {
	if t.Used == nil {
		for j := range t.Features {
			t.Used = append(t.Used, int32(j))
		}
	}
	t.Columns = make([][]uint8, len(t.Used))
	for c := range t.Columns {
		t.Columns[c] = make([]uint8, t.Rows)
	}
	d := len(in.Features)
	return each(ctx, t.workers, chunks(t.Rows), func(_, chunk int) {
		from, to := chunk*chunkRows, min((chunk+1)*chunkRows, t.Rows)
		for c, j := range t.Used {
			t.Features[j].fill(t.Columns[c][from:to], in.Values[from*d+int(j):], d)
		}
	})
}

// fill writes the bins of the values at 0, step, 2*step, …
func (f *Feature) fill(dst []uint8, values []float32, step int) {
	for len(dst) >= 4 && !f.Categorical {
		v := [4]float32{values[0], values[step], values[2*step], values[3*step]}
		var k [4]uint32
		odd := f.Missing == tree.MissingZero
		for i, x := range v {
			odd = odd || x != x
			k[i] = keyOf(x)
		}
		if odd {
			for i, x := range v {
				dst[i] = f.numeric(x)
			}
		} else {
			a, b, c, d := f.keys.below4(&k)
			dst[0], dst[1], dst[2], dst[3] = uint8(a), uint8(b), uint8(c), uint8(d)
		}
		dst = dst[4:]
		if len(dst) > 0 {
			values = values[4*step:]
		}
	}
	for r := range dst {
		dst[r] = f.Bin(values[r*step])
	}
}

// drop keeps the columns that have two bins in use at least.
func (t *Table) drop() {
	kept := 0
	for c, j := range t.Used {
		if !constant(t.Columns[c]) {
			t.Used[kept], t.Columns[kept] = j, t.Columns[c]
			kept++
		}
	}
	clear(t.Columns[kept:])
	t.Used, t.Columns = t.Used[:kept:kept], t.Columns[:kept:kept]
}

func constant(column []uint8) bool {
	for _, b := range column {
		if b != column[0] {
			return false
		}
	}
	return true
}
