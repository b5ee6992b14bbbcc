package recsys

import (
	"errors"
	"fmt"
	"math"
)

// Slate is a list being filled, place by place, under constraints.
//
//	for s.Next() {
//		row, p := choose(s.Admissible())
//		s.Pick(row, p)
//	}
//
// The window, the rows that an explorer chooses from, is the first Depth rows of
// the order. When no row of the window may come next, the window grows by the
// next row of the order that may: the explorer then has one choice, of propensity 1.
type Slate struct {
	K int // places

	c      *Candidates
	order  []int32 // best first
	window int     // order[:window] is open to choice
	own    []int32 // a copy of the order, of a scratch slate

	rows  []int32
	props []float64
	ses   []float64 // standard errors of props

	constraints []Constraint
	stages      []constraintStage // parallel to constraints; nil outside a pipeline
	hereditary  bool              // all constraints are
	relaxed     Bits              // constraints given up for the rest of the slate

	open1      Bits // rows of the window that are not picked
	beyond     Bits // rows of the order below the window
	legal      Bits // what the hereditary constraints still allow, picked rows too
	admissible Bits // open1 & legal, less what the other constraints clear
	work       Bits

	first, back int // cursors: nothing before them in order (below window) can still come

	calling int     // 1 + constraint being called, so that a panic finds its stage
	blocker []int16 // row -> 1 + constraint that last cleared it; nil unless traced
	deadEnd int     // constraint that left no row, or -1
	pending bool    // Next was true and Pick has not come
	err     error
}

// constraintStage is what the pipeline knows of a constraint.
type constraintStage struct {
	name  string
	relax bool
}

// open readies the slate. window is capped to the order.
func (s *Slate) open(c *Candidates, k int, order []int32, window int, constraints []Constraint, stages []constraintStage) {
	n := c.Len()
	s.K, s.c, s.order, s.window = k, c, order, max(0, min(window, len(order)))
	s.constraints, s.stages = constraints, stages
	s.hereditary = true
	for _, x := range constraints {
		s.hereditary = s.hereditary && isHereditary(x)
	}
	s.rows, s.props, s.ses = s.rows[:0], s.props[:0], s.ses[:0]
	s.relaxed = resizeBits(s.relaxed, len(constraints))
	s.open1, s.beyond = resizeBits(s.open1, n), resizeBits(s.beyond, n)
	s.legal, s.admissible, s.work = resizeBits(s.legal, n), resizeBits(s.admissible, n), resizeBits(s.work, n)
	for i, row := range order {
		if i < s.window {
			s.open1.Set(int(row))
		} else {
			s.beyond.Set(int(row))
		}
	}
	s.first, s.back = 0, s.window
	s.blocker, s.calling, s.deadEnd, s.pending, s.err = nil, 0, -1, false, nil
	s.relegalize()
}

// trace makes the slate note which constraint blocks a row.
func (s *Slate) trace(blocker []int16) {
	clear(blocker)
	s.blocker = blocker
	s.relegalize()
}

func isHereditary(x Constraint) bool {
	h, ok := x.(Hereditary)
	return ok && h.Hereditary()
}

// relegalize recomputes what the hereditary constraints allow, prefix by prefix.
func (s *Slate) relegalize() {
	s.legal.SetFirst(s.c.Len())
	for t := 0; t <= len(s.rows); t++ {
		s.restrict(s.legal, s.rows[:t], true)
	}
}

// restrict applies the constraints that are (or are not) hereditary.
func (s *Slate) restrict(b Bits, prefix []int32, hereditary bool) {
	for i, x := range s.constraints {
		if s.relaxed.Has(i) || isHereditary(x) != hereditary {
			continue
		}
		s.calling = i + 1
		if s.blocker == nil {
			x.Restrict(s.c, s.K, prefix, b)
			continue
		}
		copy(s.work, b)
		x.Restrict(s.c, s.K, prefix, b)
		for w := range b {
			s.work[w] &^= b[w]
		}
		for r := s.work.Next(0); r >= 0; r = s.work.Next(r + 1) {
			s.blocker[r] = int16(i + 1)
		}
	}
	s.calling = 0
}

// Fork opens dst, in dst's memory, as an empty slate with the places, order, window and
// constraints of s, and returns it: what s was before its first pick. An explorer that works through
// others gives each of them such a slate, and then fills s. The zero Slate will do for dst; it must not be s.
func (s *Slate) Fork(dst *Slate) *Slate {
	dst.open(s.c, s.K, s.order, s.window, s.constraints, s.stages)
	return dst
}

// Next readies the next place and reports whether a row can be picked for it. It is
// false when the slate is full, when no row is left, or after a wrong Pick.
func (s *Slate) Next() bool {
	if s.err != nil || len(s.rows) >= s.K {
		return false
	}
	if s.pending {
		return true
	}
	for {
		left := uint64(0)
		if s.hereditary {
			for w := range s.admissible {
				s.admissible[w] = s.open1[w] & s.legal[w]
				left |= s.admissible[w]
			}
		} else {
			for w := range s.admissible {
				s.admissible[w] = (s.open1[w] | s.beyond[w]) & s.legal[w]
			}
			s.restrict(s.admissible, s.rows, false)
			for w := range s.admissible {
				left |= s.admissible[w] & s.open1[w]
			}
		}
		if left != 0 || s.backfill() {
			for w := range s.admissible {
				s.admissible[w] &= s.open1[w]
			}
			if s.blocker != nil {
				for r := s.admissible.Next(0); r >= 0; r = s.admissible.Next(r + 1) {
					s.blocker[r] = 0
				}
			}
			s.pending = true
			return true
		}
		if !s.relax() {
			return false
		}
	}
}

// backfill opens the next row below the window that may come.
func (s *Slate) backfill() bool {
	for i := s.back; i < len(s.order); i++ {
		r := int(s.order[i])
		if !s.beyond.Has(r) || !s.legal.Has(r) || (!s.hereditary && !s.admissible.Has(r)) {
			continue
		}
		if s.hereditary {
			s.back = i + 1
		}
		s.beyond.Clear(r)
		s.open1.Set(r)
		s.admissible.Set(r)
		return true
	}
	return false
}

// relax gives up the last constraint that may be given up, and reports whether one was;
// if none was, it notes which constraint left no row.
func (s *Slate) relax() bool {
	unpicked := false
	for w := range s.open1 {
		unpicked = unpicked || s.open1[w]|s.beyond[w] != 0
	}
	if !unpicked || len(s.constraints) == 0 {
		return false
	}
	for i := len(s.constraints) - 1; i >= 0; i-- {
		if i < len(s.stages) && s.stages[i].relax && !s.relaxed.Has(i) {
			s.relaxed.Set(i)
			s.first, s.back = 0, s.window
			s.relegalize()
			return true
		}
	}
	s.deadEnd = s.emptiedBy()
	return false
}

// emptiedBy returns the constraint after which no unpicked row was left, in declared order.
func (s *Slate) emptiedBy() int {
	b := s.work
	for w := range b {
		b[w] = s.open1[w] | s.beyond[w]
	}
	for i, x := range s.constraints {
		if s.relaxed.Has(i) {
			continue
		}
		s.calling = i + 1
		if isHereditary(x) {
			for t := 0; t <= len(s.rows); t++ {
				x.Restrict(s.c, s.K, s.rows[:t], b)
			}
		} else {
			x.Restrict(s.c, s.K, s.rows, b)
		}
		if b.Empty() {
			s.calling = 0
			return i
		}
	}
	s.calling = 0
	return len(s.constraints) - 1
}

// Admissible returns the rows that may be picked for the place that Next readied.
// The set is the slate's and changes at the next Pick.
func (s *Slate) Admissible() Bits { return s.admissible }

// Order returns the rows that the slate is filled from, best first: the window, then the
// rows that come only when nothing in the window may. Rows that were picked or must not
// come are among them.
func (s *Slate) Order() []int32 { return s.order }

// Window returns how many rows of Order, from its start, are open to an explorer's choice.
func (s *Slate) Window() int { return s.window }

// Rows returns the rows picked so far, in order.
func (s *Slate) Rows() []int32 { return s.rows }

// Propensities returns the propensity of each pick.
func (s *Slate) Propensities() []float64 { return s.props }

// StandardErrors returns the standard error of each pick's propensity, 0 where that is exact.
func (s *Slate) StandardErrors() []float64 { return s.ses }

// Pick takes an admissible row for the place that Next readied. propensity is the
// probability that it was picked, given the picks above it, in (0, 1]. A row that is
// not admissible or a propensity outside that range is an error: Next is false from
// then on and Err says why.
func (s *Slate) Pick(row int32, propensity float64) { s.PickEstimated(row, propensity, 0) }

// PickEstimated is Pick with a propensity that is an estimate, for example by Monte Carlo, of the given
// standard error, finite and >= 0. A standard error of 0 says that the propensity is exact.
func (s *Slate) PickEstimated(row int32, propensity, standardError float64) {
	switch {
	case s.err != nil:
		return
	case !s.pending:
		s.err = errors.New("recsys: Slate.Pick without a call of Next that was true")
	case row < 0 || int(row) >= s.c.Len() || !s.admissible.Has(int(row)):
		s.err = fmt.Errorf("recsys: Slate.Pick: row %d is not admissible at place %d", row, len(s.rows))
	case !(propensity > 0 && propensity <= 1+1e-9):
		s.err = fmt.Errorf("recsys: Slate.Pick: propensity %v of row %d is outside (0, 1]", propensity, row)
	case !(standardError >= 0 && standardError <= math.MaxFloat64):
		s.err = fmt.Errorf("recsys: Slate.PickEstimated: standard error %v of row %d is not finite and >= 0", standardError, row)
	}
	if s.err != nil {
		return
	}
	s.pending = false
	s.rows = append(s.rows, row)
	s.props = append(s.props, min(propensity, 1))
	s.ses = append(s.ses, standardError)
	s.open1.Clear(int(row))
	if len(s.rows) < s.K {
		s.restrict(s.legal, s.rows, true)
	}
}

// Err returns why the slate stopped, or nil when every Pick was right.
func (s *Slate) Err() error { return s.err }

// Best returns the first row of the order that may come at the place that Next
// readied: the greedy choice.
func (s *Slate) Best() int32 {
	i := s.first
	for !s.admissible.Has(int(s.order[i])) {
		i++
		if s.hereditary {
			s.first = i
		}
	}
	return s.order[i]
}

// fillGreedily takes the best admissible row for each place left.
func (s *Slate) fillGreedily() {
	for s.Next() {
		s.Pick(s.Best(), 1)
	}
}
