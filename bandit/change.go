package bandit

import (
	"errors"
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
)

// ChangeKind says what a [Change] is.
type ChangeKind uint8

// The kinds of changes. All that changes what a [Policy] knows is a sequence of these.
const (
	ChangeDecision ChangeKind = iota + 1 // a slate was decided: Change.Decision
	ChangeFeedback                       // feedback came, whatever became of it: Change.Feedback
	ChangeAdvance                        // event time came to Change.Now; the end of every Learn is one, too
	ChangeForget                         // Change.Arms were forgotten
)

// Change is one step of what a [Policy] knows. What the steps do depends on nothing but the policy's algorithm, its
// [Config] and the steps before: policies that start equal and go through the same changes in the same order are equal to the
// bit. See [Policy.Watch] and [Policy.Redo].
type Change struct {
	Kind     ChangeKind
	Decision Decision // without places if one of its ID was remembered: then it changed nothing but a count
	Feedback recsys.Feedback
	Now      int64 // Unix nanoseconds
	Arms     []uint64
}

// Watch has tell called with every change from now on, in the order in which they take effect, whichever binding of the
// policy makes them: for journals. tell runs under the policy's lock, so it must be quick and must not call the policy. The
// change and its slices are the policy's memory, valid during the call; tell must not write to them. nil ends
// it; a policy that is watched already is an error, and its ReadFrom fails.
func (p *Policy) Watch(tell func(*Change)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if tell != nil && p.watch != nil {
		return errWatched
	}
	p.watch = tell
	return nil
}

var errWatched = errors.New("bandit: the policy is watched already, by a journal perhaps")

// Redo makes a change that Watch has told, of this policy or of one like it. Doubled changes are recognized as
// far as the policy remembers: decisions by their request, feedback as in Learn. Feedback that
// Learn refused is refused again, which is no error. The error says what is impossible about c, which
// then changes nothing. It keeps no reference to c.
func (p *Policy) Redo(c *Change) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.store
	switch c.Kind {
	case ChangeDecision:
		return st.redo(&c.Decision)
	case ChangeFeedback:
		_ = st.hear(&c.Feedback, 0, &st.spec) // counted
	case ChangeAdvance:
		st.advance(c.Now)
	case ChangeForget:
		st.forget(c.Arms)
	default:
		return fmt.Errorf("bandit: change of the unknown kind %d", c.Kind)
	}
	return nil
}

func (st *store) redo(x *Decision) error {
	n := len(x.Items)
	switch {
	case n != len(x.Arms) || n != len(x.Propensities) || n != len(x.Choices) || n == 0 && len(x.Context) > 0 || n > 0 && len(x.Context)%n != 0:
		return fmt.Errorf("bandit: Redo: decision %q has %d items, %d arms, %d propensities, %d choices and %d numbers of context",
			x.ID, n, len(x.Arms), len(x.Propensities), len(x.Choices), len(x.Context))
	case !finite(x.Context):
		return fmt.Errorf("bandit: Redo: decision %q has a context that is not finite", x.ID)
	case n == 0 && st.memory.find(x.ID) == nil:
		return fmt.Errorf("bandit: Redo: decision %q has no places, and none before it had its ID", x.ID)
	}
	if err := checkChances(x.Propensities, x.Choices); err != nil {
		return fmt.Errorf("bandit: Redo: decision %q: %w", x.ID, err)
	}
	st.recall(x)
	return nil
}

// Bound reports whether the policy reads no columns or knows which they are: whether Explore and ReadFrom can do their
// work. See [Policy.Bind].
func (p *Policy) Bound() bool { return p.bound }

// tellDecision tells of d, or, if that is nil, of a decision that was there already.
func (st *store) tellDecision(id string, d *pending) {
	if st.watch == nil {
		return
	}
	c := &st.change
	c.Kind, c.Decision = ChangeDecision, Decision{ID: id}
	if d != nil {
		c.Decision = Decision{
			ID: id, Time: time.Unix(0, d.at).UTC(), Segment: d.segment, Items: d.items, Arms: d.arms,
			Propensities: d.props, Choices: d.choices, Context: d.x,
		}
	}
	st.watch(c)
}

// hear is take that tells of it.
func (st *store) hear(f *recsys.Feedback, index int, spec *spec) error {
	if st.watch != nil {
		c := &st.change
		c.Kind, c.Feedback = ChangeFeedback, *f
		st.watch(c)
	}
	err := st.take(f, index, spec)
	if err != nil {
		st.stats.Rejected++
	}
	return err
}
