package ranking_test

import (
	"math"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking"
)

// auc is the probability that a positive scores above a negative, ties one half.
func auc(scores, labels []float32) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case scores[i] < scores[j]:
			return -1
		case scores[i] > scores[j]:
			return 1
		}
		return 0
	})
	var wins, below, positives float64
	for from := 0; from < len(order); {
		to := from
		p, n := 0.0, 0.0
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			p += float64(labels[order[to]])
			n += 1 - float64(labels[order[to]])
			to++
		}
		wins += p * (below + n/2)
		below += n
		positives += p
		from = to
	}
	return wins / (positives * below)
}

func logLoss(probs, labels []float32) float64 {
	sum := 0.0
	for i, p := range probs {
		y, q := float64(labels[i]), min(max(float64(p), 1e-7), 1-1e-7)
		sum -= y*math.Log(q) + (1-y)*math.Log(1-q)
	}
	return sum / float64(len(probs))
}

// judge trains on train and returns AUC and log loss on test.
func judge(t *testing.T, cfg ranking.LinearConfig, train, test *ranking.Dataset) (float64, float64) {
	t.Helper()
	m, err := ranking.TrainLinear(t.Context(), cfg, train)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(nil, test)
	if err != nil {
		t.Fatal(err)
	}
	return auc(p, test.Labels), logLoss(p, test.Labels)
}

func readCSV(t *testing.T, cfg ranking.CSVConfig, elem ...string) *ranking.Dataset {
	t.Helper()
	cfg.Name = elem[len(elem)-1]
	d, err := ranking.ReadCSV(reference.Open(t, elem...), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// beats wants an AUC and a log loss as good as the reference's, but for slack.
func beats(t *testing.T, name string, gotAUC, gotLoss, wantAUC, wantLoss, slack float64) {
	t.Helper()
	t.Logf("%s: AUC %.4f, log loss %.4f (reference %.4f, %.4f)", name, gotAUC, gotLoss, wantAUC, wantLoss)
	if gotAUC < wantAUC-slack || gotLoss > wantLoss+slack {
		t.Errorf("%s: AUC %.4f, log loss %.4f; want %.4f, %.4f within %v", name, gotAUC, gotLoss, wantAUC, wantLoss, slack)
	}
}

// The reference figures are those of scikit-learn's logistic regression on the same files.
func TestGoldenAdult(t *testing.T) {
	words := []string{"workclass", "education", "occupation", "race", "sex", "native_country"}
	related := []string{"marital_status", "relationship"}
	for _, c := range []struct {
		name      string
		cfg       ranking.CSVConfig
		auc, loss float64
	}{
		{"income", ranking.CSVConfig{
			Labels: []string{"income"}, Positive: map[string]string{"income": ">50K"}, IDs: slices.Concat(words, related),
		}, 0.9066, 0.3192},
		{"never married", ranking.CSVConfig{
			Labels: []string{"marital_status"}, Positive: map[string]string{"marital_status": "Never-married"},
			IDs: words, Drop: []string{"relationship", "income"},
		}, 0.8654, 0.4242},
	} {
		train := readCSV(t, c.cfg, "data", "mt-adult", "adult_train.csv.gz")
		test := readCSV(t, c.cfg, "data", "mt-adult", "adult_test.csv.gz")
		for _, o := range []ranking.Optimizer{ranking.AdaGrad, ranking.FTRL} {
			a, l := judge(t, ranking.LinearConfig{Optimizer: o}, train, test)
			beats(t, c.name+", "+o.String(), a, l, c.auc, c.loss, 0.001)
		}
	}
}

// The reference figures are those of a logistic regression over one-hot features on the same files.
func TestGoldenFrappe(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on 202,010 rows")
	}
	cfg := ranking.CSVConfig{
		Labels: []string{"label"},
		IDs:    []string{"user", "daytime", "weekday", "isweekend", "homework", "weather", "country", "city", "item", "cost"},
	}
	train := readCSV(t, cfg, "data", "ctr-frappe", "train.csv.gz")
	valid := readCSV(t, cfg, "data", "ctr-frappe", "valid.csv.gz")
	test := readCSV(t, cfg, "data", "ctr-frappe", "test.csv.gz")
	a, l := judge(t, ranking.LinearConfig{Validation: valid}, train, test)
	beats(t, "frappe", a, l, 0.9332, 0.2950, 0.001)
}
