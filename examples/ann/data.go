package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// data is the vectors of a run.
type data struct {
	name          string
	metric        retrieval.Metric
	base, queries vector.Matrix
	first         int             // the item of row 0 of base
	items         []recsys.ItemID // of the rows of base
	truth         annset.Lists    // as read; of items
}

// load reads or makes the vectors that the options name.
func load(ctx context.Context, o *options, log io.Writer) (*data, error) {
	d := &data{metric: o.metric, name: o.base}
	var err error
	if s := o.synthetic; s.Rows > 0 {
		d.name = fmt.Sprintf("synthetic %d × %d, seed %d", s.Rows, s.Dim, s.Seed)
		if d.base, d.queries, err = s.Make(ctx, o.common.Workers); err != nil {
			return nil, err
		}
	} else if err = d.read(o, log); err != nil {
		return nil, err
	}
	d.items = make([]recsys.ItemID, d.base.Rows)
	for i := range d.items {
		d.items[i] = recsys.ItemID(d.first + i)
	}
	return d, nil
}

func (d *data) read(o *options, log io.Writer) error {
	var total int
	var err error
	if d.base, total, err = annset.ReadVectors(o.base, o.raw, o.rows); err != nil {
		return err
	}
	d.first = o.rows.From
	if d.queries, _, err = annset.ReadVectors(o.query, o.raw, annset.Range{}); err != nil {
		return err
	}
	if d.queries.Dim != d.base.Dim {
		return cli.Inputf(o.query, 0, "rows have %d values, but those of %s have %d", d.queries.Dim, o.base, d.base.Dim)
	}
	if o.truth == "" {
		return nil
	}
	lists := 0
	if o.raw > 0 {
		lists = d.queries.Rows
	}
	if d.truth, err = annset.ReadLists(o.truth, lists, total); err != nil {
		return err
	}
	switch {
	case d.truth.Len() != d.queries.Rows:
		return cli.Inputf(o.truth, 0, "%d lists, but %s has %d queries", d.truth.Len(), o.query, d.queries.Rows)
	case d.truth.Width < min(o.k, d.base.Rows):
		return cli.Inputf(o.truth, 0, "lists of %d ids; want at least -k, which is %d", d.truth.Width, o.k)
	}
	strange := 0
	for _, id := range d.truth.IDs {
		if int(id) < d.first || int(id) >= d.first+d.base.Rows {
			strange++
		}
	}
	if strange > 0 {
		fmt.Fprintf(log, "%s: %d of %d ids are not among the rows %d:%d and count as not found\n",
			o.truth, strange, len(d.truth.IDs), d.first, d.first+d.base.Rows)
	}
	return nil
}

// trueItems returns the true neighbours among the items that allow is true for, nil for all.
func (d *data) trueItems(ctx context.Context, o *options, allow func(row int) bool, log io.Writer) (annset.Lists, error) {
	if allow == nil && d.truth.Width > 0 {
		return d.truth, nil
	}
	base, queries := d.base, d.queries
	if d.metric == retrieval.Cosine {
		base, queries = normalized(base), normalized(queries)
	}
	progress := cli.NewProgress(log, "truth", queries.Rows, time.Now)
	t, err := annset.Truth(ctx, base, queries, d.metric, o.k, o.common.Workers, allow, progress.Add)
	if err != nil {
		return t, err
	}
	progress.Done()
	for i := range t.IDs {
		t.IDs[i] += int32(d.first)
	}
	return t, nil
}

// normalized returns a copy with rows of length 1.
func normalized(m vector.Matrix) vector.Matrix {
	n := vector.NewMatrix(m.Rows, m.Dim)
	for i := range m.Rows {
		copy(n.Row(i), m.Row(i))
		vector.Normalize(n.Row(i))
	}
	return n
}

// filter is a condition on items that a random share of them meets.
type filter struct {
	share float64
	set   recsys.Bits       // by row
	count int               // of the rows allowed
	items *retrieval.Filter // nil without a condition
}

// newFilter draws a filter. Whether a row is in it depends on the seed and its number alone.
func newFilter(d *data, share float64, seed uint64) *filter {
	f := &filter{share: share, count: d.base.Rows}
	if share == 1 {
		return f
	}
	f.set = recsys.MakeBits(d.base.Rows)
	for i := range d.base.Rows {
		if uniform(uint64(i)+seed) < share {
			f.set.Set(i)
		}
	}
	f.count = f.set.Count()
	f.items = retrieval.BitmapFilter(recsys.ItemID(d.first), f.set)
	return f
}

// allow returns the condition on rows, nil without one.
func (f *filter) allow() func(int) bool {
	if f.items == nil {
		return nil
	}
	return f.set.Has
}

// uniform returns a number in [0, 1) that x determines, by SplitMix64 (Steele, Lea, Flood, 2014).
func uniform(x uint64) float64 {
	x *= 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}
