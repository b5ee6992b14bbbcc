package ensemble

import (
	"context"
	"fmt"
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
	usable := make([]bool, len(l.sources))
	for j := range l.sources {
		_, scores := l.sources[j].Retriever.(recsys.ItemScorer)
		usable[j] = scores || l.sources[j].Quota > 0
	}
	x, err := l.fit(ctx, own, usable)
	if err != nil {
		return err
	}
	w := x.tell(l.report)
	for j := range l.sources {
		l.sources[j].Weight = w[j]
		l.report.Sources[j].Weight = w[j]
		usable[j] = l.sources[j].Quota > 0
	}
	if x, err = l.fit(ctx, merged, usable); err != nil {
		return err
	}
	l.merge = x.final[x.kept]
	for j := range l.sources {
		l.report.Sources[j].MergeWeight = l.merge[j]
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

// form is a way to weigh the sources.
type form int

// The forms, the simplest first: what they take from the data is one choice, nothing, the maximum
// of a concave function, and the best of thousands of trials.
const (
	single     form = iota // one source alone
	equal                  // all alike
	likelihood             // see search.likely
	metric                 // see search.climb
	forms
)

var formNames = [forms]string{"single", "equal", "likelihood", "metric"}

// fitted are the weights of every form, and how they did.
type fitted struct {
	all    *search
	folds  []*search          // of the cases of each fold, which took no part in its weights
	parts  [forms][][]float64 // weights learned without a fold, by fold
	values [forms][]float64   // of the metric, by case, with the weights learned without it
	final  [forms][]float64   // weights learned from all cases
	kept   form
}

// fit learns weights of all forms without each fold, judges them on it, and learns them again
// from all cases.
func (l *learner) fit(ctx context.Context, tables []table, usable []bool) (*fitted, error) {
	x := &fitted{all: newSearch(l, tables, usable, l.all())}
	for k := range forms {
		x.values[k] = make([]float64, len(l.cases))
	}
	for f := range l.folds {
		weights := newSearch(l, tables, usable, l.without(f)).weights(ctx)
		heldOut := newSearch(l, tables, usable, l.folds[f])
		x.folds = append(x.folds, heldOut)
		for k, w := range weights {
			x.parts[k] = append(x.parts[k], w)
			heldOut.at(w)
			for n, i := range heldOut.cases {
				x.values[k][i] = heldOut.values[n]
			}
		}
	}
	x.final = x.all.weights(ctx)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("ensemble: learning stopped: %w", context.Cause(ctx))
	}
	x.kept = simplest(x.values[:])
	return x, nil
}

// weights returns those of every form.
func (s *search) weights(ctx context.Context) [forms][]float64 {
	var w [forms][]float64
	S, top := len(s.usable), -1.0
	w[equal] = make([]float64, S)
	for j, usable := range s.usable {
		if !usable {
			continue
		}
		w[equal][j] = 1
		one := make([]float64, S)
		one[j] = 1
		if x := s.at(one); x > top {
			w[single], top = one, x
		}
	}
	likely := s.likely(ctx)
	w[metric] = s.climb(ctx, likely)
	gradient := make([]float64, S)
	s.thin(likely, func(w []float64) float64 { return s.logLikelihood(w, gradient) })
	w[likelihood] = likely
	round(w[likelihood])
	round(w[metric])
	return w
}

// simplest returns the first form that is not worse than the best by more than one standard error
// of the difference, case by case.
func simplest(values [][]float64) form {
	best := 0
	for k := range values {
		if mean, _ := difference(values[best], values[k]); mean > least {
			best = k
		}
	}
	for k := range best {
		if mean, stdErr := difference(values[k], values[best]); mean <= stdErr {
			return form(k)
		}
	}
	return form(best)
}

// difference returns the mean of b - a, case by case, and its standard error.
func difference(a, b []float64) (mean, stdErr float64) {
	n := float64(len(a))
	for i := range a {
		mean += b[i] - a[i]
	}
	mean /= n
	square := 0.0
	for i := range a {
		d := b[i] - a[i] - mean
		square += float64(d * d)
	}
	return mean, math.Sqrt(square / n / max(1, n-1))
}

// tell writes the report and returns the weights kept.
func (x *fitted) tell(r *Report) []float64 {
	mean := func(k form) float64 {
		sum := 0.0
		for _, v := range x.values[k] {
			sum += v
		}
		return sum / float64(len(x.values[k]))
	}
	w := x.final[x.kept]
	r.Blend, r.Learning, r.WeightsKept = mean(x.kept), x.all.at(w), formNames[x.kept]
	r.Single, r.Equal, r.Likelihood, r.Climbed = mean(single), mean(equal), mean(likelihood), mean(metric)
	r.SingleName = r.Sources[slices.Index(x.final[single], 1)].Name
	_, r.StdErr = difference(x.values[single], x.values[x.kept])
	for j := range r.Sources {
		s := &r.Sources[j]
		if x.all.usable[j] {
			one := make([]float64, len(w))
			one[j] = 1
			s.Score = x.all.at(one)
		}
		kept := 0.0 // of the metric without the source
		for f, fold := range x.folds {
			without := slices.Clone(x.parts[x.kept][f])
			without[j] = 0
			kept += float64(fold.at(without) * float64(len(fold.cases)))
		}
		s.Gain = r.Blend - kept/float64(len(x.all.cases))
	}
	return w
}

// round makes the largest weight 1 and leaves the others three digits, as a person would write
// them.
func round(w []float64) {
	top := slices.Max(w)
	for j := range w {
		w[j], _ = strconv.ParseFloat(strconv.FormatFloat(w[j]/top, 'g', 3, 64), 64)
	}
}
