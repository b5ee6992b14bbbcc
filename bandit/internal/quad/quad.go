// Package quad computes the probability that an arm is the best of several whose values are independent: by
// quadrature, for Beta and for normal distributions, without special functions.
//
//	P(arm j is the best) = ∫ f_j(y) Π_{k≠j} F_k(y) dy
//
// Everything is a function of y: the value itself for normal arms, its log-odds for Beta arms. There every Beta density is
// smooth and log-concave, however small its parameters are. The line is cut into panels that are as narrow as
// the narrowest arm that matters in them. A panel has 16 Gauss–Legendre nodes; the densities are computed at the
// nodes, and the distribution functions from them by integrating their interpolating polynomial.
//
// Densities and distribution functions belong to the arms alone, so a set of arms is prepared once and asked for the best
// of any of its subsets: each answer costs a few multiplications per arm and node. Panels are added, from the right to the
// left, when a subset needs them; the numbers do not depend on when that is.
package quad

import "math"

// tail is how far an arm reaches: to where its density is exp(-tail) of its highest. What is
// beyond has a probability of about 1e-12.
const tail = 28

// Solver holds the memory of one set of arms. It is not safe for concurrent use.
type Solver struct {
	arms   []arm
	panels []panel
	f, cdf []float64 // per panel, arm and node
	mass   []float64 // per arm: what is right of the panels
	edge   float64   // the left end of the panels
	twin   []int32   // per arm: an earlier arm of the same distribution, or -1

	narrow float64 // in tests, what the width of panels is multiplied with

	active []int32 // indexes into open
	prefix []float64
}

// panel is a part of the line. Node i is at from + (to-from)·(1+x[i])/2.
type panel struct{ from, to float64 }

// Beta prepares arms whose values have Beta(alpha[i], beta[i]) distributions. The slices have one length; the parameters are
// finite and > 0. They are not kept.
func (s *Solver) Beta(alpha, beta []float64) {
	s.open(alpha, beta)
	for i := range s.arms {
		if t := s.twin[i]; t >= 0 {
			s.arms[i] = s.arms[t]
		} else {
			s.arms[i].beta(alpha[i], beta[i])
		}
	}
	s.start()
}

// Normal prepares arms whose values are normal with means mu[i] and standard deviations sigma[i], finite and > 0.
func (s *Solver) Normal(mu, sigma []float64) {
	s.open(mu, sigma)
	for i := range s.arms {
		s.arms[i].normal(mu[i], sigma[i])
	}
	s.start()
}

// open readies the memory for arms of the parameters a and b.
func (s *Solver) open(a, b []float64) {
	n := len(a)
	s.arms = sized(s.arms, n)
	s.match(a, b)
	s.panels, s.f, s.cdf = s.panels[:0], s.f[:0], s.cdf[:0]
	s.mass = sized(s.mass, n)
	clear(s.mass)
}

// match finds arms of the same distribution, as all cold arms are. It looks at a limited number of earlier ones.
func (s *Solver) match(a, b []float64) {
	const most = 32
	s.twin = sized(s.twin, len(a))
	s.active = s.active[:0] // of different distributions
	for i := range a {
		s.twin[i] = -1
		for _, j := range s.active {
			if a[j] == a[i] && b[j] == b[i] {
				s.twin[i] = j
				break
			}
		}
		if s.twin[i] < 0 && len(s.active) < most {
			s.active = append(s.active, int32(i))
		}
	}
}

func (s *Solver) start() {
	s.edge = math.Inf(-1)
	for i := range s.arms {
		s.edge = max(s.edge, s.arms[i].hi)
	}
}

// Best writes into dst[i] the probability that arm open[i] is the best of the arms in open, which are distinct indexes. The sum is 1
// up to rounding. An arm whose probability is below about 1e-12 may have 0. len(dst) == len(open).
func (s *Solver) Best(dst []float64, open []int32) {
	clear(dst)
	low, high := math.Inf(-1), math.Inf(-1)
	for _, j := range open {
		low, high = max(low, s.arms[j].lo), max(high, s.arms[j].hi)
	}
	for s.edge > low {
		s.extend()
	}
	for k := range s.panels {
		if p := &s.panels[k]; p.from < high && p.to > low {
			s.sum(dst, open, k)
		}
	}
	total := 0.0
	for _, p := range dst {
		total += p
	}
	for i := range dst {
		dst[i] /= total
	}
}

// sum adds the part of panel k.
func (s *Solver) sum(dst []float64, open []int32, k int) {
	p := &s.panels[k]
	at := k * len(s.arms) * nodes
	var product [nodes]float64
	for i := range product {
		product[i] = 1
	}
	s.active = s.active[:0]
	s.prefix = s.prefix[:0]
	for i, j := range open {
		if s.arms[j].hi <= p.from {
			continue // its distribution function is 1, its density 0
		}
		s.active = append(s.active, int32(i))
		s.prefix = append(s.prefix, product[:]...)
		cdf := (*[nodes]float64)(s.cdf[at+int(j)*nodes:])
		for n := range product {
			product[n] *= cdf[n]
		}
	}
	width := (p.to - p.from) / 2
	for n := range product {
		product[n] = float64(width * rule.w[n])
	}
	for a := len(s.active) - 1; a >= 0; a-- {
		i := s.active[a]
		j := int(open[i])
		f, cdf := (*[nodes]float64)(s.f[at+j*nodes:]), (*[nodes]float64)(s.cdf[at+j*nodes:])
		prefix := (*[nodes]float64)(s.prefix[a*nodes:])
		sum := 0.0
		for n := range product {
			sum += float64(float64(f[n]*prefix[n]) * product[n])
			product[n] *= cdf[n]
		}
		dst[i] += sum
	}
}

// extend adds a panel at the left end.
func (s *Solver) extend() {
	p := panel{to: s.edge}
	w := s.width(p.to)
	if s.narrow > 0 {
		w *= s.narrow
	}
	p.from = s.stop(p.to, p.to-w)
	s.panels, s.edge = append(s.panels, p), p.from
	at := len(s.f)
	size := len(s.arms) * nodes
	s.f, s.cdf = grow(s.f, size), grow(s.cdf, size)
	var g grid
	g.place(p)
	for j := range s.arms {
		a := &s.arms[j]
		f, cdf := (*[nodes]float64)(s.f[at+j*nodes:]), (*[nodes]float64)(s.cdf[at+j*nodes:])
		switch t := s.twin[j]; {
		case t >= 0:
			twin := at + int(t)*nodes
			copy(f[:], s.f[twin:])
			copy(cdf[:], s.cdf[twin:])
			s.mass[j] = s.mass[t]
		case a.hi <= p.from:
			for n := range f {
				f[n], cdf[n] = 0, 1
			}
		case a.lo >= p.to:
			clear(f[:])
			clear(cdf[:])
		default:
			a.density(f, &g)
			s.mass[j] = rule.upper(cdf, f, s.mass[j], (p.to-p.from)/2)
		}
	}
}

// stop returns from, or the right end of an arm so narrow that to - hi had too few digits to end the panel there.
func (s *Solver) stop(to, from float64) float64 {
	for i := range s.arms {
		if a := &s.arms[i]; a.hi < to && a.hi > from && a.hi-from > a.step(a.hi) && to-a.hi > a.step(a.hi) {
			from = a.hi
		}
	}
	return from
}

// width returns how wide a panel that ends at y may be.
func (s *Solver) width(y float64) float64 {
	w := math.Inf(1)
	for i := range s.arms {
		if s.twin[i] >= 0 {
			continue
		}
		a := &s.arms[i]
		switch {
		case a.lo >= y:
		case a.hi < y:
			w = min(w, max(y-a.hi, a.step(a.hi)))
		default:
			w = min(w, a.step(y))
		}
	}
	return w
}

func sized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n, n+n/4)
	}
	return s[:n]
}

// grow returns s with n more elements, of which the contents are stale.
func grow(s []float64, n int) []float64 {
	if len(s)+n <= cap(s) {
		return s[:len(s)+n]
	}
	return append(s, make([]float64, n)...)
}
