package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/recsyskit/recsys/examples/internal/cli"
	"github.com/recsyskit/recsys/metrics/ope"
)

// What is printed of a file that does not say.
var (
	allEstimates = []string{
		"ipw", "ipw_clip_2", "ipw_clip_5", "ipw_clip_20", "snips", "dm", "dr", "dr_clip_2", "dr_clip_5", "dr_clip_20", "sndr",
		"switch_dr_0.5", "switch_dr_1", "switch_dr_2", "switch_dr_5", "switch_dr_20", "dros_0.5", "dros_1", "dros_10", "dros_100", "dros_1000",
		"sg_ipw_0.1", "sg_ipw_0.5", "sg_dr_0.1", "sg_dr_0.5",
	}
	allTuned = []string{
		"ipw_mse", "dr_mse", "switch_dr_mse", "dros_mse", "sg_ipw_mse", "sg_dr_mse",
		"ipw_slope", "dr_slope", "switch_dr_slope", "dros_slope", "sg_ipw_slope", "sg_dr_slope",
	}
	allBounds = []string{"hoeffding_lower_ipw", "bernstein_lower_ipw", "student_t_lower_ipw"}
)

// singleExpected names what is asked for.
type singleExpected struct {
	Estimates json.RawMessage `json:"estimates"`
	Tuned     json.RawMessage `json:"tuned"`
	Bounds    json.RawMessage `json:"bounds"`
}

// judgeSingle judges a file of single decisions of one logger.
func (o *options) judgeSingle(f *slicesFile) (*results, error) {
	log, err := f.policyLog()
	if err != nil {
		return nil, err
	}
	estimates, tuned, bounds := allEstimates, allTuned, allBounds
	var ask map[string]json.RawMessage
	if has(f.Expected) {
		var want singleExpected
		if err := f.decode("expected", f.Expected, &want); err != nil {
			return nil, err
		}
		if estimates, err = f.keys("expected.estimates", want.Estimates); err != nil {
			return nil, err
		}
		if tuned, err = f.keys("expected.tuned", want.Tuned); err != nil {
			return nil, err
		}
		if bounds, err = f.keys("expected.bounds", want.Bounds); err != nil {
			return nil, err
		}
		if has(want.Tuned) {
			if err := f.decode("expected.tuned", want.Tuned, &ask); err != nil {
				return nil, err
			}
		}
	}
	r := &results{title: fmt.Sprintf("%d decisions among %d actions, %s", len(f.Reward), log.Actions, f.name)}
	if err := r.plain(log, o.opt, estimates, estimatorOf); err != nil {
		return nil, err
	}
	for _, name := range tuned {
		l, err := o.tune(f, log, name, ask[name])
		if err != nil {
			return nil, err
		}
		r.lines = append(r.lines, l)
	}
	for _, name := range bounds {
		l, err := o.bound(log, name)
		if err != nil {
			return nil, err
		}
		r.lines = append(r.lines, l)
	}
	return r, nil
}

// plain adds a line per name, all from one pass over the log.
func (r *results) plain(log ope.Log[float64], opt ope.Options, names []string, find func(string) (ope.Estimator, bool)) error {
	var ask []ope.Estimator
	at := map[int]int{} // line to estimate
	from := len(r.lines)
	for i, name := range names {
		e, ok := find(name)
		switch {
		case !ok:
			r.lines = append(r.lines, missing(name, "there is no such estimator"))
		case e.NeedsModel() && log.Model == nil:
			r.lines = append(r.lines, missing(name, "the file has no q_hat"))
		case noInterval(opt, e) != nil:
			r.lines = append(r.lines, missing(name, noInterval(opt, e).Error()))
		default:
			at[from+i] = len(ask)
			ask = append(ask, e)
			r.lines = append(r.lines, line{name: name, known: true})
		}
	}
	if len(ask) == 0 { // the rows are checked all the same
		ask = []ope.Estimator{ope.IPS()}
	}
	report, err := ope.Evaluate(log, opt, ask...)
	if err != nil {
		return err
	}
	for i, k := range at {
		r.lines[i].est = report.Estimates[k]
	}
	r.tails = append(r.tails, tail{"π/p", report.Diagnostics})
	return nil
}

// noInterval returns an error if the estimator has no interval of the kind that is asked for.
func noInterval(opt ope.Options, e ope.Estimator) error {
	_, err := ope.NewAccumulator(opt, e)
	return err
}

// tune returns the line of a tuned estimator; spec may hold the values to choose from.
func (o *options) tune(f *slicesFile, log ope.Log[float64], name string, spec json.RawMessage) (line, error) {
	i := strings.LastIndexByte(name, '_')
	methods := map[string]ope.TuningMethod{"slope": ope.SLOPE, "mse": ope.MSE}
	method, ok := methods[name[i+1:]]
	if i < 0 || !ok || families[name[:i]] == nil {
		return missing(name, "there is no such estimator"), nil
	}
	family := families[name[:i]]
	if family(1).NeedsModel() && log.Model == nil {
		return missing(name, "the file has no q_hat"), nil
	}
	tuning := ope.Tuning{Method: method}
	var values struct {
		Lambdas []any `json:"lambdas"`
	}
	if has(spec) && spec[0] == '{' {
		if err := f.decode("expected.tuned."+name, spec, &values); err != nil {
			return line{}, err
		}
	}
	for _, v := range values.Lambdas {
		l, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		if err != nil {
			return line{}, cli.Inputf(f.name, 0, "expected.tuned.%s.lambdas has %v; want numbers or \"inf\"", name, v)
		}
		tuning.Lambdas = append(tuning.Lambdas, l)
	}
	got, err := ope.Tune(log, o.opt, tuning, family)
	if err != nil {
		return line{}, err
	}
	return line{name: name, known: true, est: got.Estimate, tuned: true, lambda: got.Lambda}, nil
}

// bound returns the line of a lower bound, such as "hoeffding_lower_ipw".
func (o *options) bound(log ope.Log[float64], name string) (line, error) {
	kind, of, ok := strings.Cut(name, "_lower_")
	e, known := estimatorOf(of)
	if !ok || !known {
		return missing(name, "there is no such bound"), nil
	}
	if e.NeedsModel() && log.Model == nil {
		return missing(name, "the file has no q_hat"), nil
	}
	report, err := ope.Evaluate(log, o.opt, e)
	if err != nil {
		return line{}, err
	}
	const delta = 0.05
	est := report.Estimates[0]
	switch kind {
	case "hoeffding":
		est.Value = ope.HoeffdingLower(est.Terms, 0, delta)
	case "bernstein":
		est.Value = ope.BernsteinLower(est.Terms, 0, delta)
	case "student_t":
		est.Value = ope.StudentLower(est.Terms, delta)
	default:
		return missing(name, "there is no such bound"), nil
	}
	est.Lower = est.Value
	return line{name: name, known: true, est: est}, nil
}

// loggerEstimators are those for several loggers, by their names in files.
var loggerEstimators = map[string]ope.Estimator{
	"naive_ipw": ope.IPS(), "balanced_ipw": ope.BalancedIPS(), "weighted_ipw": ope.WeightedIPS(),
	"naive_dr": ope.DR(), "balanced_dr": ope.BalancedDR(), "weighted_dr": ope.WeightedDR(),
}

// judgeLoggers judges a file of several loggers.
func (o *options) judgeLoggers(f *slicesFile) (*results, error) {
	log, err := f.policyLog()
	if err != nil {
		return nil, err
	}
	names := []string{"naive_ipw", "balanced_ipw", "weighted_ipw", "naive_dr", "balanced_dr", "weighted_dr"}
	if has(f.Expected) {
		if names, err = f.keys("expected", f.Expected); err != nil {
			return nil, err
		}
	}
	r := &results{title: fmt.Sprintf("%d decisions among %d actions by several loggers, %s", len(f.Reward), log.Actions, f.name)}
	return r, r.plain(log, o.opt, names, func(name string) (ope.Estimator, bool) {
		if e, ok := loggerEstimators[name]; ok {
			return e, log.Average != nil || !strings.HasPrefix(name, "balanced")
		}
		return estimatorOf(name)
	})
}
