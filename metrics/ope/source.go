package ope

import (
	"math"
	"slices"

	"github.com/recsyskit/recsys/internal/simd"
)

// source turns a log into blocks. It is safe for concurrent use.
type source[F Float] struct {
	log   *Log[F]
	needs needs
	// By context, where contexts may repeat; NaN where they are not defined.
	direct      []float64
	unsupported []float64
}

func newSource[F Float](log *Log[F], n needs) *source[F] {
	s := &source[F]{log: log, needs: n}
	if n.model && log.Context != nil {
		s.direct = make([]float64, log.contexts())
		directTerms(s.direct, make([]float64, len(s.direct)), log.Target, log.Model, log.Actions)
	}
	if log.Logger != nil && log.Weight == nil && log.Context != nil {
		s.unsupported = make([]float64, log.contexts())
		for c := range s.unsupported {
			s.unsupported[c] = log.unsupported(c)
		}
	}
	return s
}

// pivots returns what ratios reduce residuals by, without and with a model: the residual of the
// first row that has weight, since one without may have any reward, of the first block.
func (s *source[F]) pivots() (pivots [2]float64, err error) {
	l := s.log
	for i := range min(len(l.Reward), blockRows) {
		if err := l.bad(i, s.needs); err != nil {
			return pivots, err
		}
		at := l.at(i) + int(l.Action[i])
		weight := l.Target[at]
		if l.Weight != nil {
			weight = l.Weight[i]
		}
		if i > 0 && weight == 0 {
			continue
		}
		r := float64(l.Reward[i])
		pivots = [2]float64{r, r}
		if s.needs.model {
			pivots[1] = r - float64(l.Model[at])
		}
		if weight > 0 {
			break
		}
	}
	return pivots, nil
}

// fill puts rows lo to hi into b.
func (s *source[F]) fill(b *block, lo, hi int) error {
	b.first, b.n, b.unsupported, b.unmixed = lo, hi-lo, 0, 0
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
		// What follows the block's own columns is fetched ahead.
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
			if avg == 1 {
				b.unmixed += 1 - b.target[i]
			}
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
		if !(l.Logger[at+int(l.Action[b.first+i])] > 0) {
			return false
		}
		var mass float64
		if s.unsupported != nil {
			mass = s.unsupported[l.Context[b.first+i]]
		} else {
			mass = l.unsupported(b.first + i)
		}
		if mass != mass {
			return false
		}
		b.unsupported += mass
	}
	return true
}

// unsupported returns the mass that the target policy puts where the logging policy has none in
// a row of the tables; NaN if either row is no distribution.
func (l *Log[F]) unsupported(row int) float64 {
	at := row * l.Actions
	target := l.Target[at : at+l.Actions]
	var mass, targets, loggers float64
	for k, p := range l.Logger[at : at+l.Actions] {
		t := target[k]
		if !(p >= 0 && p <= 1 && t >= 0 && t <= 1) {
			return math.NaN()
		}
		if p == 0 {
			mass += float64(t)
		}
		targets += float64(t)
		loggers += float64(p)
	}
	if !(math.Abs(targets-1) <= sumTolerance && math.Abs(loggers-1) <= sumTolerance) {
		return math.NaN()
	}
	return mass
}

// What is read of the target's table to see whether its rows sum to 1, where no estimator reads
// it all: a table of up to wholeTargets numbers, and of a larger about sampledTargets in evenly
// spaced rows, at least 64. Those wait for memory, which is what estimators without a model save.
const (
	wholeTargets   = 1 << 20
	sampledTargets = 1 << 16
)

// checkTargets returns an error if a row of the target's table that it reads is no distribution.
// It reads none where the rows have been read already or do not matter.
func (s *source[F]) checkTargets() error {
	l := s.log
	if s.needs.model || l.Logger != nil || l.Weight != nil {
		return nil
	}
	rows := l.contexts()
	step := 1
	if len(l.Target) > wholeTargets {
		step = max(1, rows/max(64, sampledTargets/l.Actions))
	}
	var used []bool // rows of the table, once one is in doubt
	for c := 0; c < rows; c += step {
		var mean, total [1]float64
		row := l.Target[c*l.Actions : (c+1)*l.Actions]
		if directTerms(mean[:], total[:], row, row, l.Actions); mean[0] == mean[0] {
			continue
		}
		if l.Context == nil {
			return l.badTarget(c, c*l.Actions)
		}
		if used == nil {
			used = make([]bool, rows)
			for _, k := range l.Context {
				used[k] = true
			}
		}
		if used[c] {
			return l.badTarget(slices.Index(l.Context, int32(c)), c*l.Actions)
		}
	}
	return nil
}

// untaken is the target's mass on actions that occur nowhere in a log.
type untaken struct {
	share   float64 // of the target's mass
	actions int     // how many have mass
	// What share is expected to be if the logging policy could take all actions, and the standard
	// error of that. Among many actions some occur nowhere by chance, as others occur once, and
	// the weight of these estimates the mass of those.
	expected, stdErr float64
}

// excess returns the mass that chance does not explain.
func (u untaken) excess() float64 { return u.share - u.expected - mostStdErrs*u.stdErr }

// untaken returns what the log says about actions that do not occur in it.
//
// Source: Good, Biometrika 40 (1953), equation 9, with weights: the rows whose action occurs once
// have an expected weight of Σ_a π(a)·n·p_a(1-p_a)^(n-1)/p_a, which over n is the expected mass
// of what occurs nowhere but for a factor of 1-p_a.
func (s *source[F]) untaken() (u untaken) {
	l := s.log
	if l.Weight != nil {
		return u
	}
	times, left := make([]uint8, l.Actions), l.Actions // 2 for more
	for _, a := range l.Action {
		if times[a] == 0 {
			if left--; left == 0 {
				return u
			}
		}
		times[a] = min(times[a]+1, 2)
	}
	var none []int
	for a, k := range times {
		if k == 0 {
			none = append(none, a)
		}
	}
	n := float64(len(l.Reward))
	var squares float64
	for i, a := range l.Action {
		if times[a] == 1 {
			w := float64(l.Target[l.at(i)+int(a)]) / float64(l.Propensity[i]) / n
			u.expected += w
			squares += float64(w * w)
		}
	}
	u.stdErr = math.Sqrt(squares)
	// The cost is that of reading the table once.
	mass := make([]float64, len(none))
	add := func(c int, decisions float64) {
		for k, a := range none {
			mass[k] += float64(decisions * float64(l.Target[c*l.Actions+a]))
		}
	}
	if l.Context == nil {
		for c := range l.Reward {
			add(c, 1)
		}
	} else {
		decisions := make([]float64, l.contexts())
		for _, c := range l.Context {
			decisions[c]++
		}
		for c, d := range decisions {
			if d > 0 {
				add(c, d)
			}
		}
	}
	for _, m := range mass {
		if m > 0 {
			u.actions++
		}
	}
	u.share = sum(mass) / n
	return u
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
