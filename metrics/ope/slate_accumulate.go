package ope

import (
	"fmt"
	"math"
	"slices"
)

// SlateAccumulator estimates from slates that are read one by one, in memory independent of
// their number (8 bytes per slate and estimator more with [Options.Tails]). It is not safe for
// concurrent use: give each worker one, and [SlateAccumulator.Merge] them; the result then
// depends on the split by rounding alone. For the bootstrap each worker needs a seed of its own.
type SlateAccumulator struct {
	opt        Options
	estimators []SlateEstimator
	needs      slateNeeds
	sums       []slateSums
	boot       *resampler
	first, n   int      // number of the block's first slate, slates in the block
	own        bool     // slates were added, not only merged
	leaving    float64  // Σ of the target's mass that leaves the support
	merged     []uint64 // seeds of the bootstraps merged into this one
	prefix     []float64
	place      []float64
}

// slateSums are what is known for one estimator.
type slateSums struct {
	terms          // x of a mean, cross of a ratio, and their resamples
	w      moments // weight of a slate
	square float64 // Σ of the mean square over places
	zero   int     // slates of weight 0
	tails  []float64
	places placeSums // of a ratio by place

	// The block.
	values, weights [blockRows]float64
}

// NewSlateAccumulator returns an empty accumulator for the estimators. A field of opt out of
// range, or an interval that an estimator has not, is a [*FieldError].
func NewSlateAccumulator(opt Options, estimators ...SlateEstimator) (*SlateAccumulator, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &SlateAccumulator{opt: opt, estimators: append([]SlateEstimator(nil), estimators...), sums: make([]slateSums, len(estimators))}
	if opt.Interval == Bootstrap {
		a.boot = newResampler(opt.Resamples, opt.Seed)
	}
	for i, e := range estimators {
		if err := e.check(opt.Interval); err != nil {
			return nil, err
		}
		switch e.weight {
		case placeWeight:
			a.needs.place = true
		case pseudoWeight:
			a.needs.additive = true
		default:
			a.needs.prefix = true
			a.needs.model = a.needs.model || e.weight == cascadeWeight
		}
		if a.boot != nil && !e.byPlace() {
			a.sums[i].boot = make([]float64, opt.Resamples*e.plain().bootSums())
		}
	}
	return a, nil
}

// Len returns the number of slates added.
func (a *SlateAccumulator) Len() int { return a.first + a.n }

// Add adds a slate. A value outside its domain is a [*RowError], a field of another length than
// Reward a [*FieldError]; the slate then counts nowhere, and others may follow. Add keeps
// nothing of s; it allocates only when a slate is longer than all before it.
func (a *SlateAccumulator) Add(s *Slate) error {
	row := a.Len()
	if err := s.check(row, a.needs); err != nil {
		return err
	}
	var unsupported float64
	var err error
	if a.needs.prefix {
		if a.prefix, unsupported, err = s.prefixWeights(a.prefix, row); err != nil {
			return err
		}
	}
	if a.needs.place {
		if a.place, err = s.placeWeights(a.place, row); err != nil {
			return err
		}
	}
	total := s.total()
	for i, e := range a.estimators {
		t := &a.sums[i]
		if row == 0 {
			t.pivot = total
		}
		a.add(t, e, s, total)
	}
	a.own = true
	a.leaving += unsupported
	if a.n++; a.n == blockRows {
		a.flush()
	}
	return nil
}

// add puts the slate into the block of an estimator.
func (a *SlateAccumulator) add(t *slateSums, e SlateEstimator, s *Slate, total float64) {
	var value, mean, square float64
	w := a.prefix
	switch e.weight {
	case jointWeight, pseudoWeight:
		mean = s.Additive
		if e.weight == jointWeight {
			mean = last(w)
		}
		value, square = mean*total, mean*mean
		if e.ratio {
			value = mean * (total - t.pivot)
		}
	case placeWeight:
		w = a.place
		fallthrough
	case prefixWeight:
		mean, square = onPlaces(w)
		value = dot(w, s.Reward)
	case cascadeWeight:
		mean, square = onPlaces(w)
		above := 1.0
		for k, r := range s.Reward {
			value += float64(w[k]*(r-s.Model[k])) + float64(above*s.Direct[k])
			above = w[k]
		}
	}
	if e.byPlace() {
		t.places.add(w, s.Reward, a.n, a.boot != nil)
	}
	t.values[a.n], t.weights[a.n] = value, mean
	t.square += square
	if mean == 0 {
		t.zero++
	}
}

// flush reduces the block.
func (a *SlateAccumulator) flush() {
	if a.n == 0 {
		return
	}
	for i, e := range a.estimators {
		t := &a.sums[i]
		values, weights := t.values[:a.n], t.weights[:a.n]
		t.w.add(weights)
		if a.opt.Tails {
			t.tails = append(t.tails, weights...)
		}
		if e.plain().ratio {
			t.cross.add(nil, values, weights)
		} else {
			t.x.add(values)
		}
	}
	if a.boot != nil {
		a.resample()
	}
	for i := range a.sums {
		a.sums[i].places.block = a.sums[i].places.block[:0]
	}
	a.first += a.n
	a.n = 0
}

// resample adds the block to all resamples.
func (a *SlateAccumulator) resample() {
	n := len(a.boot.counts)
	for i := range n {
		draws := a.boot.draw(a.n, mix(a.boot.seed+0x9e3779b97f4a7c15*uint64(a.first))^mix(uint64(i)+0xbf58476d1ce4e5b9))
		a.boot.counts[i] += sum(draws)
		for k, e := range a.estimators {
			t := &a.sums[k]
			switch {
			case e.byPlace():
				t.places.resample(i, n, draws)
			case e.ratio:
				t.boot[n+i] += dot(t.values[:a.n], draws)
				t.boot[2*n+i] += dot(t.weights[:a.n], draws)
			default:
				t.boot[i] += dot(t.values[:a.n], draws)
			}
		}
	}
}

// Merge adds the slates of b. Estimators and options must be the same, but for Workers and Seed,
// and for [Bootstrap] the seeds must differ, lest slates of both count equally often; else the
// error is a [*FieldError] and nothing is added. Merge leaves b's slates in b.
func (a *SlateAccumulator) Merge(b *SlateAccumulator) error {
	if err := a.mergeable(b); err != nil {
		return err
	}
	if a.boot != nil {
		a.merged = append(a.merged, b.seeds()...)
	}
	a.flush()
	b.flush()
	for i := range a.sums {
		t, o := &a.sums[i], &b.sums[i]
		t.terms.merge(&o.terms)
		t.w.merge(&o.w)
		t.square += o.square
		t.zero += o.zero
		t.tails = append(t.tails, o.tails...)
		t.places.merge(&o.places, a.opt.Resamples)
	}
	if a.boot != nil {
		for i, c := range b.boot.counts {
			a.boot.counts[i] += c
		}
	}
	a.leaving += b.leaving
	a.first += b.first
	return nil
}

// mergeable returns the error of merging b.
func (a *SlateAccumulator) mergeable(b *SlateAccumulator) error {
	const what = "the merged SlateAccumulator"
	if a == b {
		return &FieldError{what, "the one it is merged into", "another"}
	}
	if !slices.Equal(a.estimators, b.estimators) {
		return &FieldError{what, fmt.Sprint("of ", b.estimators), fmt.Sprint("of ", a.estimators)}
	}
	return mergeableOptions(what, a.opt, b.opt, a.seeds(), b.seeds())
}

// seeds returns the seeds that the slates were drawn with.
func (a *SlateAccumulator) seeds() []uint64 {
	seeds := slices.Clone(a.merged)
	if a.own {
		seeds = append(seeds, a.opt.Seed)
	}
	return seeds
}

// Report returns the estimates of the slates added so far; more may follow. The error is
// [ErrEmpty] if there are none.
func (a *SlateAccumulator) Report() (SlateReport, error) {
	if a.Len() == 0 {
		return SlateReport{}, ErrEmpty
	}
	a.flush()
	r := SlateReport{Estimates: make([]Estimate, len(a.estimators)), Diagnostics: make([]Diagnostics, len(a.estimators))}
	for i, e := range a.estimators {
		r.Estimates[i], r.Diagnostics[i] = a.estimate(&a.sums[i], e)
	}
	return r, nil
}

// estimate returns the estimate of one estimator, and what is known of its weights.
func (a *SlateAccumulator) estimate(t *slateSums, e SlateEstimator) (Estimate, Diagnostics) {
	n := float64(a.first)
	est := Estimate{Estimator: e.name, N: a.first}
	s := &state{weights: t.w, zero: t.zero, keep: a.opt.Tails, tails: t.tails, boot: a.boot}
	if e.weight != placeWeight && e.weight != pseudoWeight {
		s.unsupported = a.leaving
	}
	switch {
	case e.byPlace():
		var squares float64
		est.Value, squares = t.places.ratio()
		est.SE = math.Sqrt(squares) / n
		est.Terms = Moments{N: est.N, Mean: est.Value, Var: squares / n}
	case e.ratio:
		var squares float64
		est.Value, squares = t.cross.ratio()
		est.Value += t.pivot
		est.SE = math.Sqrt(squares) / n
		est.Terms = Moments{N: est.N, Mean: est.Value, Var: squares / n}
	default:
		est.Value, est.Terms = t.x.mean, t.x.exported()
		est.SE = est.Terms.StdErr()
	}
	if est.N < 2 {
		est.SE = nan
	}
	if total := t.w.total(); total > 0 {
		est.ESS = total / t.square * total
		est.MaxShare = t.w.max / total
	}
	if e.byPlace() && a.opt.Interval == Bootstrap {
		est.Lower, est.Upper = t.places.percentiles(a.boot.counts, 1-a.opt.Level)
	} else {
		est.Lower, est.Upper = s.interval(&t.terms, e.plain(), &est, a.opt)
	}
	s.judge(&est, e.plain(), false)
	d := s.diagnostics()
	d.ESS = est.ESS
	return est, d
}
