package ope_test

import (
	"encoding/json"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/metrics/ope"
)

// tolerance is what the reference's numbers are met to, relative.
const tolerance = 1e-9

func near(got, want float64) bool { return math.Abs(got-want) <= tolerance*math.Abs(want)+1e-15 }

// golden is a file of single decisions, of one or several loggers.
type golden struct {
	Actions    int `json:"n_actions"`
	Positions  int `json:"len_list"`
	Reward     []float64
	Action     []int32
	Position   []int32
	Propensity []float64       `json:"pscore"`
	Average    []float64       `json:"pscore_avg"`
	Stratum    []int32         `json:"stratum_idx"`
	Slate      []int           `json:"slate_id"`
	Target     [][]float64     `json:"action_dist"`
	Model      json.RawMessage `json:"q_hat"`
	Expected   json.RawMessage
}

// expected is what a file of one logger expects.
type expected struct {
	Estimates map[string]*float64
	Tuned     map[string]struct {
		Lambdas []any
		Best    any
		Value   *float64
	}
	Bounds       map[string]float64
	SE           map[string]any
	BootstrapIPS []float64 `json:"bootstrap_ipw_95"`
	BootstrapDR  []float64 `json:"bootstrap_dr_95"`
	Diagnostics  map[string]any
	Replay       *float64 `json:"replay_argmax_per_position"`
}

// readGolden calls f for every file of the reference folder that is of this kind.
func readGolden(t *testing.T, loggers bool, f func(t *testing.T, g golden, log ope.Log[float64])) {
	t.Helper()
	dir := reference.Dir(t, "golden/ope")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("no .json file in %s", dir)
	}
	for _, file := range files {
		data, err := io.ReadAll(reference.Open(t, "golden/ope", filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := json.Unmarshal(data, &g); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if g.Slate != nil || g.Target == nil || loggers != (g.Stratum != nil) {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) { f(t, g, g.log(t)) })
	}
}

// log returns the file's log. With positions the probabilities do not depend on the decision:
// a position is a context.
func (g golden) log(t *testing.T) ope.Log[float64] {
	t.Helper()
	log := ope.Log[float64]{
		Actions: g.Actions, Reward: g.Reward, Action: g.Action, Propensity: g.Propensity,
		Average: g.Average, Stratum: g.Stratum,
	}
	if g.Position == nil {
		var model [][]float64
		if err := json.Unmarshal(g.Model, &model); err != nil {
			t.Fatal(err)
		}
		for i, row := range g.Target {
			log.Target = append(log.Target, row...)
			log.Model = append(log.Model, model[i]...)
		}
		return log
	}
	var model []float64
	if err := json.Unmarshal(g.Model, &model); err != nil {
		t.Fatal(err)
	}
	for position := range g.Positions {
		for _, row := range g.Target {
			log.Target = append(log.Target, row[position])
		}
		log.Model = append(log.Model, model...)
	}
	log.Context = g.Position
	return log
}

// families are the estimators of the reference by its names, less their parameter.
var families = map[string]func(float64) ope.Estimator{
	"ipw": ope.ClippedIPS, "ipw_clip": ope.ClippedIPS, "dr": ope.ClippedDR, "dr_clip": ope.ClippedDR,
	"switch_dr": ope.SwitchDR, "dros": ope.DRos, "sg_ipw": ope.SubGaussianIPS, "sg_dr": ope.SubGaussianDR,
}

// estimator returns the estimator that the reference calls name.
func estimator(t *testing.T, name string) ope.Estimator {
	t.Helper()
	switch name {
	case "ipw":
		return ope.IPS()
	case "snips":
		return ope.SNIPS()
	case "dm":
		return ope.DM()
	case "dr":
		return ope.DR()
	case "sndr":
		return ope.SNDR()
	}
	i := strings.LastIndexByte(name, '_')
	lambda, err := strconv.ParseFloat(name[i+1:], 64)
	if err != nil || families[name[:max(i, 0)]] == nil {
		t.Fatalf("unknown estimator %s", name)
	}
	return families[name[:i]](lambda)
}

func TestGoldenEstimates(t *testing.T) {
	readGolden(t, false, func(t *testing.T, g golden, log ope.Log[float64]) {
		var want expected
		if err := json.Unmarshal(g.Expected, &want); err != nil {
			t.Fatal(err)
		}
		if len(want.Estimates) == 0 {
			t.Skip("no estimate in the file")
		}
		for name, value := range want.Estimates {
			if value == nil {
				continue
			}
			report, err := ope.Evaluate(log, ope.Options{}, estimator(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Estimates[0].Value; !near(got, *value) {
				t.Errorf("%s = %v, want %v", name, got, *value)
			}
		}
		if want.Replay != nil {
			replayed := log
			replayed.Target = argmax(log.Target, log.Actions)
			report, err := ope.Evaluate(replayed, ope.Options{}, ope.Replay())
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Estimates[0].Value; !near(got, *want.Replay) {
				t.Errorf("replay = %v, want %v", got, *want.Replay)
			}
		}
	})
}

// argmax returns the policy that always takes the likeliest action of target.
func argmax(target []float64, actions int) []float64 {
	greedy := make([]float64, len(target))
	for at := 0; at < len(target); at += actions {
		best := at
		for a := at; a < at+actions; a++ {
			if target[a] > target[best] {
				best = a
			}
		}
		greedy[best] = 1
	}
	return greedy
}

// number reads a parameter, which may be the word inf.
func number(t *testing.T, v any) float64 {
	t.Helper()
	switch v := v.(type) {
	case float64:
		return v
	case string:
		x, err := strconv.ParseFloat(v, 64)
		if err == nil {
			return x
		}
	}
	t.Fatalf("%v is no number", v)
	return 0
}

func TestGoldenTuned(t *testing.T) {
	readGolden(t, false, func(t *testing.T, g golden, log ope.Log[float64]) {
		var want expected
		if err := json.Unmarshal(g.Expected, &want); err != nil {
			t.Fatal(err)
		}
		if len(want.Tuned) == 0 {
			t.Skip("nothing tuned in the file")
		}
		for name, w := range want.Tuned {
			i := strings.LastIndexByte(name, '_')
			tuning := ope.Tuning{Method: map[string]ope.TuningMethod{"slope": ope.SLOPE, "mse": ope.MSE}[name[i+1:]]}
			for _, l := range w.Lambdas {
				tuning.Lambdas = append(tuning.Lambdas, number(t, l))
			}
			got, err := ope.Tune(log, ope.Options{}, tuning, families[name[:i]])
			if err != nil {
				t.Fatal(err)
			}
			if w.Value == nil { // the reference divides 0 by 0
				if math.IsNaN(got.Estimate.Value) {
					t.Errorf("%s is NaN at %v", name, got.Lambda)
				}
				continue
			}
			if best := number(t, w.Best); got.Lambda != best || !near(got.Estimate.Value, *w.Value) {
				t.Errorf("%s = %v at %v, want %v at %v", name, got.Estimate.Value, got.Lambda, *w.Value, best)
			}
		}
	})
}

func TestGoldenBoundsErrorsAndWeights(t *testing.T) {
	readGolden(t, false, func(t *testing.T, g golden, log ope.Log[float64]) {
		var want expected
		if err := json.Unmarshal(g.Expected, &want); err != nil {
			t.Fatal(err)
		}
		report, err := ope.Evaluate(log, ope.Options{Tails: true}, ope.IPS(), ope.DR(), ope.SNIPS())
		if err != nil {
			t.Fatal(err)
		}
		ips, dr, snips := report.Estimates[0], report.Estimates[1], report.Estimates[2]
		d := report.Diagnostics
		got := map[string]float64{
			"hoeffding_lower_ipw": ope.HoeffdingLower(ips.Terms, 0, 0.05),
			"bernstein_lower_ipw": ope.BernsteinLower(ips.Terms, 0, 0.05),
			"student_t_lower_ipw": ope.StudentLower(ips.Terms, 0.05),
			"ipw_se":              ips.SE, "dr_se": dr.SE, "snips_se_delta": snips.SE,
			"n": float64(d.N), "mean_w": d.MeanWeight, "ess": d.ESS, "max_w": d.Max, "cv2": d.CV2,
			"w_q50": d.Q50, "w_q90": d.Q90, "w_q99": d.Q99, "w_q999": d.Q999,
			"top1pct_share": d.TopShare, "frac_zero": float64(d.Zero) / float64(d.N),
		}
		compared := 0
		compare := func(name string, value any) {
			w, ok := value.(float64)
			if !ok { // the source
				return
			}
			v, known := got[name]
			if !known || !near(v, w) {
				t.Errorf("%s = %v, want %v", name, v, w)
			}
			compared++
		}
		for name, w := range want.Bounds {
			compare(name, w)
		}
		for name, w := range want.SE {
			compare(name, w)
		}
		for name, w := range want.Diagnostics {
			compare(name, w)
		}
		if compared == 0 {
			t.Skip("no bound, standard error or diagnostic in the file")
		}
	})
}

func TestGoldenBootstrapWithinTenPercentOfWidth(t *testing.T) {
	readGolden(t, false, func(t *testing.T, g golden, log ope.Log[float64]) {
		var want expected
		if err := json.Unmarshal(g.Expected, &want); err != nil {
			t.Fatal(err)
		}
		report, err := ope.Evaluate(log, ope.Options{Interval: ope.Bootstrap, Resamples: 4000}, ope.IPS(), ope.DR())
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range [][]float64{want.BootstrapIPS, want.BootstrapDR} {
			e := report.Estimates[i]
			if len(w) != 3 {
				t.Logf("no bootstrap of %s in the file", e.Estimator)
				continue
			}
			if width := w[2] - w[1]; math.Abs(e.Lower-w[1]) > width/10 || math.Abs(e.Upper-w[2]) > width/10 {
				t.Errorf("bootstrap of %s = [%v, %v], want [%v, %v]", e.Estimator, e.Lower, e.Upper, w[1], w[2])
			}
		}
	})
}

func TestGoldenSeveralLoggers(t *testing.T) {
	estimators := map[string]ope.Estimator{
		"naive_ipw": ope.IPS(), "balanced_ipw": ope.BalancedIPS(), "weighted_ipw": ope.WeightedIPS(),
		"naive_dr": ope.DR(), "balanced_dr": ope.BalancedDR(), "weighted_dr": ope.WeightedDR(),
	}
	readGolden(t, true, func(t *testing.T, g golden, log ope.Log[float64]) {
		var want map[string]*float64
		if err := json.Unmarshal(g.Expected, &want); err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 {
			t.Fatal("no estimate expected")
		}
		for name, value := range want {
			e, ok := estimators[name]
			if !ok {
				t.Fatalf("unknown estimator %s", name)
			}
			if value == nil {
				continue
			}
			report, err := ope.Evaluate(log, ope.Options{}, e)
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Estimates[0].Value; !near(got, *value) {
				t.Errorf("%s = %v, want %v", name, got, *value)
			}
		}
	})
}
