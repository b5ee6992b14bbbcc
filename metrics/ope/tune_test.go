package ope_test

import (
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/metrics/ope"
)

func TestTuneOrdersCandidatesFromTheLeastChangedWeights(t *testing.T) {
	log := randomLog(2, 3000, 0)
	for _, c := range []struct {
		family  func(float64) ope.Estimator
		lambdas []float64
		want    []float64
	}{
		{ope.ClippedDR, []float64{1, math.Inf(1), 5, 1}, []float64{math.Inf(1), 5, 1}},
		{ope.DRos, []float64{1, 100, 10}, []float64{100, 10, 1}},
		{ope.SubGaussianIPS, []float64{0.5, 0, 1}, []float64{0, 0.5, 1}},
	} {
		given := slices.Clone(c.lambdas)
		tuned, err := ope.Tune(log, ope.Options{}, ope.Tuning{Method: ope.MSE, Lambdas: c.lambdas}, c.family)
		if err != nil {
			t.Fatal(err)
		}
		var got []float64
		chosen := false
		for _, x := range tuned.Candidates {
			got = append(got, x.Lambda)
			chosen = chosen || x.Lambda == tuned.Lambda && x.Estimate == tuned.Estimate
		}
		if !slices.Equal(got, c.want) || !chosen || !slices.Equal(given, c.lambdas) {
			t.Errorf("candidates %v, chosen among them: %v, lambdas left as %v; want %v", got, chosen, c.lambdas, c.want)
		}
	}
}

// Where no weight exceeds any λ, all candidates are one estimator, and the least changed wins.
func TestTuneTakesTheLeastChangedOfEquals(t *testing.T) {
	var log ope.Log[float64]
	newWorld(1, 5, 4, 0, 0).draw(&log, 1000, 1) // both policies are uniform: all weights are 1
	for _, method := range []ope.TuningMethod{ope.SLOPE, ope.MSE} {
		tuned, err := ope.Tune(log, ope.Options{}, ope.Tuning{Method: method}, ope.SwitchDR)
		if err != nil {
			t.Fatal(err)
		}
		if !math.IsInf(tuned.Lambda, 1) {
			t.Errorf("method %d takes %v of equals", method, tuned.Lambda)
		}
	}
}

// Source: Su, Srinath and Krishnamurthy, ICML 2020: the estimator that SLOPE picks has an error
// not much above that of the best candidate, which no candidate has in all worlds.
func TestTunedErrorIsNearThatOfTheBestCandidate(t *testing.T) {
	runs := logs(200)
	for _, method := range []ope.TuningMethod{ope.SLOPE, ope.MSE} {
		for _, w := range []*world{newWorld(1, 20, 10, 3, 4), newWorld(5, 20, 20, -3, 8)} {
			truth := w.value(w.target)
			var tuned float64
			each := map[float64]float64{}
			var log ope.Log[float64]
			for run := range runs {
				w.draw(&log, 1000, uint64(run))
				got, err := ope.Tune(log, ope.Options{}, ope.Tuning{Method: method}, ope.ClippedDR)
				if err != nil {
					t.Fatal(err)
				}
				tuned += math.Pow(got.Estimate.Value-truth, 2)
				for _, c := range got.Candidates {
					each[c.Lambda] += math.Pow(c.Estimate.Value-truth, 2)
				}
			}
			best := math.Inf(1)
			for _, e := range each {
				best = min(best, e)
			}
			root := func(e float64) float64 { return math.Sqrt(e / float64(runs)) }
			t.Logf("method %d: error %.4f, best %.4f, unchanged %.4f", method, root(tuned), root(best), root(each[math.Inf(1)]))
			if method == ope.SLOPE && root(tuned) > 2*root(best) {
				t.Errorf("error of SLOPE %.4f, of the best candidate %.4f", root(tuned), root(best))
			}
			if root(tuned) > 1.05*root(each[math.Inf(1)]) {
				t.Errorf("method %d: error %.4f, without tuning %.4f", method, root(tuned), root(each[math.Inf(1)]))
			}
		}
	}
}
