package bandit

import (
	"errors"
	"math"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// errUnitReward is why an observation of a logistic model was not learned.
var errUnitReward = errors.New("bandit: the reward of a logistic model is outside [0, 1]")

// Logistic is a logistic regression with a normal prior that learns one observation at a
// time: P(reward = 1 | x) = σ(xᵀθ). It keeps a normal approximation of the posterior, with
// the full covariance, by Laplace's method at every step: the new mean θ is the mode of
//
//	N(θ; old mean, old covariance) · σ(xᵀθ)^r · (1-σ(xᵀθ))^(1-r)
//
// found to working precision (along one line, so that it takes a scalar equation), and the new precision is
// the old one plus σ'(xᵀθ)·x·xᵀ at the new θ. The prior is N(0, I/λ), λ = [RidgeConfig].Lambda. Rewards are in [0, 1].
//
// Decay and Refactor are those of [Ridge], and so are cost, memory, bits and concurrency.
//
// Source: Spiegelhalter and Lauritzen, "Sequential updating of conditional probabilities on directed
// graphical structures", Networks 20, 1990; Bishop, Pattern Recognition and Machine Learning, 2006,
// §4.5.1, (4.142) and (4.143), with one observation at a time. As a policy: Chapelle and Li, "An Empirical
// Evaluation of Thompson Sampling", NeurIPS 2011, Algorithm 3, which keeps the diagonal of the
// precision only and takes a batch.
type Logistic struct{ r Ridge }

// NewLogistic returns a regression on d features, d >= 1. The error is that of [NewRidge].
func NewLogistic(d int, cfg RidgeConfig) (*Logistic, error) {
	r, err := NewRidge(d, cfg)
	if err != nil {
		return nil, err
	}
	r.logistic = true
	return &Logistic{*r}, nil
}

// Dim returns the number of features.
func (m *Logistic) Dim() int { return m.r.dim }

// Count returns how many observations were learned.
func (m *Logistic) Count() int64 { return m.r.count }

// Theta appends the d weights to dst.
func (m *Logistic) Theta(dst []float64) []float64 { return m.r.Theta(dst) }

// Moments returns the mean and the variance of xᵀθ, the logit of the probability. See [Ridge.Moments].
func (m *Logistic) Moments(x []float64) (mean, variance float64) { return m.r.Moments(x) }

// Update learns that x was worth reward, in [0, 1]. The weight, > 0, counts it as that many observations. If
// a number is not finite, or too large, or the reward is outside, Update returns an error and has learned nothing.
func (m *Logistic) Update(x []float64, reward, weight float64) error {
	m.r.check(x)
	var buf padding
	return m.r.updateLogit(buf.pad(x), reward, weight)
}

// Correct changes the reward of an observation at x by delta, by one Newton step of the mode:
// θ += weight·delta·A⁻¹x. See [Ridge.Correct].
func (m *Logistic) Correct(x []float64, delta, weight float64) error {
	return m.r.Correct(x, delta, weight)
}

// updateLogit is update for a logistic model.
func (m *Ridge) updateLogit(x []float64, reward, weight float64) error {
	if !(reward >= 0 && reward <= 1) {
		return errUnitReward
	}
	square := float64(weight * simd.Dot64(x, x))
	if !(weight > 0) || !isFinite(square) || math.IsInf(weight, 1) {
		return errNotFinite
	}
	m.grow()
	if m.cfg.Decay < 1 {
		m.forget()
	}
	memory := borrow(len(x))
	defer vectors.Put(memory)
	u := *memory
	simd.Symv(u, m.inverse, x)
	s := max(simd.Dot64(x, u), 0)
	mean := simd.Dot64(x, m.theta)
	step := logitStep(mean, s, reward, weight)
	p := fmath.Sigmoid(mean + float64(s*step))
	simd.Axpy64(step, u, m.theta)
	w := float64(float64(weight*p) * (1 - p))
	m.add(x, u, w, w/(1+float64(w*s)))
	return nil
}

// logitStep solves t = weight·(reward - σ(mean + s·t)) for t, s >= 0: the mode is then θ + t·A⁻¹x.
// The difference of the sides grows in t, so the root is bracketed; Newton's steps that leave
// the bracket are replaced by bisection.
func logitStep(mean, s, reward, weight float64) float64 {
	low, high := weight*(reward-1), weight*reward
	t := float64(weight * (reward - fmath.Sigmoid(mean)))
	for range 100 {
		p := fmath.Sigmoid(mean + float64(s*t))
		f := t - float64(weight*(reward-p))
		if f > 0 {
			high = t
		} else {
			low = t
		}
		slope := 1 + float64(float64(weight*s)*float64(p*(1-p)))
		next := t - f/slope
		if !(next > low && next < high) {
			next = low + float64((high-low)/2)
		}
		if math.Abs(next-t) <= 1e-15*weight {
			return next
		}
		t = next
	}
	return t
}
