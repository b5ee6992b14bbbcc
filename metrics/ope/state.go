package ope

import "math"

// blockRows is how many rows are reduced at a time: few enough for their numbers to stay in the
// first-level cache, enough to make the merges cheap.
const blockRows = 1024

// chunkBlocks is how many blocks make a chunk. Blocks are merged within their chunk and chunks
// in order, so that the result depends on neither workers nor on who reduces a chunk.
const chunkBlocks = 16

// block holds the numbers of at most blockRows rows, the common ground of [Evaluate] and
// [Accumulator].
type block struct {
	first       int // number of the first row
	n           int
	reward      [blockRows]float64
	target      [blockRows]float64 // π(a|x); Accumulator keeps it nowhere
	weight      [blockRows]float64 // π/p
	mixed       [blockRows]float64 // π/average; only for estimators that need it
	match       [blockRows]float64 // 1 where π(a|x) = 1; only for estimators that need it
	direct      [blockRows]float64 // Σ π q̂; only with a model
	residual    [blockRows]float64 // r - q̂; only with a model
	sums        [blockRows]float64 // for the direct terms
	stratum     [blockRows]int32
	unsupported float64 // mass where the logger could not go, summed over the rows
	unmixed     float64 // the same of the mixture of loggers
}

// needs says which numbers of a block the estimators ask for.
type needs struct {
	model, mixed, match, strata bool
}

func needsOf(estimators []Estimator) needs {
	var n needs
	for _, e := range estimators {
		n.model = n.model || e.model
		n.mixed = n.mixed || e.mixed
		n.match = n.match || e.shape == matching
		n.strata = n.strata || e.strata
	}
	return n
}

// state is what is known of some rows: sums for every estimator and for the weights.
type state struct {
	estimators  []Estimator
	needs       needs
	keep        bool // keep every weight
	weights     moments
	mixed       moments
	zero        int // rows of weight 0
	unsupported float64
	unmixed     float64
	untaken     untaken
	tails       []float64 // every weight, if kept
	terms       []terms
	boot        *resampler // nil unless asked for
}

// terms are the sums of one estimator.
type terms struct {
	x       moments   // the terms of a mean
	weights moments   // ŵ, for an estimator that changes weights
	bias    float64   // Σ (ŵ-w)(r-q̂)
	pivot   float64   // what u has been reduced by: u = ŵ(r-q̂-pivot)
	cross   comoments // the terms of a ratio
	strata  []comoments
	boot    []float64 // per resample: Σcx, or Σcd, Σcu, Σcw for a ratio
	least   float64   // of replay: the ends of the weights of matches, 0 without one,
	most    float64
	loose   float64 // and Σw of rows that match none and have weight
}

func newState(estimators []Estimator, opt Options) *state {
	s := &state{estimators: estimators, needs: needsOf(estimators), keep: opt.Tails, terms: make([]terms, len(estimators))}
	if opt.Interval == Bootstrap {
		s.boot = newResampler(opt.Resamples, opt.Seed)
		for i, e := range estimators {
			s.terms[i].boot = make([]float64, opt.Resamples*e.bootSums())
		}
	}
	return s
}

// reset makes s hold no rows and keeps its memory.
func (s *state) reset() {
	for i := range s.terms {
		t := &s.terms[i]
		clear(t.boot)
		clear(t.strata)
		*t = terms{boot: t.boot, strata: t.strata[:0]}
	}
	if s.boot != nil {
		clear(s.boot.counts)
	}
	*s = state{estimators: s.estimators, needs: s.needs, keep: s.keep, tails: s.tails[:0], terms: s.terms, boot: s.boot}
}

// add adds the rows of b. pivots are what ratios reduce residuals by, without and with a model.
func (s *state) add(b *block, w *work, pivots [2]float64) {
	weights := b.weight[:b.n]
	if s.weights.add(weights); s.weights.min == 0 {
		for _, x := range weights {
			if x == 0 {
				s.zero++
			}
		}
	}
	if s.needs.mixed {
		s.mixed.add(b.mixed[:b.n])
	}
	if s.keep {
		s.tails = append(s.tails, weights...)
	}
	s.unsupported += b.unsupported
	s.unmixed += b.unmixed
	for i, e := range s.estimators {
		pivot := pivots[0]
		if e.model {
			pivot = pivots[1]
		}
		s.terms[i].add(e, b, &w.arrays[i], pivot)
	}
	if s.boot != nil {
		s.boot.add(s, b, w)
	}
}

// merge adds the rows of o.
func (s *state) merge(o *state) {
	s.weights.merge(&o.weights)
	s.mixed.merge(&o.mixed)
	s.zero += o.zero
	s.unsupported += o.unsupported
	s.unmixed += o.unmixed
	s.tails = append(s.tails, o.tails...)
	for i := range s.terms {
		s.terms[i].merge(&o.terms[i])
	}
	if s.boot != nil {
		for i, c := range o.boot.counts {
			s.boot.counts[i] += c
		}
	}
}

// work is memory for one worker: the terms of a block by estimator.
type work struct {
	arrays []workArrays
}

type workArrays struct {
	shaped []float64 // ŵ
	x      []float64 // d + ŵ(r-q̂), or u of a ratio
}

func newWork(estimators []Estimator) *work {
	w := &work{arrays: make([]workArrays, len(estimators))}
	for i, e := range estimators {
		w.arrays[i].x = make([]float64, blockRows)
		if !e.unbiased() {
			w.arrays[i].shaped = make([]float64, blockRows)
		}
	}
	return w
}

// add adds the rows of b to the sums of e, and leaves in w what the bootstrap takes up.
func (t *terms) add(e Estimator, b *block, w *workArrays, pivot float64) {
	residual, weights := b.reward[:b.n], e.weightsOf(b)
	if e.model {
		residual = b.residual[:b.n]
	}
	x := w.x[:b.n]
	if e.shape == weightless {
		copy(x, b.direct[:b.n])
		t.x.add(x)
		return
	}
	if !e.unbiased() {
		shaped := w.shaped[:b.n]
		var bias float64
		for i, v := range weights {
			u := e.reshape(v)
			shaped[i] = u
			if u != v {
				bias += float64((u - v) * residual[i])
			}
		}
		t.bias += bias
		t.weights.add(shaped)
		weights = shaped
	}
	switch {
	case e.strata:
		t.addStrata(e, b, weights, residual)
	case e.ratio:
		if e.shape == matching {
			t.addMatches(b)
		}
		t.pivot = pivot
		residual, x := residual[:len(weights)], x[:len(weights)]
		for i, v := range weights {
			x[i] = v * (residual[i] - pivot)
		}
		var direct []float64
		if e.model {
			direct = b.direct[:b.n]
		}
		t.cross.add(direct, x, weights)
	case e.model:
		direct := b.direct[:b.n]
		residual, x, direct := residual[:len(weights)], x[:len(weights)], direct[:len(weights)]
		for i, v := range weights {
			x[i] = direct[i] + float64(v*residual[i])
		}
		t.x.add(x)
	default:
		residual, x := residual[:len(weights)], x[:len(weights)]
		for i, v := range weights {
			x[i] = v * residual[i]
		}
		t.x.add(x)
	}
}

// addMatches takes up what tells whether replay may judge the rows.
func (t *terms) addMatches(b *block) {
	for i, w := range b.weight[:b.n] {
		if b.match[i] == 0 {
			t.loose += w
			continue
		}
		t.mergeMatches(w, w)
	}
}

// mergeMatches adds matches with weights between least and most, 0 for none.
func (t *terms) mergeMatches(least, most float64) {
	if t.most == 0 || least < t.least && most > 0 {
		t.least = least
	}
	t.most = max(t.most, most)
}

// weightsOf returns the weights that the estimator starts from.
func (e Estimator) weightsOf(b *block) []float64 {
	switch {
	case e.mixed:
		return b.mixed[:b.n]
	case e.shape == matching:
		return b.match[:b.n]
	}
	return b.weight[:b.n]
}

// addStrata adds the rows to the sums of their loggers, row by row: a block may mix them.
func (t *terms) addStrata(e Estimator, b *block, weights, residual []float64) {
	for i, v := range weights {
		s := int(b.stratum[i])
		for len(t.strata) <= s {
			t.strata = append(t.strata, comoments{})
		}
		var d float64
		if e.model {
			d = b.direct[i]
		}
		one := comoments{d: single(d), u: single(v * residual[i]), w: single(v)}
		t.strata[s].merge(&one)
	}
}

func single(x float64) moments { return moments{n: 1, mean: x, min: x, max: x} }

// merge adds the rows of o.
func (t *terms) merge(o *terms) {
	t.x.merge(&o.x)
	t.weights.merge(&o.weights)
	t.bias += o.bias
	t.mergeMatches(o.least, o.most)
	t.loose += o.loose
	if o.cross.u.n > 0 {
		t.mergeRatio(o)
	} else {
		for i, x := range o.boot {
			t.boot[i] += x
		}
	}
	for len(t.strata) < len(o.strata) {
		t.strata = append(t.strata, comoments{})
	}
	for i := range o.strata {
		t.strata[i].merge(&o.strata[i])
	}
}

// mergeRatio adds the rows of o to the sums of a ratio, whose pivot may be another one.
func (t *terms) mergeRatio(o *terms) {
	if t.cross.u.n == 0 {
		t.pivot = o.pivot
	}
	delta := o.pivot - t.pivot
	shifted := o.cross
	shifted.shift(delta)
	t.cross.merge(&shifted)
	n := len(o.boot) / 3
	for i, x := range o.boot {
		if i/max(n, 1) == 1 { // Σcu
			x += float64(delta * o.boot[i+n])
		}
		t.boot[i] += x
	}
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }
