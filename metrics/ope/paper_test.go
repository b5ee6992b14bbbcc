package ope_test

import (
	"math"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

// tiny is a log of four decisions: two actions taken with 0.8 and 0.2, a target that takes them
// with 0.4 and 0.6, so that weights are 0.5 and 3.
func tiny() ope.Log[float64] {
	return ope.Log[float64]{
		Actions:    2,
		Reward:     []float64{0, 1, 1, 0},
		Action:     []int32{0, 1, 0, 1},
		Propensity: []float64{0.8, 0.2, 0.8, 0.2},
		Context:    []int32{0, 0, 0, 0},
		Target:     []float64{0.4, 0.6},
		Model:      []float64{0.3, 0.6},
	}
}

// value returns the estimate of one estimator.
func value(log ope.Log[float64], e ope.Estimator) float64 {
	report, err := ope.Evaluate(log, ope.Options{}, e)
	if err != nil {
		panic(err)
	}
	return report.Estimates[0].Value
}

func TestEstimatorsByHand(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		e    ope.Estimator
		want float64
	}{
		// Source: Dudík, Langford and Li, ICML 2011, section 2.
		{ope.IPS(), (0 + 3 + 0.5 + 0) / 4},
		{ope.DM(), 0.4*0.3 + 0.6*0.6},
		{ope.DR(), 0.48 + (0.5*-0.3+3*0.4+0.5*0.7+3*-0.6)/4},
		// Source: Swaminathan and Joachims, NeurIPS 2015, section 5.
		{ope.SNIPS(), 3.5 / 7},
		// Source: Thomas and Brunskill, ICML 2016, WDR for one step.
		{ope.SNDR(), 0.48 - 0.4/7},
		// Source: Bottou et al., JMLR 14 (2013), section 4.
		{ope.ClippedIPS(2), (2 + 0.5) / 4},
		{ope.ClippedIPS(inf), 3.5 / 4},
		// Source: Su, Dimakopoulou, Krishnamurthy and Dudík, ICML 2020: pessimistic and optimistic shrinkage.
		{ope.ClippedDR(2), 0.48 + (-0.15+0.8+0.35-1.2)/4},
		{ope.DRos(3), 0.48 + (1.5/3.25*(-0.3+0.7)+9./12*(0.4-0.6))/4},
		{ope.DRos(inf), 0.38},
		{ope.DRos(0), 0.48},
		// Source: Wang, Agarwal and Dudík, ICML 2017, section 4.
		{ope.SwitchDR(2), 0.48 + (-0.15+0.35)/4},
		{ope.SwitchDR(3), 0.38},
		{ope.SwitchDR(0), 0.48},
		// Source: Metelli, Russo and Restelli, NeurIPS 2021, order -1.
		{ope.SubGaussianIPS(0.5), (3/2. + 0.5/0.75) / 4},
		{ope.SubGaussianIPS(1), 2. / 4},
		{ope.SubGaussianIPS(0), 3.5 / 4},
		{ope.SubGaussianDR(0.5), 0.48 + (0.5/0.75*(-0.3+0.7)+3/2.*(0.4-0.6))/4},
	} {
		if got := value(tiny(), c.e); !close(got, c.want, 1e-14) {
			t.Errorf("%v = %v, want %v", c.e, got, c.want)
		}
	}
	// Source: Li, Chu, Langford and Wang, WSDM 2011, algorithm 3: the mean over the matches.
	log := tiny()
	log.Target = []float64{0, 1}
	if got := value(log, ope.Replay()); got != 0.5 {
		t.Errorf("replay = %v, want 0.5", got)
	}
}

// small is a world small enough to go through all its logs.
func small() *world {
	w := &world{contexts: 2, actions: 2}
	w.mean = []float64{0.2, 0.7, 0.5, 0.1}
	w.logger = []float64{0.7, 0.3, 0.4, 0.6}
	w.target = []float64{0.1, 0.9, 0.8, 0.2}
	w.model = []float64{0.4, 0.3, 0.9, 0.6}
	return w
}

// expectation returns mean and variance of f over all logs of n decisions. Decisions are drawn
// by the loggers in turn and logged with the propensities of believed.
func (w *world) expectation(n int, loggers [][]float64, believed [][]float64, f func(log ope.Log[float64]) float64) (mean, variance float64) {
	log := ope.Log[float64]{
		Actions: w.actions, Reward: make([]float64, n), Action: make([]int32, n), Propensity: make([]float64, n),
		Target: w.target, Model: w.model, Context: make([]int32, n), Stratum: make([]int32, n), Average: make([]float64, n),
	}
	var second float64
	var visit func(i int, p float64)
	visit = func(i int, p float64) {
		if i == n {
			if v := f(log); p > 0 {
				mean += p * v
				second += p * v * v
			}
			return
		}
		k := i % len(loggers)
		for c := range w.contexts {
			for a := range w.actions {
				at := c*w.actions + a
				log.Context[i], log.Action[i], log.Propensity[i], log.Stratum[i] = int32(c), int32(a), believed[k][at], int32(k)
				log.Average[i] = 0
				for _, b := range believed {
					log.Average[i] += b[at] / float64(len(believed))
				}
				for r, pr := range []float64{1 - w.mean[at], w.mean[at]} {
					log.Reward[i] = float64(r)
					visit(i+1, p*pr*loggers[k][at]/float64(w.contexts))
				}
			}
		}
	}
	visit(0, 1)
	return mean, second - mean*mean
}

func of(e ope.Estimator) func(ope.Log[float64]) float64 {
	return func(log ope.Log[float64]) float64 { return value(log, e) }
}

// Source: Horvitz and Thompson 1952; Dudík, Langford and Li, ICML 2011, section 3: unbiased with
// the right propensities whatever the model.
func TestIPSAndDRAreUnbiasedWithTruePropensities(t *testing.T) {
	w := small()
	logger := [][]float64{w.logger}
	for _, e := range []ope.Estimator{ope.IPS(), ope.DR()} {
		if got, _ := w.expectation(2, logger, logger, of(e)); !close(got, w.value(w.target), 1e-13) {
			t.Errorf("expectation of %v = %v, want %v", e, got, w.value(w.target))
		}
	}
	if got, _ := w.expectation(2, logger, logger, of(ope.DM())); close(got, w.value(w.target), 1e-3) {
		t.Errorf("expectation of dm = %v with a wrong model: the test shows nothing", got)
	}
}

// Source: Dudík, Langford and Li, ICML 2011, section 3: unbiased with the right model whatever
// the propensities.
func TestDRIsUnbiasedWithTheTrueModel(t *testing.T) {
	w := small()
	w.model = w.mean
	wrong := [][]float64{{0.5, 0.5, 0.9, 0.1}}
	for _, e := range []ope.Estimator{ope.DM(), ope.DR(), ope.ClippedDR(1), ope.SwitchDR(1), ope.DRos(2), ope.SubGaussianDR(0.4)} {
		if got, _ := w.expectation(2, [][]float64{w.logger}, wrong, of(e)); !close(got, w.value(w.target), 1e-13) {
			t.Errorf("expectation of %v = %v, want %v", e, got, w.value(w.target))
		}
	}
	if got, _ := w.expectation(2, [][]float64{w.logger}, wrong, of(ope.IPS())); close(got, w.value(w.target), 1e-3) {
		t.Errorf("expectation of ips = %v with wrong propensities: the test shows nothing", got)
	}
}

// Source: Swaminathan and Joachims, NeurIPS 2015, section 5: a constant added to the rewards is
// added to the estimate, which stays within the rewards.
func TestSelfNormalizedEstimatesMoveWithRewards(t *testing.T) {
	log := randomLog(4, 500, 0)
	moved := randomLog(4, 500, 0)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, r := range log.Reward {
		moved.Reward[i] = r + 3
		lo, hi = min(lo, r), max(hi, r)
	}
	for _, e := range []ope.Estimator{ope.SNIPS(), ope.SNDR()} {
		if a, b := value(log, e), value(moved, e); !close(a+3, b, 1e-13) {
			t.Errorf("%v: %v becomes %v", e, a, b)
		}
	}
	if v := value(log, ope.SNIPS()); v < lo || v > hi {
		t.Errorf("snips = %v outside the rewards [%v, %v]", v, lo, hi)
	}
}

// Source: Li, Chu, Langford and Wang, WSDM 2011, theorem 1: unbiased with a uniform logger.
func TestReplayIsUnbiasedForAUniformLogger(t *testing.T) {
	w := small()
	w.target = []float64{0, 1, 1, 0}
	uniform := [][]float64{{0.5, 0.5, 0.5, 0.5}}
	matched, _ := w.expectation(2, uniform, uniform, func(log ope.Log[float64]) float64 {
		if v := value(log, ope.Replay()); !math.IsNaN(v) {
			return v
		}
		return 0
	})
	none, _ := w.expectation(2, uniform, uniform, func(log ope.Log[float64]) float64 {
		if math.IsNaN(value(log, ope.Replay())) {
			return 1
		}
		return 0
	})
	if got := matched / (1 - none); !close(got, w.value(w.target), 1e-13) {
		t.Errorf("expectation of replay where there is a match = %v, want %v", got, w.value(w.target))
	}
}

// Source: Agarwal, Basu, Schnabel and Joachims, KDD 2017; Kallus, Saito and Uehara, ICML 2021.
func TestBalancedEstimatorsAreUnbiasedAndVaryLess(t *testing.T) {
	w := small()
	loggers := [][]float64{w.logger, {0.2, 0.8, 0.9, 0.1}}
	for _, pair := range [][2]ope.Estimator{{ope.IPS(), ope.BalancedIPS()}, {ope.DR(), ope.BalancedDR()}} {
		naive, wide := w.expectation(2, loggers, loggers, of(pair[0]))
		balanced, narrow := w.expectation(2, loggers, loggers, of(pair[1]))
		if want := w.value(w.target); !close(naive, want, 1e-13) || !close(balanced, want, 1e-13) || narrow >= wide {
			t.Errorf("%v: %v (variance %v), %v: %v (variance %v), want %v", pair[0], naive, wide, pair[1], balanced, narrow, want)
		}
	}
}

// Source: Agarwal, Basu, Schnabel and Joachims, KDD 2017: each logger's mean counts by n_k/var_k.
func TestWeightedIPSCountsLoggersByPrecision(t *testing.T) {
	log := randomLog(8, 3000, 0)
	var total, precision float64
	for k := range int32(3) {
		one := log
		one.Reward, one.Action, one.Propensity, one.Context, one.Stratum, one.Average = nil, nil, nil, nil, nil, nil
		for i, s := range log.Stratum {
			if s == k {
				one.Reward = append(one.Reward, log.Reward[i])
				one.Action = append(one.Action, log.Action[i])
				one.Propensity = append(one.Propensity, log.Propensity[i])
				one.Context = append(one.Context, log.Context[i])
			}
		}
		report, err := ope.Evaluate(one, ope.Options{}, ope.IPS())
		if err != nil {
			t.Fatal(err)
		}
		m := report.Estimates[0].Terms
		total += float64(m.N) / m.Var * m.Mean
		precision += float64(m.N) / m.Var
	}
	report, err := ope.Evaluate(log, ope.Options{}, ope.WeightedIPS())
	if err != nil {
		t.Fatal(err)
	}
	e := report.Estimates[0]
	if !close(e.Value, total/precision, 1e-12) || !close(e.SE, 1/math.Sqrt(precision), 1e-12) {
		t.Errorf("%v ± %v, want %v ± %v", e.Value, e.SE, total/precision, 1/math.Sqrt(precision))
	}
}

// With rewards that never vary the weights of loggers would be 0/0.
func TestWeightedEstimatorsCountLoggersAlikeWithoutSpread(t *testing.T) {
	log := randomLog(8, 300, 0)
	clear(log.Reward)
	if v := value(log, ope.WeightedIPS()); v != 0 {
		t.Errorf("weighted ips of rewards 0 = %v", v)
	}
}

// Source: Su et al., ICML 2020; Metelli, Russo and Restelli, NeurIPS 2021: shrunk
// weights are at most √λ/2, sub-Gaussian ones at most 1/λ; neither exceeds w or 1 from
// the wrong side.
func TestChangedWeightsAreBounded(t *testing.T) {
	for _, w := range []float64{0, 1e-300, 0.01, 0.5, 1, 2, 100, 1e200} {
		log := ope.Log[float64]{
			Actions: 2, Reward: []float64{1}, Action: []int32{0}, Propensity: []float64{0.5}, Target: []float64{0.5, 0.5},
			Model: []float64{0, 0}, Weight: []float64{w},
		}
		for _, lambda := range []float64{0, 0.01, 0.3, 1} {
			if v := value(log, ope.DRos(lambda)); !(v >= 0 && v <= w && v <= math.Sqrt(lambda)/2*(1+1e-15)) {
				t.Errorf("optimistic shrinkage of %v with %v = %v", w, lambda, v)
			}
			if v := value(log, ope.SubGaussianIPS(lambda)); !(v >= 0 && v <= 1/lambda*(1+1e-15) && v <= max(w, 1)*(1+1e-15) && v >= min(w, 1)*(1-1e-15)) {
				t.Errorf("sub-Gaussian weight of %v with %v = %v", w, lambda, v)
			}
		}
	}
}

// Source: Saito and Joachims, ICML 2022, section 3: unbiased, with less variance,
// if the reward depends on the action through its embedding alone.
func TestMarginalWeightsAreUnbiasedAndVaryLess(t *testing.T) {
	w := &world{
		contexts: 1, actions: 4, mean: []float64{0.2, 0.2, 0.8, 0.8},
		logger: []float64{0.1, 0.4, 0.4, 0.1}, target: []float64{0.4, 0.1, 0.1, 0.4}, model: make([]float64, 4),
	}
	cluster := []float64{1, 1, 0, 0, 0, 0, 1, 1}
	marginal := func(log ope.Log[float64]) float64 {
		log.Logger = w.logger
		embedding := make([]int32, len(log.Action))
		for i, a := range log.Action {
			embedding[i] = a / 2
		}
		var err error
		if log.Weight, err = ope.MarginalWeights(nil, log, embedding, cluster); err != nil {
			t.Fatal(err)
		}
		return value(log, ope.IPS())
	}
	logger := [][]float64{w.logger}
	mean, narrow := w.expectation(2, logger, logger, marginal)
	_, wide := w.expectation(2, logger, logger, of(ope.IPS()))
	if !close(mean, w.value(w.target), 1e-13) || narrow >= wide/2 {
		t.Errorf("marginal: %v (variance %v), want %v (less than half of %v)", mean, narrow, w.value(w.target), wide)
	}
}

// Source: Farajtabar, Chow and Ghavamzadeh, ICML 2018, section 4: the weighted squared error of
// a model estimates the variance that actions add to DR, for a deterministic target.
func TestMRDRWeightsMeasureTheVarianceOfDR(t *testing.T) {
	w := small()
	w.target = []float64{0, 1, 1, 0}
	// With one decision of which context and reward are known, var(DR) is that of the action.
	for c := range w.contexts {
		one := &world{contexts: 1, actions: 2, mean: []float64{1, 1}}
		one.logger, one.target, one.model = w.logger[2*c:2*c+2], w.target[2*c:2*c+2], w.model[2*c:2*c+2]
		_, variance := one.expectation(1, [][]float64{one.logger}, [][]float64{one.logger}, of(ope.DR()))
		loss, _ := one.expectation(1, [][]float64{one.logger}, [][]float64{one.logger}, func(log ope.Log[float64]) float64 {
			weights, err := ope.MRDRWeights(nil, log)
			if err != nil {
				t.Fatal(err)
			}
			e := log.Reward[0] - one.model[log.Action[0]]
			return weights[0] * e * e
		})
		if !close(loss, variance, 1e-12) {
			t.Errorf("context %d: weighted loss %v, variance of DR %v", c, loss, variance)
		}
	}
}

// Source: Maurer and Pontil, COLT 2009, theorem 4; Hoeffding 1963, theorem 2. Terms 0, 0, 1, 1.
func TestLowerBoundsByHand(t *testing.T) {
	m := ope.Moments{N: 4, Mean: 0.5, Var: 0.25, Max: 1}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"Hoeffding", ope.HoeffdingLower(m, 0, 0.05), 0.5 - math.Sqrt(math.Log(20)/8)},
		{"Hoeffding, terms to 2", ope.HoeffdingLower(m, 2, 0.05), 0.5 - 2*math.Sqrt(math.Log(20)/8)},
		{"Bernstein", ope.BernsteinLower(m, 0, 0.05), 0.5 - math.Sqrt(2*math.Log(40)*(1./3)/4) - 7*math.Log(40)/9},
		// The quantile 0.95 of t with 3 degrees of freedom.
		{"Student", ope.StudentLower(m, 0.05), 0.5 - 2.3533634348018264*math.Sqrt(0.25/3)},
	} {
		if !close(c.got, c.want, 1e-13) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

// A bound of terms in [0, b] must not be had for terms of which that is not known: that of SNIPS
// was its value.
func TestLowerBoundsAreNaNWhereTheyDoNotHold(t *testing.T) {
	report, err := ope.Evaluate(randomLog(1, 2000, 1), ope.Options{}, ope.SNIPS(), ope.SNDR(), ope.WeightedIPS(), ope.DR())
	if err != nil {
		t.Fatal(err)
	}
	cases := []ope.Moments{{}, {N: 4, Mean: 0.5, Var: 1, Min: -1, Max: 1}, {N: 4, Mean: -0.5, Var: 1}}
	for _, e := range report.Estimates {
		cases = append(cases, e.Terms)
	}
	good := ope.Moments{N: 4, Mean: 0.5, Var: 0.25, Max: 1}
	for _, bound := range []func(m ope.Moments, largest, delta float64) float64{ope.HoeffdingLower, ope.BernsteinLower} {
		for _, m := range cases {
			if got := bound(m, 0, 0.05); !math.IsNaN(got) {
				t.Errorf("bound of %+v = %v", m, got)
			}
		}
		for _, delta := range []float64{0, 1, 1.5, -1, math.NaN()} {
			if got := bound(good, 0, delta); !math.IsNaN(got) {
				t.Errorf("bound with delta %v = %v", delta, got)
			}
		}
		if got := bound(good, 0.5, 0.05); !math.IsNaN(got) {
			t.Errorf("bound of terms above the largest = %v", got)
		}
		if got := bound(good, 3, 0.05); !(got < 0.5) {
			t.Errorf("bound = %v", got)
		}
	}
	if got := ope.BernsteinLower(ope.Moments{N: 1, Mean: 1, Max: 1, Min: 1}, 0, 0.05); !math.IsNaN(got) {
		t.Errorf("bound of one term = %v", got)
	}
}

// Quantiles with closed forms: one and two degrees of freedom, and the normal limit.
func TestStudentLowerKnowsTheQuantiles(t *testing.T) {
	quantile := func(p float64, df int) float64 {
		return -ope.StudentLower(ope.Moments{N: df + 1, Var: float64(df)}, 1-p)
	}
	for _, p := range []float64{0.5, 0.6, 0.9, 0.975, 0.999, 0.999999} {
		if got, want := quantile(p, 1), math.Tan(math.Pi*(p-0.5)); math.Abs(got-want) > 1e-9*want+1e-15 {
			t.Errorf("1 degree of freedom, %v: %v, want %v", p, got, want)
		}
		if got, want := quantile(p, 2), (2*p-1)*math.Sqrt(2/(4*p*(1-p))); math.Abs(got-want) > 1e-9*want+1e-15 {
			t.Errorf("2 degrees of freedom, %v: %v, want %v", p, got, want)
		}
		if got, want := quantile(p, 1e9), math.Sqrt2*math.Erfinv(2*p-1); math.Abs(got-want) > 1e-8*want+1e-15 {
			t.Errorf("1e9 degrees of freedom, %v: %v, want %v", p, got, want)
		}
	}
	// Where the expansion takes over.
	if a, b := quantile(0.95, 9999), quantile(0.95, 10000); !close(a, b, 1e-7) || a <= b {
		t.Errorf("9,999 and 10,000 degrees of freedom: %v and %v", a, b)
	}
	// The expansion to its fifth term, in 40 digits.
	if got := quantile(0.95, 9999); !close(got, 1.645006033311299488, 1e-11) {
		t.Errorf("9,999 degrees of freedom: %v", got)
	}
}

// The formula λw/(w²+λ) overflows at both ends.
func TestShrunkWeightsDoNotOverflow(t *testing.T) {
	for _, c := range []struct{ w, lambda, want float64 }{
		{1e5, 1e308, 1e5},
		{1e5, math.Inf(1), 1e5},
		{2, 5e-324, 0},
		{1e-300, 1e300, 1e-300},
		{1e200, 1, 0},
		{3, 9, 1.5},
	} {
		log := ope.Log[float64]{
			Actions: 1, Reward: []float64{1}, Action: []int32{0}, Propensity: []float64{0.5}, Target: []float64{1},
			Model: []float64{0}, Weight: []float64{c.w},
		}
		if got := value(log, ope.DRos(c.lambda)); math.Abs(got-c.want) > 1e-15*c.want {
			t.Errorf("%v shrunk with %v is %v, want %v", c.w, c.lambda, got, c.want)
		}
	}
}
