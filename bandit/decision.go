package bandit

import (
	"fmt"
	"time"

	"github.com/recsyskit/recsys"
)

// Decision is what a [Policy] remembers of a slate that it chose, until feedback comes: enough to journal it and to
// give it to the policy again. The lists have one entry per place, in order.
type Decision struct {
	ID      string // of the request
	Time    time.Time
	Segment uint64 // value of the column Config.Segment, 0 without one

	Items []recsys.ItemID
	Arms  []uint64 // the items, or values of the column Config.Arm

	// Propensities are of the arms: where several rows of one arm could come, more than was logged for the row.
	Propensities []float64
	Choices      []int32 // arms that could come at the place

	// Context holds what the algorithm remembers of its features, place by place, equally long each; empty for algorithms
	// without features.
	Context []float64
}

// Decision copies the remembered decision of an ID to dst, in dst's memory where that is large enough, and reports whether there is
// one. Feedback that has come for it is not part of it.
func (p *Policy) Decision(id string, dst *Decision) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	d := p.memory.find(id)
	if d == nil {
		return false
	}
	dst.ID, dst.Segment, dst.Time = d.id, d.segment, time.Unix(0, d.at).UTC()
	dst.Items, dst.Arms = append(dst.Items[:0], d.items...), append(dst.Arms[:0], d.arms...)
	dst.Propensities, dst.Choices = append(dst.Propensities[:0], d.props...), append(dst.Choices[:0], d.choices...)
	dst.Context = append(dst.Context[:0], d.x...)
	return true
}

// Remember takes a decision as if Explore had just made it, for example from a journal, and reports whether it is new: one whose ID is
// remembered changes nothing. d is copied. The error names what is wrong with d.
func (p *Policy) Remember(d *Decision) (bool, error) {
	n := len(d.Items)
	if n == 0 || len(d.Arms) != n || len(d.Propensities) != n || len(d.Choices) != n || len(d.Context)%n != 0 {
		return false, fmt.Errorf("bandit: Remember: decision %q has %d items, %d arms, %d propensities, %d choices and %d numbers of context",
			d.ID, n, len(d.Arms), len(d.Propensities), len(d.Choices), len(d.Context))
	}
	if err := checkChances(d.Propensities, d.Choices); err != nil {
		return false, fmt.Errorf("bandit: Remember: decision %q: %w", d.ID, err)
	}
	if !finite(d.Context) {
		return false, fmt.Errorf("bandit: Remember: decision %q has a context that is not finite", d.ID)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.recall(d), nil
}

// checkChances returns an error that names the first place whose numbers cannot be: [EXP3] divides by them.
func checkChances(props []float64, choices []int32) error {
	for i, x := range props {
		if !(x > 0 && x <= 1) || choices[i] < 1 {
			return fmt.Errorf("place %d has propensity %v among %d choices; want a number of (0, 1] among at least 1", i, x, choices[i])
		}
	}
	return nil
}

// recall remembers d as it is, and reports whether it is new.
func (st *store) recall(d *Decision) bool {
	x := st.admit(d.ID)
	if x == nil {
		st.tellDecision(d.ID, nil)
		return false
	}
	x.at, x.segment = nano(d.Time), d.Segment
	x.items, x.arms = append(x.items, d.Items...), append(x.arms, d.Arms...)
	x.props, x.choices = append(x.props, d.Propensities...), append(x.choices, d.Choices...)
	x.x = append(x.x, d.Context...)
	st.await(x)
	st.tellDecision(x.id, x)
	return true
}
