package ope

import (
	"fmt"
	"slices"
)

// Accumulator estimates from a log that is read row by row, in memory independent of its
// length (8 bytes per row more with [Options.Tails]). It gives what [Evaluate] gives for the
// same rows in the same order. It is not safe for concurrent use: give each worker one, and
// [Accumulator.Merge] them; the result then depends on the split by rounding alone, but for the
// bootstrap, where each worker needs a seed of its own.
type Accumulator struct {
	opt      Options
	total    *state
	chunk    *state
	work     *work
	block    block
	rows     int // added, with those in the block
	blocks   int // in the chunk
	pivots   [2]float64
	weighted bool     // pivots are of a row with weight
	merged   []uint64 // seeds of the bootstraps merged into this one
}

// NewAccumulator returns an empty accumulator for the estimators. A field of opt or a parameter
// of an estimator out of range is a [*FieldError].
func NewAccumulator(opt Options, estimators ...Estimator) (*Accumulator, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	for _, e := range estimators {
		if err := e.check(); err != nil {
			return nil, err
		}
		if err := e.checkInterval(opt.Interval); err != nil {
			return nil, err
		}
	}
	estimators = append([]Estimator(nil), estimators...)
	return &Accumulator{
		opt:   opt,
		total: newState(estimators, opt),
		chunk: newState(estimators, opt),
		work:  newWork(estimators),
	}, nil
}

// Add adds a row. A value outside its domain is a [*RowError], after which the row counts
// nowhere and others may follow. Add allocates only when the log is of more loggers than before,
// and with [Options.Tails].
func (a *Accumulator) Add(r Row) error {
	n := a.total.needs
	if err := r.check(a.rows, n); err != nil {
		return err
	}
	b := &a.block
	i := b.n
	if weighted := r.Target > 0; a.rows == 0 || weighted && !a.weighted && a.rows < blockRows { // as source.pivots
		a.pivots, a.weighted = [2]float64{r.Reward, r.Reward - r.Model}, weighted
	}
	b.reward[i] = r.Reward
	b.weight[i] = r.Target / r.Propensity
	if n.model {
		b.direct[i], b.residual[i] = r.Direct, r.Reward-r.Model
	}
	if n.mixed {
		b.mixed[i] = r.Target / r.Average
		if r.Average == 1 {
			b.unmixed += 1 - r.Target
		}
	}
	if n.match {
		b.match[i] = matched(r.Target)
	}
	if n.strata {
		b.stratum[i] = int32(r.Stratum)
	}
	b.unsupported += r.unsupported()
	b.n++
	a.rows++
	if b.n == blockRows {
		a.flush()
	}
	return nil
}

// flush reduces the block, and the chunk when it is full.
func (a *Accumulator) flush() {
	b := &a.block
	if b.n == 0 {
		return
	}
	a.chunk.add(b, a.work, a.pivots)
	b.first += b.n
	b.n, b.unsupported, b.unmixed = 0, 0, 0
	if a.blocks++; a.blocks == chunkBlocks {
		a.settle()
	}
}

// settle adds the chunk to the total.
func (a *Accumulator) settle() {
	a.total.merge(a.chunk)
	a.chunk.reset()
	a.blocks = 0
}

// Len returns the number of rows added.
func (a *Accumulator) Len() int { return a.rows }

// Merge adds the rows of b. Estimators and options must be the same, but for Workers and Seed,
// and for [Bootstrap] the seeds must differ, lest rows of both count equally often; else the
// error is a [*FieldError] and nothing is added. Merge leaves b's rows in b.
func (a *Accumulator) Merge(b *Accumulator) error {
	if err := a.mergeable(b); err != nil {
		return err
	}
	if a.opt.Interval == Bootstrap {
		a.merged = append(a.merged, b.seeds()...)
	}
	if a.rows == 0 {
		a.pivots, a.weighted = b.pivots, b.weighted
	}
	for _, x := range []*Accumulator{a, b} {
		x.flush()
		x.settle()
	}
	a.total.merge(b.total)
	a.rows += b.rows
	return nil
}

// mergeable returns the error of merging b.
func (a *Accumulator) mergeable(b *Accumulator) error {
	if a == b {
		return &FieldError{"the merged Accumulator", "the one it is merged into", "another"}
	}
	if !slices.Equal(a.total.estimators, b.total.estimators) {
		return &FieldError{"the merged Accumulator", fmt.Sprint("of ", b.total.estimators), fmt.Sprint("of ", a.total.estimators)}
	}
	return mergeableOptions("the merged Accumulator", a.opt, b.opt, a.seeds(), b.seeds())
}

// mergeableOptions returns the error of merging what has options y and was drawn with its seeds into what has x and own.
func mergeableOptions(what string, x, y Options, own, seeds []uint64) error {
	x.Workers, x.Seed = y.Workers, y.Seed
	if x != y {
		return &FieldError{what, "of other options", "of the same"}
	}
	if x.Interval != Bootstrap {
		return nil
	}
	for _, s := range seeds {
		if slices.Contains(own, s) {
			return &FieldError{what + "'s Options.Seed", fmt.Sprint(s), "a seed of its own"}
		}
	}
	return nil
}

// seeds returns the seeds that the rows were drawn with.
func (a *Accumulator) seeds() []uint64 {
	seeds := slices.Clone(a.merged)
	if a.block.first+a.block.n > 0 { // rows of its own
		seeds = append(seeds, a.opt.Seed)
	}
	return seeds
}

// Report returns the estimates of the rows added so far; more may follow. The error is
// [ErrEmpty] if there are none.
func (a *Accumulator) Report() (Report, error) {
	if a.rows == 0 {
		return Report{}, ErrEmpty
	}
	// What is not full yet is reduced on the side, so that later rows meet the same blocks.
	all := newState(a.total.estimators, a.opt)
	all.merge(a.total)
	if a.block.n > 0 || a.chunk.weights.n > 0 {
		rest := newState(a.total.estimators, a.opt)
		rest.merge(a.chunk)
		if a.block.n > 0 {
			rest.add(&a.block, a.work, a.pivots)
		}
		all.merge(rest)
	}
	return all.report(a.opt), nil
}
