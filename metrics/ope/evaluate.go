package ope

import (
	"context"

	"github.com/recsyskit/recsys/internal/parallel"
)

// Evaluate estimates the value of the target policy from a log, with every estimator in one
// pass. Without estimators it takes [SNIPS], and [DR] if the log has a model. The result does
// not depend on Options.Workers.
//
// Errors: [ErrEmpty], [ErrDeterministic]; a [*FieldError] for a field that is missing, out of
// range or of another length than the rest; a [*RowError] for the first row with a value outside
// its domain. Rewards and models must be finite, propensities in (0, 1], probabilities in
// [0, 1] with a sum of 1 per context. Estimators without a model do not read the target's table
// but for the actions taken, if there is no Log.Logger either: then the sums are checked in all
// rows of a table of up to 2^20 numbers, in evenly spaced ones of a larger.
//
// The memory is that of the estimators, plus 8 bytes per row with Options.Tails, up to 32 per
// context where Log.Context is set, and up to 17 per action.
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
	pivots, err := src.pivots()
	if err != nil {
		return nil, err
	}

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
	if err := src.checkTargets(); err != nil {
		return nil, err
	}
	total.untaken = src.untaken()
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
