package debias

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/hash"
	"github.com/recsyskit/recsys/ranking"
)

// Pair is a query and an item: what has a relevance of its own. The query may be a user, a segment of users or,
// where an item is as good for all, 0.
type Pair struct{ Query, Item uint64 }

// Count is how often a pair was shown at a place, and how often it was clicked.
type Count struct {
	Query, Item uint64 // the [Pair]
	Position    int    // from 0
	Impressions float64
	Clicks      float64 // 0 to Impressions
}

func (c Count) pair() Pair { return Pair{c.Query, c.Item} }

func byPairAndPosition(a, b Count) int {
	return cmp.Or(cmp.Compare(a.Query, b.Query), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Position, b.Position))
}

// CountsOf counts the shown rows of a dataset by pair and position: rows whose label of the
// head is known and whose position is not -1. A label above 0.5 is a click. pair names the pair
// of a row; nil means the hash of all its ID columns as the item of query 0. The counts are sorted by query,
// item, position. The error is that of a dataset without Positions, of one that is not valid, or without that
// head. [Counter] counts a log without a dataset.
func CountsOf(d *ranking.Dataset, head string, pair func(row int) Pair) ([]Count, error) {
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
		pair = func(i int) Pair { return Pair{Item: hash.Combine(0, d.IDRow(i)...)} }
	}
	t := tally{}
	for i, y := range labels {
		if y != y || d.Positions[i] < 0 {
			continue
		}
		t.add(pair(i), int(d.Positions[i]), y > 0.5)
	}
	return t.counts(), nil
}

// tally counts impressions one by one.
type tally map[place]*[2]float64 // impressions, clicks

type place struct {
	pair     Pair
	position int
}

func (t tally) add(pair Pair, position int, clicked bool) {
	n := t[place{pair, position}]
	if n == nil {
		n = new([2]float64)
		t[place{pair, position}] = n
	}
	n[0]++
	if clicked {
		n[1]++
	}
}

func (t tally) counts() []Count {
	counts := make([]Count, 0, len(t))
	for at, n := range t {
		counts = append(counts, Count{at.pair.Query, at.pair.Item, at.position, n[0], n[1]})
	}
	slices.SortFunc(counts, byPairAndPosition)
	return counts
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
	slices.SortStableFunc(sorted, byPairAndPosition)
	merged := sorted[:0]
	for _, c := range sorted {
		if k := len(merged) - 1; k >= 0 && merged[k].pair() == c.pair() && merged[k].Position == c.Position {
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

// each calls f for the counts of each pair.
func each(counts []Count, f func(pair []Count)) {
	for from := 0; from < len(counts); {
		to := from + 1
		for to < len(counts) && counts[to].pair() == counts[from].pair() {
			to++
		}
		f(counts[from:to])
		from = to
	}
}
