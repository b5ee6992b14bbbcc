package retrievaltest_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/retrievaltest"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// table is an index of one's own, by the inner product.
type table struct {
	items []recsys.ItemID
	rows  vector.Matrix
}

func newTable(m retrieval.Metric, items []recsys.ItemID, vectors vector.Matrix, _ int) (retrieval.Index, error) {
	if m != retrieval.InnerProduct || len(items) != vectors.Rows {
		return nil, fmt.Errorf("table: %d items with %d vectors by %v", len(items), vectors.Rows, m)
	}
	for i, item := range items {
		if j := slices.Index(items, item); j < i {
			return nil, fmt.Errorf("table: item %d at rows %d and %d: %w", item, j, i, retrieval.ErrDuplicate)
		}
		if !vector.Finite(vectors.Row(i)) {
			return nil, fmt.Errorf("table: item %d, row %d: %w", item, i, retrieval.ErrNotFinite)
		}
	}
	return &table{items, vectors}, nil
}

func (x *table) Len() int                 { return len(x.items) }
func (x *table) Dim() int                 { return x.rows.Dim }
func (x *table) Metric() retrieval.Metric { return retrieval.InnerProduct }

func (x *table) Vector(dst []float32, item recsys.ItemID) ([]float32, bool) {
	i := slices.Index(x.items, item)
	if i < 0 {
		return dst, false
	}
	return append(dst, x.rows.Row(i)...), true
}

func (x *table) check(q []float32) error {
	switch {
	case len(q) != x.rows.Dim:
		return fmt.Errorf("table: %d values: %w", len(q), retrieval.ErrDimension)
	case !vector.Finite(q):
		return fmt.Errorf("table: query: %w", retrieval.ErrNotFinite)
	}
	return nil
}

func (x *table) Score(dst, q []float32, items []recsys.ItemID) error {
	if err := x.check(q); err != nil {
		return err
	}
	for i, item := range items {
		dst[i] = float32(math.NaN())
		if row := slices.Index(x.items, item); row >= 0 {
			dst[i] = vector.Dot(q, x.rows.Row(row))
		}
	}
	return nil
}

func (x *table) Search(dst []retrieval.Neighbor, q []float32, k int, opt retrieval.SearchOptions) ([]retrieval.Neighbor, error) {
	if err := x.check(q); err != nil {
		return dst, err
	}
	var found []retrieval.Neighbor
	for i, item := range x.items {
		if opt.Filter.Match(item) && (opt.Allow == nil || slices.Contains(opt.Allow, item)) && !slices.Contains(opt.Exclude, item) {
			found = append(found, retrieval.Neighbor{Item: item, Score: vector.Dot(q, x.rows.Row(i))})
		}
	}
	if opt.Stats != nil {
		*opt.Stats = retrieval.SearchStats{Plan: "table", Scored: len(found)}
	}
	slices.SortFunc(found, func(a, b retrieval.Neighbor) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	return append(dst, found[:min(len(found), max(k, 0))]...), nil
}

// In a test it is suite.Run(t, newTable). Check returns what Run would report.
func ExampleIndexSuite_Check() {
	suite := retrievaltest.IndexSuite{
		Metrics:     []retrieval.Metric{retrieval.InnerProduct},
		AllowAllocs: true, // Search makes a list of its own
	}
	fmt.Println("violations:", len(suite.Check(newTable)))

	suite.Mutable = true // it ought to be, but is not
	for _, v := range suite.Check(newTable)[:1] {
		fmt.Println(v)
	}
	// Output:
	// violations: 0
	// mutable: *retrievaltest_test.table has no method Insert(recsys.ItemID, []float32) error
	// 	rule: MutableIndex is an Index whose items come and go while it is searched: Insert, Update, Delete.
}
