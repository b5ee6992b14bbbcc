package bandit

import (
	"github.com/recsyskit/recsys/internal/fmath"
)

// tally counts observations and rewards per arm: what every context-free algorithm learns.
//
// With a decay γ an observation that was followed by k others of the segment weighs γ^k. The sums of
// an arm are brought up to date when it is touched or read. With a window the last observations count and
// the others do not.
type tally struct {
	decay  float64 // 1: none
	window int     // 0: none

	slots map[uint64]int32
	arm   []uint64
	n, s  []float64
	at    []uint64 // clock at which n and s hold
	born  []uint64 // clock at which the arm came: corrections of what was before have no meaning
	free  []int32

	clock uint64  // observations so far
	t     float64 // their weight
	ring  []sighting
}

// sighting is an observation in the window; observation number k, from 1, stands at (k-1) mod window.
type sighting struct {
	arm    uint64
	count  float64
	reward float64
}

func newTally(decay float64, window int) *tally {
	return &tally{decay: decay, window: window, slots: map[uint64]int32{}}
}

// factor is the weight of what happened when the clock stood at then.
func (l *tally) factor(then uint64) float64 {
	if l.decay == 1 || then == l.clock {
		return 1
	}
	return fmath.Pow(l.decay, float64(l.clock-then))
}

func (l *tally) look(v *view) {
	v.n, v.s = sized(v.n, len(v.arms)), sized(v.s, len(v.arms))
	for i, arm := range v.arms {
		v.n[i], v.s[i] = 0, 0
		if at, ok := l.slots[arm]; ok {
			w := l.factor(l.at[at])
			v.n[i], v.s[i] = float64(l.n[at]*w), float64(l.s[at]*w)
		}
	}
	v.t = l.t
}

func (l *tally) add(o *outcome) {
	weight := 1.0
	if o.count > 0 {
		l.clock++
		o.tick = l.clock
		l.t = float64(l.t*l.decay) + 1
		if l.window > 0 {
			l.see(o)
		}
	} else {
		if at, ok := l.slots[o.arm]; !ok || o.tick <= l.born[at] {
			return // the arm was forgotten since
		}
		weight = l.factor(o.tick)
		if l.window > 0 && !l.amend(o) {
			return // it has left the window, and nothing of it is left
		}
		l.t += float64(o.count * weight)
	}
	at := l.slot(o.arm)
	w := l.factor(l.at[at])
	l.n[at] = float64(l.n[at]*w) + float64(o.count*weight)
	l.s[at] = float64(l.s[at]*w) + float64(o.reward*weight)
	l.at[at] = l.clock
}

// see puts an observation into the window, in place of the one that leaves it.
func (l *tally) see(o *outcome) {
	x := sighting{o.arm, o.count, o.reward}
	if len(l.ring) < l.window {
		l.ring = append(l.ring, x)
		return
	}
	old := &l.ring[(l.clock-1)%uint64(l.window)]
	if at, ok := l.slots[old.arm]; ok {
		l.n[at] -= old.count
		l.s[at] -= old.reward
		if l.n[at] == 0 {
			l.s[at] = 0 // what rounding left
		}
	}
	l.t -= old.count
	*old = x
}

// amend changes an observation that is still in the window, and reports whether it was.
func (l *tally) amend(o *outcome) bool {
	if l.clock-o.tick >= uint64(l.window) {
		return false
	}
	x := &l.ring[(o.tick-1)%uint64(l.window)]
	x.count += o.count
	x.reward += o.reward
	return true
}

// slot returns where an arm stands; a new one starts at 0.
func (l *tally) slot(arm uint64) int32 {
	at, ok := l.slots[arm]
	if ok {
		return at
	}
	if k := len(l.free); k > 0 {
		at, l.free = l.free[k-1], l.free[:k-1]
		l.arm[at] = arm
	} else {
		at = int32(len(l.arm))
		l.arm, l.n, l.s = append(l.arm, arm), append(l.n, 0), append(l.s, 0)
		l.at, l.born = append(l.at, 0), append(l.born, 0)
	}
	l.n[at], l.s[at], l.at[at], l.born[at] = 0, 0, l.clock, l.clock-1 // the clock ticks before the first observation
	l.slots[arm] = at
	return at
}

func (l *tally) forget(arm uint64) {
	at, ok := l.slots[arm]
	if !ok {
		return
	}
	delete(l.slots, arm)
	l.n[at], l.s[at] = 0, 0
	l.free = append(l.free, at)
	for i := range l.ring {
		if x := &l.ring[i]; x.arm == arm {
			l.t -= x.count
			x.count, x.reward = 0, 0
		}
	}
}

func (l *tally) arms() int { return len(l.slots) }
