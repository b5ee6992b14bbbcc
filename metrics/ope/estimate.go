package ope

import (
	"fmt"
	"math"
)

// Estimate is what a log says about the value of the target policy: the mean reward per
// decision that it would have earned.
type Estimate struct {
	// Estimator names the estimator and its parameter, such as "snips" or "dr_clip_5".
	Estimator string
	// Value is the estimate; NaN when the log holds nothing to estimate it from (no row has
	// weight), with the verdict [Unreliable].
	Value float64
	// SE is the standard error of Value; NaN when N < 2. It knows nothing of Bias.
	SE float64
	// Lower and Upper are the ends of the interval that [Options] ask for.
	Lower, Upper float64
	// N counts the rows.
	N int
	// ESS is the effective sample size of the estimator's own weights, (Σw)²/Σw², between 0 and
	// N: as many rows of the target policy's own would carry about the same noise. It is N for
	// an estimator without weights. Source: Kish 1965; Owen, Monte Carlo theory, section 9.3.
	ESS float64
	// MaxShare is the share of Σw that the heaviest row carries, in [0, 1]; 0 without weights.
	MaxShare float64
	// Bias is the estimated bias from changing the weights, |mean of (ŵ-w)(r-q̂)|; 0 for an
	// estimator that takes them as they are. Source: Su, Dimakopoulou, Krishnamurthy and Dudík, ICML 2020.
	Bias float64
	// Terms describes the terms whose mean Value is; for a ratio (SNIPS, SNDR, replay) the
	// linearized terms, without Min and Max.
	Terms Moments
	// Verdict says how far Value can be trusted, and Reason why not further; it is empty for
	// [Reliable].
	Verdict Verdict
	Reason  string
}

// String returns the estimate in one line: the name, the value, its interval, the effective
// sample size and the verdict with its reason.
func (e Estimate) String() string {
	s := fmt.Sprintf("%-10s %.6g [%.6g, %.6g] ess %.0f of %d: %v", e.Estimator, e.Value, e.Lower, e.Upper, e.ESS, e.N, e.Verdict)
	if e.Reason != "" {
		s += ", " + e.Reason
	}
	return s
}

// HalfWidth returns half the width of the interval.
func (e Estimate) HalfWidth() float64 { return (e.Upper - e.Lower) / 2 }

// Moments describes the terms of a mean. Min and Max are 0 when N is 0.
type Moments struct {
	N        int
	Mean     float64
	Var      float64 // with divisor N; the standard error of Mean is √(Var/(N-1))
	Min, Max float64
}

// StdErr returns the standard error of the mean; NaN when N < 2.
func (m Moments) StdErr() float64 {
	if m.N < 2 {
		return math.NaN()
	}
	return math.Sqrt(m.Var / float64(m.N-1))
}

// Verdict says how far an estimate can be trusted.
type Verdict uint8

// The verdicts, from the worst. An estimate is
//
//   - unreliable if the target policy puts mass on actions that the logging policy could not
//     take, or more than 1 % of its mass on actions that occur nowhere in the log, beyond what
//     chance explains by the actions that occur once; if the mean of the weights is more than 4 standard errors from 1 (the logged propensities are not
//     those of the log, or the log hardly ever shows what the target does, so that the heavy
//     weights that would make up for it were not drawn); if the effective sample size is below 100; if one row carries more
//     than 5 % of the weight; if it or its standard error is not a number; or if it is replay on
//     a log that replay is not made for;
//   - weak if the effective sample size is below 1,000, if more than 0.1 % of the target's mass is
//     on actions that occur nowhere in the log, if the half-width of the interval
//     exceeds half of the value, if the terms do not vary at all, or if the interval knows nothing
//     of a bias: the direct method's of the model's error, that of an estimator whose parameter
//     changes a weight (clipped, switched, shrunk, sub-Gaussian) of what that does;
//   - reliable otherwise.
//
// The rules on weights do not apply to the direct method. An estimator that changes weights must
// pass them with the weights of the log too: changed weights look better than they are.
const (
	Unreliable Verdict = iota
	Weak
	Reliable
)

// String returns "unreliable", "weak" or "reliable".
func (v Verdict) String() string {
	switch v {
	case Weak:
		return "weak"
	case Reliable:
		return "reliable"
	}
	return "unreliable"
}

// MarshalText returns what String returns, so that JSON holds the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (v *Verdict) UnmarshalText(text []byte) error {
	for _, w := range []Verdict{Unreliable, Weak, Reliable} {
		if w.String() == string(text) {
			*v = w
			return nil
		}
	}
	return &FieldError{Field: "Verdict", Is: fmt.Sprintf("%q", text), Want: `"unreliable", "weak" or "reliable"`}
}
