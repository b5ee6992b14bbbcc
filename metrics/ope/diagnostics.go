package ope

import (
	"math"
	"slices"
)

// Diagnostics describes the weights w = π(a|x)/p of a log. What is a share of their sum is NaN
// if all are 0.
type Diagnostics struct {
	// N counts the rows, Zero those of weight 0.
	N, Zero int
	// MeanWeight is Σw/n. Its expectation is 1 if the propensities are those that the actions
	// were drawn with and the logging policy could take whatever the target policy takes.
	// StdErr is its standard error.
	MeanWeight, StdErr float64
	// ESS is the effective sample size (Σw)²/Σw².
	ESS float64
	// CV2 is the squared coefficient of variation, Var(w)/mean²; N/ESS = 1 + CV2.
	CV2 float64
	// Max is the largest weight, MaxShare its share of Σw.
	Max, MaxShare float64
	// Q50, Q90, Q99 and Q999 are quantiles of the weights, interpolated between neighbours, and
	// TopShare is the share of Σw that the heaviest 1 % of rows carry, rounded up to whole
	// rows. All are NaN without [Options.Tails].
	Q50, Q90, Q99, Q999 float64
	TopShare            float64
	// Unsupported is the share of its mass that the target policy puts on actions that the
	// logging policy could not take: those of probability 0 in Log.Logger, and where that is
	// nil all but a logged action of propensity 1.
	Unsupported float64
	// Untaken is the share of its mass that the target policy puts on actions that occur
	// nowhere in the log, and UntakenActions the number of those. Such actions may have a small
	// probability or none: among many actions some occur nowhere by chance, for which verdicts
	// allow. An Accumulator does not see them.
	Untaken        float64
	UntakenActions int
}

// diagnostics returns what is known of the weights.
func (s *state) diagnostics() Diagnostics {
	w := &s.weights
	n := float64(w.n)
	d := Diagnostics{
		N: w.n, Zero: s.zero, MeanWeight: w.mean, StdErr: w.exported().StdErr(),
		ESS: w.ess(), CV2: w.m2 / n / (w.mean * w.mean), Max: w.max, MaxShare: w.max / w.total(),
		Q50: math.NaN(), Q90: math.NaN(), Q99: math.NaN(), Q999: math.NaN(), TopShare: math.NaN(),
		Unsupported: s.unsupported / n, Untaken: s.untaken.share, UntakenActions: s.untaken.actions,
	}
	if s.keep {
		sorted := slices.Clone(s.tails)
		slices.Sort(sorted)
		d.Q50, d.Q90 = quantile(sorted, 0.5), quantile(sorted, 0.9)
		d.Q99, d.Q999 = quantile(sorted, 0.99), quantile(sorted, 0.999)
		top := (len(sorted) + 99) / 100
		d.TopShare = sum(sorted[len(sorted)-top:]) / w.total()
	}
	return d
}

// quantile returns the p-quantile of sorted, which is not empty, with linear interpolation
// between neighbours (Hyndman and Fan's definition 7).
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((h-float64(i))*(sorted[i+1]-sorted[i]))
}
