package fm

import (
	"math"
	"sync"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// learner moves the parameters of one head against gradients.
type learner struct {
	cfg    *Config
	method simd.FMMethod
	table
	intercept simd.FM // the bias of table as a machine of one coordinate

	steps     int64 // rows learned
	constants [8]float32
	ofBias    [8]float32

	// Of a batch.
	states []float32 // sums of each row
	z, g   []float32
}

func newLearner(cfg *Config, t table, steps int64) *learner {
	return &learner{
		cfg: cfg, method: cfg.Optimizer.method(), table: t, steps: steps,
		intercept: simd.FM{Parts: t.parts(), Linear: t.bias},
	}
}

// adamSettled is a number of steps after which Adam's corrections are 1 in float32.
const adamSettled = 20000

// prepare computes the constants of the next step, and makes room for a batch of n rows.
func (l *learner) prepare(n int) {
	if l.constants == [8]float32{} || l.cfg.Optimizer == Adam && l.steps <= adamSettled {
		l.constants = l.cfg.constants(min(l.steps, adamSettled) + 1)
		l.ofBias = l.constants
		l.ofBias[0] = 0
		if l.cfg.Optimizer == FTRL {
			l.ofBias[3], l.ofBias[4] = 0, 0
		}
	}
	if len(l.z) < n {
		l.states, l.z, l.g = make([]float32, n*l.stateLen()), make([]float32, n), make([]float32, n)
	}
}

func (l *learner) state(i int) []float32 {
	n := l.stateLen()
	return l.states[i*n : (i+1)*n]
}

// parallelRows is a number of rows from which it pays to hand some to another goroutine.
const parallelRows = 32

// batch scores rows from to to of r with the same parameters, asks slope for the derivative of
// their losses, in order, and steps.
//
// What one parameter does depends on the scores, the sums, and its own past alone. So the
// coordinates can be divided among workers, each taking the rows in their order.
func (l *learner) batch(r *rows, from, to, workers int, slope func(i int32, z float32) float32) {
	n := to - from
	l.prepare(n)
	workers = max(1, min(workers, n/parallelRows))
	if workers == 1 {
		l.scoreShare(r, from, 0, n)
	} else {
		l.scoreTogether(r, from, n, workers)
	}
	for b := range n {
		l.g[b] = slope(int32(from+b), l.z[b])
	}
	switch {
	case l.kind == FFM:
		for b := range n {
			slots, values, fields := r.row(from + b)
			l.ffm.Step(l.method, &l.constants, l.g[b], slots, fields, values)
		}
	case workers == 1:
		l.stepShare(r, from, to, 0, 1)
	default:
		l.stepTogether(r, from, to, workers)
	}
	for b := range n {
		l.intercept.Step(l.method, &l.ofBias, one[:], l.g[b], zero[:], one[:])
	}
	l.steps += int64(n)
}

var (
	one  = [1]float32{1}
	zero = [1]int32{0}
)

// scoreShare scores rows first to end of a batch that starts at row from.
func (l *learner) scoreShare(r *rows, from, first, end int) {
	for b := first; b < end; b++ {
		slots, values, fields := r.row(from + b)
		l.z[b] = l.score(l.state(b), slots, values, fields)
	}
}

// What several workers do stands apart, so that a batch of one row allocates no closures.
func (l *learner) scoreTogether(r *rows, from, n, workers int) {
	pieces(workers, n, func(first, end int) { l.scoreShare(r, from, first, end) })
}

func (l *learner) stepTogether(r *rows, from, to, workers int) {
	pieces(workers, workers, func(w, _ int) { l.stepShare(r, from, to, w, workers) })
}

// stepShare steps the coordinates that are w modulo workers.
func (l *learner) stepShare(r *rows, from, to, w, workers int) {
	var mine []int32
	var some []float32
	for i := from; i < to; i++ {
		slots, values, _ := r.row(i)
		if workers > 1 {
			mine, some = mine[:0], some[:0]
			for e, slot := range slots {
				if int(slot)%workers == w {
					mine, some = append(mine, slot), append(some, values[e])
				}
			}
			slots, values = mine, some
		}
		l.fm.Step(l.method, &l.constants, l.state(i-from), l.g[i-from], slots, values)
	}
}

// pieces calls f for workers pieces of 0 to n at once.
func pieces(workers, n int, f func(from, to int)) {
	if workers == 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { f(w*n/workers, (w+1)*n/workers) })
	}
	wg.Wait()
}

// of returns the loss of label y at score z and its derivative.
func (l Loss) of(y float32, z float32) (loss, slope float64) {
	if l == Squared {
		d := float64(z) - float64(y)
		return 0.5 * float64(d*d), d
	}
	// One exponential gives sigmoid(z), log(1+e**z) and log(1+e**-z).
	x, t := float64(z), float64(y)
	e := fmath.Exp(-math.Abs(x))
	p, log := 1/(1+e), fmath.Log1p(e)
	if x < 0 {
		p = e / (1 + e)
	}
	return float64(t*(max(-x, 0)+log)) + float64((1-t)*(max(x, 0)+log)), p - t
}
