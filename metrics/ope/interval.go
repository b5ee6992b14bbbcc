package ope

import (
	"fmt"
	"math"
	"slices"
)

// checkInterval returns an error if there is no interval of kind k for e.
func (e Estimator) checkInterval(k Interval) error {
	if e.strata && (k == Bernstein || k == Bootstrap) {
		return &FieldError{"Options.Interval", fmt.Sprintf("%v for %s", k, e.name), "Normal or Anytime"}
	}
	return nil
}

// interval returns the ends of the interval around est.
func (s *state) interval(t *terms, e Estimator, est *Estimate, opt Options) (lower, upper float64) {
	alpha := 1 - opt.Level
	if est.N < 2 || !finite(est.Value) {
		return math.NaN(), math.NaN()
	}
	var half float64
	switch opt.Interval {
	case Normal:
		half = normalQuantile(opt.Level) * est.SE
	case Anytime:
		half = anytimeHalfWidth(est.Terms, alpha, opt.Horizon)
	case Bernstein:
		if e.ratio {
			return t.cross.box(t.pivot, alpha/3)
		}
		width := opt.TermRange
		if width == 0 {
			width = t.x.max - t.x.min
		}
		half = bernsteinHalfWidth(est.Terms, width, alpha/2)
	case Bootstrap:
		return s.boot.percentiles(t, e, alpha)
	}
	return est.Value - half, est.Value + half
}

// normalQuantile returns z such that a standard normal is within ±z with probability level.
func normalQuantile(level float64) float64 { return math.Sqrt2 * math.Erfinv(level) }

// bernsteinHalfWidth bounds how far the mean may be above (or below) its expectation with
// probability 1-delta, for terms that differ by at most width.
func bernsteinHalfWidth(m Moments, width, delta float64) float64 {
	n := float64(m.N)
	l := math.Log(2 / delta)
	return math.Sqrt(2*m.Var*l/(n-1)) + 7*width*l/(3*(n-1))
}

// box returns the ends of mean(d) + mean(u)/mean(w) + pivot when each mean is bounded with
// probability 1-delta.
func (c *comoments) box(pivot, delta float64) (lower, upper float64) {
	ends := func(m *moments) (lo, hi float64) {
		half := bernsteinHalfWidth(m.exported(), m.max-m.min, delta/2)
		return m.mean - half, m.mean + half
	}
	dl, dh := ends(&c.d)
	ul, uh := ends(&c.u)
	wl, wh := ends(&c.w)
	if wl <= 0 {
		return math.Inf(-1), math.Inf(1)
	}
	return pivot + dl + min(ul/wl, ul/wh), pivot + dh + max(uh/wl, uh/wh)
}

// anytimeHalfWidth returns half the width of the asymptotic confidence sequence at n, with the
// ρ that makes it narrowest at the horizon t: m = tρ²+1 solves m - 1 - ln m = 2·ln(1/α).
func anytimeHalfWidth(m Moments, alpha float64, horizon int) float64 {
	target := 2 * math.Log(1/alpha)
	root := target + 2
	for range 50 {
		next := root - (root-1-math.Log(root)-target)/(1-1/root)
		if math.Abs(next-root) <= 1e-15*root {
			break
		}
		root = next
	}
	rho2 := (root - 1) / float64(horizon)
	n := float64(m.N)
	return math.Sqrt(m.Var) * math.Sqrt(2*(n*rho2+1)/(n*n*rho2)*math.Log(math.Sqrt(n*rho2+1)/alpha))
}

// HoeffdingLower returns a lower bound of the expectation of m's terms, right with probability
// 1-delta for terms in [0, largest]:
//
//	mean - largest·√(ln(1/δ)/2n)
//
// The guarantee needs a largest that was known before the log; 0 takes m.Max. The bound is NaN
// if delta is not in (0, 1), and if the terms are known not to be in [0, largest], or not known
// to be: those of ratios (SNIPS, SNDR, Replay) and of weighted loggers have no ends, those of DR
// may be below 0.
//
// Source: Hoeffding, JASA 58 (1963), theorem 2; Thomas, Theocharous and Ghavamzadeh, AAAI 2015.
func HoeffdingLower(m Moments, largest, delta float64) float64 {
	largest, ok := m.bounded(largest, delta)
	if !ok {
		return math.NaN()
	}
	return m.Mean - largest*math.Sqrt(math.Log(1/delta)/float64(2*m.N))
}

// BernsteinLower returns a lower bound of the expectation of m's terms, right with probability
// 1-delta for terms in [0, largest]:
//
//	mean - √(2·s²·ln(2/δ)/n) - 7·largest·ln(2/δ)/(3(n-1)),  s² with divisor n-1
//
// It is NaN where that of [HoeffdingLower] is, and when m.N < 2.
//
// Source: Maurer and Pontil, COLT 2009, theorem 4.
func BernsteinLower(m Moments, largest, delta float64) float64 {
	largest, ok := m.bounded(largest, delta)
	if !ok || m.N < 2 {
		return math.NaN()
	}
	return m.Mean - bernsteinHalfWidth(m, largest, delta)
}

// bounded returns the largest possible term, and whether the terms are of [0, largest] and delta
// is a probability. Terms whose mean is not between their ends have unknown ones.
func (m Moments) bounded(largest, delta float64) (float64, bool) {
	if largest == 0 {
		largest = m.Max
	}
	const rounding = 1 + 1e-9
	return largest, m.N > 0 && delta > 0 && delta < 1 && m.Min >= 0 && m.Mean >= 0 && m.Mean <= m.Max*rounding && m.Max <= largest*rounding
}

// StudentLower returns a lower bound of the expectation of m's terms, right with probability
// 1-delta if their mean is normal: the mean less its standard error times the quantile 1-delta
// of Student's t with n-1 degrees of freedom; NaN when m.N < 2. Terms with heavy tails break the
// assumption.
//
// Source: Thomas, Theocharous and Ghavamzadeh, ICML 2015, section 2.4.
func StudentLower(m Moments, delta float64) float64 {
	return m.Mean - m.StdErr()*studentQuantile(1-delta, float64(m.N-1))
}

// percentiles returns the ends of the percentile interval over the resamples.
func (r *resampler) percentiles(t *terms, e Estimator, alpha float64) (lower, upper float64) {
	n := len(r.counts)
	values := make([]float64, 0, n)
	for i, count := range r.counts {
		if count == 0 {
			continue
		}
		v := t.boot[i] / count
		if e.ratio {
			if !(t.boot[2*n+i] > 0) {
				continue
			}
			v += t.pivot + t.boot[n+i]/t.boot[2*n+i]
		}
		values = append(values, v)
	}
	if len(values) == 0 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(values)
	return quantile(values, alpha/2), quantile(values, 1-alpha/2)
}
