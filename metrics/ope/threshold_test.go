package ope_test

import (
	"math"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

// weighed returns a log of given weights, with rewards of 1 and 2 in turn.
func weighed(weights []float64) ope.Log[float64] {
	log := ope.Log[float64]{Actions: 1, Target: []float64{1}, Weight: weights}
	for i := range weights {
		log.Reward = append(log.Reward, 1+float64(i/2%2))
		log.Propensity = append(log.Propensity, 0.5)
	}
	log.Action, log.Context = make([]int32, len(weights)), make([]int32, len(weights))
	return log
}

func TestVerdictsChangeAtTheirThresholds(t *testing.T) {
	const n = 10000
	for _, share := range []float64{0.049, 0.051} {
		w := ones(n)
		w[7] = share / (1 - share) * (n - 1)
		e := judged(t, weighed(w), ope.SNIPS())
		if !close(e.MaxShare, share, 1e-9) || (e.Verdict == ope.Unreliable) != (share > 0.05) || share > 0.05 && !strings.Contains(e.Reason, "one row") {
			t.Errorf("a row of %v of the weight: %v", share, e)
		}
	}
	for _, off := range []float64{-4.1, -3.9, 3.9, 4.1} { // in standard errors
		w := ones(n)
		for i := range w {
			w[i] += off*0.2/math.Sqrt(n) + 0.2*float64(i%2*2-1)
		}
		e := judged(t, weighed(w), ope.SNIPS())
		if (e.Verdict == ope.Unreliable) != (math.Abs(off) > 4) || math.Abs(off) > 4 && !strings.Contains(e.Reason, "mean weight") {
			t.Errorf("a mean weight off by %v: %v", off, e)
		}
		if strings.Contains(e.Reason, "hardly ever shows what the target does") != (off < -4) {
			t.Errorf("a mean weight off by %v: %v; weights not drawn explain a mean below 1 alone", off, e)
		}
	}
	for _, c := range []struct {
		mass float64
		want ope.Verdict
	}{{0.0005, ope.Reliable}, {0.005, ope.Weak}, {0.011, ope.Unreliable}} {
		log := ope.Log[float64]{Actions: 4, Target: []float64{0.7, 0.2, 0.1 - c.mass, c.mass}, Context: make([]int32, 5000)}
		for i := range 5000 {
			log.Action = append(log.Action, int32(i%3))
			log.Propensity = append(log.Propensity, 1./3)
			log.Reward = append(log.Reward, float64(i/3%2))
		}
		if e := judged(t, log, ope.IPS()); e.Verdict != c.want || c.want != ope.Reliable && !strings.Contains(e.Reason, "nowhere") {
			t.Errorf("%v of the mass occurs nowhere: %v", c.mass, e)
		}
	}
	var log ope.Log[float64]
	newWorld(1, 20, 10, 3, 4).draw(&log, 50000, 1)
	report, err := ope.Evaluate(log, ope.Options{}, ope.IPS())
	if err != nil {
		t.Fatal(err)
	}
	between, unchanged := 0, 0
	for lambda := 1.0; lambda < 30; lambda *= 1.05 {
		e := judged(t, log, ope.ClippedIPS(lambda))
		if lambda >= report.Diagnostics.Max {
			unchanged++
			if e.Verdict != ope.Reliable {
				t.Errorf("no weight is changed: %v", e)
			}
			continue
		}
		if e.Verdict != ope.Weak || !strings.Contains(e.Reason, "knows nothing of the bias") || strings.Contains(e.Reason, "more than the standard error") != (e.Bias > e.SE) {
			t.Errorf("a bias of %v standard errors: %v", e.Bias/e.SE, e)
		}
		if e.Bias > e.SE && e.Bias < 2*e.SE {
			between++
		}
	}
	if between == 0 || unchanged == 0 {
		t.Error("no bias near the threshold, or no weight unchanged: the test shows nothing")
	}
}

// What a parameter does to weights that it should not have makes an estimate no better than the log.
func TestChangedWeightsAreJudgedByTheLogsOwn(t *testing.T) {
	const n = 20000
	few := ones(n) // 23 rows carry half of the weight
	for i := range few {
		few[i] = 0.5
		if i < 23 {
			few[i] = (n - 0.5*(n-23)) / 23
		}
	}
	one := ones(n)
	one[7] = 0.06 / 0.94 * (n - 1)
	var good ope.Log[float64]
	newWorld(1, 20, 10, 3, 4).draw(&good, 50000, 1)
	with := func(weights []float64) ope.Log[float64] {
		log := weighed(weights)
		log.Model = []float64{1.5}
		return log
	}
	families := []func(float64) ope.Estimator{ope.ClippedIPS, ope.ClippedDR, ope.SwitchDR, ope.DRos, ope.SubGaussianIPS, ope.SubGaussianDR}
	for f, family := range families {
		lambda, same := 2.0, math.Inf(1)
		if f >= 4 {
			lambda, same = 0.5, 0
		}
		for _, c := range []struct {
			name    string
			log     ope.Log[float64]
			because string
		}{{"few rows carry it", with(few), "before weights are changed, below 100"}, {"one row carries it", with(one), "one row carries 6.0 % of the weight before"}} {
			if e := judged(t, c.log, family(lambda)); e.Verdict != ope.Unreliable || !strings.Contains(e.Reason, c.because) || e.ESS < 1000 {
				t.Errorf("%s: %v; want unreliable as %q", c.name, e, c.because)
			}
		}
		if e := judged(t, good, family(lambda)); e.Verdict != ope.Weak || !strings.Contains(e.Reason, "knows nothing of the bias") {
			t.Errorf("a good log: %v; want weak", e)
		}
		if e := judged(t, good, family(same)); e.Verdict != ope.Reliable {
			t.Errorf("a good log, weights as they are: %v", e)
		}
	}
}

// Source: Maurer and Pontil, COLT 2009, theorem 4, with half of α at either end; of a ratio with
// a third of α for each of the means.
func TestBernsteinIntervalsByHand(t *testing.T) {
	log := randomLog(3, 2000, 0)
	log.Reward[0] = 0 // so that ratios are of w·r itself
	for _, sign := range []float64{1, -1} {
		var terms, weights []float64
		for i, r := range rowsOf(log) {
			log.Reward[i] = sign * r.Reward
			terms, weights = append(terms, weightOf(r)*log.Reward[i]), append(weights, weightOf(r))
		}
		half := func(xs []float64, width, delta float64) (mean, half float64) {
			n := float64(len(xs))
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, x := range xs {
				mean += x / n
				lo, hi = min(lo, x), max(hi, x)
			}
			var v float64
			for _, x := range xs {
				v += (x - mean) * (x - mean) / (n - 1)
			}
			if width == 0 {
				width = hi - lo
			}
			return mean, math.Sqrt(2*v*math.Log(2/delta)/n) + 7*width*math.Log(2/delta)/(3*(n-1))
		}
		for _, width := range []float64{0, 50} {
			report, err := ope.Evaluate(log, ope.Options{Interval: ope.Bernstein, Level: 0.9, TermRange: width}, ope.IPS(), ope.SNIPS())
			if err != nil {
				t.Fatal(err)
			}
			m, h := half(terms, width, 0.1/2)
			if e := report.Estimates[0]; !close(e.Lower, m-h, 1e-10) || !close(e.Upper, m+h, 1e-10) {
				t.Errorf("ips %v, want [%v, %v]", e, m-h, m+h)
			}
			u, uh := half(terms, 0, 0.1/6)
			w, wh := half(weights, 0, 0.1/6)
			lo := min((u-uh)/(w-wh), (u-uh)/(w+wh))
			hi := max((u+uh)/(w-wh), (u+uh)/(w+wh))
			if e := report.Estimates[1]; !close(e.Lower, lo, 1e-9) || !close(e.Upper, hi, 1e-9) {
				t.Errorf("snips %v, want [%v, %v]", e, lo, hi)
			}
		}
	}
}
