package ope

import (
	"fmt"
	"math"
)

// Report is what a log says about a target policy.
type Report struct {
	// Estimates has one entry per estimator, in the order asked for.
	Estimates []Estimate
	// Diagnostics describes the weights that all estimators start from.
	Diagnostics Diagnostics
}

// report returns what the sums say. s holds at least one row.
func (s *state) report(opt Options) Report {
	r := Report{Diagnostics: s.diagnostics(), Estimates: make([]Estimate, len(s.estimators))}
	for i, e := range s.estimators {
		r.Estimates[i] = s.estimate(i, e, opt)
	}
	return r
}

// estimate returns the estimate of estimator i, which is e.
func (s *state) estimate(i int, e Estimator, opt Options) Estimate {
	t := &s.terms[i]
	est := Estimate{Estimator: e.name, N: s.weights.n}
	n := float64(est.N)
	weights := &s.weights
	switch {
	case e.mixed:
		weights = &s.mixed
	case e.ratio:
		weights = &t.cross.w
	case !e.unbiased():
		weights = &t.weights
	}
	switch {
	case e.strata:
		est.Value, est.Terms = t.weighted(e)
		est.SE = math.Sqrt(est.Terms.Var / n)
	case e.ratio:
		var squares float64
		est.Value, squares = t.cross.ratio()
		est.Value += t.pivot
		est.SE = math.Sqrt(squares) / n
		est.Terms = Moments{N: est.N, Mean: est.Value, Var: squares / n}
	default:
		est.Value, est.Terms = t.x.mean, t.x.exported()
		est.SE = est.Terms.StdErr()
	}
	if est.N < 2 {
		est.SE = math.NaN()
	}
	est.ESS, est.Bias = n, math.Abs(t.bias)/n
	switch {
	case e.strata:
		est.ESS, est.MaxShare = t.weightedRows()
	case e.usesWeights():
		est.ESS = weights.ess()
		if total := weights.total(); total > 0 {
			est.MaxShare = weights.max / total
		}
	}
	est.Lower, est.Upper = s.interval(t, e, &est, opt)
	s.judge(&est, e, !e.unbiased() && t.weights != s.weights)
	if e.shape == matching && est.Verdict != Unreliable {
		t.judgeReplay(&est)
	}
	return est
}

// judgeReplay sets the verdict on a log that replay is not made for.
func (t *terms) judgeReplay(est *Estimate) {
	switch loose := t.loose / float64(est.N); {
	case !(loose <= roundingMass):
		est.Verdict = Unreliable
		est.Reason = fmt.Sprintf("the target policy leaves %.3g %% of its mass to chance, of which replay knows nothing", 100*loose)
	case !(t.most <= t.least*(1+roundingWeight)):
		est.Verdict = Unreliable
		est.Reason = fmt.Sprintf("matches have propensities from %.3g to %.3g: replay needs a uniform logging policy", 1/t.most, 1/t.least)
	}
}

// precisions returns ω_k = n/(var_k·Σ_j n_j/var_j) of each logger k, by which its terms count;
// 1 for all if those of one do not vary.
func (t *terms) precisions() []float64 {
	omega := make([]float64, len(t.strata))
	var rows, precision float64
	even := false
	for i := range t.strata {
		c := &t.strata[i]
		if c.u.n == 0 {
			continue
		}
		k := float64(c.u.n)
		spread := c.d.m2 + 2*c.du + c.u.m2
		even = even || !(spread > 0)
		omega[i] = k / spread
		rows += k
		precision += k * omega[i]
	}
	for i := range omega {
		omega[i] *= rows / precision
		if even {
			omega[i] = 1
		}
	}
	return omega
}

// weighted returns the value of an estimator that weights loggers by their precision, and the
// moments of its terms: ω_k·(weighted residual), plus the direct term if there is a model.
func (t *terms) weighted(e Estimator) (value float64, m Moments) {
	var rows, squares float64
	for i, omega := range t.precisions() {
		c := &t.strata[i]
		if c.u.n == 0 {
			continue
		}
		k := float64(c.u.n)
		rows += k
		value += k * float64(omega*c.u.mean)
		if e.model {
			value += k * c.d.mean
		}
		squares += c.d.m2 + float64(2*omega*c.du) + float64(omega*omega*c.u.m2)
	}
	value /= rows
	return value, Moments{N: int(rows), Mean: value, Var: max(squares, 0) / rows}
}

// weightedRows returns the effective sample size and the largest share of the weights ω_k·w.
func (t *terms) weightedRows() (ess, share float64) {
	var total, squares, most float64
	for i, omega := range t.precisions() {
		w := &t.strata[i].w
		total += omega * w.total()
		squares += omega * omega * (w.m2 + float64(w.total()*w.mean))
		most = max(most, omega*w.max)
	}
	if !(squares > 0) {
		return 0, 0
	}
	return total / squares * total, most / total
}

// The thresholds of verdicts; see [Verdict].
const (
	leastESS       = 100
	goodESS        = 1000
	mostShare      = 0.05
	mostStdErrs    = 4
	mostUntaken    = 0.01
	weakUntaken    = 0.001
	mostHalfWidth  = 0.5
	roundingMass   = 1e-6 // mass that is there by rounding
	roundingWeight = 1e-6 // distance of a weight from what it should be by rounding, of float32 too
)

// judge sets the verdict and its reason. changed says that the weights are not those of the log.
func (s *state) judge(est *Estimate, e Estimator, changed bool) {
	est.Verdict = Unreliable
	n := float64(est.N)
	weights, unsupported := &s.weights, s.unsupported/n
	if e.mixed {
		weights, unsupported = &s.mixed, s.unmixed/n
	}
	off := math.Abs(weights.mean - 1)
	stdErr := math.Sqrt(weights.m2/n) / math.Sqrt(n)
	switch {
	case !finite(est.Value):
		est.Reason = "it is not a number: no row has weight, or sums overflow"
		return
	case est.N < 2:
		est.Reason = "one row has no spread"
		return
	case !finite(est.SE):
		est.Reason = "its standard error is not a number: sums overflow"
		return
	case !(unsupported <= roundingMass):
		est.Reason = fmt.Sprintf("the target policy puts %.3g %% of its mass on actions that the logging policy could not take", 100*unsupported)
		return
	case !(s.untaken.excess() <= mostUntaken):
		est.Reason = fmt.Sprintf("the target policy puts %.3g %% of its mass on %d actions that occur nowhere in the log", 100*s.untaken.share, s.untaken.actions)
		return
	}
	if e.usesWeights() {
		switch {
		case !(off <= mostStdErrs*stdErr+roundingWeight):
			est.Reason = fmt.Sprintf("the mean weight is %.4g ± %.2g, not 1: the propensities are not those of this log", weights.mean, stdErr)
			if weights.mean < 1 {
				est.Reason += ", or actions lack support, or the log hardly ever shows what the target does (heavy weights that were not drawn)"
			}
			return
		case !(est.ESS >= leastESS):
			est.Reason = fmt.Sprintf("the effective sample size is %.1f, below %d", est.ESS, leastESS)
			return
		case !(est.MaxShare <= mostShare):
			est.Reason = fmt.Sprintf("one row carries %.1f %% of the weight", 100*est.MaxShare)
			return
		case changed && !(weights.ess() >= leastESS):
			est.Reason = fmt.Sprintf("the effective sample size is %.1f before weights are changed, below %d", weights.ess(), leastESS)
			return
		case changed && !(weights.max <= mostShare*weights.total()):
			est.Reason = fmt.Sprintf("one row carries %.1f %% of the weight before weights are changed", 100*weights.max/weights.total())
			return
		}
	}
	est.Verdict = Weak
	switch half := est.HalfWidth(); {
	case !e.usesWeights():
		est.Reason = "the interval knows nothing of the reward model's error"
	case changed:
		est.Reason = fmt.Sprintf("the interval knows nothing of the bias from changing weights, about %.3g", est.Bias)
		if est.Bias > est.SE {
			est.Reason += ", more than the standard error"
		}
	case !(s.untaken.excess() <= weakUntaken):
		est.Reason = fmt.Sprintf("the target policy puts %.3g %% of its mass on %d actions that occur nowhere in the log", 100*s.untaken.share, s.untaken.actions)
	case !(est.ESS >= goodESS):
		est.Reason = fmt.Sprintf("the effective sample size is %.0f, below %d", est.ESS, goodESS)
	case !(half <= mostHalfWidth*math.Abs(est.Value)):
		est.Reason = fmt.Sprintf("the half-width of the interval is %.3g, more than half of the value", half)
	case !(est.SE > 0):
		est.Reason = "the terms do not vary, so that the interval says nothing"
	default:
		est.Verdict = Reliable
	}
}
