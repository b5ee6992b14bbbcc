package bins

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// chunkRows is how many rows a worker takes at a time: those of 64 features stay in the
// second-level cache while it goes through them column by column.
const chunkRows = 1024

// parallel calls f for 0 to n-1, with the number of the worker that calls, until one fails or
// ctx is done. Of several errors it returns that of the smallest i: those below a failure are done.
func parallel(ctx context.Context, workers, n int, f func(worker, i int) error) error {
	var (
		next  atomic.Int64
		limit atomic.Int64
		mu    sync.Mutex
		first error
		wg    sync.WaitGroup
	)
	limit.Store(int64(n))
	run := func(worker int) {
		for {
			i := next.Add(1) - 1
			if i >= limit.Load() || ctx.Err() != nil {
				return
			}
			if err := f(worker, int(i)); err != nil {
				mu.Lock()
				if i < limit.Load() {
					limit.Store(i)
					first = err
				}
				mu.Unlock()
			}
		}
	}
	for w := 1; w < min(workers, n); w++ {
		wg.Go(func() { run(w) })
	}
	run(0)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return first
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
	err := parallel(ctx, cfg.Workers, chunks(in.Rows), func(worker, chunk int) error {
		has := some[worker*d : (worker+1)*d]
		for r := chunk * chunkRows; r < min((chunk+1)*chunkRows, in.Rows); r++ {
			for j, x := range in.Values[r*d : (r+1)*d] {
				switch {
				case x != x:
					has[j] = true
				case in.Features[j].Categorical:
					if x >= MaxCategory {
						return &InputError{
							Feature: in.Features[j].Name, Row: r, Value: x,
							Want: "a category below 2^24: number the categories densely",
						}
					}
				case cfg.ZeroAsMissing && math.Abs(float64(x)) <= tree.ZeroThreshold:
					has[j] = true
				}
			}
		}
		return nil
	})
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
	return kinds, err
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
	err := parallel(ctx, t.workers, chunks(t.Rows), func(_, chunk int) error {
		from, to := chunk*chunkRows, min((chunk+1)*chunkRows, t.Rows)
		for c, j := range t.Used {
			t.Features[j].fill(t.Columns[c][from:to], in.Values[from*d+int(j):], d)
		}
		return nil
	})
	return err
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
