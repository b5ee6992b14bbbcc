package ope

import (
	"context"
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/parallel"
	"github.com/recsyskit/recsys/internal/simd"
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
		directTerms(s.direct, make([]float64, len(s.direct)), log.Target, log.Model, log.Actions)
	}
	return s
}

// fill puts rows lo to hi into b.
func (s *source[F]) fill(b *block, lo, hi int) error {
	b.first, b.n, b.unsupported = lo, hi-lo, 0
	s.fillDirect(b)
	if s.fillTargets(b) && s.fillWeights(b) && s.fillModel(b) && s.fillLoggers(b) && s.fillSupport(b) {
		return nil
	}
	for i := lo; i < hi; i++ {
		if err := s.log.bad(i, s.needs); err != nil {
			return err
		}
	}
	// Finite values whose sum is not.
	return &RowError{lo, "Model", math.Inf(1), "values whose mean does not overflow"}
}

// fillDirect fills the direct terms. It comes first: reading the tables in order brings them
// into the cache for those who pick single elements.
func (s *source[F]) fillDirect(b *block) {
	if l := s.log; s.needs.model && l.Context == nil {
		at, end := b.first*l.Actions, (b.first+b.n)*l.Actions
		directTerms(b.direct[:b.n], b.sums[:b.n], l.Target[at:end], l.Model[at:end], l.Actions)
	}
}

// fillTargets fills the target's probabilities of the logged actions. It reports, as the others
// do, whether all rows are good.
func (s *source[F]) fillTargets(b *block) bool {
	l, lo, hi := s.log, b.first, b.first+b.n
	if l.Context == nil {
		// The rows of the next block are fetched ahead, but for those of another chunk.
		column := l.Action[lo:min(hi+blockRows, len(l.Action))]
		switch target := any(l.Target[lo*l.Actions : hi*l.Actions]).(type) {
		case []float64:
			return simd.Pick64(b.target[:b.n], target, column, l.Actions) == b.n
		case []float32:
			return simd.Pick32(b.target[:b.n], target, column, l.Actions) == b.n
		}
	}
	action, contexts := l.Action[lo:hi], len(l.Target)/l.Actions
	for i, c := range l.Context[lo:hi] {
		if uint(c) >= uint(contexts) || uint(action[i]) >= uint(l.Actions) {
			return false
		}
		b.target[i] = float64(l.Target[int(c)*l.Actions+int(action[i])])
	}
	return true
}

// fillWeights fills what every estimator needs.
func (s *source[F]) fillWeights(b *block) bool {
	l := s.log
	lo, hi := b.first, b.first+b.n
	targets, weights, rewards := b.target[:b.n], b.weight[:b.n], b.reward[:b.n]
	var good, one bool
	switch p := any(l.Propensity[lo:hi]).(type) {
	case []float64:
		good, one = simd.Importance64(weights, rewards, targets, p, any(l.Reward[lo:hi]).([]float64))
	case []float32:
		good, one = simd.Importance32(weights, rewards, targets, p, any(l.Reward[lo:hi]).([]float32))
	}
	if !good {
		return false
	}
	if one {
		for i, p := range l.Propensity[lo:hi] {
			if p == 1 { // no other action could be taken
				b.unsupported += 1 - targets[i]
			}
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
				return false
			}
			weights[i] = w
		}
	}
	return true
}

// fillModel fills the residuals, and the direct terms where contexts repeat.
func (s *source[F]) fillModel(b *block) bool {
	if !s.needs.model {
		return true
	}
	l, lo := s.log, b.first
	direct := b.direct[:b.n]
	if s.direct != nil {
		for i, c := range l.Context[lo : lo+b.n] {
			direct[i] = s.direct[c]
		}
	}
	action, reward, residual := l.Action[lo:lo+b.n], b.reward[:b.n], b.residual[:b.n]
	for i, d := range direct {
		if d != d {
			return false
		}
		residual[i] = reward[i] - float64(l.Model[l.at(lo+i)+int(action[i])])
	}
	return true
}

// fillLoggers fills what estimators for several loggers need.
func (s *source[F]) fillLoggers(b *block) bool {
	l, lo, hi := s.log, b.first, b.first+b.n
	if s.needs.mixed {
		for i, avg := range l.Average[lo:hi] {
			avg := float64(avg)
			w := b.target[i] / avg
			if !(avg > 0 && avg <= 1 && w <= math.MaxFloat64) {
				return false
			}
			b.mixed[i] = w
		}
	}
	if s.needs.strata {
		for i, k := range l.Stratum[lo:hi] {
			if uint(k) >= maxStrata {
				return false
			}
			b.stratum[i] = k
		}
	}
	return true
}

// fillSupport sums the mass that the target policy puts where the logging policy has none.
func (s *source[F]) fillSupport(b *block) bool {
	l := s.log
	if l.Weight != nil {
		b.unsupported = 0
		return true
	}
	if l.Logger == nil {
		return true
	}
	b.unsupported = 0
	for i := range b.n {
		at := l.at(b.first + i)
		target, logger := l.Target[at:at+l.Actions], l.Logger[at:at+l.Actions]
		a := int(l.Action[b.first+i])
		for k, p := range logger {
			t := target[k]
			if !(p >= 0 && p <= 1 && t >= 0 && t <= 1) || (p == 0 && k == a) {
				return false
			}
			if p == 0 {
				b.unsupported += float64(t)
			}
		}
	}
	return true
}

// untaken returns the share of its mass that the target policy puts on actions that occur
// nowhere in the log, and the number of such actions with mass.
func (s *source[F]) untaken() (share float64, actions int) {
	l := s.log
	if l.Weight != nil {
		return 0, 0
	}
	taken, left := make([]bool, l.Actions), l.Actions
	for _, a := range l.Action {
		if taken[a] {
			continue
		}
		taken[a] = true
		if left--; left == 0 {
			return 0, 0
		}
	}
	var untaken []int
	for a, t := range taken {
		if !t {
			untaken = append(untaken, a)
		}
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

// directTerms writes Σ π·q / Σ π of each row of two tables; NaN where the direct method is not
// defined: a probability is negative or NaN, they do not sum to about 1, or q is not finite.
// sums is memory as long as dst.
func directTerms[F Float](dst, sums []float64, target, model []F, actions int) {
	var least float64
	switch target := any(target).(type) {
	case []float64:
		least = simd.WeightedRows64(sums, dst, target, any(model).([]float64), actions)
	case []float32:
		least = simd.WeightedRows32(sums, dst, target, any(model).([]float32), actions)
	}
	for i, total := range sums {
		d := dst[i] / total
		// d-d is NaN for an infinity.
		if !(math.Abs(total-1) <= sumTolerance) || d-d != 0 {
			d = math.NaN()
		}
		dst[i] = d
	}
	if least < 0 {
		for i := range dst {
			if slices.Min(target[i*actions:(i+1)*actions]) < 0 {
				dst[i] = math.NaN()
			}
		}
	}
}
