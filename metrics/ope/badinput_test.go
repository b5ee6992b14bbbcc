package ope_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

func TestEvaluateRefusesRowsOutsideTheirDomain(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	const row = 2500 // in the third block
	at := row * 7
	for _, c := range []struct {
		field string
		set   func(l *ope.Log[float64])
	}{
		{"Propensity", func(l *ope.Log[float64]) { l.Propensity[row] = 0 }},
		{"Propensity", func(l *ope.Log[float64]) { l.Propensity[row] = -0.5 }},
		{"Propensity", func(l *ope.Log[float64]) { l.Propensity[row] = 1.5 }},
		{"Propensity", func(l *ope.Log[float64]) { l.Propensity[row] = nan }},
		{"Propensity", func(l *ope.Log[float64]) { l.Propensity[row] = 1e-320 }}, // the weight overflows
		{"Reward", func(l *ope.Log[float64]) { l.Reward[row] = nan }},
		{"Reward", func(l *ope.Log[float64]) { l.Reward[row] = inf }},
		{"Reward", func(l *ope.Log[float64]) { l.Reward[row] = -inf }},
		{"Action", func(l *ope.Log[float64]) { l.Action[row] = 7 }},
		{"Action", func(l *ope.Log[float64]) { l.Action[row] = -1 }},
		{"Target", func(l *ope.Log[float64]) { l.Target[at+int(l.Action[row])] = nan }},
		{"Target", func(l *ope.Log[float64]) { l.Target[at+int(l.Action[row])] = 1.1 }},
		{"Target", func(l *ope.Log[float64]) { l.Target[at+int(l.Action[row])] = -0.1 }},
		{"Target", func(l *ope.Log[float64]) { l.Target[at] += 0.01 }}, // the sum is not 1
		{"Target", func(l *ope.Log[float64]) {
			other := (int(l.Action[row]) + 1) % 7
			l.Target[at+other], l.Target[at+(other+1)%7] = -0.1, l.Target[at+(other+1)%7]+l.Target[at+other]+0.1
		}},
		{"Model", func(l *ope.Log[float64]) { l.Model[at] = nan }},
		{"Model", func(l *ope.Log[float64]) { l.Model[at+6] = inf }},
		{"Average", func(l *ope.Log[float64]) { l.Average[row] = 0 }},
		{"Average", func(l *ope.Log[float64]) { l.Average[row] = 1.01 }},
		{"Stratum", func(l *ope.Log[float64]) { l.Stratum[row] = -1 }},
		{"Stratum", func(l *ope.Log[float64]) { l.Stratum[row] = 1 << 16 }},
		{"Weight", func(l *ope.Log[float64]) { l.Weight = ones(len(l.Reward)); l.Weight[row] = -1 }},
		{"Weight", func(l *ope.Log[float64]) { l.Weight = ones(len(l.Reward)); l.Weight[row] = inf }},
		{"Logger", func(l *ope.Log[float64]) { l.Logger = evenly(len(l.Target), 7); l.Logger[at] = nan }},
		{"Logger", func(l *ope.Log[float64]) { l.Logger = evenly(len(l.Target), 7); l.Logger[at] *= 2 }}, // the sum is not 1
		{"Logger", func(l *ope.Log[float64]) { // 0, yet it was taken
			l.Logger = evenly(len(l.Target), 7)
			a := int(l.Action[row])
			l.Logger[at+a], l.Logger[at+(a+1)%7] = 0, 2./7
		}},
	} {
		log := spread[float64](randomLog(1, 20000, 0))
		c.set(&log)
		estimators := allEstimators()
		if log.Weight != nil { // not for all
			estimators = []ope.Estimator{ope.SNIPS(), ope.DR()}
		}
		_, err := ope.Evaluate(log, ope.Options{Workers: 2}, estimators...)
		var bad *ope.RowError
		if !errors.As(err, &bad) || bad.Row != row || !strings.HasPrefix(bad.Field, c.field) {
			t.Errorf("%s: error %v; want a RowError of row %d", c.field, err, row)
		}
	}
}

// evenly returns a table of n uniform probabilities of actions.
func evenly(n, actions int) []float64 {
	x := ones(n)
	for i := range x {
		x[i] /= float64(actions)
	}
	return x
}

// Estimators without a model read the target's table only where it was taken.
func TestTargetsThatDoNotSumToOneAreRefusedWithoutAModel(t *testing.T) {
	check := func(name string, log ope.Log[float64], row int) {
		t.Helper()
		for _, e := range []ope.Estimator{ope.IPS(), ope.SNIPS(), ope.ClippedIPS(3), ope.Replay()} {
			var bad *ope.RowError
			if _, err := ope.Evaluate(log, ope.Options{}, e); !errors.As(err, &bad) || bad.Field != "Target" || bad.Row != row {
				t.Errorf("%s: %v: %v; want a RowError of Target in row %d", name, e, err, row)
			}
		}
		var bad *ope.RowError
		if _, err := ope.MRDRWeights(nil, log); !errors.As(err, &bad) || bad.Field != "Target" || bad.Row != row {
			t.Errorf("%s: MRDRWeights: %v", name, err)
		}
	}
	log := spread[float64](randomLog(1, 3000, 0))
	other := 1700*7 + (int(log.Action[1700])+1)%7
	log.Target[other] += 0.01
	check("one row", log, 1700)
	log.Target[other] = -log.Target[other] - 0.01
	check("a negative probability", log, 1700)

	contexts := randomLog(1, 3000, 0)
	first := slices.Index(contexts.Context, 5)
	for a := range 7 {
		contexts.Target[5*7+a] /= 2
	}
	check("a context", contexts, first)

	unused := randomLog(1, 3000, 0)
	unused.Target = append(unused.Target, make([]float64, 70)...)
	if _, err := ope.Evaluate(unused, ope.Options{}, ope.IPS()); err == nil {
		t.Error("tables of different lengths were taken")
	}
	unused.Model = nil
	if _, err := ope.Evaluate(unused, ope.Options{}, ope.IPS()); err != nil {
		t.Errorf("contexts that do not occur: %v", err)
	}

	const n, actions = 3000, 1000 // too many to read all
	large := ope.Log[float64]{Actions: actions, Reward: ones(n), Action: make([]int32, n), Propensity: evenly(n, actions), Target: ones(n * actions)}
	check("scores for probabilities", large, 0)
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

func TestEvaluateRefusesContextsOutsideTheTables(t *testing.T) {
	for _, c := range []int32{-1, 40} {
		log := randomLog(1, 3000, 0)
		log.Context[17] = c
		var bad *ope.RowError
		if _, err := ope.Evaluate(log, ope.Options{}); !errors.As(err, &bad) || bad.Row != 17 || bad.Field != "Context" {
			t.Errorf("context %d: %v", c, err)
		}
	}
}

func TestEvaluateNamesTheFirstBadRow(t *testing.T) {
	log := randomLog(1, 200000, 0)
	for _, row := range []int{150001, 90000, 33333} {
		log.Reward[row] = math.NaN()
	}
	var bad *ope.RowError
	if _, err := ope.Evaluate(log, ope.Options{Workers: 8}); !errors.As(err, &bad) || bad.Row != 33333 {
		t.Errorf("error %v; want row 33333", err)
	}
}

func TestEvaluateRefusesLogsThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(l *ope.Log[float64])
	}{
		{"Log.Actions", func(l *ope.Log[float64]) { l.Actions = 0 }},
		{"Log.Actions", func(l *ope.Log[float64]) { l.Actions = -7 }},
		{"Log.Action", func(l *ope.Log[float64]) { l.Action = l.Action[1:] }},
		{"Log.Propensity", func(l *ope.Log[float64]) { l.Propensity = nil }},
		{"Log.Target", func(l *ope.Log[float64]) { l.Target = l.Target[1:] }},
		{"Log.Target", func(l *ope.Log[float64]) { l.Actions = 6 }},
		{"Log.Model", func(l *ope.Log[float64]) { l.Model = l.Model[:7] }},
		{"Log.Model", func(l *ope.Log[float64]) { l.Model = nil }},
		{"Log.Average", func(l *ope.Log[float64]) { l.Average = nil }},
		{"Log.Stratum", func(l *ope.Log[float64]) { l.Stratum = nil }},
		{"Log.Logger", func(l *ope.Log[float64]) { l.Logger = []float64{1} }},
		{"Log.Weight", func(l *ope.Log[float64]) { l.Weight = []float64{1} }},
	} {
		log := spread[float64](randomLog(1, 20, 0))
		c.set(&log)
		_, err := ope.Evaluate(log, ope.Options{}, allEstimators()...)
		var bad *ope.FieldError
		if !errors.As(err, &bad) || bad.Field != c.name {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
	for _, e := range []ope.Estimator{ope.Replay(), ope.BalancedIPS(), ope.BalancedDR()} {
		log := randomLog(1, 20, 0)
		log.Weight = ones(20)
		var bad *ope.FieldError
		if _, err := ope.Evaluate(log, ope.Options{}, e); !errors.As(err, &bad) || bad.Field != "Log.Weight" {
			t.Errorf("%v with weights: error %v", e, err)
		}
	}
	if _, err := ope.Evaluate(ope.Log[float32]{Actions: 2}, ope.Options{}); !errors.Is(err, ope.ErrEmpty) {
		t.Errorf("empty log: %v", err)
	}
	log := randomLog(1, 20, 0)
	log.Deterministic = true
	if _, err := ope.Evaluate(log, ope.Options{}); !errors.Is(err, ope.ErrDeterministic) {
		t.Errorf("deterministic logger: %v", err)
	}
}

func TestParametersOutOfRangeAreNamed(t *testing.T) {
	log := randomLog(1, 20, 0)
	for _, c := range []struct {
		field string
		opt   ope.Options
		e     ope.Estimator
	}{
		{"Options.Level", ope.Options{Level: 1}, ope.IPS()},
		{"Options.Level", ope.Options{Level: math.NaN()}, ope.IPS()},
		{"Options.Interval", ope.Options{Interval: 9}, ope.IPS()},
		{"Options.Interval", ope.Options{Interval: ope.Bootstrap}, ope.WeightedDR()},
		{"Options.TermRange", ope.Options{TermRange: -1}, ope.IPS()},
		{"Options.Resamples", ope.Options{Resamples: -1}, ope.IPS()},
		{"Options.Resamples", ope.Options{Interval: ope.Bootstrap, Resamples: 39}, ope.IPS()},
		{"Options.Resamples", ope.Options{Interval: ope.Bootstrap, Level: 0.9999}, ope.IPS()},
		{"Options.Horizon", ope.Options{Horizon: -1}, ope.IPS()},
		{"Options.Workers", ope.Options{Workers: -1}, ope.IPS()},
		{"Estimator", ope.Options{}, ope.Estimator{}},
		{"ClippedIPS's lambda", ope.Options{}, ope.ClippedIPS(-1)},
		{"DRos's lambda", ope.Options{}, ope.DRos(math.NaN())},
		{"SubGaussianDR's lambda", ope.Options{}, ope.SubGaussianDR(1.1)},
	} {
		var bad *ope.FieldError
		if _, err := ope.Evaluate(log, c.opt, c.e); !errors.As(err, &bad) || bad.Field != c.field {
			t.Errorf("%s: Evaluate returns %v", c.field, err)
		}
		if _, err := ope.NewAccumulator(c.opt, c.e); !errors.As(err, &bad) || bad.Field != c.field {
			t.Errorf("%s: NewAccumulator returns %v", c.field, err)
		}
	}
	for _, c := range []struct {
		field  string
		tuning ope.Tuning
		family func(float64) ope.Estimator
	}{
		{"Tuning.Method", ope.Tuning{Method: 7}, ope.DRos},
		{"Tuning.Delta", ope.Tuning{Delta: -1}, ope.DRos},
		{"Tuning.Lambdas", ope.Tuning{Lambdas: []float64{}}, ope.DRos},
		{"DRos's lambda", ope.Tuning{Lambdas: []float64{-1}}, ope.DRos},
		{"the family dr", ope.Tuning{}, func(float64) ope.Estimator { return ope.DR() }},
	} {
		var bad *ope.FieldError
		if _, err := ope.Tune(log, ope.Options{}, c.tuning, c.family); !errors.As(err, &bad) || bad.Field != c.field {
			t.Errorf("%s: Tune returns %v", c.field, err)
		}
	}
}

func TestAddRefusesARowAndGoesOn(t *testing.T) {
	nan := math.NaN()
	good := ope.Row{Reward: 1, Propensity: 0.5, Target: 0.25, Model: 0.5, Direct: 0.5, Average: 0.5}
	for _, c := range []struct {
		field string
		set   func(r *ope.Row)
	}{
		{"Reward", func(r *ope.Row) { r.Reward = nan }},
		{"Propensity", func(r *ope.Row) { r.Propensity = 0 }},
		{"Propensity", func(r *ope.Row) { r.Propensity = nan }},
		{"Propensity", func(r *ope.Row) { r.Propensity = 2 }},
		{"Target", func(r *ope.Row) { r.Target = -1 }},
		{"Model", func(r *ope.Row) { r.Model = nan }},
		{"Direct", func(r *ope.Row) { r.Direct = math.Inf(1) }},
		{"Unsupported", func(r *ope.Row) { r.Unsupported = 2 }},
		{"Average", func(r *ope.Row) { r.Average = 0 }},
		{"Stratum", func(r *ope.Row) { r.Stratum = -1 }},
	} {
		acc := accumulate(t, ope.Options{}, []ope.Row{good})
		r := good
		c.set(&r)
		var bad *ope.RowError
		if err := acc.Add(r); !errors.As(err, &bad) || bad.Field != c.field || bad.Row != 1 {
			t.Errorf("%s: %v", c.field, err)
		}
		if err := acc.Add(good); err != nil || acc.Len() != 2 {
			t.Errorf("after a refused row: %v, %d rows", err, acc.Len())
		}
	}
	empty := accumulate(t, ope.Options{}, nil)
	if _, err := empty.Report(); !errors.Is(err, ope.ErrEmpty) {
		t.Errorf("empty accumulator: %v", err)
	}
}

func TestMergeRefusesWhatIsNotAlike(t *testing.T) {
	build := func(rows int, opt ope.Options, es ...ope.Estimator) *ope.Accumulator {
		acc, err := ope.NewAccumulator(opt, es...)
		if err != nil {
			t.Fatal(err)
		}
		for range rows {
			if err := acc.Add(ope.Row{Reward: 1, Propensity: 0.5, Target: 0.5}); err != nil {
				t.Fatal(err)
			}
		}
		return acc
	}
	boot := func(seed uint64) ope.Options {
		return ope.Options{Interval: ope.Bootstrap, Resamples: 40, Seed: seed}
	}
	itself := build(2, ope.Options{}, ope.IPS())
	both := build(0, boot(0), ope.IPS())
	for seed := range uint64(3) { // 0 is not taken by an empty one
		if err := both.Merge(build(2, boot(seed), ope.IPS())); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		a, b *ope.Accumulator
	}{
		{"itself", itself, itself},
		{"another estimator", itself, build(2, ope.Options{}, ope.SNIPS())},
		{"one estimator more", itself, build(2, ope.Options{}, ope.IPS(), ope.SNIPS())},
		{"another parameter", build(0, ope.Options{}, ope.DRos(1)), build(0, ope.Options{}, ope.DRos(2))},
		{"another interval", itself, build(2, ope.Options{Interval: ope.Anytime}, ope.IPS())},
		{"another level", itself, build(2, ope.Options{Level: 0.9}, ope.IPS())},
		{"another range", itself, build(2, ope.Options{TermRange: 9}, ope.IPS())},
		{"another horizon", itself, build(2, ope.Options{Horizon: 9}, ope.IPS())},
		{"tails", itself, build(2, ope.Options{Tails: true}, ope.IPS())},
		{"the same seed", build(2, boot(1), ope.IPS()), build(2, boot(1), ope.IPS())},
		{"a seed merged before", both, build(2, boot(1), ope.IPS())},
		{"one that has merged the seed", build(2, boot(2), ope.IPS()), both},
	} {
		rows := c.a.Len()
		var bad *ope.FieldError
		if err := c.a.Merge(c.b); !errors.As(err, &bad) || c.a.Len() != rows {
			t.Errorf("%s was merged: %v", c.name, err)
		}
	}
}

func TestVerdictNamesWhatIsWrong(t *testing.T) {
	big := newWorld(1, 20, 10, 3, 4)
	for _, c := range []struct {
		name    string
		n       int
		set     func(l *ope.Log[float64])
		want    ope.Verdict
		because string
	}{
		{"a good log", 50000, func(*ope.Log[float64]) {}, ope.Reliable, ""},
		{"few rows", 1000, func(*ope.Log[float64]) {}, ope.Weak, "effective sample size"},
		{"very few rows", 100, func(*ope.Log[float64]) {}, ope.Unreliable, "effective sample size"},
		{"propensities of another logger", 50000, func(l *ope.Log[float64]) {
			for i := range l.Propensity {
				l.Propensity[i] = math.Sqrt(l.Propensity[i])
			}
		}, ope.Unreliable, "the mean weight"},
		{"an action the logger cannot take", 50000, func(l *ope.Log[float64]) {
			l.Logger = append([]float64(nil), big.logger...)
			l.Logger[2] += l.Logger[3]
			l.Logger[3] = 0
			for i, a := range l.Action {
				if l.Context[i] == 0 && a == 3 {
					l.Action[i] = 2
				}
			}
		}, ope.Unreliable, "could not take"},
		{"an action that never occurs", 50000, func(l *ope.Log[float64]) {
			for i, a := range l.Action {
				if a == 3 {
					l.Action[i] = 2
				}
			}
		}, ope.Unreliable, "occur nowhere"},
		{"a greedy logger", 50000, func(l *ope.Log[float64]) {
			for i := range l.Propensity {
				l.Propensity[i] = 1
			}
		}, ope.Unreliable, "could not take"},
		{"rewards around 0", 50000, func(l *ope.Log[float64]) {
			for i := range l.Reward {
				l.Reward[i] = float64(i%2*2-1) * 10
			}
		}, ope.Weak, "half-width"},
	} {
		var log ope.Log[float64]
		big.draw(&log, c.n, 1)
		c.set(&log)
		report, err := ope.Evaluate(log, ope.Options{}, ope.SNIPS())
		if err != nil {
			t.Fatal(err)
		}
		if e := report.Estimates[0]; e.Verdict != c.want || !strings.Contains(e.Reason, c.because) || (c.because == "") != (e.Reason == "") {
			t.Errorf("%s: %v (%s); want %v because of %q", c.name, e.Verdict, e.Reason, c.want, c.because)
		}
	}

	var log ope.Log[float64]
	big.draw(&log, 50000, 1)
	log.Weight = make([]float64, 50000)
	for i := range log.Weight {
		log.Weight[i] = 0.9
	}
	log.Weight[0] = 5000
	report, err := ope.Evaluate(log, ope.Options{}, ope.IPS(), ope.ClippedIPS(0.5), ope.DM())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		v ope.Verdict
		s string
	}{{ope.Unreliable, "effective sample size"}, {ope.Unreliable, "99.8 before weights are changed"}, {ope.Weak, "model's error"}} {
		if e := report.Estimates[i]; e.Verdict != want.v || !strings.Contains(e.Reason, want.s) {
			t.Errorf("%v: %v (%s); want %v because of %q", e.Estimator, e.Verdict, e.Reason, want.v, want.s)
		}
	}
}

// One of two loggers chose without chance: its own propensities are no support for another
// policy, those of the mixture are.
func TestAGreedyLoggerAmongOthersSupportsTheMixtureAlone(t *testing.T) {
	w := newWorld(1, 20, 5, 0, 3)
	var log ope.Log[float64]
	w.draw(&log, 40000, 1)
	log.Average, log.Stratum = make([]float64, 40000), make([]int32, 40000)
	for i, c := range log.Context {
		greedy := int32(c % 5)
		if i%2 == 1 {
			log.Action[i], log.Propensity[i], log.Stratum[i] = greedy, 1, 1
			log.Reward[i] = 0.5
		}
		log.Average[i] = 0.1
		if log.Action[i] == greedy {
			log.Average[i] = 0.6
		}
	}
	report, err := ope.Evaluate(log, ope.Options{}, ope.IPS(), ope.BalancedIPS())
	if err != nil {
		t.Fatal(err)
	}
	if e := report.Estimates[0]; e.Verdict != ope.Unreliable || !strings.Contains(e.Reason, "could not take") {
		t.Errorf("ips: %v (%s)", e.Verdict, e.Reason)
	}
	if e := report.Estimates[1]; e.Verdict != ope.Reliable {
		t.Errorf("balanced ips: %v (%s)", e.Verdict, e.Reason)
	}
	for i := range log.Average {
		log.Average[i] = 1
	}
	if report, err = ope.Evaluate(log, ope.Options{}, ope.BalancedIPS()); err != nil {
		t.Fatal(err)
	}
	if e := report.Estimates[0]; e.Verdict != ope.Unreliable || !strings.Contains(e.Reason, "could not take") {
		t.Errorf("a mixture of greedy loggers: %v (%s)", e.Verdict, e.Reason)
	}
}

func TestNoWeightIsNoNumber(t *testing.T) {
	log := tiny()
	log.Target = []float64{1, 0}
	log.Action = []int32{1, 1, 1, 1}
	log.Propensity = []float64{0.2, 0.2, 0.2, 0.2}
	report, err := ope.Evaluate(log, ope.Options{}, ope.SNIPS(), ope.Replay(), ope.IPS())
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range report.Estimates {
		if e.Verdict != ope.Unreliable || i < 2 && !math.IsNaN(e.Value) {
			t.Errorf("%+v", e)
		}
	}
}

func TestErrorsNameFieldValueAndRemedy(t *testing.T) {
	log := randomLog(1, 20, 0)
	_, err := ope.Evaluate(log, ope.Options{Level: 2}, ope.IPS())
	if want := "ope: Options.Level is 2; want in (0, 1) (0 means 0.95)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	log.Action = log.Action[1:]
	_, err = ope.Evaluate(log, ope.Options{}, ope.IPS())
	if want := "ope: Log.Action is of length 19; want of length 20 (20 decisions, 7 actions)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestSumsThatOverflowAreRefusedOrNoNumber(t *testing.T) {
	log := tiny()
	log.Model = []float64{math.MaxFloat64, math.MaxFloat64}
	log.Target = []float64{0.4, 0.6003}
	var bad *ope.RowError
	if _, err := ope.Evaluate(log, ope.Options{}, ope.DM()); !errors.As(err, &bad) || bad.Field != "Model" {
		t.Errorf("%v; want a RowError of Model", err)
	}
	log = tiny()
	log.Reward = []float64{math.MaxFloat64, math.MaxFloat64, 0, 0}
	report, err := ope.Evaluate(log, ope.Options{}, ope.IPS())
	if err != nil {
		t.Fatal(err)
	}
	if e := report.Estimates[0]; e.Verdict != ope.Unreliable || !strings.Contains(e.Reason, "not a number") {
		t.Errorf("%v", e)
	}
}

func TestVerdictIsAWordInJSON(t *testing.T) {
	for _, v := range []ope.Verdict{ope.Unreliable, ope.Weak, ope.Reliable} {
		data, err := json.Marshal(v)
		if err != nil || string(data) != `"`+v.String()+`"` {
			t.Errorf("%v becomes %s, %v", v, data, err)
		}
		var back ope.Verdict
		if err := json.Unmarshal(data, &back); err != nil || back != v {
			t.Errorf("%s becomes %v, %v", data, back, err)
		}
	}
	var v ope.Verdict
	if err := json.Unmarshal([]byte(`"fine"`), &v); err == nil {
		t.Error("an unknown verdict was read")
	}
}
