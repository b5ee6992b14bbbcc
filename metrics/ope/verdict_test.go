package ope_test

import (
	"math"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

// judged returns the estimate of one estimator.
func judged[F ope.Float](t *testing.T, log ope.Log[F], e ope.Estimator) ope.Estimate {
	t.Helper()
	report, err := ope.Evaluate(log, ope.Options{}, e)
	if err != nil {
		t.Fatal(err)
	}
	return report.Estimates[0]
}

func TestReplayIsUnreliableOnLogsItIsNotMadeFor(t *testing.T) {
	chance := newWorld(1, 20, 5, 0, 8)
	for k := range 5 { // the target is certain in one context alone
		chance.target[k] = 0
	}
	chance.target[2] = 1
	for _, c := range []struct {
		name    string
		w       *world
		because string
	}{
		{"a uniform logger and a certain target", newWorld(1, 20, 5, 0, math.Inf(1)), ""},
		{"a logger that prefers", newWorld(1, 20, 5, 4, math.Inf(1)), "uniform"},
		{"a target that leaves it to chance", chance, "to chance"},
	} {
		var log ope.Log[float64]
		c.w.draw(&log, 60000, 1)
		e := judged(t, log, ope.Replay())
		if (e.Verdict == ope.Unreliable) != (c.because != "") || !strings.Contains(e.Reason, c.because) {
			t.Errorf("%s: %v", c.name, e)
		}
		one, err := ope.NewAccumulator(ope.Options{}, ope.Replay())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rowsOf(log) {
			if err := one.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		if report, err := one.Report(); err != nil || report.Estimates[0].Verdict != e.Verdict {
			t.Errorf("%s: row by row %v, %v", c.name, report.Estimates, err)
		}
	}
}

func TestVerdictWithoutSpread(t *testing.T) {
	var log ope.Log[float64]
	newWorld(1, 20, 10, 3, 4).draw(&log, 20000, 1)
	clear(log.Reward)
	for _, e := range []ope.Estimator{ope.IPS(), ope.SNIPS()} {
		if got := judged(t, log, e); got.Verdict != ope.Weak || !strings.Contains(got.Reason, "do not vary") {
			t.Errorf("rewards of 0: %v", got)
		}
	}
	for i := range log.Reward {
		log.Reward[i] = 1e200 * float64(i%2)
	}
	for _, e := range []ope.Estimator{ope.IPS(), ope.SNIPS(), ope.DR(), ope.SNDR()} {
		if got := judged(t, log, e); got.Verdict != ope.Unreliable || !strings.Contains(got.Reason, "overflow") {
			t.Errorf("rewards whose squares overflow: %v", got)
		}
	}
}

// Propensities and probabilities that differ in the last bit of a float32 are the same policy.
func TestRoundingOfFloat32IsNoFaultOfTheLog(t *testing.T) {
	const n = 20000
	log := ope.Log[float32]{
		Actions: 4, Target: []float32{0.1, 0.2, 0.3, 0.4},
		Context: make([]int32, n), Reward: make([]float32, n), Action: make([]int32, n), Propensity: make([]float32, n),
	}
	for i := range n {
		log.Action[i], log.Reward[i] = int32(i%4), float32(i%2)
		log.Propensity[i] = math.Nextafter32(log.Target[i%4], 1)
	}
	if e := judged(t, log, ope.IPS()); e.Verdict != ope.Reliable {
		t.Error(e)
	}
}

func TestUnsupportedMassIsThatOfTheTables(t *testing.T) {
	w := newWorld(3, 20, 10, 2, 4)
	for c := range w.contexts { // context c lacks action c mod 10, whose mass goes to the next
		a, b := c*10+c%10, c*10+(c+1)%10
		w.logger[b] += w.logger[a]
		w.logger[a] = 0
	}
	w.cumulate()
	var log ope.Log[float64]
	w.draw(&log, 20000, 1)
	log.Logger = w.logger
	want := 0.0
	for _, c := range log.Context {
		want += w.target[int(c)*10+int(c)%10] / 20000
	}
	for _, l := range []ope.Log[float64]{log, spread[float64](log)} {
		report, err := ope.Evaluate(l, ope.Options{}, ope.SNIPS())
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Diagnostics.Unsupported; !close(got, want, 1e-12) || report.Estimates[0].Verdict != ope.Unreliable {
			t.Errorf("unsupported %v, want %v: %v", got, want, report.Estimates[0])
		}
	}
}

// Among many actions some occur nowhere by chance, which is no fault of the log; that the logger
// could not take them is.
func TestActionsThatOccurNowhereByChanceAreNoFault(t *testing.T) {
	const actions, n = 5000, 8000
	faults := [2]int{}
	for run := range uint64(40) {
		w := newWorld(run, 1, actions, 1, 3)
		var log ope.Log[float64]
		w.draw(&log, n, run)
		e := judged(t, log, ope.SNIPS())
		if strings.Contains(e.Reason, "occur nowhere") {
			faults[0]++
		}
		// The logger cannot take the first 400, about 8 %.
		total := 0.0
		for a := range actions {
			if a < 400 {
				w.logger[a] = 0
			}
			total += w.logger[a]
		}
		for a := range w.logger {
			w.logger[a] /= total
		}
		w.cumulate()
		w.draw(&log, n, run)
		if e = judged(t, log, ope.SNIPS()); strings.Contains(e.Reason, "occur nowhere") && e.Verdict == ope.Unreliable {
			faults[1]++
		}
		report, err := ope.Evaluate(log, ope.Options{}, ope.SNIPS())
		if err != nil {
			t.Fatal(err)
		}
		if share := report.Diagnostics.Untaken; share < 0.1 {
			t.Errorf("%.3f of the mass does not occur", share)
		}
	}
	if faults[0] > 2 || faults[1] < 37 {
		t.Errorf("reported in %d of 40 logs with support and %d of 40 without", faults[0], faults[1])
	}
	t.Log(faults)
}

// Three rows that hardly vary by chance take the weight of all others.
func TestWeightedVerdictSeesLoggersThatCountForNothing(t *testing.T) {
	var log ope.Log[float64]
	newWorld(1, 20, 10, 3, 4).draw(&log, 50000, 1)
	log.Stratum = make([]int32, 50000)
	for _, e := range []ope.Estimator{ope.WeightedIPS(), ope.WeightedDR()} {
		if got := judged(t, log, e); got.Verdict != ope.Reliable || !close(got.ESS, judged(t, log, ope.IPS()).ESS, 1e-12) {
			t.Errorf("one logger: %v", got)
		}
	}
	for i := range 3 {
		a := log.Target[int(log.Context[i])*10+int(log.Action[i])]
		log.Propensity[i], log.Reward[i], log.Stratum[i] = a, 1+1e-7*float64(i), 1
	}
	if got := judged(t, log, ope.WeightedIPS()); got.Verdict != ope.Unreliable || got.ESS > 4 || got.MaxShare < 0.3 {
		t.Errorf("three rows take all weight: %v", got)
	}
}
