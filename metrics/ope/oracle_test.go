package ope_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/metrics/ope"
)

// rowsOf reduces a log to rows, by the definitions.
func rowsOf[F ope.Float](log ope.Log[F]) []ope.Row {
	rows := make([]ope.Row, len(log.Reward))
	for i := range rows {
		c := i
		if log.Context != nil {
			c = int(log.Context[i])
		}
		at, a := c*log.Actions, int(log.Action[i])
		r := ope.Row{Reward: float64(log.Reward[i]), Propensity: float64(log.Propensity[i]), Target: float64(log.Target[at+a])}
		if log.Model != nil {
			r.Model = float64(log.Model[at+a])
			var total float64
			for k := range log.Actions {
				total += float64(log.Target[at+k])
				r.Direct += float64(log.Target[at+k]) * float64(log.Model[at+k])
			}
			r.Direct /= total
		}
		if log.Average != nil {
			r.Average = float64(log.Average[i])
		}
		if log.Stratum != nil {
			r.Stratum = int(log.Stratum[i])
		}
		rows[i] = r
	}
	return rows
}

// naive returns value, standard error and effective sample size by the formulas of the papers,
// with a weight function and flags.
func naive(rows []ope.Row, weight func(ope.Row) float64, model, ratio bool) (value, stdErr, ess float64) {
	n := float64(len(rows))
	terms := make([]float64, len(rows))
	var sw, sww, swe, sd float64
	for i, r := range rows {
		w := weight(r)
		e, d := r.Reward, 0.0
		if model {
			e, d = r.Reward-r.Model, r.Direct
		}
		sw, sww, swe, sd = sw+w, sww+w*w, swe+w*e, sd+d
		terms[i] = d + w*e
	}
	ess = sw * sw / sww
	if ratio {
		rho := swe / sw
		value = sd/n + rho
		for _, r := range rows {
			w := weight(r)
			e, d := r.Reward, 0.0
			if model {
				e, d = r.Reward-r.Model, r.Direct
			}
			term := d - sd/n + w*(e-rho)/(sw/n)
			stdErr += term * term
		}
		return value, math.Sqrt(stdErr) / n, ess
	}
	for _, x := range terms {
		value += x / n
	}
	for _, x := range terms {
		stdErr += (x - value) * (x - value)
	}
	return value, math.Sqrt(stdErr / (n - 1) / n), ess
}

// definitions pairs each estimator with its formula.
var definitions = []struct {
	ope.Estimator
	weight       func(ope.Row) float64
	model, ratio bool
}{
	{ope.IPS(), weightOf, false, false},
	{ope.ClippedIPS(1.5), func(r ope.Row) float64 { return min(weightOf(r), 1.5) }, false, false},
	{ope.SNIPS(), weightOf, false, true},
	{ope.DM(), func(ope.Row) float64 { return 0 }, true, false},
	{ope.DR(), weightOf, true, false},
	{ope.ClippedDR(2), func(r ope.Row) float64 { return min(weightOf(r), 2) }, true, false},
	{ope.SNDR(), weightOf, true, true},
	{ope.SwitchDR(1.2), func(r ope.Row) float64 {
		if w := weightOf(r); w <= 1.2 {
			return w
		}
		return 0
	}, true, false},
	{ope.DRos(3), func(r ope.Row) float64 { w := weightOf(r); return 3 * w / (w*w + 3) }, true, false},
	{ope.SubGaussianIPS(0.3), func(r ope.Row) float64 { w := weightOf(r); return w / (0.7 + 0.3*w) }, false, false},
	{ope.SubGaussianDR(0.3), func(r ope.Row) float64 { w := weightOf(r); return w / (0.7 + 0.3*w) }, true, false},
	{ope.BalancedIPS(), func(r ope.Row) float64 { return r.Target / r.Average }, false, false},
	{ope.BalancedDR(), func(r ope.Row) float64 { return r.Target / r.Average }, true, false},
}

func weightOf(r ope.Row) float64 { return r.Target / r.Propensity }

func allEstimators() []ope.Estimator {
	es := []ope.Estimator{ope.Replay(), ope.WeightedIPS(), ope.WeightedDR()}
	for _, d := range definitions {
		es = append(es, d.Estimator)
	}
	return es
}

// randomLog returns a log of n decisions among 7 actions by three loggers, with rewards around
// offset.
func randomLog(seed uint64, n int, offset float64) ope.Log[float64] {
	var log ope.Log[float64]
	newWorld(seed, 40, 7, 2, 4).draw(&log, n, seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	log.Model = append([]float64(nil), log.Model...)
	log.Target = append([]float64(nil), log.Target...)
	for k := range 7 { // the policy is certain in one context
		log.Target[k] = 0
	}
	log.Target[3] = 1
	for i := range log.Model {
		log.Model[i] += offset
	}
	log.Stratum, log.Average = make([]int32, n), make([]float64, n)
	for i := range n {
		log.Reward[i] += offset + 0.1*rng.NormFloat64()
		log.Stratum[i] = int32(rng.IntN(3))
		log.Average[i] = min(1, log.Propensity[i]*(0.8+0.4*rng.Float64()))
	}
	return log
}

func close(a, b, relative float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= relative*math.Max(math.Abs(a), math.Abs(b))
}

func TestEstimatesAreThoseOfTheFormulas(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 1023, 1024, 1025, 16384, 16385, 40000} {
		log := randomLog(uint64(n), n, 0)
		rows := rowsOf(log)
		for _, d := range definitions {
			report, err := ope.Evaluate(log, ope.Options{}, d.Estimator)
			if err != nil {
				t.Fatal(err)
			}
			e := report.Estimates[0]
			value, stdErr, ess := naive(rows, d.weight, d.model, d.ratio)
			if d.Estimator == ope.DM() {
				ess = float64(n)
			}
			if n == 1 {
				stdErr = math.NaN()
			}
			if !close(e.Value, value, 1e-11) || !close(e.SE, stdErr, 1e-9) || !close(e.ESS, ess, 1e-11) || e.N != n {
				t.Errorf("n = %d: %v: %v ± %v, ess %v, want %v ± %v, ess %v", n, d.Estimator, e.Value, e.SE, e.ESS, value, stdErr, ess)
			}
		}
	}
}

// Rewards far from 0 leave few digits to a careless variance.
func TestStandardErrorOfRatioKeepsPrecisionFarFromZero(t *testing.T) {
	plain, far := randomLog(9, 5000, 0), randomLog(9, 5000, 1<<20)
	for _, e := range []ope.Estimator{ope.SNIPS(), ope.SNDR()} {
		a, err := ope.Evaluate(plain, ope.Options{}, e)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ope.Evaluate(far, ope.Options{}, e)
		if err != nil {
			t.Fatal(err)
		}
		if !close(a.Estimates[0].SE, b.Estimates[0].SE, 1e-6) || !close(a.Estimates[0].Value+1<<20, b.Estimates[0].Value, 1e-14) {
			t.Errorf("%v: %v ± %v, want %v ± %v", e, b.Estimates[0].Value, b.Estimates[0].SE, a.Estimates[0].Value+1<<20, a.Estimates[0].SE)
		}
	}
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// sameEstimate compares two estimates by a relation on their numbers.
func sameEstimate(a, b ope.Estimate, same func(x, y float64) bool) bool {
	return a.Estimator == b.Estimator && same(a.Value, b.Value) && same(a.SE, b.SE) && same(a.Lower, b.Lower) && same(a.Upper, b.Upper) &&
		a.N == b.N && same(a.ESS, b.ESS) && same(a.MaxShare, b.MaxShare) && same(a.Bias, b.Bias) && a.Verdict == b.Verdict
}

func TestResultHasTheSameBitsForAnyNumberOfWorkers(t *testing.T) {
	for _, kind := range []ope.Interval{ope.Normal, ope.Bootstrap} {
		estimators := allEstimators()
		if kind == ope.Bootstrap {
			estimators = []ope.Estimator{ope.IPS(), ope.SNIPS(), ope.DR(), ope.SNDR(), ope.DRos(3)}
		}
		log := randomLog(1, 100000, 0)
		var first ope.Report
		for i, workers := range []int{1, 2, 3, 8} {
			report, err := ope.Evaluate(log, ope.Options{Workers: workers, Interval: kind, Resamples: 40}, estimators...)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = report
			}
			for k, e := range report.Estimates {
				if !sameEstimate(e, first.Estimates[k], sameBits) {
					t.Errorf("%d workers: %+v, want %+v", workers, e, first.Estimates[k])
				}
			}
		}
	}
}

func TestAccumulatorGivesTheBitsOfEvaluate(t *testing.T) {
	for _, n := range []int{1000, 1024, 5000, 16384, 40001} {
		log := spread[float64](randomLog(uint64(n), n, 0))
		opt := ope.Options{Tails: true}
		want, err := ope.Evaluate(log, opt, allEstimators()...)
		if err != nil {
			t.Fatal(err)
		}
		acc, err := ope.NewAccumulator(opt, allEstimators()...)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rowsOf(log) {
			if err := acc.Add(r); err != nil {
				t.Fatal(err)
			}
			if i == n/2 { // looking in between changes nothing
				if _, err := acc.Report(); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, err := acc.Report()
		if err != nil {
			t.Fatal(err)
		}
		for k, e := range got.Estimates {
			// The direct terms of rowsOf are summed in another order.
			if !sameEstimate(e, want.Estimates[k], func(a, b float64) bool { return close(a, b, 1e-12) }) {
				t.Errorf("n = %d: %+v, want %+v", n, e, want.Estimates[k])
			}
		}
		if got.Diagnostics != want.Diagnostics {
			t.Errorf("n = %d: %+v, want %+v", n, got.Diagnostics, want.Diagnostics)
		}
	}
}

func TestMergedAccumulatorsGiveWhatOneGives(t *testing.T) {
	rows := rowsOf(randomLog(5, 30011, 100))
	rng := rand.New(rand.NewPCG(5, 5))
	for _, kind := range []ope.Interval{ope.Normal, ope.Anytime} {
		opt := ope.Options{Interval: kind}
		one := accumulate(t, opt, rows)
		parts := make([]*ope.Accumulator, 5)
		for i := range parts {
			parts[i] = accumulate(t, opt, nil)
		}
		for _, r := range rows {
			if err := parts[rng.IntN(4)].Add(r); err != nil { // the last stays empty
				t.Fatal(err)
			}
		}
		all := accumulate(t, opt, nil)
		for _, p := range parts {
			if err := all.Merge(p); err != nil {
				t.Fatal(err)
			}
		}
		if all.Len() != len(rows) {
			t.Errorf("%d rows, want %d", all.Len(), len(rows))
		}
		want, err := one.Report()
		if err != nil {
			t.Fatal(err)
		}
		got, err := all.Report()
		if err != nil {
			t.Fatal(err)
		}
		for k, e := range got.Estimates {
			w := want.Estimates[k]
			if !close(e.Value, w.Value, 1e-12) || !close(e.SE, w.SE, 1e-10) || !close(e.ESS, w.ESS, 1e-12) || e.Verdict != w.Verdict {
				t.Errorf("%+v, want %+v", e, w)
			}
		}
	}
}

// The ratio's residuals are reduced by the first row's, which differs from part to part.
func TestMergedBootstrapIsThatOfTheWholeLog(t *testing.T) {
	rows := rowsOf(randomLog(6, 6000, 0))
	for i := range rows {
		if i < 3000 {
			rows[i].Reward += 40
		}
	}
	build := func(seed uint64, rows []ope.Row) *ope.Accumulator {
		acc, err := ope.NewAccumulator(ope.Options{Interval: ope.Bootstrap, Resamples: 2000, Seed: seed}, ope.IPS(), ope.SNIPS(), ope.SNDR())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := acc.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		return acc
	}
	merged := build(1, rows[:3000])
	if err := merged.Merge(build(2, rows[3000:])); err != nil {
		t.Fatal(err)
	}
	got, err := merged.Report()
	if err != nil {
		t.Fatal(err)
	}
	want, err := build(3, rows).Report()
	if err != nil {
		t.Fatal(err)
	}
	for k, g := range got.Estimates {
		w := want.Estimates[k]
		if width := w.Upper - w.Lower; math.Abs(g.Lower-w.Lower) > width/10 || math.Abs(g.Upper-w.Upper) > width/10 || !close(g.Value, w.Value, 1e-12) {
			t.Errorf("%v, want %v", g, w)
		}
	}
}

func accumulate(t *testing.T, opt ope.Options, rows []ope.Row) *ope.Accumulator {
	t.Helper()
	acc, err := ope.NewAccumulator(opt, allEstimators()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := acc.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return acc
}

func TestContextsGiveWhatTheirRowsGive(t *testing.T) {
	log := randomLog(3, 20000, 0)
	a, err := ope.Evaluate(log, ope.Options{}, allEstimators()...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ope.Evaluate(spread[float64](log), ope.Options{}, allEstimators()...)
	if err != nil {
		t.Fatal(err)
	}
	for k, e := range a.Estimates {
		if !sameEstimate(e, b.Estimates[k], sameBits) {
			t.Errorf("%+v, want %+v", e, b.Estimates[k])
		}
	}
	c, err := ope.Evaluate(spread[float32](log), ope.Options{}, allEstimators()...)
	if err != nil {
		t.Fatal(err)
	}
	for k, e := range a.Estimates {
		if got := c.Estimates[k]; !close(e.Value, got.Value, 1e-5) && e.Estimator != ope.Replay().String() {
			t.Errorf("float32: %+v, want %+v", got, e)
		}
	}
}

func TestAddDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	acc := accumulate(t, ope.Options{}, rowsOf(randomLog(1, 5000, 0)))
	row := ope.Row{Reward: 1, Propensity: 0.5, Target: 0.25, Average: 0.5}
	if n := testing.AllocsPerRun(3000, func() {
		if err := acc.Add(row); err != nil {
			panic(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per row", n)
	}
}

func ExampleAccumulator() {
	acc, err := ope.NewAccumulator(ope.Options{}, ope.SNIPS())
	if err != nil {
		panic(err)
	}
	for i := range 6000 { // two actions at even odds; the second pays, and the target prefers it
		action := i % 2
		row := ope.Row{Reward: float64(action), Propensity: 0.5, Target: []float64{0.2, 0.8}[action]}
		if err := acc.Add(row); err != nil {
			panic(err)
		}
	}
	report, err := acc.Report()
	if err != nil {
		panic(err)
	}
	e := report.Estimates[0]
	fmt.Printf("%.2f ± %.3f from %.0f effective rows: %v\n", e.Value, e.SE, e.ESS, e.Verdict)
	// Output: 0.80 ± 0.004 from 4412 effective rows: reliable
}

// What the first row earned is what residuals are reduced by, but not if it has no weight.
func TestRewardsWithoutWeightDoNotCostPrecision(t *testing.T) {
	log := randomLog(1, 5000, 0)
	log.Context[0], log.Action[0] = 0, 5 // which the target does not take
	want, err := ope.Evaluate(log, ope.Options{}, ope.SNIPS(), ope.SNDR())
	if err != nil {
		t.Fatal(err)
	}
	log.Reward[0] = 1e150
	rows := rowsOf(log)
	acc, err := ope.NewAccumulator(ope.Options{}, ope.SNIPS(), ope.SNDR())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := acc.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	byRow, err := acc.Report()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := ope.Evaluate(log, ope.Options{}, ope.SNIPS(), ope.SNDR())
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []ope.Report{whole, byRow} {
		for k, e := range got.Estimates {
			if !sameEstimate(e, want.Estimates[k], func(x, y float64) bool { return close(x, y, 1e-12) }) {
				t.Errorf("%+v, want %+v", e, want.Estimates[k])
			}
		}
	}
}
