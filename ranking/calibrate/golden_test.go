package calibrate_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/calibrate"
)

// The split that fits the calibrator is disjoint from that which trains the model and from the test.
func TestGoldenAdultIncomeIsCalibrated(t *testing.T) {
	oneGoroutine(t)
	cfg := ranking.CSVConfig{
		Labels: []string{"income"}, Positive: map[string]string{"income": ">50K"},
		IDs: []string{"workclass", "education", "occupation", "race", "sex", "native_country", "marital_status", "relationship"},
	}
	read := func(elem ...string) *ranking.Dataset {
		d, err := ranking.ReadCSV(reference.Open(t, elem...), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	all, test := read("data", "mt-adult", "adult_train.csv.gz"), read("data", "mt-adult", "adult_test.csv.gz")
	train, held, err := all.Split(0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ranking.TrainLinear(t.Context(), ranking.LinearConfig{}, train)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := m.Predict(nil, test)
	if err != nil {
		t.Fatal(err)
	}
	before, err := calibrate.Judge(raw, test.Labels, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("raw: ECE %.4f (width %.4f), log loss %v", before.ECEMass, before.ECEWidth, before.LogLoss)
	for _, cfg := range every {
		h, err := calibrate.FitHeads(cfg, m, held)
		if err != nil {
			t.Fatal(err)
		}
		r, err := calibrate.Judge(apply(h["income"], raw), test.Labels, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: ECE %.4f (width %.4f), log loss %v", h["income"], r.ECEMass, r.ECEWidth, r.LogLoss)
		if cfg.Method == calibrate.Beta && (r.ECEMass > 0.01 || r.ECEWidth > 0.01 || r.LogLoss.Score > before.LogLoss.Score) {
			t.Errorf("%v: ECE %.4f (width %.4f), log loss %v; want errors up to 0.01 and no higher loss than %v", cfg, r.ECEMass, r.ECEWidth, r.LogLoss, before.LogLoss)
		}
		// Platt of raw probabilities bends where it should not; the values of two others are coarse.
		smooth := cfg.LogOdds || cfg.Method == calibrate.Temperature
		if smooth && (r.ECEMass > 0.01 || r.LogLoss.Score > before.LogLoss.Score+1e-4) {
			t.Errorf("%v: ECE %.4f, log loss %v", cfg, r.ECEMass, r.LogLoss)
		}
	}
}
