package ensemble

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/recsyskit/recsys"
)

// learnWeights sets the weights of the sources, those for the merge of a pipeline, and what the
// report says of the metric.
func (l *learner) learnWeights(ctx context.Context) error {
	own, merged := make([]table, len(l.cases)), make([]table, len(l.cases))
	took := make([][]time.Duration, len(l.sources)) // by source and case
	for j := range took {
		took[j] = make([]time.Duration, len(l.cases))
	}
	err := l.each(ctx, func(i int, q *recsys.Query, s *scratch) error {
		c := &l.cases[i]
		for j := range l.sources {
			t, err := l.timed(func() error { return s.ask(ctx, &l.sources[j], s.sinks[j], q) })
			if err != nil {
				return err
			}
			took[j][i] = t
		}
		s.unite()
		own[i], merged[i] = newTable(s.pool, c, len(l.sources)), newTable(s.pool, c, len(l.sources))
		if c.Candidates != nil {
			own[i] = newTable(c.Candidates, c, len(l.sources))
		}
		for j := range l.sources {
			t, err := l.timed(func() error {
				x, err := s.scores(ctx, &l.sources[j], s.sinks[j], q, c.Candidates)
				copy(own[i].column(j), x)
				return err
			})
			if err != nil {
				return err
			}
			took[j][i] += t
			unit(merged[i].column(j), s.pool, s.sinks[j])
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.costs(took)
	r := l.report
	var w []float64
	w, r.WeightsKept, err = l.climb(ctx, own, func(j int) bool {
		_, scores := l.sources[j].Retriever.(recsys.ItemScorer)
		return scores || l.sources[j].Quota > 0
	}, true)
	if err != nil {
		return err
	}
	for j := range l.sources {
		l.sources[j].Weight = w[j]
		r.Sources[j].Weight = w[j]
	}
	l.merge, _, err = l.climb(ctx, merged, func(j int) bool { return l.sources[j].Quota > 0 }, false)
	if err != nil {
		return err
	}
	for j := range l.sources {
		r.Sources[j].MergeWeight = l.merge[j]
	}
	return nil
}

// costs notes how often the sources were asked and how long that took.
func (l *learner) costs(took [][]time.Duration) {
	for j := range took {
		s := &l.report.Sources[j]
		s.Calls = len(took[j])
		if l.Clock != nil {
			slices.Sort(took[j])
			s.Median = took[j][len(took[j])/2]
			s.P99 = took[j][min(len(took[j])*99/100, len(took[j])-1)]
		}
	}
}

// climb returns the learned weights, or equal ones or those of the best source alone where these
// are better on the held-out cases, and which they are. It writes the report if told to.
func (l *learner) climb(ctx context.Context, tables []table, usable func(j int) bool, tell bool) ([]float64, string, error) {
	learning := newSearch(l, tables, l.learning)
	heldOut := newSearch(l, tables, l.heldOut)
	S := len(l.sources)
	equal, single, bestSingle := make([]float64, S), make([]float64, S), -1.0
	for j := range S {
		if !usable(j) {
			continue
		}
		equal[j] = 1
		one := make([]float64, S)
		one[j] = 1
		if x := learning.at(one); x > bestSingle {
			single, bestSingle = one, x
		}
		if tell {
			l.report.Sources[j].Score = heldOut.at(one)
		}
	}
	learned, value := learning.climb(ctx, single, usable)
	if w, x := learning.climb(ctx, equal, usable); x > value+least {
		learned = w
	}
	if ctx.Err() != nil {
		return nil, "", context.Cause(ctx)
	}
	round(learned)
	best, kept, top := learned, "learned", heldOut.at(learned)
	values := slices.Clone(heldOut.values)
	asEqual := heldOut.at(equal)
	if surely(values, heldOut.values) {
		best, kept, top = equal, "equal", asEqual
		copy(values, heldOut.values)
	}
	asSingle := heldOut.at(single)
	if surely(values, heldOut.values) {
		best, kept, top = single, "single", asSingle
	}
	if !tell {
		return best, kept, nil
	}
	r := l.report
	r.Blend, r.Learning, r.Equal, r.Single = top, learning.at(best), asEqual, asSingle
	r.SingleName = l.sources[slices.Index(single, 1)].Name
	for j := range S {
		without := slices.Clone(best)
		without[j] = 0
		r.Sources[j].Gain = top - heldOut.at(without)
	}
	return best, kept, nil
}

// surely reports whether b is better than a, case by case, by more than two standard errors of
// the difference: with one, on a hundred cases, luck decided.
func surely(a, b []float64) bool {
	sum, square, n := 0.0, 0.0, float64(len(a))
	for i := range a {
		d := b[i] - a[i]
		sum += d
		square += float64(d * d)
	}
	mean := sum / n
	return mean > 0 && float64(mean*mean)*n > 4*(square/n-float64(mean*mean))
}

// round makes the largest weight 1 and leaves the others three digits, as a person would write
// them.
func round(w []float64) {
	top := slices.Max(w)
	for j := range w {
		w[j], _ = strconv.ParseFloat(strconv.FormatFloat(w[j]/top, 'g', 3, 64), 64)
	}
}

// search looks for the weights with the highest mean of the metric over some cases.
type search struct {
	*learner
	tables    []table
	cases     []int
	discounts []float64 // sums of the first
	values    []float64 // by case
}

func newSearch(l *learner, tables []table, cases []int) *search {
	s := &search{learner: l, tables: tables, cases: cases, values: make([]float64, len(cases))}
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

	dispensable = 2e-4 // share of the metric that a source must be worth to have a weight
)

// climb improves w, which it does not change, one weight after the other until nothing gets
// better, and returns the result and its value.
func (s *search) climb(ctx context.Context, w []float64, usable func(j int) bool) ([]float64, float64) {
	w = slices.Clone(w)
	value := s.at(w)
	for range sweeps {
		before := value
		for j := range w {
			if usable(j) && ctx.Err() == nil {
				value = s.line(w, j, value)
			}
		}
		if value <= before+least {
			break
		}
	}
	return w, s.thin(w, value)
}

// thin gives up sources that are not needed: it sets a weight to 0, or moves it to another source,
// where that costs next to nothing, and returns the value.
func (s *search) thin(w []float64, value float64) float64 {
	floor := value * (1 - dispensable)
	try := func(j, to int) bool {
		x := slices.Clone(w)
		if to >= 0 {
			x[to] += x[j]
		}
		if x[j] = 0; slices.Max(x) == 0 {
			return false
		}
		v := s.at(x)
		if v < floor {
			return false
		}
		copy(w, x)
		value = v
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
	return value
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
