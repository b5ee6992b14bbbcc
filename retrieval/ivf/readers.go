package ivf

import (
	"math"
	"sync"
	"sync/atomic"
)

// readers lets a writer know when no search can see a row any more.
//
// A search pins the epoch that it starts in before it loads the state. A writer that takes
// a row out of the state tags the row with the epoch and begins a new one; the row may
// hold another vector when no search has an epoch up to the tag pinned. A search that a
// writer has not seen pin yet loads the state later than the writer stored it, and does
// not find the row in it.
//
// Source: Fraser, "Practical lock-freedom", University of Cambridge 2004, section 5.2.3.
type readers struct {
	epoch atomic.Uint64

	mu   sync.Mutex
	idle []*scratch
	all  []*scratch
}

// enter returns scratch memory for a search, and pins the epoch until leave.
func (r *readers) enter() *scratch {
	r.mu.Lock()
	var s *scratch
	if n := len(r.idle); n > 0 {
		s, r.idle = r.idle[n-1], r.idle[:n-1]
	} else {
		s = new(scratch)
		r.all = append(r.all, s)
	}
	r.mu.Unlock()
	s.pinned.Store(r.epoch.Load() + 1)
	return s
}

// leave gives the scratch memory back, without what the options referred to.
func (r *readers) leave(s *scratch) {
	s.gate.Close()
	s.pinned.Store(0)
	r.mu.Lock()
	r.idle = append(r.idle, s)
	r.mu.Unlock()
}

// retire begins a new epoch and returns the old one, as the tag of what was taken out.
func (r *readers) retire() uint64 { return r.epoch.Add(1) }

// oldest returns a bound: whatever has a tag below it is not seen any more.
func (r *readers) oldest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := uint64(math.MaxUint64)
	for _, s := range r.all {
		if p := s.pinned.Load(); p != 0 {
			oldest = min(oldest, p)
		}
	}
	return oldest
}
