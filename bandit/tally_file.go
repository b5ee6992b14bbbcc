package bandit

import (
	"cmp"
	"errors"
	"slices"
)

// save writes the arms in ascending order, so that equal states have equal bytes.
func (l *tally) save(e *encoder) {
	order := make([]int32, 0, len(l.slots))
	for _, at := range l.slots {
		order = append(order, at)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(l.arm[a], l.arm[b]) })
	e.uint(l.clock)
	e.float(l.t)
	e.uint(uint64(len(order)))
	for _, at := range order {
		e.uint(l.arm[at])
		e.float(l.n[at])
		e.float(l.s[at])
		e.uint(l.at[at])
		e.uint(l.born[at])
	}
	e.uint(uint64(len(l.ring)))
	for _, x := range l.ring {
		e.uint(x.arm)
		e.float(x.count)
		e.float(x.reward)
	}
}

var errTally = errors.New("counts of arms contradict each other")

func (l *tally) load(d *decoder) {
	l.clock, l.t = d.uint(), d.float()
	if !finite([]float64{l.t}) {
		d.fail(errTally)
	}
	for range d.length() {
		arm, n, s, at, born := d.uint(), d.float(), d.float(), d.uint(), d.uint()
		_, doubled := l.slots[arm]
		if d.err == nil && (doubled || at > l.clock || born > l.clock || !finite([]float64{n, s})) {
			d.fail(errTally)
		}
		if d.err != nil {
			return
		}
		l.slots[arm] = int32(len(l.arm))
		l.arm, l.n, l.s = append(l.arm, arm), append(l.n, n), append(l.s, s)
		l.at, l.born = append(l.at, at), append(l.born, born)
	}
	ring := d.length()
	if d.err == nil && uint64(ring) != min(uint64(l.window), l.clock) {
		d.fail(errTally)
	}
	for range ring {
		x := sighting{d.uint(), d.float(), d.float()}
		if d.err == nil && !finite([]float64{x.count, x.reward}) {
			d.fail(errTally)
		}
		l.ring = append(l.ring, x)
	}
}
