package objective

import (
	"fmt"
	"math"
	"slices"
)

// Event is one act, as far as labels need it. recsys.Event and recsys.Feedback map
// to it in one line; see [LabelsOf].
type Event struct {
	Kind  string  // "click", "dwell", …
	Value float64 // seconds, price, …; NaN where it is unknown; 0 where it has no meaning
}

// Labeler turns the events of one exposure (one user, one item, one time it was
// shown) into a label per head. It is immutable and safe for concurrent use.
type Labeler struct {
	name, version string
	heads         []string
	kinds         []string
	rules         [][]rule // per head
}

// rule is a [Rule] ready to be tried.
type rule struct {
	kind           int // in kinds; -1: any
	bounded        bool
	atLeast, below float64
	label          float32
	value          bool
	transform      op
}

// NewLabeler returns the labeler that c declares, or every mistake of c, joined. It keeps nothing of c.
func NewLabeler(c LabelConfig) (*Labeler, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	l := &Labeler{name: c.Name, version: digest(c.Version, c.canonical()), kinds: c.kinds()}
	for i := range c.Heads {
		l.heads = append(l.heads, c.Heads[i].Head)
		var rules []rule
		for _, r := range c.Heads[i].Rules {
			ready := rule{
				kind:    slices.Index(l.kinds, r.Kind),
				bounded: r.AtLeast != nil || r.Below != nil,
				atLeast: math.Inf(-1), below: math.Inf(1),
				label: float32(r.Label), value: r.Value, transform: r.Transform.op(),
			}
			if r.AtLeast != nil {
				ready.atLeast = *r.AtLeast
			}
			if r.Below != nil {
				ready.below = *r.Below
			}
			if r.Unknown {
				ready.label = unknown()
			}
			rules = append(rules, ready)
		}
		l.rules = append(l.rules, rules)
	}
	return l, nil
}

// Name returns the declared name.
func (l *Labeler) Name() string { return l.name }

// Version returns the declared version and a hash of the whole configuration; see [Objective.Version].
func (l *Labeler) Version() string { return l.version }

// Heads returns the names of the heads, in the order of the labels. The slice is
// the same every time and read-only.
func (l *Labeler) Heads() []string { return l.heads }

// Labels writes the labels of one exposure into dst, one per head: NaN where the
// events, in any order, do not tell. No events give all NaN. A kind that no rule
// names matters to [AnyKind] alone. An infinite value counts as unknown, and so does
// a value label beyond the range of float32.
//
// A dst of another length than Heads() is an error that wraps [ErrShape]. It allocates nothing.
func (l *Labeler) Labels(dst []float32, events []Event) error {
	return LabelsOf(l, dst, events, func(e Event) Event { return e })
}

// LabelsOf is [Labeler.Labels] for events of another type, which as maps:
//
//	objective.LabelsOf(l, dst, feedback, func(f recsys.Feedback) objective.Event {
//		return objective.Event{Kind: f.Kind.String(), Value: float64(f.Value)}
//	})
func LabelsOf[E any](l *Labeler, dst []float32, events []E, as func(E) Event) error {
	if len(dst) != len(l.heads) {
		return fmt.Errorf("%w: Labels got room for %d labels; want %d", ErrShape, len(dst), len(l.heads))
	}
	var t tally
	for i := range events {
		t.add(l.kinds, as(events[i]))
	}
	for h := range dst {
		dst[h] = t.label(l.rules[h])
	}
	return nil
}

// LabelRows writes the labels of many exposures into dst, row-major, rows x
// len(Heads()): the events of row i are events[starts[i]:starts[i+1]], so that there are
// len(starts)-1 rows. starts does not decrease and stays within events; otherwise, and for
// a wrong length of dst, the error wraps [ErrShape] and nothing is written.
func (l *Labeler) LabelRows(dst []float32, events []Event, starts []int) error {
	rows := max(len(starts)-1, 0)
	if len(dst) != rows*len(l.heads) {
		return fmt.Errorf("%w: LabelRows got room for %d labels; want %d rows of %d",
			ErrShape, len(dst), rows, len(l.heads))
	}
	for i, at := range starts {
		if at < 0 || at > len(events) || i > 0 && at < starts[i-1] {
			return fmt.Errorf("%w: starts[%d] is %d; want not less than the one before and 0 to %d",
				ErrShape, i, at, len(events))
		}
	}
	n := len(l.heads)
	for i := range rows {
		if err := l.Labels(dst[i*n:(i+1)*n], events[starts[i]:starts[i+1]]); err != nil {
			return err
		}
	}
	return nil
}

// tally is what the rules see of one exposure: which kinds came, and their sums.
type tally struct {
	any  bool
	came uint64
	sums [maxKinds]float64
}

func (t *tally) add(kinds []string, e Event) {
	t.any = true
	k := slices.Index(kinds, e.Kind)
	if k < 0 {
		return
	}
	t.came |= 1 << uint(k)
	if math.IsInf(e.Value, 0) {
		e.Value = math.NaN()
	}
	t.sums[k] += e.Value
}

// label returns what the first satisfied rule says.
func (t *tally) label(rules []rule) float32 {
	for i := range rules {
		r := &rules[i]
		if r.kind < 0 {
			if t.any {
				return r.label
			}
			continue
		}
		if t.came>>uint(r.kind)&1 == 0 {
			continue
		}
		sum := t.sums[r.kind]
		if r.bounded && !(sum >= r.atLeast && sum < r.below) {
			continue
		}
		if !r.value {
			return r.label
		}
		v := float32(r.transform.apply(sum))
		if math.IsInf(float64(v), 0) {
			return unknown()
		}
		return v
	}
	return unknown()
}

func unknown() float32 { return float32(math.NaN()) }
