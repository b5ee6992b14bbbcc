package ope

import (
	"errors"
	"fmt"
	"math"
)

// SlatePolicy tells how a policy fills slates in one context: it writes into dst[a] the
// probability of item a, of len(dst), at the next place, given the items above it. dst comes
// filled with zeros. What it writes is >= 0 and sums to 1, or to 0 when the slate ends there.
type SlatePolicy func(dst []float64, above []int32)

// ErrOutOfSpan is returned by [NewAdditive] when the target policy shows items at places at which
// the logging policy never does: no weights make the estimate unbiased.
var ErrOutOfSpan = errors.New("ope: the target policy shows items where the logging policy cannot")

// mostPrefixes bounds the enumeration of slates.
const mostPrefixes = 1_000_000

// Additive holds the weights of [PseudoInverse] for one context. It is read-only and safe for
// concurrent use.
type Additive struct {
	items  int
	weight []float64 // of item a at place k, at k*items+a
}

// NewAdditive solves for the weights in a context of some items and places. With 1_s the vector
// that has a one for each item of slate s at its place, Γ = E[1_s 1_sᵀ] under the logging
// policy and q = E[1_s] under the target, the weight of slate s is qᵀΓ⁺1_s. For places filled
// independently it is 1 + Σ_k (π_k/p_k - 1); see [IndependentWeight].
//
// All slates of both policies are enumerated, so items and places must be few: more than
// 1,000,000 beginnings of slates are a [*FieldError], as are probabilities outside [0, 1] and
// those that do not sum to 1. The error is [ErrOutOfSpan] when there are no such weights. It
// costs time in proportion to the slates times the square of the places, and to the cube of
// items times places.
//
// Source: Swaminathan et al., NeurIPS 2017, section 3.
func NewAdditive(items, places int, logger, target SlatePolicy) (*Additive, error) {
	if items < 1 || places < 1 {
		return nil, &FieldError{"NewAdditive's items and places", fmt.Sprint(items, " and ", places), "at least 1"}
	}
	d := items * places
	gamma := make([]float64, d*d)
	q := make([]float64, d)
	err := eachSlate(items, places, logger, "logger", func(slate []int32, p float64) {
		for k, a := range slate {
			for l, b := range slate {
				gamma[(k*items+int(a))*d+l*items+int(b)] += p
			}
		}
	})
	if err != nil {
		return nil, err
	}
	err = eachSlate(items, places, target, "target", func(slate []int32, p float64) {
		for k, a := range slate {
			q[k*items+int(a)] += p
		}
	})
	if err != nil {
		return nil, err
	}
	w, ok := solveSemidefinite(gamma, q)
	if !ok {
		return nil, ErrOutOfSpan
	}
	return &Additive{items: items, weight: w}, nil
}

// Weight returns the weight of a slate that the logging policy can show; the mean of the weights
// is 1. Weights may be negative. Weight panics for an item or a place out of range.
func (a *Additive) Weight(slate []int32) float64 {
	if len(slate)*a.items > len(a.weight) {
		panic("ope: slate is too long")
	}
	var w float64
	for k, item := range slate {
		if item < 0 || int(item) >= a.items {
			panic("ope: item out of range")
		}
		w += a.weight[k*a.items+int(item)]
	}
	return w
}

// IndependentWeight returns the weight of a slate for [PseudoInverse] when the logging policy
// fills places independently of each other: 1 + Σ_k (target[k]/propensity[k] - 1). The slices
// hold the probabilities of the items at their places, and are of one length.
//
// Source: Swaminathan et al., NeurIPS 2017, section 3, for product slate spaces.
func IndependentWeight(propensity, target []float64) float64 {
	w := 1.0
	for k, p := range propensity {
		w += target[k]/p - 1
	}
	return w
}

// eachSlate calls f for each slate that the policy can show, with its probability.
func eachSlate(items, places int, policy SlatePolicy, name string, f func(slate []int32, p float64)) error {
	slate := make([]int32, 0, places)
	dist := make([]float64, places*items)
	seen := 0
	var walk func(p float64) error
	walk = func(p float64) error {
		if seen++; seen > mostPrefixes {
			return &FieldError{"NewAdditive's " + name, fmt.Sprintf("of more than %d beginnings of slates", mostPrefixes), "of fewer"}
		}
		k := len(slate)
		if k == places {
			f(slate, p)
			return nil
		}
		dst := dist[k*items : (k+1)*items : (k+1)*items]
		clear(dst)
		policy(dst, slate)
		var total float64
		for _, x := range dst {
			if !isProbability(x) {
				return &FieldError{fmt.Sprintf("a probability of NewAdditive's %s at place %d", name, k), fmt.Sprint(x), wantProbability}
			}
			total += x
		}
		if total == 0 {
			f(slate, p)
			return nil
		}
		if !(math.Abs(total-1) <= sumTolerance) {
			return &FieldError{fmt.Sprintf("the sum of NewAdditive's %s at place %d", name, k), fmt.Sprint(total), "1, or 0 when the slate ends there"}
		}
		for a, x := range dst {
			if x == 0 {
				continue
			}
			slate = append(slate, int32(a))
			err := walk(p * x)
			slate = slate[:k]
			if err != nil {
				return err
			}
		}
		return nil
	}
	return walk(1)
}

// solveSemidefinite returns a y with Ay = b for a symmetric positive semidefinite A, which it
// overwrites; ok is false if there is none. It is Cholesky's method with the largest pivots
// first, stopped where the rest is rounding. Which y it is does not matter: all give the same
// product with vectors of A's range, as the slates of the logging policy are.
//
// Source: Higham, Accuracy and Stability of Numerical Algorithms, section 10.3.
func solveSemidefinite(a, b []float64) (y []float64, ok bool) {
	d := len(b)
	full := append([]float64(nil), a...)
	var pivots []int
	done := make([]bool, d)
	first := 0.0
	for range d {
		p, best := -1, 0.0
		for i := range d {
			if !done[i] && a[i*d+i] > best {
				p, best = i, a[i*d+i]
			}
		}
		if first == 0 {
			first = best
		}
		if p < 0 || best <= 1e-12*first*float64(d) {
			break
		}
		done[p] = true
		pivots = append(pivots, p)
		root := math.Sqrt(best)
		for i := range d { // column p of the factor, kept in row p
			if done[i] && i != p {
				continue
			}
			a[p*d+i] /= root
		}
		for i := range d {
			if done[i] {
				continue
			}
			for j := range d {
				if !done[j] {
					a[i*d+j] -= float64(a[p*d+i] * a[p*d+j])
				}
			}
		}
	}
	// L z = b on the pivots, Lᵀ y = z; the factor's column p stands in row p of a.
	z := make([]float64, len(pivots))
	for i, p := range pivots {
		s := b[p]
		for j, o := range pivots[:i] {
			s -= float64(a[o*d+p] * z[j])
		}
		z[i] = s / a[p*d+p]
	}
	y = make([]float64, d)
	for i := len(pivots) - 1; i >= 0; i-- {
		p := pivots[i]
		s := z[i]
		for _, o := range pivots[i+1:] {
			s -= float64(a[p*d+o] * y[o])
		}
		y[p] = s / a[p*d+p]
	}
	for i := range d {
		if !(math.Abs(dot(full[i*d:(i+1)*d], y)-b[i]) <= 1e-9) {
			return nil, false
		}
	}
	return y, true
}
