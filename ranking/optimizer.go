package ranking

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
)

// Optimizer names a method of gradient descent.
type Optimizer uint8

// The optimizers. The zero value, AdaGrad, needs the least tuning.
const (
	// AdaGrad divides the learning rate of each weight by the root of the sum of its
	// squared gradients: rare features take large steps, frequent ones small steps.
	//
	// Source: Duchi, Hazan and Singer, JMLR 2011, figure 1, diagonal form, as
	// composite mirror descent.
	AdaGrad Optimizer = iota
	// SGD is proximal stochastic gradient descent with one learning rate for all weights.
	//
	// Source: Duchi and Singer, JMLR 2009 (forward-backward splitting).
	SGD
	// FTRL is FTRL-Proximal, which gives sparse models under L1 also when each
	// example is seen once.
	//
	// Source: McMahan et al., KDD 2013, algorithm 1.
	FTRL

	optimizers
)

// String returns "adagrad", "sgd" or "ftrl".
func (o Optimizer) String() string {
	switch o {
	case AdaGrad:
		return "adagrad"
	case SGD:
		return "sgd"
	case FTRL:
		return "ftrl"
	}
	return fmt.Sprintf("Optimizer(%d)", uint8(o))
}

// stepper moves the weights of one head against gradients. Weights below dense
// move at every step, the others only when they are touched. Weight 0, the
// intercept, is not regularised.
type stepper interface {
	// refresh brings weight j, not dense, up to date before it is read.
	refresh(j int32)
	// step takes one step: dense is the gradient of the dense weights, sparse[j] that
	// of weight j of touched, which have all been refreshed.
	step(dense []float64, touched []int32, sparse []float64)
	// epoch ends an epoch: all weights are up to date, the next epoch's rate counts.
	epoch()
}

// descent is proximal gradient descent, with or without AdaGrad's rates: after a
// step against the gradient a weight moves towards 0 by rate*l1 and is divided by
// 1+rate*l2.
type descent struct {
	w      []float64
	square []float64 // AdaGrad: sums of squared gradients; nil: SGD
	dense  int
	rate   float64 // of this epoch
	first  float64 // of the first epoch
	decay  float64
	l1, l2 float64

	epochs int
	steps  int   // in this epoch
	behind []int // by weight, less dense: steps that it has taken in this epoch
}

func newDescent(w []float64, dense int, cfg *LinearConfig) *descent {
	d := &descent{w: w, dense: dense, rate: cfg.rate(), first: cfg.rate(), decay: cfg.Decay, l1: cfg.L1, l2: cfg.L2}
	if cfg.Optimizer == AdaGrad {
		d.square = make([]float64, len(w))
	}
	if d.l1 > 0 || d.l2 > 0 {
		d.behind = make([]int, len(w)-dense)
	}
	return d
}

// rateOf adds g to what weight j has seen and returns its rate.
func (d *descent) rateOf(j int, g float64) float64 {
	if d.square == nil {
		return d.rate
	}
	d.square[j] += float64(g * g)
	return d.rate / (math.Sqrt(d.square[j]) + 1e-10)
}

func (d *descent) step(dense []float64, touched []int32, sparse []float64) {
	d.w[0] -= float64(d.rateOf(0, dense[0]) * dense[0])
	for j := 1; j < len(dense); j++ {
		g := dense[j]
		rate := d.rateOf(j, g)
		d.w[j] = d.shrink(d.w[j]-float64(rate*g), rate)
	}
	d.steps++
	for _, j := range touched {
		g := sparse[j]
		rate := d.rateOf(int(j), g)
		d.w[j] = d.shrink(d.w[j]-float64(rate*g), rate)
		if d.behind != nil {
			d.behind[int(j)-d.dense] = d.steps
		}
	}
}

// shrink is the proximal operator of rate*(l1*|v| + l2/2*v²).
func (d *descent) shrink(v, rate float64) float64 {
	t := float64(rate * d.l1)
	switch {
	case v > t:
		v -= t
	case v < -t:
		v += t
	default:
		return 0
	}
	return v / (1 + float64(rate*d.l2))
}

// refresh takes at once the steps in which weight j had no gradient. Its rate has
// been constant, so with r = 1/(1+rate*l2), k steps of shrink take |v| to
//
//	|v| - (1-r^k) (|v| + l1/l2),   or |v| - k*rate*l1 when l2 is 0,
//
// and to 0 where that is negative.
func (d *descent) refresh(j int32) {
	if d.behind == nil {
		return
	}
	k := float64(d.steps - d.behind[int(j)-d.dense])
	d.behind[int(j)-d.dense] = d.steps
	v := d.w[j]
	if k == 0 || v == 0 {
		return
	}
	rate, size := d.rateOf(int(j), 0), math.Abs(v)
	if d.l2 == 0 {
		size -= float64(k * float64(rate*d.l1))
	} else {
		gone := -fmath.Expm1(float64(-k * fmath.Log1p(float64(rate*d.l2))))
		size -= float64(gone * (size + d.l1/d.l2))
	}
	d.w[j] = math.Copysign(max(size, 0), v)
}

func (d *descent) epoch() {
	if d.behind != nil {
		for j := d.dense; j < len(d.w); j++ {
			d.refresh(int32(j))
		}
		clear(d.behind)
	}
	d.steps = 0
	d.epochs++
	d.rate = d.first / (1 + float64(d.decay*float64(d.epochs)))
}

// ftrl is FTRL-Proximal: the weights follow from z and n by the closed form of
// algorithm 1, kept in w. A weight without a gradient does not change.
type ftrl struct {
	w, z, n          []float64
	root             []float64 // of n
	invAlpha, l1, l2 float64
	beta             float64
}

func newFTRL(w []float64, cfg *LinearConfig) *ftrl {
	return &ftrl{
		w: w, z: make([]float64, len(w)), n: make([]float64, len(w)), root: make([]float64, len(w)),
		invAlpha: 1 / cfg.rate(), beta: orDefault(cfg.Beta, 1), l1: cfg.L1, l2: cfg.L2,
	}
}

func (f *ftrl) refresh(int32) {}
func (f *ftrl) epoch()        {}

func (f *ftrl) step(dense []float64, touched []int32, sparse []float64) {
	f.update(0, dense[0], 0, 0)
	for j := 1; j < len(dense); j++ {
		if g := dense[j]; g != 0 {
			f.update(j, g, f.l1, f.l2)
		}
	}
	for _, j := range touched {
		f.update(int(j), sparse[j], f.l1, f.l2)
	}
}

// update is the inner loop of algorithm 1 for coordinate j with gradient g.
func (f *ftrl) update(j int, g, l1, l2 float64) {
	f.n[j] += float64(g * g)
	root := math.Sqrt(f.n[j])
	sigma := float64((root - f.root[j]) * f.invAlpha)
	f.root[j] = root
	z := f.z[j] + g - float64(sigma*f.w[j])
	f.z[j] = z
	switch {
	case z > l1:
		z -= l1
	case z < -l1:
		z += l1
	default:
		f.w[j] = 0
		return
	}
	f.w[j] = -z / (float64((f.beta+root)*f.invAlpha) + l2)
}
