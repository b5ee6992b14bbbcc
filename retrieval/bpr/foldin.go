package bpr

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/internal/fmath"
	"github.com/recsyskit/recsys/internal/simd"
	"github.com/recsyskit/recsys/retrieval/internal/factor"
	"github.com/recsyskit/recsys/retrieval/internal/profile"
)

// scratch is the memory of one call.
type scratch struct {
	profile []profile.Entry
	vector  []float32 // the user's
	diff    []float32 // of two items, the bias included
	rng     rand.PCG
	squares float32 // of the gradients
	bias    float32 // of the user, for Logistic
}

func (m *Model) acquire() *scratch {
	if s, ok := m.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{vector: make([]float32, m.config.width()), diff: make([]float32, m.config.width())}
}

// user fills s.vector with the vector of the request's user and reports whether there is one.
func (m *Model) user(s *scratch, q *recsys.Query) bool {
	s.profile = m.history.Read(s.profile, q, &m.factors.Items)
	if len(s.profile) > 0 {
		if m.fold(s); !zero(s.vector[:m.config.Factors]) { // as it is when the profile has every item
			return factor.Bounded(s.vector)
		}
	}
	if at := m.factors.FindUser(q.User); at >= 0 {
		copy(s.vector, m.factors.UserVectors.Row(at))
		return !zero(s.vector[:m.config.Factors])
	}
	return false
}

// zero reports whether a vector says nothing.
func zero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

// How many steps a fold-in takes: so many for each entry of the profile, within bounds; and
// each entry one. A step of Logistic counts for all items that it draws.
const (
	foldPasses            = 30
	leastSteps, mostSteps = 300, 1000
	mostDraws             = 2000
)

// fold learns a vector for s.profile with the vectors of items as they are, from 0, by the steps
// of the training. The draws are always the same.
func (m *Model) fold(s *scratch) {
	d := m.config.Factors
	x := s.vector[:d]
	clear(x)
	if m.config.Biases {
		s.vector[d] = 1
	}
	s.squares, s.bias = 0, 0
	s.rng.Seed(m.config.Seed, 0x666f6c64)
	total := 0.0
	for _, e := range s.profile {
		total += float64(e.Weight)
	}
	n := len(s.profile)
	steps := min(max(foldPasses*n, leastSteps), mostSteps)
	if m.config.Loss == Logistic {
		steps = min(steps, mostDraws/(1+m.config.Negatives))
	}
	steps = max(steps, n)
	for k := range steps {
		e := s.profile[k%n]
		rate := m.config.LearningRate * (1 - float64(k)/float64(steps))
		m.foldStep(s, e.Item, float64(e.Weight)/total*float64(n), rate)
	}
}

// foldStep is a step of the user alone.
func (m *Model) foldStep(s *scratch, i int32, weight, rate float64) {
	switch m.config.Loss {
	case BPR:
		if j := m.draw(s); j >= 0 {
			m.foldMove(s, weight*fmath.Sigmoid(-m.margin(s, i, j)), s.diff[:m.config.Factors], rate)
		}
	case WARP:
		for trial := 1; trial <= m.config.Negatives; trial++ {
			j := m.draw(s)
			if j < 0 {
				break
			}
			if m.margin(s, i, j) < 1 {
				m.foldMove(s, weight*harmonic((m.factors.Items.Len()-len(s.profile))/trial), s.diff[:m.config.Factors], rate)
				break
			}
		}
	case Logistic:
		m.foldTarget(s, i, weight*m.config.Confidence, 1, rate)
		for range m.config.Negatives {
			if j := m.draw(s); j >= 0 {
				m.foldTarget(s, j, weight, 0, rate)
			}
		}
	}
}

// harmonic returns Σ 1/k for k up to n, of at least 1, to a percent.
func harmonic(n int) float64 {
	const euler = 0.5772156649015329
	x := float64(max(n, 1))
	return fmath.Log(x) + euler + 0.5/x
}

// draw returns a random item that the profile lacks, -1 when none was found.
func (m *Model) draw(s *scratch) int32 {
	for range maxDraws {
		j := m.draws[below(&s.rng, len(m.draws))]
		if _, ok := slices.BinarySearchFunc(s.profile, j, func(e profile.Entry, j int32) int { return cmp.Compare(e.Item, j) }); !ok {
			return j
		}
	}
	return -1
}

// margin returns x_ui - x_uj, and leaves the difference of the items in s.diff.
func (m *Model) margin(s *scratch, i, j int32) float64 {
	copy(s.diff, m.factors.ItemVectors.Row(int(i)))
	simd.Sub(s.diff, m.factors.ItemVectors.Row(int(j)))
	return float64(simd.Dot(s.vector, s.diff))
}

func (m *Model) foldTarget(s *scratch, i int32, weight, target, rate float64) {
	row := m.factors.ItemVectors.Row(int(i))
	x := float64(simd.Dot(s.vector, row) + s.bias)
	g := weight * (target - fmath.Sigmoid(x))
	m.foldMove(s, g, row[:m.config.Factors], rate)
	s.bias += float32(rate * g)
}

// foldMove is stepper.move for the user of a request.
func (m *Model) foldMove(s *scratch, g float64, v []float32, rate float64) {
	d := m.config.Factors
	s.squares += float32(g * g * float64(simd.Dot(v, v)) / float64(d))
	rate /= math.Sqrt(float64(s.squares) + before)
	w := s.vector[:d]
	simd.Scale(float32(max(1-float64(rate*max(m.config.Regularization, 0)), 0)), w)
	simd.Axpy(float32(rate*g), v, w)
}
