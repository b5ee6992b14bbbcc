package ope_test

import (
	"encoding/json"
	"errors"
	"math"
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
		{"Logger", func(l *ope.Log[float64]) { l.Logger = ones(len(l.Target)); l.Logger[at] = nan }},
		{"Logger", func(l *ope.Log[float64]) { l.Logger = ones(len(l.Target)); l.Logger[at+int(l.Action[row])] = 0 }}, // yet it was taken
	} {
		log := spread[float64](randomLog(1, 20000, 0))
		c.set(&log)
		_, err := ope.Evaluate(log, ope.Options{Workers: 2}, allEstimators()...)
		var bad *ope.RowError
		if !errors.As(err, &bad) || bad.Row != row || !strings.HasPrefix(bad.Field, c.field) {
			t.Errorf("%s: error %v; want a RowError of row %d", c.field, err, row)
		}
	}
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
	other, err := ope.NewAccumulator(ope.Options{}, ope.IPS())
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Merge(other); err == nil {
		t.Error("accumulators of different estimators were merged")
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
	}{{ope.Unreliable, "effective sample size"}, {ope.Weak, "bias"}, {ope.Weak, "model's error"}} {
		if e := report.Estimates[i]; e.Verdict != want.v || !strings.Contains(e.Reason, want.s) {
			t.Errorf("%v: %v (%s); want %v because of %q", e.Estimator, e.Verdict, e.Reason, want.v, want.s)
		}
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
