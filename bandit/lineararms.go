package bandit

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/recsyskit/recsys/internal/simd"
)

// LinearArms is a [Ridge] for each of k arms: the disjoint model of LinUCB and linear Thompson sampling over plain
// slices, without a pipeline. An arm that was never updated takes a few words of memory, any other
// about 8·d² bytes.
//
// Reading methods may run concurrently, but not beside Update.
//
// Source: Li, Chu, Langford and Schapire, "A Contextual-Bandit Approach to Personalized News Article
// Recommendation", WWW 2010, Algorithm 1.
type LinearArms struct {
	arms []Ridge
	dim  int
}

// NewLinearArms returns k >= 1 arms with d >= 1 features. The error is that of [NewRidge], or tells k.
func NewLinearArms(k, d int, cfg RidgeConfig) (*LinearArms, error) {
	if k < 1 {
		return nil, fmt.Errorf("bandit: NewLinearArms: %d arms; want at least 1", k)
	}
	r, err := NewRidge(d, cfg)
	if err != nil {
		return nil, err
	}
	m := &LinearArms{make([]Ridge, k), d}
	for i := range m.arms {
		m.arms[i] = *r
	}
	return m, nil
}

// Len returns the number of arms.
func (m *LinearArms) Len() int { return len(m.arms) }

// Arm returns the regression of arm i.
func (m *LinearArms) Arm(i int) *Ridge { return &m.arms[i] }

// Update learns that arm i at x was worth reward, as [Ridge.Update] does with weight 1.
func (m *LinearArms) Update(i int, x []float64, reward float64) error {
	return m.arms[i].Update(x, reward, 1)
}

// Moments writes mean and variance of each arm at x; see [Ridge.Moments]. It panics if mean or variance
// is not as long as there are arms.
func (m *LinearArms) Moments(mean, variance, x []float64) {
	if len(mean) != len(m.arms) || len(variance) != len(m.arms) {
		panic("bandit: LinearArms.Moments: len(mean) or len(variance) is not the number of arms")
	}
	m.arms[0].check(x)
	var buf padding
	x = buf.pad(x)
	for i := range m.arms {
		mean[i], variance[i] = m.arms[i].moments(x)
	}
}

// UCB returns the arm with the largest mean + alpha·√(xᵀA⁻¹x), the first one of several: LinUCB's
// decision. An alpha of 0 gives the greedy one.
func (m *LinearArms) UCB(x []float64, alpha float64) int {
	m.arms[0].check(x)
	var buf padding
	x = buf.pad(x)
	best, top := 0, math.Inf(-1)
	for i := range m.arms {
		mean, variance := m.arms[i].moments(x)
		if s := mean + float64(alpha*math.Sqrt(variance)); s > top {
			best, top = i, s
		}
	}
	return best
}

// Thompson draws a reward for each arm from N(mean, v²·xᵀA⁻¹x) and returns the arm with the largest. Each
// arm is drawn with its probability of being the best; [BestNormal] tells those.
//
// Source: Agrawal and Goyal, "Thompson Sampling for Contextual Bandits with Linear Payoffs", ICML 2013,
// Algorithm 1, with a parameter of its own for each arm.
func (m *LinearArms) Thompson(x []float64, v float64, rng *rand.Rand) int {
	m.arms[0].check(x)
	var buf padding
	x = buf.pad(x)
	best, top := 0, math.Inf(-1)
	for i := range m.arms {
		mean, variance := m.arms[i].moments(x)
		if s := mean + float64(float64(v*math.Sqrt(variance))*rng.NormFloat64()); s > top {
			best, top = i, s
		}
	}
	return best
}

// Greedy returns any arm with probability epsilon, in [0, 1], else the one with the largest mean, or one of those, with equal
// probability, if there are several: as [LinGreedy] does.
func (m *LinearArms) Greedy(x []float64, epsilon float64, rng *rand.Rand) int {
	m.arms[0].check(x)
	if rng.Float64() < epsilon {
		return rng.IntN(len(m.arms))
	}
	var buf padding
	x = buf.pad(x)
	best, top, ties := 0, math.Inf(-1), 0
	for i := range m.arms {
		mean, _ := m.arms[i].moments(x)
		switch {
		case mean > top:
			best, top, ties = i, mean, 1
		case mean == top:
			if ties++; rng.IntN(ties) == 0 {
				best = i
			}
		}
	}
	return best
}

// RowMoments writes mean and variance at each of len(mean) rows, row-major in x, of d features each: the
// shared model, one θ over features of actions. See [Ridge.Moments]. It panics if the lengths do not fit.
func (m *Ridge) RowMoments(mean, variance, x []float64) {
	if len(variance) != len(mean) || len(x) != len(mean)*m.dim {
		panic("bandit: Ridge.RowMoments: lengths do not fit")
	}
	for i := range mean {
		mean[i], variance[i] = m.Moments(x[i*m.dim : (i+1)*m.dim])
	}
}

// A Sampler draws parameters of a [Ridge] or a [Logistic] from its posterior, as it was when the sampler
// was readied. It is for one goroutine at a time.
type Sampler struct {
	f     triangle
	theta []float64
	z     []float64
}

// Ready takes the posterior of m: d³ operations. It reports whether the covariance could be factored.
func (s *Sampler) Ready(m *Ridge) bool {
	d := m.dim
	s.theta = m.Theta(s.theta[:0])
	if len(s.z) != d {
		s.z = make([]float64, d)
	}
	if m.gram != nil {
		return s.f.factor(m.gram, d)
	}
	prior := make([]float64, simd.SymLen(d))
	for i := range d {
		prior[simd.SymIndex(i, i)] = m.cfg.Lambda
	}
	return s.f.factor(prior, d)
}

// Draw writes a draw from N(θ, v²A⁻¹) to dst, of d elements: d² operations.
func (s *Sampler) Draw(dst []float64, v float64, rng *rand.Rand) {
	for i := range s.z {
		s.z[i] = rng.NormFloat64()
	}
	s.f.shift(dst, s.z)
	for i, t := range s.theta {
		dst[i] = t + float64(v*dst[i])
	}
}

// ReadyLogistic takes the posterior of m. See [Sampler.Ready].
func (s *Sampler) ReadyLogistic(m *Logistic) bool { return s.Ready(&m.r) }
