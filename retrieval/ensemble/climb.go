package ensemble

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// search looks for the weights with the highest mean of the metric over some cases.
type search struct {
	*learner
	tables    []table
	usable    []bool // by source: whether it can have a weight
	cases     []int
	discounts []float64 // sums of the first
	values    []float64 // by case
}

func newSearch(l *learner, tables []table, usable []bool, cases []int) *search {
	s := &search{learner: l, tables: tables, usable: usable, cases: cases, values: make([]float64, len(cases))}
	s.discounts = append(s.discounts, 0)
	for p := range l.K {
		s.discounts = append(s.discounts, s.discounts[p]+1/math.Log2(float64(p)+2))
	}
	return s
}

const (
	least    = 1e-9 // what counts as better
	sweeps   = 6    // over all weights, at most
	octaves  = 5    // up and down from the largest weight that a weight is tried at
	sections = 8    // of the golden section

	dispensable = 2e-4 // share of the value that a source must be worth to have a weight
)

// climb returns w improved one weight after the other until nothing gets better.
func (s *search) climb(ctx context.Context, w []float64) []float64 {
	w = slices.Clone(w)
	value := s.at(w)
	for range sweeps {
		before := value
		for j := range w {
			if s.usable[j] && ctx.Err() == nil {
				value = s.line(w, j, value)
			}
		}
		if value <= before+least {
			break
		}
	}
	s.thin(w, s.at)
	return w
}

// thin gives up sources that are not needed: it sets a weight to 0, or moves it to another source,
// where that costs next to nothing of the value.
func (s *search) thin(w []float64, value func([]float64) float64) {
	least := value(w)
	least -= dispensable * math.Abs(least)
	try := func(j, to int) bool {
		x := slices.Clone(w)
		if to >= 0 {
			x[to] += x[j]
		}
		if x[j] = 0; slices.Max(x) == 0 {
			return false
		}
		if value(x) < least {
			return false
		}
		copy(w, x)
		return true
	}
	order := make([]int, len(w)) // those without a quota first, then the smallest weight, then the last
	for j := range order {
		order[j] = len(w) - 1 - j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(min(s.sources[a].Quota, 1), min(s.sources[b].Quota, 1)), cmp.Compare(w[a], w[b]))
	})
	for _, j := range order {
		if w[j] == 0 || try(j, -1) {
			continue
		}
		for to := range w {
			if to != j && w[to] > 0 && try(j, to) {
				break
			}
		}
	}
}

// line sets w[j] to the best value that it finds, and returns what that is worth.
func (s *search) line(w []float64, j int, value float64) float64 {
	best := w[j]
	w[j] = 0
	top := slices.Max(w)
	if top == 0 {
		w[j] = best
		return value // alone, any weight is as good
	}
	try := func(x float64) float64 {
		w[j] = x
		v := s.at(w)
		if v > value+least {
			best, value = x, v
		}
		return v
	}
	try(0)
	for e := -octaves; e <= octaves; e++ {
		try(math.Ldexp(top, e))
	}
	if best > 0 {
		// The best point of the grid lies between its neighbours.
		lo, hi := math.Log2(best)-1, math.Log2(best)+1
		const golden = 0.6180339887498949
		a, b := hi-float64(golden*(hi-lo)), lo+float64(golden*(hi-lo))
		x, y := try(math.Exp2(a)), try(math.Exp2(b))
		for range sections - 2 {
			if x >= y {
				hi, b, y = b, a, x
				a = hi - float64(golden*(hi-lo))
				x = try(math.Exp2(a))
			} else {
				lo, a, x = a, b, y
				b = lo + float64(golden*(hi-lo))
				y = try(math.Exp2(b))
			}
		}
	}
	w[j] = best
	return value
}

// at returns the mean of the metric with the weights w.
func (s *search) at(w []float64) float64 {
	weights := make([]float32, len(w))
	for j := range w {
		weights[j] = float32(w[j])
	}
	s.parallel(len(s.cases), func(from, to int) {
		var total []float32
		for k := from; k < to; k++ {
			t := &s.tables[s.cases[k]]
			total = t.total(total, weights)
			s.values[k] = s.value(t, total)
		}
	})
	sum := 0.0
	for _, v := range s.values {
		sum += v
	}
	return sum / float64(len(s.values))
}

// value is the metric of one case, in expectation over the order of ties.
func (s *search) value(t *table, total []float32) float64 {
	gain, hits, miss := 0.0, 0.0, 1.0
	for _, at := range t.relevant {
		x := total[at]
		above, tied := 0, 0
		for _, y := range total {
			if y > x {
				above++
			} else if y == x {
				tied++
			}
		}
		if above >= s.K {
			continue
		}
		end := min(above+tied, s.K)
		gain += (s.discounts[end] - s.discounts[above]) / float64(tied)
		p := float64(end-above) / float64(tied)
		hits += p
		miss *= 1 - p // answers that tie with each other are taken as independent
	}
	switch s.Metric {
	case NDCG:
		return gain / s.discounts[min(t.answers, s.K)]
	case Recall:
		return hits / float64(t.answers)
	default:
		return 1 - miss
	}
}
