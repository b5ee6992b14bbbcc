package calibrate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking/calibrate"
)

// Worked by hand: predictions .1 .1 .4 .4 .8 with labels 0 1 0 1 1.
func TestCurveAndErrorsByHand(t *testing.T) {
	probs, labels := []float32{0.4, 0.1, 0.8, 0.1, 0.4}, []float32{1, 0, 1, 1, 0}
	for _, c := range []struct {
		by   calibrate.Binning
		n    int
		want string // weight, prediction, share
		ece  float64
		mce  float64
	}{
		{calibrate.EqualWidth, 2, "[{4 0.250 0.500} {1 0.800 1.000}]", 0.8*0.25 + 0.2*0.2, 0.25},
		{calibrate.EqualWidth, 10, "[{2 0.100 0.500} {2 0.400 0.500} {1 0.800 1.000}]", 0.4*0.4 + 0.4*0.1 + 0.2*0.2, 0.4},
		{calibrate.EqualMass, 2, "[{4 0.250 0.500} {1 0.800 1.000}]", 0.8*0.25 + 0.2*0.2, 0.25},
		{calibrate.EqualMass, 1, "[{5 0.360 0.600}]", 0.24, 0.24},
		{calibrate.EqualMass, 100, "[{2 0.100 0.500} {2 0.400 0.500} {1 0.800 1.000}]", 0.24, 0.4},
	} {
		bins, err := calibrate.Curve(probs, labels, nil, c.by, c.n)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range bins {
			got = append(got, fmt.Sprintf("{%v %.3f %.3f}", b.Weight, b.Predicted, b.Observed))
			if !(b.From <= b.Observed && b.Observed <= b.To && b.From >= 0 && b.To <= 1 && b.Low <= b.Predicted && b.Predicted <= b.High) {
				t.Errorf("bin %+v does not hold together", b)
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%d bins of binning %d: %v; want %v", c.n, c.by, got, c.want)
		}
		if e := calibrate.ECE(bins); math.Abs(e-c.ece) > 1e-6 {
			t.Errorf("ECE %v; want %v", e, c.ece)
		}
		if e := calibrate.MCE(bins); math.Abs(e-c.mce) > 1e-6 {
			t.Errorf("MCE %v; want %v", e, c.mce)
		}
	}
	if !math.IsNaN(calibrate.ECE(nil)) || !math.IsNaN(calibrate.MCE(nil)) || !math.IsNaN(calibrate.ECENoise(nil)) {
		t.Error("errors of no bins are numbers")
	}
}

func TestWilsonIntervalByTheBook(t *testing.T) {
	// Source: Wilson 1927; 8 of 10, 95 %: 0.4902 to 0.9433 (Agresti, Coull 1998, table 1, rounded).
	probs, labels := make([]float32, 10), make([]float32, 10)
	for i := range 8 {
		labels[i] = 1
	}
	bins, err := calibrate.Curve(probs, labels, nil, calibrate.EqualMass, 1)
	if err != nil || math.Abs(bins[0].From-0.4902) > 1e-4 || math.Abs(bins[0].To-0.9433) > 1e-4 {
		t.Errorf("bins %+v, error %v", bins, err)
	}
}

// Source: Dimitriadis, Gneiting, Jordan 2021: the parts add up exactly and are not negative, and
// recalibrating in sample removes miscalibration and leaves the rest alone.
func TestDecompositionAddsUp(t *testing.T) {
	for seed := range uint64(20) {
		probs, labels := sample(int(1+seed*37), seed, func(p float64) float64 { return 0.2 + p*p/2 })
		weights := make([]float32, len(probs))
		for i := range weights {
			weights[i] = float32(1 + i%3)
		}
		r, err := calibrate.Judge(probs, labels, weights, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []calibrate.Decomposition{r.LogLoss, r.Brier} {
			if sum := d.Miscalibration - d.Discrimination + d.Uncertainty; math.Abs(sum-d.Score) > 1e-12 {
				t.Errorf("%v: the parts make %v", d, sum)
			}
			if d.Miscalibration < -1e-12 || d.Discrimination < -1e-12 || d.Uncertainty < 0 {
				t.Errorf("%v: a part is negative", d)
			}
		}
		base := r.Observed
		if want := base * (1 - base); math.Abs(r.Brier.Uncertainty-want) > 1e-9 {
			t.Errorf("uncertainty %v; want %v", r.Brier.Uncertainty, want)
		}
	}
	probs, labels := sample(5000, 99, func(p float64) float64 { return p })
	r, err := calibrate.Judge(probs, labels, nil, 0)
	if err != nil || math.Abs(r.LogLoss.Score-logLoss(probs, labels)) > 1e-9 {
		t.Errorf("log loss %v, error %v; want %v", r.LogLoss.Score, err, logLoss(probs, labels))
	}
	brier := 0.0
	for i, p := range probs {
		brier += (float64(p) - float64(labels[i])) * (float64(p) - float64(labels[i])) / float64(len(probs))
	}
	if math.Abs(r.Brier.Score-brier) > 1e-9 {
		t.Errorf("Brier %v; want %v", r.Brier.Score, brier)
	}
}

func TestTruePredictionsHaveSmallErrors(t *testing.T) {
	oneGoroutine(t)
	probs, labels := sample(100_000, 13, func(p float64) float64 { return p })
	r, err := calibrate.Judge(probs, labels, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if r.ECEMass > 0.008 || r.ECEWidth > 0.008 || r.LogLoss.Miscalibration > 0.002 {
		t.Errorf("%v", r)
	}
	sum, noise := 0.0, 0.0
	for seed := range uint64(30) {
		probs, labels := sample(5000, 100+seed, func(p float64) float64 { return p })
		bins, err := calibrate.Curve(probs, labels, nil, calibrate.EqualMass, 15)
		if err != nil {
			t.Fatal(err)
		}
		sum, noise = sum+calibrate.ECE(bins), noise+calibrate.ECENoise(bins)
	}
	if noise < 0.95*sum || noise > 1.05*sum {
		t.Errorf("mean ECE of true predictions %.5f; expected %.5f", sum/30, noise/30)
	}
	inside := 0
	for _, b := range r.EqualMass {
		if b.From <= b.Predicted && b.Predicted <= b.To {
			inside++
		}
	}
	if inside < 12 { // of 15, at 95 % each
		t.Errorf("%d of %d intervals hold the prediction", inside, len(r.EqualMass))
	}
	for _, part := range []string{"100000 rows", "ECE 0.00", "log loss 0.", "Brier 0.", "o"} {
		if !strings.Contains(r.String(), part) {
			t.Errorf("the text does not say %q:\n%v", part, r)
		}
	}
}

func TestJudgeErrors(t *testing.T) {
	if _, err := calibrate.Judge([]float32{0.5}, []float32{1}, nil, -1); err == nil || !strings.Contains(err.Error(), "-1 bins") {
		t.Errorf("error %v", err)
	}
	if _, err := calibrate.Judge([]float32{1.5}, []float32{1}, nil, 0); err == nil || !strings.Contains(err.Error(), "probabilities: row 0 is 1.5; want a number in [0, 1]") {
		t.Errorf("error %v", err)
	}
	if _, err := calibrate.Curve([]float32{0.5}, []float32{1}, nil, calibrate.EqualMass, 0); err == nil {
		t.Error("no bins are no error")
	}
	if _, err := calibrate.Curve([]float32{0.5}, []float32{1}, nil, 7, 1); err == nil {
		t.Error("an unknown binning is no error")
	}
	if _, err := calibrate.Curve([]float32{2}, []float32{1}, nil, calibrate.EqualMass, 1); err == nil {
		t.Error("a probability of 2 is no error")
	}
}
