package bandit

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// linear is the [learner] of the algorithms over a [LinearModel]: a regression for each arm, or one for all.
type linear struct {
	layout   *layout
	ridge    RidgeConfig
	logistic bool
	draws    int     // of the shared θ; 0: none are asked for
	v        float64 // their scale

	shared *Ridge
	own    map[uint64]*Ridge
	clock  float64 // observations
	made   uint64  // regressions of arms so far

	// The shared posterior is drawn from when it is first read after a change. Readers run beside each other, so they take
	// turns.
	mu       sync.Mutex
	changes  uint64
	drawn    uint64 // changes+1 at the time
	ensemble ensemble
}

func newLinear(m LinearModel, logistic bool) *linear {
	l := &linear{layout: m.layout, ridge: m.Ridge, logistic: logistic, own: map[uint64]*Ridge{}}
	if m.Shared && m.layout != nil {
		l.shared = l.fresh()
	}
	return l
}

func (l *linear) fresh() *Ridge {
	return &Ridge{cfg: l.ridge.filled(l.layout.dim), dim: l.layout.dim, logistic: l.logistic}
}

func (l *linear) look(v *view) {
	x := contextsOf(v)
	x.read(v.columns, v)
	v.t = l.clock
	lambda := l.ridge.filled(l.layout.dim).Lambda
	for i, arm := range v.arms {
		m := l.shared
		if m == nil {
			m = l.own[arm]
		}
		if at := x.row(i); m != nil {
			x.mean[i], x.variance[i] = m.moments(at)
		} else {
			x.mean[i], x.variance[i] = 0, simd.Dot64(at, at)/lambda
		}
	}
	if l.draws > 0 {
		l.mu.Lock()
		if l.drawn != l.changes+1 {
			l.ensemble.draw(l.shared, l.v, l.draws, l.changes)
			l.drawn = l.changes + 1
		}
		l.mu.Unlock()
		x.joint.read(&l.ensemble, x, len(v.rows), l.draws)
	}
}

func (l *linear) model(arm uint64) *Ridge {
	if l.shared != nil {
		return l.shared
	}
	m := l.own[arm]
	if m == nil {
		m = l.fresh()
		l.made++
		m.made = l.made
		l.own[arm] = m
	}
	return m
}

// A tick is the number of the regression, in the upper half, and of its observation.
const tickBits = 32

// add never fails: features are finite, and so are rewards. What is too large for float64 changes nothing.
func (l *linear) add(o *outcome) {
	if len(o.x) != l.layout.dim {
		return // a decision that was restored from a state of other features
	}
	if m := l.own[o.arm]; l.shared == nil && o.count == 0 && (m == nil || m.made != o.tick>>tickBits) {
		return // the arm was forgotten meanwhile
	}
	var buf padding
	m, x := l.model(o.arm), buf.pad(o.x)
	l.clock += o.count
	l.changes++
	if o.count > 0 {
		if l.logistic {
			_ = m.updateLogit(x, o.reward, 1)
		} else {
			_ = m.update(x, o.reward, 1)
		}
		o.tick = m.made<<tickBits | uint64(m.count)
		return
	}
	weight := 1.0
	if age := m.count - int64(o.tick&(1<<tickBits-1)); m.cfg.Decay < 1 && age > 0 {
		weight = fmath.Pow(m.cfg.Decay, float64(age))
	}
	_ = m.correct(x, o.reward, weight) // nothing is taken back: a Cascade has no features
}

func (l *linear) forget(arm uint64) { delete(l.own, arm) }

// arms counts the regressions that something is known in.
func (l *linear) arms() int {
	if l.shared != nil {
		return int(min(l.shared.count, 1))
	}
	return len(l.own)
}

func (l *linear) save(e *encoder) {
	e.float(l.clock)
	e.uint(l.changes)
	e.uint(l.made)
	if l.shared != nil {
		l.shared.save(e)
		return
	}
	arms := slices.Sorted(maps.Keys(l.own))
	e.uint(uint64(len(arms)))
	for _, arm := range arms {
		e.uint(arm)
		l.own[arm].save(e)
	}
}

var errLinear = errors.New("a regression is not that of the features, or holds numbers that cannot be")

func (l *linear) load(d *decoder) {
	if l.layout == nil {
		d.fail(errUnbound)
		return
	}
	l.clock, l.changes, l.made = d.float(), d.uint(), d.uint()
	if !isFinite(l.clock) {
		d.fail(errLinear)
	}
	if l.shared != nil {
		l.shared.load(d)
		return
	}
	last := uint64(0)
	for i := range d.length() {
		arm, m := d.uint(), l.fresh()
		m.load(d)
		if i > 0 && arm <= last {
			d.fail(errLinear)
		}
		last = arm
		if d.err != nil {
			return
		}
		l.own[arm] = m
	}
}

// save writes all that a regression knows; its configuration is the policy's.
func (m *Ridge) save(e *encoder) {
	e.uint(uint64(m.dim))
	e.uint(m.made)
	e.uint(uint64(m.count))
	e.uint(uint64(m.since))
	e.uint(uint64(m.turn))
	e.floats(m.theta)
	e.floats(m.moment)
	e.floats(m.inverse)
	e.floats(m.gram)
}

func (m *Ridge) load(d *decoder) {
	dim, made, count, since, turn := d.uint(), d.uint(), d.uint(), d.uint(), d.uint()
	theta, moment, inverse, gram := d.floats(), d.floats(), d.floats(), d.floats()
	if d.err != nil {
		return
	}
	if dim != uint64(m.dim) {
		d.fail(errLinear)
		return
	}
	m.made = made
	n, size := simd.SymPadded(m.dim), simd.SymLen(m.dim)
	if len(theta)+len(moment)+len(inverse)+len(gram) == 0 && count == 0 && since == 0 && turn == 0 {
		return
	}
	if len(theta) != n || len(moment) != n || len(inverse) != size || len(gram) != size ||
		count > 1<<62 || since > count || turn >= uint64(m.dim) || !finite(theta, moment, inverse, gram) {
		d.fail(errLinear)
		return
	}
	m.count, m.since, m.turn = int64(count), int(since), int(turn)
	m.theta, m.moment, m.inverse, m.gram = theta, moment, inverse, gram
}
