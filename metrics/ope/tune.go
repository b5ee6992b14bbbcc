package ope

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Tuning says how a parameter is chosen from the log itself. The zero value takes the defaults.
type Tuning struct {
	// Method is the rule; default [SLOPE].
	Method TuningMethod
	// Lambdas are the values to choose from. nil means 1, 2, 5, 10, 50, 100 and +Inf; for
	// SubGaussianIPS and SubGaussianDR 0.01, 0.05, 0.1, 0.5 and 1. They are used in the order
	// from the least changed weights to the most; duplicates count once.
	Lambdas []float64
	// Delta is the probability with which bounds may fail, in (0, 1); default 0.05.
	Delta float64
	// PlainBias makes [MSE] take the estimated bias instead of an upper bound of it.
	PlainBias bool
}

// TuningMethod is a rule to choose a parameter.
type TuningMethod uint8

const (
	// SLOPE goes through the candidates from the widest interval to the narrowest and stops
	// before the first whose interval is at odds with that of an earlier one:
	// |θ_j - θ_i| > c_i + (√6-1)·c_j for half-widths c by Student's t. It needs no estimate of the bias.
	//
	// Source: Su, Srinath and Krishnamurthy, ICML 2020; Tucker and Lee 2021 for the
	// constant.
	SLOPE TuningMethod = iota
	// MSE takes the smallest estimate of variance plus squared bias, where the bias is an upper
	// bound by Bernstein's inequality:
	//
	//	|mean of (w-ŵ)(r-q̂)| + √(2·mean(w²)·ln(2/δ)/n) + 2·max(w)·ln(2/δ)/(3n)
	//
	// Of equals it takes the one that changes weights least. The bound is loose, so that on most
	// logs it takes that one anyway; PlainBias is bolder.
	//
	// Source: Su, Dimakopoulou, Krishnamurthy and Dudík, ICML 2020.
	MSE
)

// Tuned is a chosen parameter and what it was chosen from.
type Tuned struct {
	// Lambda is the chosen parameter and Estimate the estimate with it. Its interval does not
	// know that the parameter was chosen on the same log.
	Lambda   float64
	Estimate Estimate
	// Candidates are all parameters, from the least changed weights to the most.
	Candidates []Candidate
}

// Candidate is one value of a parameter.
type Candidate struct {
	Lambda   float64
	Estimate Estimate
	// Score is the half-width of the interval for [SLOPE], the estimated squared error for [MSE].
	Score float64
}

// Tune chooses the parameter of a family of estimators, such as [ClippedIPS] or [DRos], and
// estimates with it, in one pass over the log:
//
//	tuned, err := ope.Tune(log, ope.Options{}, ope.Tuning{}, ope.DRos)
//
// Errors are those of [Evaluate], and a [*FieldError] for a field of tuning out of range.
func Tune[F Float](log Log[F], opt Options, tuning Tuning, family func(lambda float64) Estimator) (Tuned, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return Tuned{}, err
	}
	if tuning, err = tuning.withDefaults(family); err != nil {
		return Tuned{}, err
	}
	estimators := make([]Estimator, len(tuning.Lambdas))
	for i, l := range tuning.Lambdas {
		estimators[i] = family(l)
		if err := estimators[i].checkInterval(opt.Interval); err != nil {
			return Tuned{}, err
		}
	}
	if err := log.check(estimators); err != nil {
		return Tuned{}, err
	}
	s, err := reduce(&log, opt, estimators)
	if err != nil {
		return Tuned{}, err
	}
	var t Tuned
	for i, e := range estimators {
		c := Candidate{Lambda: tuning.Lambdas[i], Estimate: s.estimate(i, e, opt)}
		if tuning.Method == SLOPE {
			c.Score = c.Estimate.Terms.Mean - StudentLower(c.Estimate.Terms, tuning.Delta)
		} else {
			c.Score = s.squaredError(c.Estimate, tuning)
		}
		t.Candidates = append(t.Candidates, c)
	}
	best := leastError(t.Candidates)
	if tuning.Method == SLOPE {
		best = slope(t.Candidates)
	}
	t.Lambda, t.Estimate = t.Candidates[best].Lambda, t.Candidates[best].Estimate
	return t, nil
}

// withDefaults returns t with its defaults, in the order from the least changed weights, or the
// error of a field out of range.
func (t Tuning) withDefaults(family func(float64) Estimator) (Tuning, error) {
	if t.Method > MSE {
		return t, &FieldError{"Tuning.Method", fmt.Sprint(uint8(t.Method)), "SLOPE or MSE"}
	}
	if !(t.Delta >= 0 && t.Delta < 1) {
		return t, &FieldError{"Tuning.Delta", fmt.Sprint(t.Delta), "in (0, 1) (0 means 0.05)"}
	}
	if t.Delta == 0 {
		t.Delta = 0.05
	}
	kind := family(1).shape
	if kind != clipped && kind != switched && kind != shrunk && kind != subGaussian {
		return t, &FieldError{"the family " + family(1).name, "without a parameter", "one of ClippedIPS, ClippedDR, SwitchDR, DRos, SubGaussianIPS, SubGaussianDR"}
	}
	if t.Lambdas == nil {
		t.Lambdas = []float64{math.Inf(1), 100, 50, 10, 5, 2, 1}
		if kind == subGaussian {
			t.Lambdas = []float64{0.01, 0.05, 0.1, 0.5, 1}
		}
	}
	if len(t.Lambdas) == 0 {
		return t, &FieldError{"Tuning.Lambdas", "empty", "at least one value, or nil for the default"}
	}
	t.Lambdas = slices.Clone(t.Lambdas)
	slices.Sort(t.Lambdas)
	t.Lambdas = slices.Compact(t.Lambdas)
	if kind != subGaussian {
		slices.Reverse(t.Lambdas)
	}
	return t, nil
}

// squaredError returns the estimated squared error of e, an estimate that changes weights.
func (s *state) squaredError(e Estimate, t Tuning) float64 {
	n := float64(e.N)
	bias := e.Bias
	if !t.PlainBias {
		second := s.weights.m2/n + float64(s.weights.mean*s.weights.mean)
		l := math.Log(2 / t.Delta)
		bias += math.Sqrt(2*second*l/n) + 2*s.weights.max*l/(3*n)
	}
	return e.Terms.Var/n + bias*bias
}

// leastError returns the first candidate of the smallest score.
func leastError(cs []Candidate) int {
	best := 0
	for i, c := range cs {
		if c.Score < cs[best].Score {
			best = i
		}
	}
	return best
}

// slope returns the last candidate whose interval agrees with those of all wider ones. Of equal
// widths the one that changes weights more comes first, so that the chain ends with the other.
func slope(cs []Candidate) int {
	order := make([]int, len(cs))
	for i := range order {
		order[i] = len(cs) - 1 - i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(cs[b].Score, cs[a].Score) })
	for k, i := range order {
		for _, j := range order[:k] {
			gap := math.Abs(cs[j].Estimate.Value - cs[i].Estimate.Value)
			if !(gap <= cs[i].Score+(math.Sqrt(6)-1)*cs[j].Score) {
				return order[k-1]
			}
		}
	}
	return order[len(order)-1]
}
