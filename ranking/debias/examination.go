package debias

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
)

// Examination is the probability that a user looks at each place, from the top, relative to
// place 0, which has 1. Values are in [0, 1] where they are estimated well; noise may lift
// one above.
type Examination []float64

// Clipped returns a copy whose values are brought into [floor, 1]: for losses that take probabilities, such as
// gbdt.Objective.Examination. NaN becomes floor.
func (e Examination) Clipped(floor float64) Examination {
	out := make(Examination, len(e))
	for k, p := range e {
		if out[k] = floor; p > floor {
			out[k] = min(p, 1)
		}
	}
	return out
}

// Count is how often a pair of query and item was shown at a place, and how often it was clicked.
type Count struct {
	Pair        uint64 // whose relevance is one number: query and item, or user and item
	Position    int    // from 0
	Impressions float64
	Clicks      float64 // 0 to Impressions
}

// CountsOf counts the shown rows of a dataset by pair and position: rows whose label of the
// head is known and whose position is not -1. A label above 0.5 is a click. pair names the pair
// of a row; nil means the hash of all its ID columns. The counts are sorted by pair, then position.
// The error is that of a dataset without Positions, of one that is not valid, or without that head.
func CountsOf(d *ranking.Dataset, head string, pair func(row int) uint64) ([]Count, error) {
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("debias: %w", err)
	}
	labels, err := d.LabelColumn(nil, head)
	if err != nil {
		return nil, fmt.Errorf("debias: %w", err)
	}
	if len(d.Positions) == 0 {
		return nil, fmt.Errorf("debias: the dataset has no Positions")
	}
	if pair == nil {
		pair = func(i int) uint64 { return hash.Combine(0, d.IDRow(i)...) }
	}
	type key struct {
		pair     uint64
		position int32
	}
	at := map[key]int{}
	var counts []Count
	for i, y := range labels {
		if y != y || d.Positions[i] < 0 {
			continue
		}
		k := key{pair(i), d.Positions[i]}
		n, ok := at[k]
		if !ok {
			n = len(counts)
			at[k], counts = n, append(counts, Count{Pair: k.pair, Position: int(k.position)})
		}
		counts[n].Impressions++
		if y > 0.5 {
			counts[n].Clicks++
		}
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Pair, b.Pair), cmp.Compare(a.Position, b.Position))
	})
	return counts, nil
}

// CountError says what is wrong with counts.
type CountError struct {
	Row    int // of the counts; -1: it is about all of them
	Reason string
}

// Error returns "debias: counts: row 3: 5 clicks of 4 impressions".
func (e *CountError) Error() string {
	if e.Row < 0 {
		return "debias: counts: " + e.Reason
	}
	return fmt.Sprintf("debias: counts: row %d: %s", e.Row, e.Reason)
}

// maxPositions bounds the length of an Examination: a slate is not longer.
const maxPositions = 1 << 20

// places checks counts and returns them sorted by pair and position, equal ones added up, without those
// of no impressions, and how many places there are.
func places(counts []Count) (sorted []Count, n int, err error) {
	for i, c := range counts {
		switch {
		case c.Position < 0 || c.Position >= maxPositions:
			return nil, 0, &CountError{i, fmt.Sprintf("position is %d; want 0 to %d", c.Position, maxPositions-1)}
		case !(c.Impressions >= 0) || math.IsInf(c.Impressions, 0):
			return nil, 0, &CountError{i, fmt.Sprintf("impressions are %v; want a finite number >= 0", c.Impressions)}
		case !(c.Clicks >= 0 && c.Clicks <= c.Impressions):
			return nil, 0, &CountError{i, fmt.Sprintf("%v clicks of %v impressions", c.Clicks, c.Impressions)}
		}
		if c.Impressions > 0 {
			sorted, n = append(sorted, c), max(n, c.Position+1)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Pair, b.Pair), cmp.Compare(a.Position, b.Position))
	})
	merged := sorted[:0]
	for _, c := range sorted {
		if k := len(merged) - 1; k >= 0 && merged[k].Pair == c.Pair && merged[k].Position == c.Position {
			merged[k].Impressions += c.Impressions
			merged[k].Clicks += c.Clicks
			continue
		}
		merged = append(merged, c)
	}
	shown := make([]bool, n)
	for _, c := range merged {
		shown[c.Position] = true
	}
	if k := slices.Index(shown, false); k >= 0 {
		return nil, 0, &CountError{-1, fmt.Sprintf("nothing was shown at position %d", k)}
	}
	if n == 0 {
		return nil, 0, &CountError{-1, "there are no impressions"}
	}
	return merged, n, nil
}

// Random returns the click rate of each place relative to place 0: the examination, if it was chance
// that gave the rows their places. The error is a [*CountError], also when place 0 has no click.
func Random(counts []Count) (Examination, error) {
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	clicks, shown := make([]float64, n), make([]float64, n)
	for _, c := range counts {
		clicks[c.Position] += c.Clicks
		shown[c.Position] += c.Impressions
	}
	e := make(Examination, n)
	for k := range e {
		e[k] = clicks[k] / shown[k]
	}
	return e.relative()
}

func (e Examination) relative() (Examination, error) {
	top := e[0]
	if !(top > 0) {
		return nil, &CountError{-1, "there is no click at position 0, so nothing to compare with"}
	}
	for k := range e {
		e[k] /= top
	}
	return e, nil
}

// Pivot compares each place with place 0 on the pairs that were shown at both:
//
//	e_k = Σ m c_k/n_k / Σ m c_0/n_0,  m = min(n_k, n_0)
//
// over the pairs, with c clicks of n impressions. Its errors are those of [AdjacentChain].
//
// Source: Agarwal et al., WSDM 2019.
func Pivot(counts []Count) (Examination, error) {
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	r := newRatios(n)
	each(counts, func(pair []Count) {
		if pair[0].Position != 0 {
			return
		}
		for _, c := range pair[1:] {
			r.add(c.Position, pair[0], c)
		}
	})
	e := Examination{1}
	for k := 1; k < n; k++ {
		ratio, err := r.at(k, 0)
		if err != nil {
			return nil, err
		}
		e = append(e, ratio)
	}
	return e, nil
}

// AdjacentChain compares each place with the one above it, as [Pivot] does, and multiplies the ratios:
// a re-ranking moves an item by one place more often than to the top. The errors are a
// [*CountError] when no pair was shown at two places that are compared, or none of them was clicked.
//
// Source: Agarwal et al., WSDM 2019.
func AdjacentChain(counts []Count) (Examination, error) {
	counts, n, err := places(counts)
	if err != nil {
		return nil, err
	}
	r := newRatios(n)
	each(counts, func(pair []Count) {
		for i := 1; i < len(pair); i++ {
			if pair[i].Position == pair[i-1].Position+1 {
				r.add(pair[i].Position, pair[i-1], pair[i])
			}
		}
	})
	e := Examination{1}
	for k := 1; k < n; k++ {
		ratio, err := r.at(k, k-1)
		if err != nil {
			return nil, err
		}
		e = append(e, e[k-1]*ratio)
	}
	return e, nil
}

// each calls f for the counts of each pair.
func each(counts []Count, f func(pair []Count)) {
	for from := 0; from < len(counts); {
		to := from + 1
		for to < len(counts) && counts[to].Pair == counts[from].Pair {
			to++
		}
		f(counts[from:to])
		from = to
	}
}

// ratios sums click rates of pairs at two places, by the lower place.
type ratios struct {
	upper, lower []float64
	shared       []bool
}

func newRatios(n int) *ratios {
	return &ratios{make([]float64, n), make([]float64, n), make([]bool, n)}
}

func (r *ratios) add(k int, upper, lower Count) {
	m := min(upper.Impressions, lower.Impressions)
	r.upper[k] += float64(m * (upper.Clicks / upper.Impressions))
	r.lower[k] += float64(m * (lower.Clicks / lower.Impressions))
	r.shared[k] = true
}

func (r *ratios) at(k, above int) (float64, error) {
	switch {
	case !r.shared[k]:
		return 0, &CountError{-1, fmt.Sprintf("no pair was shown at both position %d and position %d", above, k)}
	case r.upper[k] == 0:
		return 0, &CountError{-1, fmt.Sprintf("of the pairs that were shown at both position %d and position %d, none was clicked at %d", above, k, above)}
	}
	return r.lower[k] / r.upper[k], nil
}
