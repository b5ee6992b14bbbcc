package skew

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/recsyskit/recsys/features/frame"
	"github.com/recsyskit/recsys/internal/hash"
)

// buckets is how many bins categories have.
const buckets = 64

// class is how the values of a column are compared.
type class uint8

const (
	numbers class = iota
	integers
	categories
	vectors
)

// column is what is known of a column so far.
type column struct {
	pair
	field     frame.Field
	class     class
	tolerance float64

	mismatches, compared           int64
	loggedMissing, rejoinedMissing int64
	largest                        float64
	example                        *Example
	sample                         [2][]float64 // NaN where there was no value
	bins                           [2][]int64   // of categories
}

func newColumn(cfg Config, p pair, l, r frame.Field) (*column, error) {
	c := &column{pair: p, field: l, tolerance: cfg.Tolerance}
	if t, ok := cfg.Tolerances[p.name]; ok {
		c.tolerance = t
	}
	numeric := func(k frame.Kind) bool { return k != frame.String && k != frame.Vector }
	whole := func(k frame.Kind) bool { return k == frame.Int64 || k == frame.Time || k == frame.Uint64 }
	switch {
	case l.Kind == r.Kind && (l.Kind == frame.String || l.Kind == frame.Uint64):
		c.class = categories
		c.bins = [2][]int64{make([]int64, buckets), make([]int64, buckets)}
	case l.Kind == frame.Vector && l == r:
		c.class = vectors
	case whole(l.Kind) && whole(r.Kind):
		c.class = integers
	case numeric(l.Kind) && numeric(r.Kind):
	default:
		return nil, fmt.Errorf("skew: column %q is %v in the log and %v in the re-join; want kinds that compare", p.name, l, r)
	}
	return c, nil
}

// number returns what the distribution is judged by, and false for no value; NaN is none.
func (c *column) number(x *frame.Column, i int) (float64, bool) {
	if x.IsMissing(i) {
		return math.NaN(), false
	}
	switch c.class {
	case categories:
		return 0, true
	case vectors:
		sum := 0.0
		for _, v := range x.VectorRow(i) {
			sum += float64(float64(v) * float64(v))
		}
		return math.Sqrt(sum), true
	}
	v := x.Number(i)
	return v, v == v
}

// add compares two rows and puts them into the sample at place, if it is not negative.
func (c *column) add(l *frame.Column, i int, r *frame.Column, j int, row int64, place int) {
	a, okA := c.number(l, i)
	b, okB := c.number(r, j)
	c.compared++
	if !okA {
		c.loggedMissing++
	}
	if !okB {
		c.rejoinedMissing++
	}
	if okA != okB || okA && !c.equal(l, i, r, j, a, b) {
		if c.mismatches++; c.example == nil {
			c.example = &Example{Row: row, Logged: show(l, i), Rejoined: show(r, j)}
		}
	}
	if c.class == categories {
		if okA {
			c.bins[0][bucket(l, i)]++
		}
		if okB {
			c.bins[1][bucket(r, j)]++
		}
		return
	}
	switch {
	case place < 0:
	case place == len(c.sample[0]):
		c.sample[0], c.sample[1] = append(c.sample[0], a), append(c.sample[1], b)
	default:
		c.sample[0][place], c.sample[1][place] = a, b
	}
}

// equal compares two values that are there.
func (c *column) equal(l *frame.Column, i int, r *frame.Column, j int, a, b float64) bool {
	switch c.class {
	case categories:
		if l.Kind == frame.String {
			return l.String[i] == r.String[j]
		}
		return l.Uint64[i] == r.Uint64[j]
	case integers:
		x, belowX := wholeAt(l, i)
		y, belowY := wholeAt(r, j)
		if x == y && belowX == belowY {
			return true
		}
		d := max(x, y) - min(x, y) // of floats it would be 0 where they are large
		if belowX != belowY {
			c.largest = max(c.largest, math.Abs(a-b))
		} else {
			c.largest = max(c.largest, float64(d))
		}
		return false
	case vectors:
		same := true
		y := r.VectorRow(j)
		for k, x := range l.VectorRow(i) {
			same = c.near(float64(x), float64(y[k])) && same
		}
		return same
	}
	return c.near(a, b)
}

// wholeAt returns the bits of an integer, and whether it is negative.
func wholeAt(c *frame.Column, i int) (bits uint64, below bool) {
	if c.Kind == frame.Uint64 {
		return c.Uint64[i], false
	}
	return uint64(c.Int64[i]), c.Int64[i] < 0
}

// near reports whether two floats are equal within the tolerance; infinities and NaNs equal themselves.
func (c *column) near(a, b float64) bool {
	if a == b || a != a && b != b {
		return true
	}
	d := math.Abs(a - b)
	if d != d { // one of them is NaN
		return false
	}
	c.largest = max(c.largest, d)
	if math.IsInf(d, 0) {
		return false
	}
	return d <= float64(c.tolerance*max(1, math.Abs(a), math.Abs(b)))
}

// bucket returns the bin of a category.
func bucket(c *frame.Column, i int) uint64 {
	if c.Kind == frame.String {
		return hash.String(0, c.String[i]) % buckets
	}
	return hash.Combine(0, c.Uint64[i]) % buckets
}

// distribution returns the shares of both sides in bins, and KS, NaN for categories.
func (c *column) distribution() (labels []string, p, q []float64, ks float64) {
	counts := c.bins
	ks = math.NaN()
	if c.class == categories {
		for b := range buckets {
			labels = append(labels, "bucket "+strconv.Itoa(b))
		}
	} else {
		l, r := values(c.sample[0]), values(c.sample[1])
		ks = kolmogorov(l, r)
		edges := deciles(l)
		if len(l) == 0 {
			edges = deciles(r)
		}
		for b := range len(edges) + 1 {
			labels = append(labels, label(edges, b))
		}
		counts = [2][]int64{inBins(l, edges), inBins(r, edges)}
	}
	return labels, shares(counts[0]), shares(counts[1]), ks
}

// values returns what is not NaN, ascending.
func values(sample []float64) []float64 {
	v := slices.DeleteFunc(slices.Clone(sample), func(x float64) bool { return x != x })
	slices.Sort(v)
	return v
}

// deciles returns the upper ends of bins: the first lies just below the smallest value, so that what
// is smaller has a bin of its own, as what is larger than the last has.
func deciles(v []float64) []float64 {
	if len(v) == 0 {
		return nil
	}
	edges := []float64{math.Nextafter(v[0], math.Inf(-1))}
	for d := 1; d <= 10; d++ {
		edges = append(edges, v[(len(v)*d+9)/10-1])
	}
	return slices.Compact(edges)
}

func label(edges []float64, b int) string {
	text := func(v float64) string { return strconv.FormatFloat(v, 'g', 5, 64) }
	switch {
	case len(edges) == 0:
		return "all"
	case b == len(edges):
		return "above " + text(edges[b-1])
	case b == 0:
		return "below " + text(edges[0])
	}
	return "to " + text(edges[b])
}

// inBins counts ascending values; a bin ends with its edge.
func inBins(v, edges []float64) []int64 {
	counts := make([]int64, len(edges)+1)
	b := 0
	for _, x := range v {
		for b < len(edges) && x > edges[b] {
			b++
		}
		counts[b]++
	}
	return counts
}

// shares returns smoothed shares, so that none is 0.
func shares(counts []int64) []float64 {
	n := float64(len(counts)) / 2
	for _, c := range counts {
		n += float64(c)
	}
	s := make([]float64, len(counts))
	for b, c := range counts {
		s[b] = (float64(c) + 0.5) / n
	}
	return s
}

// psi returns the population stability index of two distributions.
func psi(p, q []float64) float64 {
	sum := 0.0
	for b := range p {
		sum += float64((p[b] - q[b]) * math.Log(p[b]/q[b]))
	}
	return sum
}

// kolmogorov returns the largest distance of two empirical distribution functions of ascending
// values: 0 when both are empty, 1 when one is.
func kolmogorov(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		if len(a) == len(b) {
			return 0
		}
		return 1
	}
	most := 0.0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}
