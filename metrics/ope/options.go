package ope

import (
	"fmt"
	"math"
	"runtime"
)

// Options says how estimates are judged. The zero value takes the defaults.
type Options struct {
	// Level is the confidence level of intervals, in (0, 1); default 0.95.
	Level float64
	// Interval is the kind of interval; default [Normal].
	Interval Interval
	// TermRange is the largest difference between two terms of a mean that the policies and
	// rewards allow, for [Bernstein]: for IPS with rewards in [0, 1] the largest possible
	// weight. It is needed for the interval's guarantee; 0 takes the range seen in the log,
	// with which the interval is an approximation. It is not used for ratios (SNIPS, SNDR,
	// replay), whose intervals are always by the ranges seen.
	TermRange float64
	// Resamples is the number of resamples of [Bootstrap], at least 2/(1-Level), so that one is
	// beyond either end; default 1000. Seed seeds them; every value is a seed.
	Resamples int
	Seed      uint64
	// Horizon is the number of rows at which an [Anytime] interval is narrowest; default
	// 10,000. To keep the interval's guarantee it must be chosen before the log is seen.
	Horizon int
	// Tails asks for the quantiles and the top share of the weights in [Diagnostics], which
	// takes 8 bytes per row. Without it they are NaN.
	Tails bool
	// Workers is the number of goroutines of [Evaluate]; default GOMAXPROCS. Results do not
	// depend on it.
	Workers int
}

// Interval is a kind of confidence interval.
type Interval uint8

const (
	// Normal is value ± z·se: the central limit theorem for means, the delta method for ratios
	// (SNIPS, SNDR, replay). It needs a good effective sample size.
	Normal Interval = iota
	// Bernstein is the two-sided empirical Bernstein interval, which holds for every n if
	// [Options.TermRange] bounds the terms. For ratios numerator and denominator are bounded
	// each by the ranges seen in the log, without that guarantee. Source: Maurer and Pontil, COLT 2009, theorem 4.
	Bernstein
	// Bootstrap is the percentile interval over resamples in which each row counts Poisson(1)
	// times; ratios are normalized anew in each resample. One pass over the rows serves all
	// resamples. Source: Efron and Tibshirani 1993, chapter 13; Hanley and MacGibbon 2006 for
	// Poisson counts.
	Bootstrap
	// Anytime is an asymptotic confidence sequence: with about probability Level it covers the
	// value at all n at once, from the n on at which the terms' variance is known well, so a log
	// may be looked at as often as one likes once the effective sample size is above 100. (With
	// heavy weights, looks from 10 rows on failed in 8.5 % of logs at the level 95 %, from 200
	// rows on in 3.5 %.) Source:
	// Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 52 (2024),
	// theorem 2.2.
	Anytime
)

// String returns "normal", "bernstein", "bootstrap" or "anytime".
func (i Interval) String() string {
	switch i {
	case Normal:
		return "normal"
	case Bernstein:
		return "bernstein"
	case Bootstrap:
		return "bootstrap"
	case Anytime:
		return "anytime"
	}
	return fmt.Sprintf("Interval(%d)", uint8(i))
}

// withDefaults returns o with its defaults, or the error of a field out of range.
func (o Options) withDefaults() (Options, error) {
	switch {
	case !(o.Level >= 0 && o.Level < 1):
		return o, &FieldError{"Options.Level", fmt.Sprint(o.Level), "in (0, 1) (0 means 0.95)"}
	case o.Interval > Anytime:
		return o, &FieldError{"Options.Interval", o.Interval.String(), "Normal, Bernstein, Bootstrap or Anytime"}
	case !(o.TermRange >= 0) || math.IsInf(o.TermRange, 0):
		return o, &FieldError{"Options.TermRange", fmt.Sprint(o.TermRange), ">= 0 and finite (0 means the range in the log)"}
	case o.Resamples < 0:
		return o, &FieldError{"Options.Resamples", fmt.Sprint(o.Resamples), ">= 0 (0 means 1000)"}
	case o.Horizon < 0:
		return o, &FieldError{"Options.Horizon", fmt.Sprint(o.Horizon), ">= 0 (0 means 10000)"}
	case o.Workers < 0:
		return o, &FieldError{"Options.Workers", fmt.Sprint(o.Workers), ">= 0 (0 means GOMAXPROCS)"}
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Resamples == 0 {
		o.Resamples = 1000
	}
	if o.Horizon == 0 {
		o.Horizon = 10000
	}
	if least := 2 / (1 - o.Level); o.Interval == Bootstrap && float64(o.Resamples) < least*(1-1e-9) {
		return o, &FieldError{"Options.Resamples", fmt.Sprint(o.Resamples), fmt.Sprintf("at least %.0f, for an interval of level %v", math.Ceil(least*(1-1e-9)), o.Level)}
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o, nil
}
