package bandit

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
)

// RidgeConfig holds the settings of a [Ridge]. The zero value is the documented default.
type RidgeConfig struct {
	// Lambda, > 0, is the ridge: the precision of the prior of every weight, in units of
	// 1/feature². 0 means 1, as in Li et al. 2010.
	Lambda float64
	// Decay, in (0, 1], is what the weight of an observation is multiplied with at every later
	// one, so that about 1/(1-Decay) of them count. 0 means 1: nothing is forgotten. The ridge is
	// not forgotten; see [Ridge].
	Decay float64
	// Refactor is the number of updates after which the inverse is computed afresh, by Cholesky's
	// factors, so that rounding does not build up. 0 means 256, or 4·d if that is more.
	Refactor int
}

// Validate returns an error that names each field that is out of its domain.
func (c RidgeConfig) Validate() error {
	var errs []error
	if !(c.Lambda >= 0) || math.IsInf(c.Lambda, 1) {
		errs = append(errs, fmt.Errorf("bandit: RidgeConfig.Lambda is %v; want > 0 and finite (0 means 1)", c.Lambda))
	}
	if !(c.Decay >= 0 && c.Decay <= 1) {
		errs = append(errs, fmt.Errorf("bandit: RidgeConfig.Decay is %v; want 0 < Decay <= 1 (0 means 1, nothing is forgotten)", c.Decay))
	}
	if c.Refactor < 0 {
		errs = append(errs, fmt.Errorf("bandit: RidgeConfig.Refactor is %d; want >= 0 (0 means 256, or 4·d if that is more)", c.Refactor))
	}
	return errors.Join(errs...)
}

func (c RidgeConfig) filled(d int) RidgeConfig {
	if c.Lambda == 0 {
		c.Lambda = 1
	}
	if c.Decay == 0 {
		c.Decay = 1
	}
	if c.Refactor == 0 {
		c.Refactor = max(256, 4*d)
	}
	return c
}

// errNotFinite is why an observation was not learned.
var errNotFinite = errors.New("bandit: an observation is not finite, or too large for float64")

// Ridge is a linear regression with a ridge that learns one observation at a time:
//
//	A = λI + Σ w·x·xᵀ    b = Σ w·r·x    θ = A⁻¹·b
//
// Its posterior of the reward at x is normal with mean xᵀθ and variance σ²·xᵀA⁻¹x, σ² that of the
// noise. It keeps A and A⁻¹ in float64, half of each, d² + O(d) numbers in all; before its first
// observation it keeps none. An update costs 4d² operations (Sherman and Morrison), a
// mean d, a variance d². Every [RidgeConfig].Refactor updates A⁻¹ and θ are computed afresh from A and b.
//
// With a Decay γ, observation i of n counts γ^(n-i). The ridge of each weight is forgotten with them and
// restored one weight after the other, so that it is always in [γ^d·λ, λ]. Where γ^d is below 1e-9, too little to compute
// with, all are restored at every update, which then costs d³ operations.
//
// The numbers are the same bits on every machine. Moments may run concurrently, but not
// beside Update. Slices of another length than d panic.
//
// Source: Hoerl and Kennard, "Ridge Regression", Technometrics 12, 1970; Sherman and Morrison,
// Annals of Mathematical Statistics 21, 1950; as used by Li et al., "A Contextual-Bandit Approach to
// Personalized News Article Recommendation", WWW 2010, Algorithm 1.
type Ridge struct {
	cfg   RidgeConfig // filled
	dim   int
	count int64 // observations
	since int   // the last factorisation
	turn  int   // the weight whose ridge is restored next

	made     uint64 // number of the regression, of a learner that has several
	logistic bool   // theta is no function of moment; see [Logistic]

	inverse, gram []float64 // tiles of package simd; nil before the first observation
	theta, moment []float64 // padded to a multiple of 8
}

// NewRidge returns a regression on d features, d >= 1. The error is that of
// [RidgeConfig.Validate], or tells d.
func NewRidge(d int, cfg RidgeConfig) (*Ridge, error) {
	if d < 1 {
		return nil, fmt.Errorf("bandit: NewRidge: %d features; want at least 1", d)
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Ridge{cfg: cfg.filled(d), dim: d}, nil
}

// Dim returns the number of features.
func (m *Ridge) Dim() int { return m.dim }

// Count returns how many observations were learned.
func (m *Ridge) Count() int64 { return m.count }

// Theta appends the d weights to dst.
func (m *Ridge) Theta(dst []float64) []float64 {
	if m.theta == nil {
		return append(dst, make([]float64, m.dim)...)
	}
	return append(dst, m.theta[:m.dim]...)
}

// padding is a vector of up to 64 elements on the stack; longer ones take memory from the heap where d is no multiple of
// 8.
type padding [64]float64

// pad returns x with zeros up to a multiple of 8, in buf if need be.
func (buf *padding) pad(x []float64) []float64 {
	n := simd.SymPadded(len(x))
	if n == len(x) {
		return x
	}
	if n > len(buf) {
		return append(make([]float64, 0, n), x...)[:n]
	}
	return buf[:n:n][:copy(buf[:], x)][:n]
}

// vectors holds memory for one vector each; nothing in it outlives a call.
var vectors = sync.Pool{New: func() any { return new([]float64) }}

// borrow returns a vector of n elements, not cleared, that is given back with vectors.Put.
func borrow(n int) *[]float64 {
	v := vectors.Get().(*[]float64)
	*v = sized(*v, n)
	return v
}

func (m *Ridge) check(x []float64) {
	if len(x) != m.dim {
		panic("bandit: Ridge: len(x) is not the number of features")
	}
}

// Moments returns the mean xᵀθ and xᵀA⁻¹x, the variance in units of the noise's. It allocates nothing
// if d is <= 64 or a multiple of 8.
func (m *Ridge) Moments(x []float64) (mean, variance float64) {
	m.check(x)
	var buf padding
	return m.moments(buf.pad(x))
}

// moments is Moments for a padded vector.
func (m *Ridge) moments(x []float64) (mean, variance float64) {
	if m.inverse == nil {
		return 0, simd.Dot64(x, x) / m.cfg.Lambda
	}
	mean, variance = simd.DotQuadForm(m.inverse, m.theta, x)
	return mean, max(variance, 0)
}

// Update learns that x was worth reward. The weight, > 0, counts it as that many observations, 1 for
// one. If a number is not finite, or so large that its square is not, Update returns an error and has
// learned nothing.
func (m *Ridge) Update(x []float64, reward, weight float64) error {
	m.check(x)
	var buf padding
	return m.update(buf.pad(x), reward, weight)
}

func (m *Ridge) update(x []float64, reward, weight float64) error {
	square := float64(weight * simd.Dot64(x, x))
	if !(weight > 0) || !isFinite(square) || !isFinite(reward*weight) || !isFinite(reward*square) {
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
	gain := weight / (1 + float64(weight*simd.Dot64(x, u)))
	simd.Axpy64(gain*(reward-simd.Dot64(x, m.theta)), u, m.theta)
	simd.Axpy64(weight*reward, x, m.moment)
	m.add(x, u, weight, gain)
	return nil
}

// add counts x in A and A⁻¹, where u = A⁻¹x and gain = weight/(1 + weight·xᵀu).
func (m *Ridge) add(x, u []float64, weight, gain float64) {
	m.shrink(u, gain)
	simd.Rank1(m.gram, weight, x)
	m.count++
	if m.since++; m.since >= m.cfg.Refactor {
		m.Refactor()
	}
}

// Correct changes the reward of an observation at x by delta: b += weight·delta·x. With a Decay, the
// weight is that of the observation times Decay to the power of the observations since.
func (m *Ridge) Correct(x []float64, delta, weight float64) error {
	m.check(x)
	var buf padding
	return m.correct(buf.pad(x), delta, weight)
}

func (m *Ridge) correct(x []float64, delta, weight float64) error {
	change := float64(weight * delta)
	if !isFinite(change) || !isFinite(change*simd.Dot64(x, x)) {
		return errNotFinite
	}
	m.grow()
	memory := borrow(len(x))
	defer vectors.Put(memory)
	u := *memory
	simd.Symv(u, m.inverse, x)
	simd.Axpy64(change, u, m.theta)
	simd.Axpy64(change, x, m.moment)
	return nil
}

// grow makes the matrices of a model that has none.
func (m *Ridge) grow() {
	if m.inverse != nil {
		return
	}
	n, size := simd.SymPadded(m.dim), simd.SymLen(m.dim)
	all := make([]float64, 2*size+2*n)
	m.inverse, m.gram = all[:size:size], all[size:2*size:2*size]
	m.theta, m.moment = all[2*size:2*size+n:2*size+n], all[2*size+n:]
	for i := range m.dim {
		m.inverse[simd.SymIndex(i, i)], m.gram[simd.SymIndex(i, i)] = 1/m.cfg.Lambda, m.cfg.Lambda
	}
}

// forget lets all that was learned count Decay times as much, and restores the ridge of one weight.
func (m *Ridge) forget() {
	decay := m.cfg.Decay
	if fmath.Pow(decay, float64(m.dim)) < leastRidge {
		m.forgetAndRestore()
		return
	}
	grown := 1 / decay
	for i := range m.inverse {
		m.inverse[i] *= grown
		m.gram[i] *= decay
	}
	for i := range m.moment {
		m.moment[i] *= decay
	}
	j := m.turn
	m.turn = (j + 1) % m.dim
	// Its last turn was d updates ago, or, in the first round, the start was.
	age := min(m.count+1, int64(m.dim))
	restored := float64(m.cfg.Lambda * (1 - fmath.Pow(decay, float64(age))))
	m.gram[simd.SymIndex(j, j)] += restored
	memory := borrow(len(m.theta))
	defer vectors.Put(memory)
	u := *memory
	for i := range u {
		u[i] = m.inverse[simd.SymIndex(i, j)]
	}
	gain := restored / (1 + float64(restored*u[j]))
	simd.Axpy64(-gain*m.theta[j], u, m.theta)
	m.shrink(u, gain)
}

// leastRidge is how small a part of a ridge may become before it is restored.
const leastRidge = 1e-9

// forgetAndRestore is forget that restores the ridge of all weights. θ stays the mode: of the posterior of before, flattened, times the
// prior's part.
func (m *Ridge) forgetAndRestore() {
	decay := m.cfg.Decay
	for i := range m.gram {
		m.gram[i] *= decay
	}
	for i := range m.moment {
		m.moment[i] *= decay
	}
	memory := borrow(len(m.theta))
	defer vectors.Put(memory)
	old := *memory
	simd.Symv(old, m.gram, m.theta)
	for i := range m.dim {
		m.gram[simd.SymIndex(i, i)] += float64(m.cfg.Lambda * (1 - decay))
	}
	m.Refactor()
	if m.logistic {
		simd.Symv(m.theta, m.inverse, old)
	}
}

// shrink computes A⁻¹ -= gain·u·uᵀ and keeps it symmetric to the bit: what is not symmetric would grow with every decay.
func (m *Ridge) shrink(u []float64, gain float64) {
	simd.Rank1(m.inverse, -gain, u)
	simd.SymMirror(m.inverse)
}

// Refactor computes A⁻¹ and θ afresh from A and b: d³ operations. Update calls it.
func (m *Ridge) Refactor() {
	m.since = 0
	if m.inverse == nil {
		return
	}
	f := triangles.Get().(*triangle)
	defer triangles.Put(f)
	if !f.factor(m.gram, m.dim) { // too ill-conditioned: the updated inverse is what there is
		return
	}
	f.inverse(m.inverse)
	if !m.logistic {
		simd.Symv(m.theta, m.inverse, m.moment)
	}
}

func isFinite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }
