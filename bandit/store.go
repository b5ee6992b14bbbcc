package bandit

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/recsyskit/recsys"
)

// store is the state that all bindings of a policy share.
type store struct {
	cfg Config

	mu       sync.RWMutex
	alg      Algorithm // as it was bound last
	spec     spec      // of alg
	segments map[uint64]learner
	cold     learner // what an unknown segment knows; never written
	memory   memory
	latest   int64 // event time, Unix nanoseconds
	timed    bool  // latest is set
	stats    Stats
	step     outcome // what is being learned

	watch  func(*Change) // see Policy.Watch; nil: nobody
	change Change        // its argument
}

func newStore(alg Algorithm, cfg Config) *store {
	st := &store{cfg: cfg, alg: alg, spec: alg.spec(), segments: map[uint64]learner{}, cold: alg.newLearner()}
	st.memory.open(cfg.Retention)
	return st
}

// bind takes the bound algorithm, from which new segments are made.
func (st *store) bind(alg Algorithm) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if have := st.alg.spec().version; have != alg.spec().version {
		return fmt.Errorf("bandit: the policy is bound as %q already, and cannot be %q", have, alg.spec().version)
	}
	if old, ok := st.alg.(contextual); ok && old.columns() != nil && old.columns().dim != alg.(contextual).columns().dim {
		return fmt.Errorf("bandit: the policy is bound to %d features already, and cannot be to %d", old.columns().dim, alg.(contextual).columns().dim)
	}
	st.alg, st.spec = alg, alg.spec()
	if len(st.segments) == 0 {
		st.cold = alg.newLearner()
	}
	return nil
}

// look lets v read the state of a segment.
func (st *store) look(v *view, segment uint64) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	l, ok := st.segments[segment]
	if !ok {
		l = st.cold
	}
	_, reads := st.alg.(contextual)
	if !reads && v.current(l, st.stats.Version) {
		return // a view that is used again for the same arms: what was prepared for them still holds
	}
	l.look(v)
	v.fresh = true
	v.last.learner, v.last.version, v.last.arms = l, st.stats.Version, append(v.last.arms[:0], v.arms...)
}

// learnerOf returns the learner of a segment, a new one if need be.
func (st *store) learnerOf(segment uint64) learner {
	l, ok := st.segments[segment]
	if !ok {
		l = st.alg.newLearner()
		st.segments[segment] = l
	}
	return l
}

// remember keeps the decision that v has made.
func (st *store) remember(q *recsys.Query, c *recsys.Candidates, s *recsys.Slate, v *view, segment uint64) {
	rows := s.Rows()
	if len(rows) == 0 {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	d := st.admit(q.ID)
	if d == nil {
		st.tellDecision(q.ID, nil)
		return
	}
	d.at, d.segment = nano(q.Now), segment
	for _, row := range rows {
		d.items = append(d.items, c.IDs()[row])
	}
	d.arms = append(d.arms, v.pickArms...)
	d.props = append(d.props, v.pickProps...)
	d.choices = append(d.choices, v.pickChoices...)
	d.x = append(d.x, v.pickX...)
	st.await(d)
	st.tellDecision(d.id, d)
}

// admit returns the memory for a new decision, or nil if the ID is known. The oldest decision may go.
func (st *store) admit(id string) *pending {
	if _, known := st.memory.index[id]; known {
		st.stats.Repeated++
		return nil
	}
	d, evicted := st.memory.next()
	if evicted {
		st.evict(d)
	}
	d.reset(id)
	d.number = st.memory.count
	st.memory.index[id] = d.slot
	return d
}

// await readies the places of a decision for feedback.
func (st *store) await(d *pending) {
	n := len(d.items)
	d.total, d.ticks, d.state = zeros(d.total, n), zeros(d.ticks, n), zeros(d.state, n)
	d.waiting, d.end = n, n
	st.memory.waiting += n
	st.stats.Decisions++
	if st.cfg.Window >= 0 {
		st.memory.due(d)
	}
}

// evict settles what still waits in the oldest decision, which makes room.
func (st *store) evict(d *pending) {
	st.stats.Evicted++
	if st.cfg.Window >= 0 {
		st.settleAll(d)
	}
	st.memory.waiting -= d.waiting
	delete(st.memory.index, d.id)
}

// nano returns Unix nanoseconds, 0 for the zero time; a time out of their range is at its end.
func nano(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case nanoFits(t):
		return t.UnixNano()
	case t.Year() < 1970:
		return math.MinInt64
	}
	return math.MaxInt64
}

func nanoFits(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1678 && year <= 2261
}
