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
// the next if it is alpha to the point, so that the median of an even count is the usual one. It reorders the
// items and takes O(n) on average (Hoare's selection).
func (s *Scratch) quantile(alpha float64) float64 {
	if len(s.items) == 0 {
		return 0
	}
	want, below := alpha*s.total, 0.0 // weight of what lies below part
	part, above := s.items, math.Inf(1)
	for len(part) > 24 {
		less, same, weight, equal := partition(part)
		switch {
		case below+weight >= want && less > 0:
			above = part[less].value
			part = part[:less]
		case below+weight+equal > want:
			return part[less].value
		case same == len(part):
			return middle(part[less].value, above, below+weight+equal == want)
		default:
			if below+weight+equal == want {
				for _, x := range part[same:] {
					above = min(above, x.value)
				}
				return middle(part[less].value, above, true)
			}
			below += weight + equal
			part = part[same:]
		}
	}
	slices.SortFunc(part, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	for i, x := range part {
		below += x.weight
		if i+1 < len(part) {
			if below >= want {
				return middle(x.value, part[i+1].value, below == want)
			}
			continue
		}
		return middle(x.value, above, below == want)
	}
	return 0
}

// middle is the value, or the mean of it and the next.
func middle(value, next float64, tie bool) float64 {
	if tie && !math.IsInf(next, 1) {
		return value + (next-value)/2
	}
	return value
}

// partition puts what is less than some middling value first, then its equals, and returns where those
// begin and end and both weights.
func partition(v []weighted) (less, same int, weight, equal float64) {
	a, b, c := v[0].value, v[len(v)/2].value, v[len(v)-1].value
	pivot := max(min(a, b), min(max(a, b), c))
	same = len(v)
	for at := 0; at < same; {
		switch x := v[at]; {
		case x.value < pivot:
			weight += x.weight
			v[less], v[at] = x, v[less]
			less++
			at++
		case x.value == pivot:
			equal += x.weight
			at++
		default:
			same--
			v[at], v[same] = v[same], x
		}
	}
	return less, same, weight, equal
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
