package ranking

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys"
)

// Dataset is a table of examples that rankers are trained and judged on: n rows
// with d float columns, c ID columns and H heads. The slices are the caller's;
// nothing in this package writes to them.
//
// A row is a candidate as it was served, or would have been. A head is one thing
// that can happen to it: click, purchase, seconds of dwell.
//
// Columns carry the names of the pipeline's feature columns, so that a model which
// was trained on a Dataset binds to a [recsys.Schema] by name. The optional
// columns are empty or have n values. [Dataset.Validate] checks all of it; trainers
// call it first.
type Dataset struct {
	Columns []string  // names of the float columns
	Floats  []float32 // n x d, row-major; NaN is a missing value, infinities are errors

	IDColumns []string // names of the ID columns: categories, creators, item ids
	IDs       []uint64 // n x c, row-major; 0 where a feature source had no value

	Heads  []string  // names of the labels
	Labels []float32 // n x H, row-major; NaN is an unknown label, infinities are errors

	// Weights counts a row as that many rows: >= 0, finite. Empty: all 1.
	Weights []float32
	// WeightedBy says what the weights correct for: "examination", "exposure". Empty: it is
	// not known, or there are none. See [Dataset.WithWeights].
	WeightedBy string
	// Groups names the decision that a row belongs to, for GAUC, NDCG and listwise
	// losses; equal values are one group. Empty: each row is a group of its own.
	Groups []uint64
	// Times is when the decision was made, in Unix nanoseconds.
	Times []int64
	// Positions is the place at which the row was shown, from 0; -1: not shown, or not known.
	Positions []int32
	// Propensities is the probability that the logging policy put the row at its
	// position given the rows above it, in (0, 1]; NaN: not known.
	Propensities []float64

	// Views are the feature views that the columns come from, with their versions: models keep them, in their files too, and
	// a pipeline that serves another version refuses the model. Empty: not known, and nothing is compared.
	Views []recsys.FeatureView
}

// Len returns the number of rows, n.
func (d *Dataset) Len() int {
	switch {
	case len(d.Heads) > 0:
		return len(d.Labels) / len(d.Heads)
	case len(d.Columns) > 0:
		return len(d.Floats) / len(d.Columns)
	case len(d.IDColumns) > 0:
		return len(d.IDs) / len(d.IDColumns)
	}
	return 0
}

// FloatRow returns the float columns of row i, a view of d values.
func (d *Dataset) FloatRow(i int) []float32 {
	w := len(d.Columns)
	return d.Floats[i*w : (i+1)*w : (i+1)*w]
}

// IDRow returns the ID columns of row i, a view of c values.
func (d *Dataset) IDRow(i int) []uint64 {
	w := len(d.IDColumns)
	return d.IDs[i*w : (i+1)*w : (i+1)*w]
}

// LabelRow returns the labels of row i, a view of H values.
func (d *Dataset) LabelRow(i int) []float32 {
	w := len(d.Heads)
	return d.Labels[i*w : (i+1)*w : (i+1)*w]
}

// LabelColumn appends the label of each row under the head to dst and returns it,
// or an error when there is no such head.
func (d *Dataset) LabelColumn(dst []float32, head string) ([]float32, error) {
	for h, name := range d.Heads {
		if name == head {
			for i := range d.Len() {
				dst = append(dst, d.Labels[i*len(d.Heads)+h])
			}
			return dst, nil
		}
	}
	return dst, fmt.Errorf("ranking: Dataset has no head %q (heads: %s)", head, list(d.Heads))
}

// Weight returns the weight of row i: 1 without Weights.
func (d *Dataset) Weight(i int) float32 {
	if len(d.Weights) == 0 {
		return 1
	}
	return d.Weights[i]
}

// Group returns the group of row i: i itself without Groups.
func (d *Dataset) Group(i int) uint64 {
	if len(d.Groups) == 0 {
		return uint64(i)
	}
	return d.Groups[i]
}

// GroupRows returns the rows sorted so that each group is contiguous, groups in
// the order of their first row and rows in theirs, and where each group starts:
// group g is order[starts[g]:starts[g+1]]. It costs O(n).
func (d *Dataset) GroupRows() (order []int32, starts []int) {
	n := d.Len()
	index := make([]int, n) // row -> group
	at := map[uint64]int{}
	var sizes []int
	for i := range n {
		g, ok := at[d.Group(i)]
		if !ok {
			g = len(sizes)
			at[d.Group(i)] = g
			sizes = append(sizes, 0)
		}
		index[i] = g
		sizes[g]++
	}
	starts = make([]int, len(sizes)+1)
	for g, size := range sizes {
		starts[g+1] = starts[g] + size
	}
	next := append([]int(nil), starts...)
	order = make([]int32, n)
	for i, g := range index {
		order[next[g]] = int32(i)
		next[g]++
	}
	return order, starts
}

// String prints the size of the table.
func (d *Dataset) String() string {
	return fmt.Sprintf("%d rows, %d float and %d id columns, %d heads", d.Len(), len(d.Columns), len(d.IDColumns), len(d.Heads))
}

func isFinite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
