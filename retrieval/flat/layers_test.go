package flat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/flat"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// changed returns an index of 20,000 items after a few thousand changes, so many that it
// has several runs and has dropped dead rows, but has not compacted itself since.
func changed(t *testing.T, cfg flat.Config, step func(i int, x *flat.Index, o *oracle)) (*flat.Index, *oracle, vector.Matrix) {
	t.Helper()
	const n, dim = 20_000, 8
	rng := rand.New(rand.NewPCG(4, 4))
	m := vector.NewMatrix(n+1200, dim)
	kinds[1].make(rng, m)
	items := itemsOf(rng, m.Rows)
	x, err := flat.New(cfg, items[:n], m.Slice(0, n))
	if err != nil {
		t.Fatal(err)
	}
	o := newOracle(cfg.Metric, items[:n], m.Slice(0, n))
	for i := range 1200 {
		item, v := items[n+i], m.Row(n+i)
		if i%3 == 0 {
			item = items[i]
			err = x.Update(item, v)
		} else {
			err = x.Insert(item, v)
		}
		o.put(item, v)
		for _, out := range []recsys.ItemID{items[2000+i], items[n-1-i]} {
			err = errors.Join(err, x.Delete(out))
			delete(o.vec, out)
		}
		if i%50 == 7 { // of what was just added
			err = errors.Join(err, x.Delete(item))
			delete(o.vec, item)
		}
		if err != nil {
			t.Fatal(err)
		}
		step(i, x, o)
	}
	return x, o, m
}

func TestAnswersStayExactWhileRunsMerge(t *testing.T) {
	third := retrieval.Where(func(item recsys.ItemID) bool { return item%9 < 3 })
	for _, metric := range metrics {
		for _, quantize := range quantizes {
			t.Run(metric.String()+"/"+quantize.String(), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(5, 5))
				var lists [][]retrieval.Neighbor
				changed(t, flat.Config{Metric: metric, Quantize: quantize, Workers: 1}, func(i int, x *flat.Index, o *oracle) {
					if i%299 != 40 && i != 1199 {
						return
					}
					queries := vector.NewMatrix(3, x.Dim())
					each(queries, func(int, int) float64 { return rng.NormFloat64() })
					for _, opt := range []retrieval.SearchOptions{{}, {Filter: third}} {
						var err error
						if lists, err = x.SearchBatch(lists, queries, 30, opt); err != nil {
							t.Fatal(err)
						}
						for j, list := range lists {
							mustSame(t, fmt.Sprintf("change %d, batch", i), list, search(t, x, queries.Row(j), 30, opt))
						}
						mustSame(t, fmt.Sprintf("change %d", i), lists[0], o.search(queries.Row(0), 30, opt.Filter.Match))
					}
				})
			})
		}
	}
}

// That is what runs are for: rows that were added do not have to be read, nor those that
// died.
func TestChangedIndexReadsFewMoreRowsThanAFreshOne(t *testing.T) {
	for _, quantize := range quantizes {
		x, o, m := changed(t, flat.Config{Quantize: quantize}, func(int, *flat.Index, *oracle) {})
		var items []recsys.ItemID
		var live vector.Matrix
		for item, v := range o.vec {
			items = append(items, item)
			live.Data = append(live.Data, v...)
		}
		live.Rows, live.Dim, live.Stride = len(items), m.Dim, m.Dim
		fresh, err := flat.New(flat.Config{Quantize: quantize}, items, live)
		if err != nil {
			t.Fatal(err)
		}
		scored := func(x *flat.Index) (sum int) {
			for i := range 200 {
				var stats retrieval.SearchStats
				search(t, x, m.Row(i), 10, retrieval.SearchOptions{Stats: &stats})
				sum += stats.Scored
			}
			return sum
		}
		got, want := scored(x), scored(fresh)
		if got > want+want/8 || want > 200*len(items)/4 {
			t.Errorf("%v: %d rows are read; a fresh index reads %d", quantize, got, want)
		}
	}
}

func TestCancelledCompactChangesNothing(t *testing.T) {
	x, o, m := changed(t, flat.Config{Workers: 1}, func(int, *flat.Index, *oracle) {})
	size := x.Bytes()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Compact(ctx); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "flat: compact: ") {
		t.Errorf("Compact under a cancelled context: %v", err)
	}
	if err := x.Compact(&endsAfter{Context: t.Context(), calls: 3}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Compact under a context that ends meanwhile: %v", err)
	}
	if x.Bytes() != size || x.Len() != len(o.vec) {
		t.Errorf("%d items in %d bytes; want %d in %d", x.Len(), x.Bytes(), len(o.vec), size)
	}
	mustSame(t, "after cancelled compactions", search(t, x, m.Row(1), 50, retrieval.SearchOptions{}), o.search(m.Row(1), 50, nil))
	if err := x.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x.Bytes() >= size {
		t.Errorf("%d bytes after compaction, %d before", x.Bytes(), size)
	}
	mustSame(t, "after compaction", search(t, x, m.Row(1), 50, retrieval.SearchOptions{}), o.search(m.Row(1), 50, nil))
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
	if file := encoded(t, x); !bytes.Equal(file, encoded(t, x)) {
		t.Error("two files of one index differ")
	}
}

// endsAfter is a context that ends when it has been asked some times.
type endsAfter struct {
	context.Context
	calls int
}

func (c *endsAfter) Err() error {
	if c.calls--; c.calls < 0 {
		return context.DeadlineExceeded
	}
	return nil
}
