package recsys

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNotTraced is returned by [Result.Explain] and [Result.WhyNot] when the request did not set Explain.
var ErrNotTraced = errors.New("recsys: the request did not ask for an explanation; set Request.Explain")

// Outcome says where the way of an item through the funnel ended.
type Outcome string

// The outcomes, in funnel order.
const (
	Excluded    Outcome = "excluded"     // Request.Exclude or Allow refused it
	NotProposed Outcome = "not proposed" // no source proposed it
	CutByQuota  Outcome = "cut by quota" // proposed beyond a source's quota, or beyond MaxCandidates
	Filtered    Outcome = "filtered"     // a filter dropped it
	ReRankedOut Outcome = "re-ranked"    // a re-ranker left it out
	Outranked   Outcome = "outranked"    // better rows filled the slate
	Constrained Outcome = "constrained"  // it ranked high enough, and a constraint barred it
	NotExplored Outcome = "not explored" // it ranked high enough, and the explorer drew others
	Served      Outcome = "served"
)

// Explanation is the way of one item through the funnel.
type Explanation struct {
	Item    ItemID
	Outcome Outcome
	Stage   string // the filter or constraint that decided; else empty

	Sources []SourceTrace // that proposed it, in declared order
	Merged  float32       // score of the merge
	Heads   []HeadTrace   // what the rankers predicted
	Score   float32
	Utility float32

	// Positions holds its position, from 0, after ranking and then after each
	// re-ranker; -1 where it was left out.
	Positions []int
	// Place is its place in the slate, -1 when not served.
	Place      int
	Propensity float64 // of its place; 0 when not served
}

// SourceTrace is one source's proposal of an item.
type SourceTrace struct {
	Source string
	Rank   int // from 0
	Score  float32
}

// HeadTrace is one head of an item.
type HeadTrace struct {
	Head  string
	Value float32
}

// String prints the explanation on one line.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "item %d: %s", e.Item, e.Outcome)
	if e.Stage != "" {
		fmt.Fprintf(&b, " by %s", e.Stage)
	}
	if e.Place >= 0 {
		fmt.Fprintf(&b, " at place %d (propensity %.3g)", e.Place, e.Propensity)
	}
	for i, s := range e.Sources {
		sep := ", "
		if i == 0 {
			sep = "; proposed by "
		}
		fmt.Fprintf(&b, "%s%s (rank %d, score %.4g)", sep, s.Source, s.Rank, s.Score)
	}
	for i, h := range e.Heads {
		sep := ", "
		if i == 0 {
			sep = "; heads "
		}
		fmt.Fprintf(&b, "%s%s=%.4g", sep, h.Head, h.Value)
	}
	if len(e.Positions) > 0 {
		fmt.Fprintf(&b, "; score %.4g, positions %v", e.Score, e.Positions)
	}
	return b.String()
}

// explanation keeps what Explain and WhyNot need, in compact rows; its memory is reused.
type explanation struct {
	p *Pipeline

	ids     []ItemID
	masks   []uint64
	ranks   []int32
	recall  []float32
	merged  []float32
	heads   []float32
	score   []float32
	utility []float32
	dropped []uint8
	blocker []int16

	passes    int     // 1 + re-rankers
	positions []int32 // row x passes
	places    []int32 // row -> place, -1
	props     []float64
	window    int
	explored  bool

	beyond  []ItemID // proposed, but cut
	refused []ItemID // Exclude
	allow   []ItemID
}

// noteSpill keeps the proposals beyond the quotas.
func (x *explanation) noteSpill(sinks []*Sink) {
	x.beyond = x.beyond[:0]
	for _, s := range sinks {
		x.beyond = append(x.beyond, s.spill...)
	}
}

// noteOrder keeps the positions after pass number pass.
func (x *explanation) noteOrder(order []int32, rows, rerankers, pass int) {
	x.passes = 1 + rerankers
	if pass == 0 {
		x.positions = resize(x.positions, rows*x.passes)
		for i := range x.positions {
			x.positions[i] = -1
		}
	}
	for i, row := range order {
		x.positions[int(row)*x.passes+pass] = int32(i)
	}
}

// note keeps the table and the slate.
func (x *explanation) note(r *run) {
	c := &r.c
	x.p = r.p
	x.ids = append(x.ids[:0], c.ids...)
	x.masks = append(x.masks[:0], c.masks...)
	x.ranks = append(x.ranks[:0], c.ranks...)
	x.recall = append(x.recall[:0], c.recall...)
	x.merged = append(x.merged[:0], c.merged...)
	x.heads = append(x.heads[:0], c.heads...)
	x.score = append(x.score[:0], c.score...)
	x.utility = append(x.utility[:0], c.utility...)
	x.dropped = append(x.dropped[:0], c.dropped...)
	x.places = resize(x.places, len(c.ids))
	for i := range x.places {
		x.places[i] = -1
	}
	for i, row := range r.slate.rows {
		x.places[row] = int32(i)
	}
	x.props = append(x.props[:0], r.slate.props...)
	x.window, x.explored = r.slate.window, r.explore
	x.beyond = append(x.beyond, r.cut...)
	x.refused = append(x.refused[:0], r.q.Exclude...)
	x.allow = append(x.allow[:0], r.q.Allow...)
}

// Explain returns the way of an item that was in the merged set, or what WhyNot
// knows of one that was not. The error is [ErrNotTraced] when the request did not ask for it.
func (r *Result) Explain(item ItemID) (Explanation, error) {
	if !r.traced {
		return Explanation{}, ErrNotTraced
	}
	x := &r.explanation
	e := Explanation{Item: item, Place: -1}
	row := slices.Index(x.ids, item)
	if row < 0 {
		e.Outcome = x.absent(item)
		return e, nil
	}
	schema := x.p.schema
	S, H := len(schema.sources), len(schema.heads)
	for s, name := range schema.sources {
		if rank := x.ranks[row*S+s]; rank >= 0 {
			e.Sources = append(e.Sources, SourceTrace{name, int(rank), x.recall[row*S+s]})
		}
	}
	for h, name := range schema.heads {
		e.Heads = append(e.Heads, HeadTrace{name, x.heads[row*H+h]})
	}
	e.Merged, e.Score, e.Utility = x.merged[row], x.score[row], x.utility[row]
	for _, at := range x.positions[row*x.passes : (row+1)*x.passes] {
		e.Positions = append(e.Positions, int(at))
	}
	if place := x.places[row]; place >= 0 {
		e.Place, e.Propensity = int(place), x.props[place]
	}
	e.Outcome, e.Stage = x.outcome(row)
	return e, nil
}

// WhyNot returns where the way of an item ended: the outcome, and the stage that
// decided where there is one. For an item of the slate it is [Served]. The error is
// [ErrNotTraced] when the request did not set Explain.
func (r *Result) WhyNot(item ItemID) (Outcome, string, error) {
	e, err := r.Explain(item)
	return e.Outcome, e.Stage, err
}

func (x *explanation) absent(item ItemID) Outcome {
	switch {
	case slices.Contains(x.refused, item), len(x.allow) > 0 && !slices.Contains(x.allow, item):
		return Excluded
	case slices.Contains(x.beyond, item):
		return CutByQuota
	}
	return NotProposed
}

func (x *explanation) outcome(row int) (Outcome, string) {
	if x.places[row] >= 0 {
		return Served, ""
	}
	if d := x.dropped[row]; d > 0 {
		return Filtered, x.p.filters[d-1].label
	}
	last := x.positions[(row+1)*x.passes-1]
	if last < 0 {
		for i := x.passes - 1; i > 0; i-- {
			if x.positions[row*x.passes+i-1] >= 0 {
				return ReRankedOut, x.p.rerankers[i-1].label
			}
		}
		return ReRankedOut, ""
	}
	if x.explored && int(last) < x.window {
		if b := x.blocker[row]; b > 0 {
			return Constrained, x.p.rules[b-1].name
		}
		return NotExplored, x.p.explorer.label
	}
	if b := x.blocker[row]; b > 0 && last < x.deepest() {
		return Constrained, x.p.rules[b-1].name
	}
	return Outranked, ""
}

// deepest returns the lowest position that was served.
func (x *explanation) deepest() int32 {
	deepest := int32(-1)
	for row, place := range x.places {
		if place >= 0 {
			deepest = max(deepest, x.positions[(row+1)*x.passes-1])
		}
	}
	if len(x.props) == 0 {
		return int32(len(x.ids))
	}
	return deepest
}
