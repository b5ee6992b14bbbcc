package loss

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/recsyskit/recsys/internal/parallel"
)

// Data is what an objective or a metric looks at: one label for each of n rows. The slices
// are the caller's and must not change.
type Data struct {
	Labels  []float32 // n; NaN: unknown
	Weights []float32 // n, finite and >= 0; empty: all 1

	// Rows, sorted so that each group is contiguous, and where each group starts, as by
	// ranking.Dataset.GroupRows; what ranking objectives and NDCG need. Empty: no groups.
	Order  []int32
	Starts []int

	Positions []int32 // n; place at which the row was shown, from 0; -1: none. Empty: not known.

	Workers int // >= 1
}

// RowError names the row whose value an objective does not take.
type RowError struct {
	Field string // "Labels", "Weights", "Positions"
	Row   int
	Value string
	Want  string
}

func (e *RowError) Error() string {
	return fmt.Sprintf("%s: row %d is %s; want %s", e.Field, e.Row, e.Value, e.Want)
}

func (d *Data) weight(i int) float64 {
	if len(d.Weights) == 0 {
		return 1
	}
	return float64(d.Weights[i])
}

// known tells whether row i counts.
func (d *Data) known(i int) bool {
	return d.Labels[i] == d.Labels[i] && (len(d.Weights) == 0 || d.Weights[i] > 0)
}

// Rows returns the rows that count, in order.
func (d *Data) Rows() []int32 {
	rows := make([]int32, 0, len(d.Labels))
	for i := range d.Labels {
		if d.known(i) {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// check returns the first row that counts whose label ok refuses, or whose numbers are no
// numbers.
func (d *Data) check(want string, ok func(y float64) bool) error {
	if len(d.Weights) != 0 && len(d.Weights) != len(d.Labels) {
		return fmt.Errorf("%d weights for %d rows", len(d.Weights), len(d.Labels))
	}
	for i, w := range d.Weights {
		if !(w >= 0) || math.IsInf(float64(w), 1) {
			return &RowError{Field: "Weights", Row: i, Value: fmt.Sprint(w), Want: "a finite number >= 0"}
		}
	}
	for i, y := range d.Labels {
		if math.IsInf(float64(y), 0) {
			return &RowError{Field: "Labels", Row: i, Value: fmt.Sprint(y), Want: "a finite number, or NaN where it is not known"}
		}
		if d.known(i) && !ok(float64(y)) {
			return &RowError{Field: "Labels", Row: i, Value: fmt.Sprint(y), Want: want}
		}
	}
	return nil
}

// queries returns the groups without the rows that do not count; groups that have none left
// are dropped.
func (d *Data) queries() [][]int32 {
	kept := make([]int32, 0, len(d.Order))
	var all [][]int32
	for g := 0; g+1 < len(d.Starts); g++ {
		from := len(kept)
		for _, i := range d.Order[d.Starts[g]:d.Starts[g+1]] {
			if d.known(int(i)) {
				kept = append(kept, i)
			}
		}
		if len(kept) > from {
			all = append(all, slices.Clip(kept[from:]))
		}
	}
	return all
}

// mean returns the weighted mean of f over the rows that count, and the sum of weights.
func (d *Data) mean(f func(i int) float64) (mean, total float64) {
	sum := 0.0
	for i := range d.Labels {
		if d.known(i) {
			w := d.weight(i)
			sum += float64(w * f(i))
			total += w
		}
	}
	return sum / total, total
}

// chunk is the number of rows that a worker takes at once.
const chunk = 1 << 13

// overRows calls f with ranges that cover 0 to n-1.
func (d *Data) overRows(n int, f func(from, to int)) {
	parallel.Do(d.Workers, (n+chunk-1)/chunk, func(c int) { f(c*chunk, min((c+1)*chunk, n)) })
}

// overQueries calls f for each query. Neighbours are taken together, up to about a chunk of rows;
// scratch is f's from one call to the next.
func overQueries[S any](workers int, queries [][]int32, f func(q int, scratch *S)) {
	starts := []int{0}
	for q, rows := 0, 0; q < len(queries); q++ {
		if rows += len(queries[q]); rows >= chunk/8 || q+1 == len(queries) {
			starts, rows = append(starts, q+1), 0
		}
	}
	pool := sync.Pool{New: func() any { return new(S) }}
	parallel.Do(workers, len(starts)-1, func(c int) {
		s := pool.Get().(*S)
		for q := starts[c]; q < starts[c+1]; q++ {
			f(q, s)
		}
		pool.Put(s)
	})
}
