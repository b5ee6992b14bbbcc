package bandit

import (
	"fmt"
	"math"
	"sync"

	"github.com/recsyskit/recsys/bandit/internal/quad"
)

// BestBeta returns, in dst, which it lengthens if need be, the probability of each arm i that its value is the
// highest, where values are independent Beta(alpha[i], beta[i]) variables: what Thompson sampling draws arms with.
//
//	P(i) = ∫ f_i(x) Π_{j≠i} F_j(x) dx
//
// The absolute error is below 1e-9, also where parameters are below 1 or large and scales are very different. The
// probabilities sum to 1; one that is below about 1e-12 may come out as 0. An error names a parameter that is not finite and > 0,
// or says that the lengths differ.
//
// It is a quadrature: about 20 to 60 µs for ten arms, and time grows linearly with their number. Safe for concurrent use; it allocates
// nothing when dst has room.
func BestBeta(dst, alpha, beta []float64) ([]float64, error) {
	if len(alpha) != len(beta) {
		return dst[:0], fmt.Errorf("bandit: BestBeta: %d values of alpha, %d of beta", len(alpha), len(beta))
	}
	for i := range alpha {
		if err := firstError(positive("BestBeta: alpha", i, alpha[i]), positive("BestBeta: beta", i, beta[i])); err != nil {
			return dst[:0], err
		}
	}
	s := solvers.Get().(*solver)
	defer solvers.Put(s)
	s.Beta(alpha, beta)
	return s.all(dst, len(alpha)), nil
}

// BestNormal is [BestBeta] for independent normal values of means mu[i] and standard deviations sigma[i]. An
// error names a mean that is not finite or a deviation that is not finite and > 0. Values may be up to 1e300.
func BestNormal(dst, mu, sigma []float64) ([]float64, error) {
	if len(mu) != len(sigma) {
		return dst[:0], fmt.Errorf("bandit: BestNormal: %d values of mu, %d of sigma", len(mu), len(sigma))
	}
	for i := range mu {
		if !(math.Abs(mu[i]) <= maxNormal) {
			return dst[:0], fmt.Errorf("bandit: BestNormal: mu[%d] is %v; want a number of at most %v", i, mu[i], maxNormal)
		}
		if err := positive("BestNormal: sigma", i, sigma[i]); err != nil {
			return dst[:0], err
		}
	}
	s := solvers.Get().(*solver)
	defer solvers.Put(s)
	s.Normal(mu, sigma)
	return s.all(dst, len(mu)), nil
}

const maxNormal = 1e300

func positive(what string, i int, x float64) error {
	if !(x > 0 && x <= maxNormal) {
		return fmt.Errorf("bandit: %s[%d] is %v; want a number > 0, at most %v", what, i, x, maxNormal)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// solver asks a quadrature for all arms, or for those of a view.
type solver struct {
	quad.Solver
	a, b []float64 // parameters
	open []int32

	rest, out []float64
	memo      memo
}

// solvers holds memory; nothing in it outlives a call.
var solvers = sync.Pool{New: func() any { return new(solver) }}

func (s *solver) all(dst []float64, n int) []float64 {
	dst, s.open = sized(dst, n), sized(s.open, n)
	for i := range s.open {
		s.open[i] = int32(i)
	}
	s.Solver.Best(dst, s.open)
	return dst
}

// memo holds what the best of a set of arms was found to be, for few arms: where requests are about the same arms and little
// is learned in between, and where one set has several places to fill, the same sets come again.
type memo struct {
	at map[uint64]int // set -> where its chances begin
	p  []float64
}

const (
	memoArms = 64
	memoSets = 256
)

func (m *memo) clear() {
	clear(m.at)
	m.p = m.p[:0]
}

// Best is [quad.Solver.Best], from memory where it can be.
func (s *solver) Best(dst []float64, open []int32) {
	set := uint64(0)
	for _, j := range open {
		if j >= memoArms {
			s.Solver.Best(dst, open)
			return
		}
		set |= 1 << j
	}
	if at, ok := s.memo.at[set]; ok {
		copy(dst, s.memo.p[at:])
		return
	}
	s.Solver.Best(dst, open)
	if s.memo.at == nil {
		s.memo.at = make(map[uint64]int, memoSets)
	}
	if len(s.memo.at) == memoSets {
		s.memo.clear()
	}
	s.memo.at[set] = len(s.memo.p)
	s.memo.p = append(s.memo.p, dst...)
}

// solverOf returns v's own solver with room for the parameters of its rows.
func solverOf(v *view) *solver {
	s, ok := v.own.(*solver)
	if !ok {
		s = new(solver)
		v.own = s
	}
	s.memo.clear()
	s.a, s.b = sized(s.a, len(v.arms)), sized(s.b, len(v.arms))
	return s
}
