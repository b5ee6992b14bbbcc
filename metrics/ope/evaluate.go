package ope

import (
	"context"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/parallel"
)

// Evaluate estimates the value of the target policy from a log, with every estimator in one
// pass. Without estimators it takes [SNIPS], and [DR] if the log has a model. The result does
// not depend on Options.Workers.
//
// Errors: [ErrEmpty], [ErrDeterministic]; a [*FieldError] for a field that is missing, out of
// range or of another length than the rest; a [*RowError] for the first row with a value outside
// its domain. Rewards and models must be finite, propensities in (0, 1], probabilities in
// [0, 1]; that those of a context sum to 1 is checked for estimators with a model.
//
// The memory is that of the estimators, plus 8 bytes per row with Options.Tails, 8 per context
// where Log.Context is set, and one byte per action.
func Evaluate[F Float](log Log[F], opt Options, estimators ...Estimator) (Report, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Report{}, err
	}
	if len(estimators) == 0 {
		estimators = []Estimator{SNIPS()}
		if log.Model != nil {
			estimators = append(estimators, DR())
		}
	}
	if err := log.check(estimators); err != nil {
		return Report{}, err
	}
	for _, e := range estimators {
		if err := e.checkInterval(opt.Interval); err != nil {
			return Report{}, err
		}
	}
	total, err := reduce(&log, opt, estimators)
	if err != nil {
		return Report{}, err
	}
	return total.report(opt), nil
}

// worker is the memory of one goroutine.
type worker struct {
	block block
	work  *work
}

// reduce returns the sums over the whole log. Chunks are reduced in parallel, a few at a time,
// and merged in order.
func reduce[F Float](log *Log[F], opt Options, estimators []Estimator) (*state, error) {
	n := len(log.Reward)
	const chunkRows = blockRows * chunkBlocks
	chunks := (n + chunkRows - 1) / chunkRows
	opt.Workers = min(opt.Workers, chunks)
	total := newState(estimators, opt)
	src := newSource(log, total.needs)
	first := Row{Reward: float64(log.Reward[0])}
	if total.needs.model {
		if err := log.bad(0, total.needs); err != nil {
			return nil, err
		}
		first.Model = float64(log.Model[log.at(0)+int(log.Action[0])])
	}
	pivots := [2]float64{first.Reward, first.Reward - first.Model}

	workers := make([]worker, opt.Workers)
	for i := range workers {
		workers[i].work = newWork(estimators)
	}
	wave := make([]*state, min(chunks, 4*opt.Workers))
	for i := range wave {
		wave[i] = newState(estimators, opt)
	}
	errs := make([]error, len(wave))
	for c := 0; c < chunks; c += len(wave) {
		_ = parallel.Each(context.Background(), opt.Workers, min(len(wave), chunks-c), func(w, i int) {
			lo := (c + i) * chunkRows
			errs[i] = workers[w].chunk(wave[i], src, lo, min(lo+chunkRows, n), pivots)
		})
		for i := range min(len(wave), chunks-c) {
			if errs[i] != nil {
				return nil, errs[i]
			}
			total.merge(wave[i])
			wave[i].reset()
		}
	}
	total.untaken, total.untakenN = src.untaken()
	return total, nil
}

// filler fills blocks; it is a [source] of either type of number.
type filler interface {
	fill(b *block, lo, hi int) error
}

// chunk reduces rows lo to hi.
func (w *worker) chunk(s *state, src filler, lo, hi int, pivots [2]float64) error {
	for ; lo < hi; lo += blockRows {
		if err := src.fill(&w.block, lo, min(lo+blockRows, hi)); err != nil {
			return err
		}
		s.add(&w.block, w.work, pivots)
	}
	return nil
}

// source turns a log into blocks. It is safe for concurrent use.
type source[F Float] struct {
	log    *Log[F]
	needs  needs
	direct []float64 // by context, where contexts may repeat; NaN where it is not defined
}

func newSource[F Float](log *Log[F], n needs) *source[F] {
	s := &source[F]{log: log, needs: n}
	if n.model && log.Context != nil {
		s.direct = make([]float64, log.contexts())
		for c := range s.direct {
			at := c * log.Actions
			s.direct[c] = direct(log.Target[at:at+log.Actions], log.Model[at:at+log.Actions])
		}
	}
	return s
}

// fill puts rows lo to hi into b.
func (s *source[F]) fill(b *block, lo, hi int) error {
	l := s.log
	b.first, b.n, b.unsupported = lo, hi-lo, 0
	for _, fill := range []func(b *block) int{s.fillTargets, s.fillWeights, s.fillModel, s.fillLoggers, s.fillSupport} {
		if i := fill(b); i >= 0 {
			err := l.bad(lo+i, s.needs)
			if err == nil { // finite values whose sum is not
				err = &RowError{lo + i, "Model", math.Inf(1), "values whose mean does not overflow"}
			}
			return err
		}
	}
	return nil
}

// fillTargets fills the target's probabilities of the logged actions. It is a loop of its own
// since nearly every load misses the caches: the shorter the loop, the more of them are under
// way at a time. It returns the first row that it refuses, -1 if there is none.
func (s *source[F]) fillTargets(b *block) int {
	l := s.log
	action := l.Action[b.first : b.first+b.n]
	targets := b.target[:len(action)]
	actions := l.Actions
	if l.Context == nil {
		table := l.Target[b.first*actions : (b.first+b.n)*actions]
		at := 0
		for i, a := range action {
			k := at + int(a)
			if uint(a) >= uint(actions) || uint(k) >= uint(len(table)) {
				return i
			}
			targets[i] = float64(table[k])
			at += actions
		}
		return -1
	}
	contexts := len(l.Target) / actions
	for i, c := range l.Context[b.first : b.first+b.n] {
		if uint(c) >= uint(contexts) || uint(action[i]) >= uint(actions) {
			return i
		}
		targets[i] = float64(l.Target[int(c)*actions+int(action[i])])
	}
	return -1
}

// fillWeights fills what every estimator needs.
func (s *source[F]) fillWeights(b *block) int {
	l := s.log
	lo, hi := b.first, b.first+b.n
	reward, propensity := l.Reward[lo:hi], l.Propensity[lo:hi]
	propensity, targets := propensity[:len(reward)], b.target[:len(reward)]
	rewards, weights := b.reward[:len(reward)], b.weight[:len(reward)]
	for i, r := range reward {
		t, p, r := targets[i], float64(propensity[i]), float64(r)
		w := t / p
		// w is NaN for NaN in t or p and for 0/0, r-r for a reward that is not finite.
		if !(p > 0 && p <= 1 && t >= 0 && t <= 1 && w <= math.MaxFloat64 && r-r == 0) {
			return i
		}
		rewards[i], weights[i] = r, w
		if p == 1 {
			b.unsupported += 1 - t
		}
	}
	if s.needs.match {
		for i, t := range targets {
			b.match[i] = matched(t)
		}
	}
	if l.Weight != nil {
		for i, w := range l.Weight[lo:hi] {
			w := float64(w)
			if !(w >= 0 && w <= math.MaxFloat64) {
				return i
			}
			weights[i] = w
		}
	}
	return -1
}

// fillModel fills the direct terms and residuals.
func (s *source[F]) fillModel(b *block) int {
	if !s.needs.model {
		return -1
	}
	l, lo := s.log, b.first
	for i := range b.n {
		at := l.at(lo + i)
		var d float64
		if s.direct != nil {
			d = s.direct[l.Context[lo+i]]
		} else {
			d = direct(l.Target[at:at+l.Actions], l.Model[at:at+l.Actions])
		}
		if d != d {
			return i
		}
		b.direct[i] = d
		b.residual[i] = b.reward[i] - float64(l.Model[at+int(l.Action[lo+i])])
	}
	return -1
}

// fillLoggers fills what estimators for several loggers need.
func (s *source[F]) fillLoggers(b *block) int {
	l, lo, hi := s.log, b.first, b.first+b.n
	if s.needs.mixed {
		for i, avg := range l.Average[lo:hi] {
			avg := float64(avg)
			w := b.target[i] / avg
			if !(avg > 0 && avg <= 1 && w <= math.MaxFloat64) {
				return i
			}
			b.mixed[i] = w
		}
	}
	if s.needs.strata {
		for i, k := range l.Stratum[lo:hi] {
			if uint(k) >= maxStrata {
				return i
			}
			b.stratum[i] = k
		}
	}
	return -1
}

// fillSupport sums the mass that the target policy puts where the logging policy has none.
func (s *source[F]) fillSupport(b *block) int {
	l := s.log
	if l.Weight != nil {
		b.unsupported = 0
		return -1
	}
	if l.Logger == nil {
		return -1
	}
	b.unsupported = 0
	for i := range b.n {
		at := l.at(b.first + i)
		target, logger := l.Target[at:at+l.Actions], l.Logger[at:at+l.Actions]
		a := int(l.Action[b.first+i])
		for k, p := range logger {
			t := target[k]
			if !(p >= 0 && p <= 1 && t >= 0 && t <= 1) || (p == 0 && k == a) {
				return i
			}
			if p == 0 {
				b.unsupported += float64(t)
			}
		}
	}
	return -1
}

// untaken returns the share of its mass that the target policy puts on actions that occur
// nowhere in the log, and the number of such actions with mass.
func (s *source[F]) untaken() (share float64, actions int) {
	l := s.log
	if l.Weight != nil {
		return 0, 0
	}
	taken := make([]bool, l.Actions)
	for _, a := range l.Action {
		taken[a] = true
	}
	var untaken []int
	for a, t := range taken {
		if !t {
			untaken = append(untaken, a)
		}
	}
	if untaken == nil {
		return 0, 0
	}
	mass := make([]float64, len(untaken))
	for i := range l.Reward {
		at := l.at(i)
		for k, a := range untaken {
			mass[k] += float64(l.Target[at+a])
		}
	}
	actions = len(mass) - len(slices.DeleteFunc(slices.Clone(mass), func(m float64) bool { return m > 0 }))
	return sum(mass) / float64(len(l.Reward)), actions
}

// direct returns Σ π·q / Σ π; NaN if a probability is negative or NaN, if they do not sum to
// about 1, or if q is not finite.
func direct[F Float](target, model []F) float64 {
	model = model[:len(target)]
	var s0, s1, s2, s3, d0, d1, d2, d3, least float64
	k := 0
	for ; k+4 <= len(target); k += 4 {
		p, q := target[k:k+4:k+4], model[k:k+4:k+4]
		p0, p1, p2, p3 := float64(p[0]), float64(p[1]), float64(p[2]), float64(p[3])
		s0 += p0
		s1 += p1
		s2 += p2
		s3 += p3
		d0 += float64(p0 * float64(q[0]))
		d1 += float64(p1 * float64(q[1]))
		d2 += float64(p2 * float64(q[2]))
		d3 += float64(p3 * float64(q[3]))
		if p0 < 0 || p1 < 0 || p2 < 0 || p3 < 0 {
			least = -1
		}
	}
	for ; k < len(target); k++ {
		p := float64(target[k])
		s0 += p
		d0 += float64(p * float64(model[k]))
		if p < 0 {
			least = -1
		}
	}
	total := (s0 + s1) + (s2 + s3)
	if least < 0 || !(math.Abs(total-1) <= sumTolerance) {
		return math.NaN()
	}
	d := ((d0 + d1) + (d2 + d3)) / total
	if d-d != 0 {
		return math.NaN()
	}
	return d
}
