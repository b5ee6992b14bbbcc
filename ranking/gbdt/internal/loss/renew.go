package loss

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// ErrOneClass is wrapped when the best base score is infinite: all labels are 0, or all are
// 1, or the class does not occur.
var ErrOneClass = errors.New("labels of one class only")

// Scratch is memory that Renew reuses; it serves one call at a time.
type Scratch struct {
	items []weighted
	total float64
}

type weighted struct{ value, weight float64 }

// renewing is a pointwise loss whose leaves and base are robust statistics of residuals.
type renewing struct{ *pointwise }

var (
	_ Objective = (*renewing)(nil)
	_ Renewer   = (*renewing)(nil)
)

func (o *renewing) Renew(score []float64, rows []int32, s *Scratch) float64 {
	s.items, s.total = s.items[:0], 0
	for _, i := range rows {
		if o.known(int(i)) {
			s.add(float64(o.Labels[i])-score[i], o.weight(int(i)))
		}
	}
	return o.renew(s)
}

// constant is the base score.
func (o *pointwise) constant() (float64, error) {
	var s Scratch
	for i := range o.Labels {
		if o.known(i) {
			s.add(float64(o.Labels[i]), o.weight(i))
		}
	}
	return o.renew(&s), nil
}

func (s *Scratch) add(value, weight float64) {
	s.items = append(s.items, weighted{value, weight})
	s.total += weight
}

// quantile returns the smallest value below or at which alpha of the weight lies; the mean of it and
// the next if it is alpha to the point, so that the median of an even count is the usual one.
func (s *Scratch) quantile(alpha float64) float64 {
	if len(s.items) == 0 {
		return 0
	}
	slices.SortFunc(s.items, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	want, below := alpha*s.total, 0.0
	for i, x := range s.items {
		below += x.weight
		if below == want && i+1 < len(s.items) {
			return x.value + (s.items[i+1].value-x.value)/2
		}
		if below >= want {
			return x.value
		}
	}
	return s.items[len(s.items)-1].value
}

// huber returns the one-step estimate of the location that minimises Huber's loss: the
// median, moved by the mean of the residuals clipped at delta (Friedman 2001, algorithm 4).
func (s *Scratch) huber(delta float64) float64 {
	if len(s.items) == 0 {
		return 0
	}
	median, sum := s.quantile(0.5), 0.0
	for _, x := range s.items {
		sum += float64(x.weight * max(-delta, min(x.value-median, delta)))
	}
	if m := median + sum/s.total; !math.IsNaN(m) {
		return m
	}
	return median
}
