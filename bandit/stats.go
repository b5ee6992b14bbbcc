package bandit

// Stats counts what a [Policy] has seen since New; [Policy.ReadFrom] restores the counts with the state.
type Stats struct {
	Version  uint64 // changes of what is learned: observations, corrections, forgotten arms
	Segments int    // segments that something is known of
	Arms     int    // arms that something is known of, over all segments

	Decisions  uint64 // decisions that were remembered
	Repeated   uint64 // decisions whose ID was remembered already; they changed nothing
	Evicted    uint64 // decisions that gave way to newer ones; see Config.Retention
	Remembered int    // decisions in memory
	Waiting    int    // shown items in memory without feedback so far

	Settled   uint64 // shown items that became an observation
	Expired   uint64 // of them, those that settled with reward 0 because the Window had passed
	Corrected uint64 // rewards changed after they had settled
	Unseen    uint64 // of a cascade: places or feedback below the first reward, which do not count

	Ignored   uint64 // feedback that Config.Reward does not count, or beyond 1,000 acts on one decision
	Doubled   uint64 // feedback that had come already
	Unmatched uint64 // feedback for a decision, or an item of one, that is not remembered
	Rejected  uint64 // feedback with a reward outside the domain
}

// Stats returns the counts as they are now. It costs a pass over the segments.
func (p *Policy) Stats() Stats {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.stats
	s.Segments, s.Remembered, s.Waiting = len(p.segments), len(p.memory.ring), p.memory.waiting
	for _, l := range p.segments {
		s.Arms += l.arms()
	}
	return s
}

// Forget drops what is known of arms in all segments; an arm is an item ID, or a value of the column
// [Config].Arm. If it comes again it is cold. Decisions that wait for feedback are kept.
func (p *Policy) Forget(arms ...uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.segments {
		for _, a := range arms {
			l.forget(a)
		}
	}
	p.stats.Version++
}
