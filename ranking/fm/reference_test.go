package fm_test

import (
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking"
	"github.com/recsyskit/recsys/ranking/fm"
)

// Frappe with two random negatives for each log, ten ID columns. The settings are those that
// did best on the valid file.
func TestFrappe(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("trains for seconds")
	}
	read := func(name string) *ranking.Dataset {
		d, err := ranking.ReadCSV(reference.Open(t, "data", "ctr-frappe", name+".csv.gz"), ranking.CSVConfig{
			Labels: []string{"label"},
			IDs:    []string{"user", "daytime", "weekday", "isweekend", "homework", "weather", "country", "city", "item", "cost"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	data, valid, test := read("train"), read("valid"), read("test")
	for _, c := range []struct {
		cfg       fm.Config
		auc, loss float64 // to reach
	}{
		{fm.Config{Factors: 64, LearningRate: 0.2, L2: 0.008, Epochs: 40, Seed: 1}, 0.977, 0.165},
		{fm.Config{Kind: fm.Linear, Optimizer: fm.FTRL}, 0.93, 0.3},
	} {
		c.cfg.Validation = valid
		m := train(t, c.cfg, data)
		p := predict(t, m, test)
		auc, loss := areaUnderCurve(p, test.Labels), logLoss(p, test)[0]
		t.Logf("%v: test AUC %.4f, log loss %.4f", m, auc, loss)
		if auc < c.auc || loss > c.loss {
			t.Errorf("test AUC %.4f, log loss %.4f; want %v and %v", auc, loss, c.auc, c.loss)
		}
	}
}

// areaUnderCurve is the probability that a positive has the higher score, ties counting half.
func areaUnderCurve(p, y []float32) float64 {
	order := seq(len(p))
	slices.SortFunc(order, func(a, b int32) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	var positives, below, sum float64
	for from := 0; from < len(order); {
		to, up := from, 0.0
		for to < len(order) && p[order[to]] == p[order[from]] {
			up += float64(y[order[to]])
			to++
		}
		down := float64(to-from) - up
		sum += up * (below + down/2)
		positives, below, from = positives+up, below+down, to
	}
	if positives == 0 || below == 0 {
		return math.NaN()
	}
	return sum / (positives * below)
}
