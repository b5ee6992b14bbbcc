package loss

import (
	"fmt"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// form is a loss of one row, without data.
type form struct {
	text string
	link tree.Link
	// at returns the first and second derivative of the loss at the raw score s.
	at func(s, y float64) (g, h float64)
	// loss returns the loss itself, up to a constant of y.
	loss func(s, y float64) float64
	// scale multiplies the weight of a row, by its label; nil: 1.
	scale func(y float64) float64
	// Labels for which ok does not hold are errors; want says what it takes.
	want string
	ok   func(y float64) bool
	base func(o *pointwise) (float64, error)
	// renew returns the best constant for what is in s; nil: -G/H does.
	renew func(s *Scratch) float64
}

// pointwise is a loss that is a sum over rows: w loss(s, y).
type pointwise struct {
	Data
	form
	start float64 // base score
}

var _ Objective = (*pointwise)(nil)

func newPointwise(p Params, d Data) (Objective, error) {
	o := &pointwise{Data: d, form: formOf(p)}
	if err := o.check(o.want, o.ok); err != nil {
		return nil, err
	}
	var err error
	if o.start, err = o.base(o); err != nil {
		return nil, err
	}
	switch {
	case o.renew != nil:
		return &renewing{pointwise: o}, nil
	case p.Kind == LogLoss:
		return newLogistic(o), nil
	}
	return o, nil
}

// formOf returns the form of a pointwise objective.
func formOf(p Params) form {
	f := form{
		want: "a number", ok: func(float64) bool { return true },
		base: (*pointwise).average,
	}
	positive := func(y float64) bool { return y >= 0 }
	switch p.Kind {
	case L2:
		f.text, f.at, f.loss = "regression", l2At, l2Loss
	case L1, Quantile:
		alpha := p.Alpha
		f.text = "quantile"
		if p.Kind == L1 {
			f.text, alpha = "regression_l1", 0.5
		}
		f.at, f.loss = quantileOf(alpha, p.Kind == L1)
		f.renew, f.base = func(s *Scratch) float64 { return s.quantile(alpha) }, (*pointwise).constant
	case Huber:
		f.text = "huber"
		f.at, f.loss = huberOf(p.Alpha)
		f.renew, f.base = func(s *Scratch) float64 { return s.huber(p.Alpha) }, (*pointwise).constant
	case LogLoss:
		f.text, f.link = "binary sigmoid:1", tree.Link{Kind: tree.Sigmoid, Slope: 1}
		f.at, f.loss, f.base = logisticAt, logisticLoss, (*pointwise).logOdds
		if more := p.PositiveWeight - 1; more != 0 {
			f.scale = func(y float64) float64 { return 1 + float64(y*more) }
		}
		f.want, f.ok = "0 or 1 (CrossEntropy takes what is between)", func(y float64) bool { return y == 0 || y == 1 }
	case CrossEntropy:
		f.text, f.link = "cross_entropy", tree.Link{Kind: tree.Sigmoid}
		f.at, f.loss, f.base = logisticAt, logisticLoss, (*pointwise).logOdds
		f.want, f.ok = "0 to 1", func(y float64) bool { return y >= 0 && y <= 1 }
	case Poisson:
		f.text = "poisson"
		f.at, f.loss = poissonOf(p.MaxStep)
		f.want, f.ok = ">= 0", positive
	case Gamma:
		f.text, f.at, f.loss = "gamma", gammaAt, gammaLoss
		f.want, f.ok = "> 0", func(y float64) bool { return y > 0 }
	case Tweedie:
		f.text = "tweedie"
		f.at, f.loss = tweedieOf(p.Power)
		f.want, f.ok = ">= 0", positive
	}
	if p.Kind == Poisson || p.Kind == Gamma || p.Kind == Tweedie {
		f.link, f.base = tree.Link{Kind: tree.Exp}, (*pointwise).logMean
	}
	return f
}

func (o *pointwise) Outputs() int    { return 1 }
func (o *pointwise) Base() []float64 { return []float64{o.start} }
func (o *pointwise) Link() tree.Link { return o.link }
func (o *pointwise) Text() string    { return o.text }

// weightOf is the weight of row i, that of its label included.
func (o *pointwise) weightOf(i int) float64 {
	w := o.weight(i)
	if o.scale != nil {
		w *= o.scale(float64(o.Labels[i]))
	}
	return w
}

func (o *pointwise) Gradients(_ int, score []float64, grad, hess []float32) {
	o.overRows(len(o.Labels), func(from, to int) {
		for i := from; i < to; i++ {
			if !o.known(i) {
				grad[i], hess[i] = 0, 0
				continue
			}
			g, h := o.at(score[i], float64(o.Labels[i]))
			w := o.weightOf(i)
			grad[i], hess[i] = clamp(g*w), clamp(h*w)
		}
	})
}

// Loss returns the weighted mean of the loss of the rows that count.
func (o *pointwise) Loss(score []float64) float64 {
	sum, total := 0.0, 0.0
	for i := range o.Labels {
		if o.known(i) {
			w := o.weightOf(i)
			sum += float64(w * o.loss(score[i], float64(o.Labels[i])))
			total += w
		}
	}
	return sum / total
}

// clamp rounds to a finite float32: a score of 90 under a log link has no finite one.
func clamp(x float64) float32 {
	return float32(max(-math.MaxFloat32, min(x, math.MaxFloat32)))
}

// average is the mean label: the base of L2.
func (o *pointwise) average() (float64, error) {
	m, total := o.mean(func(i int) float64 { return float64(o.Labels[i]) })
	if total == 0 {
		return 0, nil
	}
	return m, nil
}

// logOdds is the log odds of the mean label, with the weights of labels. (LightGBM's base leaves
// its scale_pos_weight out.)
func (o *pointwise) logOdds() (float64, error) {
	sum, total := 0.0, 0.0
	for i := range o.Labels {
		if o.known(i) {
			w := o.weightOf(i)
			sum += float64(w * float64(o.Labels[i]))
			total += w
		}
	}
	switch {
	case total == 0:
		return 0, nil
	case sum == 0 || sum == total:
		return 0, fmt.Errorf("%w: all labels are %v", ErrOneClass, sum/total)
	}
	return fmath.Log(sum / (total - sum)), nil
}

// logMean is the log of the mean label: the base under a log link.
func (o *pointwise) logMean() (float64, error) {
	m, err := o.average()
	if err == nil && m == 0 {
		return 0, fmt.Errorf("%w: all labels are 0", ErrOneClass)
	}
	return fmath.Log(m), err
}

func l2At(s, y float64) (g, h float64) { return s - y, 1 }
func l2Loss(s, y float64) float64      { return (s - y) * (s - y) / 2 }

// quantileOf is the pinball loss; twice that, the absolute error, for L1.
func quantileOf(alpha float64, absolute bool) (at func(s, y float64) (g, h float64), loss func(s, y float64) float64) {
	over, under := 1-alpha, alpha
	if absolute {
		over, under = 1, 1
	}
	at = func(s, y float64) (g, h float64) {
		switch {
		case s > y, s == y && !absolute:
			return over, 1
		case s == y:
			return 0, 1
		}
		return -under, 1
	}
	loss = func(s, y float64) float64 { return max(over*(s-y), under*(y-s)) }
	return at, loss
}

func huberOf(delta float64) (at func(s, y float64) (g, h float64), loss func(s, y float64) float64) {
	at = func(s, y float64) (g, h float64) { return max(-delta, min(s-y, delta)), 1 }
	loss = func(s, y float64) float64 {
		r := math.Abs(s - y)
		if r <= delta {
			return r * r / 2
		}
		return delta * (r - delta/2)
	}
	return at, loss
}

// sigmoid is 1/(1+exp(-s)).
func sigmoid(s float64) float64 { return 1 / (1 + fmath.Exp(-s)) }

func logisticAt(s, y float64) (g, h float64) {
	p := sigmoid(s)
	return p - y, float64(p * (1 - p))
}

func logisticLoss(s, y float64) float64 {
	return max(s, 0) - float64(s*y) + math.Log1p(fmath.Exp(-math.Abs(s)))
}

// poissonOf inflates the hessian by exp(step), which keeps the first steps from overshooting.
func poissonOf(step float64) (at func(s, y float64) (g, h float64), loss func(s, y float64) float64) {
	damp := fmath.Exp(step)
	at = func(s, y float64) (g, h float64) {
		e := fmath.Exp(s)
		return e - y, e * damp
	}
	return at, func(s, y float64) float64 { return fmath.Exp(s) - float64(s*y) }
}

func gammaAt(s, y float64) (g, h float64) {
	e := y * fmath.Exp(-s)
	return 1 - e, e
}

func gammaLoss(s, y float64) float64 { return float64(y*fmath.Exp(-s)) + s }

func tweedieOf(power float64) (at func(s, y float64) (g, h float64), loss func(s, y float64) float64) {
	a, b := 1-power, 2-power
	at = func(s, y float64) (g, h float64) {
		ea, eb := y*fmath.Exp(a*s), fmath.Exp(b*s)
		return eb - ea, float64(b*eb) - float64(a*ea)
	}
	loss = func(s, y float64) float64 { return fmath.Exp(b*s)/b - float64(y*fmath.Exp(a*s))/a }
	return at, loss
}
