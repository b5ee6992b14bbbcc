package ope_test

import (
	"math"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/metrics/ope"
)

// logs returns how many logs a simulation draws.
func logs(full int) int {
	if testing.Short() {
		return full / 10
	}
	return full
}

// coverage returns how often each estimator's interval covers the truth over many logs, and the
// mean ESS/n of the weights.
func coverage(t *testing.T, w *world, runs, n int, opt ope.Options, estimators ...ope.Estimator) (covered []float64, ess float64) {
	t.Helper()
	truth := w.value(w.target)
	covered = make([]float64, len(estimators))
	var log ope.Log[float64]
	for run := range runs {
		w.draw(&log, n, uint64(run))
		opt.Seed = uint64(run)
		report, err := ope.Evaluate(log, opt, estimators...)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range report.Estimates {
			if e.Lower <= truth && truth <= e.Upper {
				covered[i] += 1 / float64(runs)
			}
		}
		ess += report.Diagnostics.ESS / float64(n) / float64(runs)
	}
	return covered, ess
}

// worlds are worlds whose logs keep ESS/n at 0.3 or more.
var worlds = []struct {
	name string
	*world
}{
	{"mild", newWorld(1, 20, 10, 3, 5)},
	{"near the limit", newWorld(2, 20, 10, 3, 7)},
	{"uniform logger", newWorld(3, 50, 5, 0, 4)},
	{"few actions", newWorld(4, 5, 3, 1, 4)},
}

func TestNominalIntervalsOfDRAndSNIPSCover(t *testing.T) {
	race.SkipSequential(t)
	runs := logs(4000)
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			covered, ess := coverage(t, w.world, runs, 1000, ope.Options{}, ope.DR(), ope.SNIPS())
			if ess < 0.3 {
				t.Fatalf("ESS/n = %.3f: a log outside the claim", ess)
			}
			slack := 0.0
			if runs < 4000 { // fewer logs measure the coverage less well
				slack = 3 * math.Sqrt(0.95*0.05/float64(runs))
			}
			for i, c := range covered {
				if c < 0.93-slack || c > 0.97+slack {
					t.Errorf("%s covers in %.2f %% of %d logs, ESS/n = %.2f; want 93 to 97 %%", []string{"dr", "snips"}[i], 100*c, runs, ess)
				}
				t.Logf("%s %.4f, ESS/n %.3f", []string{"dr", "snips"}[i], c, ess)
			}
		})
	}
}

func TestOtherIntervalsCoverAtLeastTheirLevel(t *testing.T) {
	race.SkipSequential(t)
	runs := logs(1000)
	for _, kind := range []ope.Interval{ope.Bernstein, ope.Bootstrap, ope.Anytime} {
		// The bootstrap is an approximation: its coverage is that of the normal interval.
		least := map[ope.Interval]float64{ope.Bernstein: 0.95, ope.Bootstrap: 0.93, ope.Anytime: 0.95}[kind]
		covered, _ := coverage(t, worlds[0].world, runs, 1000, ope.Options{Interval: kind, Resamples: 300}, ope.IPS(), ope.DR(), ope.SNIPS(), ope.SNDR())
		slack := 3 * math.Sqrt(least*(1-least)/float64(runs))
		for i, c := range covered {
			if c < least-slack {
				t.Errorf("%v of %s covers in %.2f %% of %d logs; want %.0f %%", kind, []string{"ips", "dr", "snips", "sndr"}[i], 100*c, runs, 100*least)
			}
			t.Logf("%v %s %.4f", kind, []string{"ips", "dr", "snips", "sndr"}[i], c)
		}
	}
}

// An anytime interval covers at all looks at once, which a normal interval does not.
func TestAnytimeIntervalCoversAtEveryLook(t *testing.T) {
	race.SkipSequential(t)
	w, runs := worlds[0].world, logs(1000)
	truth := w.value(w.target)
	held := map[ope.Interval]int{}
	var log ope.Log[float64]
	for run := range runs {
		w.draw(&log, 4000, uint64(run))
		for _, kind := range []ope.Interval{ope.Normal, ope.Anytime} {
			acc, err := ope.NewAccumulator(ope.Options{Interval: kind, Horizon: 2000}, ope.SNIPS())
			if err != nil {
				t.Fatal(err)
			}
			ok := true
			for i, r := range rowsOf(log) {
				if err := acc.Add(r); err != nil {
					t.Fatal(err)
				}
				if i >= 199 && (i+1)%200 == 0 {
					report, err := acc.Report()
					if err != nil {
						t.Fatal(err)
					}
					e := report.Estimates[0]
					ok = ok && e.Lower <= truth && truth <= e.Upper
				}
			}
			if ok {
				held[kind]++
			}
		}
	}
	rate := func(k ope.Interval) float64 { return float64(held[k]) / float64(runs) }
	if slack := 3 * math.Sqrt(0.95*0.05/float64(runs)); rate(ope.Anytime) < 0.95-slack {
		t.Errorf("anytime covers at all of 20 looks in %.1f %% of %d logs; want 95 %%", 100*rate(ope.Anytime), runs)
	}
	if rate(ope.Normal) > 0.9 {
		t.Errorf("normal covers at all of 20 looks in %.1f %%: the test cannot tell them apart", 100*rate(ope.Normal))
	}
	t.Logf("all looks: normal %.3f, anytime %.3f", rate(ope.Normal), rate(ope.Anytime))
}

func TestHeavyLogsAreNotReliable(t *testing.T) {
	race.SkipSequential(t)
	w := newWorld(5, 20, 20, -3, 8) // the logger avoids what the target likes
	runs, reliable, ess := logs(1000), 0, 0.0
	var log ope.Log[float64]
	for run := range runs {
		w.draw(&log, 1000, uint64(run))
		report, err := ope.Evaluate(log, ope.Options{}, ope.IPS(), ope.SNIPS())
		if err != nil {
			t.Fatal(err)
		}
		ess += report.Diagnostics.ESS / 1000 / float64(runs)
		if report.Estimates[0].Verdict == ope.Reliable || report.Estimates[1].Verdict == ope.Reliable {
			reliable++
		}
	}
	if ess > 0.09 {
		t.Fatalf("ESS/n = %.3f: the logs are not heavy", ess)
	}
	if reliable > runs/20 {
		t.Errorf("reliable on %d of %d heavy logs, ESS/n = %.3f; want at most 5 %%", reliable, runs, ess)
	}
	t.Logf("reliable %d of %d, ESS/n %.3f", reliable, runs, ess)
}

func TestUniformLoggerWithDeterministicTargetIsNotUnreliable(t *testing.T) {
	race.SkipSequential(t)
	w := newWorld(6, 30, 20, 0, math.Inf(1))
	runs, unreliable := logs(200), 0
	var log ope.Log[float64]
	for run := range runs {
		w.draw(&log, 104000, uint64(run))
		report, err := ope.Evaluate(log, ope.Options{}, ope.IPS(), ope.SNIPS(), ope.DR())
		if err != nil {
			t.Fatal(err)
		}
		if report.Diagnostics.ESS < 5000 {
			continue
		}
		for _, e := range report.Estimates {
			if e.Verdict == ope.Unreliable {
				unreliable++
				t.Log(e)
				break
			}
		}
	}
	if unreliable > runs/20 {
		t.Errorf("unreliable on %d of %d logs; want at most 5 %%", unreliable, runs)
	}
}
