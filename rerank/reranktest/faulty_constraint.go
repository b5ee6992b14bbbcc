package reranktest

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/recsyskit/recsys"
)

// The constraints below break one rule each; see the faulty re-rankers.
type (
	// Admitting sets all bits.
	Admitting struct{}
	// Lax forbids nothing.
	Lax struct{}
	// Strict forbids everything, once a row is picked.
	Strict struct{}
	// ScribblingConstraint writes into the slate and the utilities.
	ScribblingConstraint struct{}
	// PanickingConstraint panics.
	PanickingConstraint struct{}
	// CarelessConstraint panics when the table is empty.
	CarelessConstraint struct{}
)

// Lying wraps a constraint that re-admits rows, and says that it is hereditary.
type Lying struct{ Constraint recsys.Constraint }

// StatefulConstraint forbids everything in every second call.
type StatefulConstraint struct{ calls atomic.Int64 }

// CrosstalkConstraint keeps the slate of a call where concurrent calls keep theirs,
// and forbids the rows after the newest pick that it reads back.
type CrosstalkConstraint struct {
	mu    sync.Mutex
	slate []int32
}

var (
	_ recsys.Constraint                = Admitting{}
	_ recsys.Constraint                = Lax{}
	_ recsys.Constraint                = Strict{}
	_ recsys.Constraint                = ScribblingConstraint{}
	_ recsys.Constraint                = PanickingConstraint{}
	_ recsys.Constraint                = CarelessConstraint{}
	_ recsys.Constraint                = Lying{}
	_ recsys.Hereditary                = Lying{}
	_ recsys.Binder[recsys.Constraint] = Lying{}
	_ recsys.Constraint                = (*StatefulConstraint)(nil)
	_ recsys.Constraint                = (*CrosstalkConstraint)(nil)
)

// Restrict sets all bits.
func (Admitting) Restrict(c *recsys.Candidates, _ int, _ []int32, admissible recsys.Bits) {
	admissible.SetFirst(c.Len())
}

// Restrict does nothing.
func (Lax) Restrict(*recsys.Candidates, int, []int32, recsys.Bits) {}

// Restrict clears all bits once a row is picked.
func (Strict) Restrict(_ *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	if len(slate) > 0 {
		admissible.Reset()
	}
}

// Restrict writes into the slate and the utilities.
func (ScribblingConstraint) Restrict(c *recsys.Candidates, _ int, slate []int32, _ recsys.Bits) {
	slices.Reverse(slate)
	for i := range c.Utility() {
		c.Utility()[i] = 42
	}
}

// Restrict panics.
func (PanickingConstraint) Restrict(*recsys.Candidates, int, []int32, recsys.Bits) {
	panic("reranktest: this constraint panics")
}

// Restrict panics when the table is empty.
func (CarelessConstraint) Restrict(c *recsys.Candidates, _ int, _ []int32, _ recsys.Bits) {
	_ = c.IDs()[0]
}

// Bind binds the constraint inside.
func (l Lying) Bind(s *recsys.Schema) (recsys.Constraint, error) {
	inner, err := recsys.Bind(l.Constraint, s)
	return Lying{inner}, err
}

// Restrict does what the constraint inside does.
func (l Lying) Restrict(c *recsys.Candidates, k int, slate []int32, admissible recsys.Bits) {
	l.Constraint.Restrict(c, k, slate, admissible)
}

// Hereditary returns true.
func (Lying) Hereditary() bool { return true }

// Restrict clears all bits in every second call.
func (s *StatefulConstraint) Restrict(_ *recsys.Candidates, _ int, _ []int32, admissible recsys.Bits) {
	if s.calls.Add(1)%2 == 0 {
		admissible.Reset()
	}
}

// Restrict keeps the slate where other calls keep theirs, lets them run, and reads it back.
func (x *CrosstalkConstraint) Restrict(c *recsys.Candidates, _ int, slate []int32, admissible recsys.Bits) {
	x.mu.Lock()
	x.slate = slices.Clone(slate)
	x.mu.Unlock()
	for range 20 {
		runtime.Gosched()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.slate) > 0 {
		for i := int(x.slate[len(x.slate)-1]); i < c.Len(); i++ {
			admissible.Clear(i)
		}
	}
}
