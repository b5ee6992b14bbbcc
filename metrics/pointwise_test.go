package metrics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/metrics"
)

// naiveAUC counts pairs.
func naiveAUC(scores, labels, weights []float64) float64 {
	var won, all float64
	for i := range scores {
		for j := range scores {
			if !(labels[i] > 0) || labels[j] > 0 {
				continue
			}
			w := weights[i] * weights[j]
			all += w
			switch {
			case scores[i] > scores[j]:
				won += w
			case scores[i] == scores[j]:
				won += w / 2
			}
		}
	}
	return won / all
}

// same is near, with NaN equal to NaN.
func same(a, b float64) bool { return near(a, b) || math.IsNaN(a) && math.IsNaN(b) }

type rows struct {
	scores, labels, weights []float64
	groups                  []string
}

func randomRows(rng *rand.Rand, n int) rows {
	var r rows
	for range n {
		r.scores = append(r.scores, float64(rng.IntN(8))/8)
		r.labels = append(r.labels, float64(rng.IntN(2)))
		r.weights = append(r.weights, float64(rng.IntN(4)))
		r.groups = append(r.groups, string(rune('a'+rng.IntN(4))))
	}
	return r
}

func TestAUCCountsPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		r := randomRows(rng, rng.IntN(30))
		ones := make([]float64, len(r.scores))
		for i := range ones {
			ones[i] = 1
		}
		if got, want := metrics.AUC(r.scores, r.labels, r.weights), naiveAUC(r.scores, r.labels, r.weights); !same(got, want) {
			t.Fatalf("AUC of %+v = %v, want %v", r, got, want)
		}
		if got, want := metrics.AUC(r.scores, r.labels, nil), metrics.AUC(r.scores, r.labels, ones); !same(got, want) {
			t.Fatalf("AUC without weights = %v, with ones %v", got, want)
		}
	}
}

// A weight is as many copies of the row.
func TestWeightIsARepeatedRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		r := randomRows(rng, 1+rng.IntN(20))
		var s, y []float64
		var groups []string
		for i, w := range r.weights {
			for range int(w) {
				s, y, groups = append(s, r.scores[i]), append(y, r.labels[i]), append(groups, r.groups[i])
			}
		}
		for name, v := range map[string][2]float64{
			"AUC":     {metrics.AUC(r.scores, r.labels, r.weights), metrics.AUC(s, y, nil)},
			"GAUC":    {metrics.GAUC(r.scores, r.labels, r.weights, r.groups), metrics.GAUC(s, y, nil, groups)},
			"PRAUC":   {metrics.PRAUC(r.scores, r.labels, r.weights), metrics.PRAUC(s, y, nil)},
			"LogLoss": {metrics.LogLoss(r.scores, r.labels, r.weights), metrics.LogLoss(s, y, nil)},
			"Brier":   {metrics.Brier(r.scores, r.labels, r.weights), metrics.Brier(s, y, nil)},
			"RMSE":    {metrics.RMSE(r.scores, r.labels, r.weights), metrics.RMSE(s, y, nil)},
			"ECE":     {metrics.ECE(r.scores, r.labels, r.weights, 5), metrics.ECE(s, y, nil, 5)},
		} {
			if !same(v[0], v[1]) {
				t.Fatalf("%s of %+v = %v, of repeated rows %v", name, r, v[0], v[1])
			}
		}
	}
}

func TestAUCIsSymmetricAndOrderInvariant(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		r := randomRows(rng, 30)
		auc := metrics.AUC(r.scores, r.labels, r.weights)
		mapped := make([]float64, len(r.scores))
		negated := make([]float64, len(r.scores))
		for i, s := range r.scores {
			mapped[i] = math.Exp(3 * s) // any increasing function
			negated[i] = -s
		}
		if got := metrics.AUC(mapped, r.labels, r.weights); !same(got, auc) {
			t.Fatalf("AUC of mapped scores = %v, want %v", got, auc)
		}
		if got := metrics.AUC(negated, r.labels, r.weights); !same(got, 1-auc) {
			t.Fatalf("AUC of negated scores = %v, want %v", got, 1-auc)
		}
	}
}

// Source: Zhu et al., KDD 2017: GAUC is the mean of each group's AUC, weighted
// by its impressions.
func TestGAUCIsWeightedMeanOfGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		r := randomRows(rng, rng.IntN(40))
		byGroup := map[string]*rows{}
		for i, g := range r.groups {
			if byGroup[g] == nil {
				byGroup[g] = &rows{}
			}
			b := byGroup[g]
			b.scores, b.labels, b.weights = append(b.scores, r.scores[i]), append(b.labels, r.labels[i]), append(b.weights, r.weights[i])
		}
		var sum, total float64
		for _, b := range byGroup {
			if auc := naiveAUC(b.scores, b.labels, b.weights); !math.IsNaN(auc) {
				var w float64
				for _, x := range b.weights {
					w += x
				}
				sum, total = sum+w*auc, total+w
			}
		}
		if got, want := metrics.GAUC(r.scores, r.labels, r.weights, r.groups), sum/total; !same(got, want) {
			t.Fatalf("GAUC of %+v = %v, want %v", r, got, want)
		}
	}
}

func TestPRAUCOfTiesAndExtremes(t *testing.T) {
	// All rows tied: one threshold, precision = share of positives.
	if got := metrics.PRAUC([]float64{1, 1, 1, 1}, []float64{1, 0, 0, 0}, nil); !near(got, 0.25) {
		t.Errorf("PRAUC of one tie = %v, want 0.25", got)
	}
	// Without ties it is average precision of the ranking.
	gains := []float64{0, 1, 0, 1, 1, 0}
	scores := []float64{6, 5, 4, 3, 2, 1}
	if got, want := metrics.PRAUC(scores, gains, nil), metrics.AveragePrecision(gains, 3, 0); !near(got, want) {
		t.Errorf("PRAUC = %v, want %v", got, want)
	}
}

func TestLogLossByHand(t *testing.T) {
	tests := []struct {
		name         string
		probs, label []float64
		want         float64
	}{
		{"even", []float64{0.5, 0.5}, []float64{0, 1}, math.Ln2},
		{"soft label", []float64{0.25}, []float64{0.5}, -0.5*math.Log(0.25) - 0.5*math.Log(0.75)},
		{"right and sure", []float64{1, 0}, []float64{1, 0}, 0},
		{"wrong and sure", []float64{0}, []float64{1}, -math.Log(1e-15)},
	}
	for _, tt := range tests {
		if got := metrics.LogLoss(tt.probs, tt.label, nil); !near(got, tt.want) {
			t.Errorf("%s: LogLoss = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Source: Guo et al., ICML 2017: bin m is (m/M, (m+1)/M], so that a
// probability on an edge belongs to the bin below it, whatever p·M rounds to.
func TestECEBinsAreOpenBelow(t *testing.T) {
	for bins := 1; bins <= 100; bins++ {
		for edge := 1; edge < bins; edge++ {
			p := float64(edge) / float64(bins)
			above := math.Nextafter(p, 1)
			// Rows in one bin: gaps of opposite sign cancel. In two bins they do not.
			below := (float64(edge) - 0.5) / float64(bins)
			if got, want := metrics.ECE([]float64{p, below}, []float64{1, 0}, nil, bins), math.Abs(1-p-below)/2; !near(got, want) {
				t.Fatalf("ECE with %d bins of %v and %v = %v, want %v: one bin", bins, p, below, got, want)
			}
			if got, want := metrics.ECE([]float64{above, below}, []float64{1, 0}, nil, bins), (1-above+below)/2; !near(got, want) {
				t.Fatalf("ECE with %d bins of %v and %v = %v, want %v: two bins", bins, above, below, got, want)
			}
		}
	}
	if got := metrics.ECE([]float64{0, 1}, []float64{0, 1}, nil, 10); got != 0 {
		t.Errorf("ECE of a perfect forecast = %v, want 0", got)
	}
}

func TestPointwiseUndefined(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	two := []float64{0.2, 0.8}
	tests := []struct {
		name string
		got  float64
	}{
		{"AUC empty", metrics.AUC[float64](nil, nil, nil)},
		{"AUC one class", metrics.AUC(two, []float64{1, 1}, nil)},
		{"AUC no weight", metrics.AUC(two, []float64{0, 1}, []float64{0, 1})},
		{"AUC NaN score", metrics.AUC([]float64{nan, 1}, []float64{0, 1}, nil)},
		{"AUC NaN label", metrics.AUC(two, []float64{nan, 1}, nil)},
		{"AUC negative weight", metrics.AUC(two, []float64{0, 1}, []float64{1, -1})},
		{"AUC infinite weight", metrics.AUC(two, []float64{0, 1}, []float64{1, inf})},
		{"GAUC no group with both", metrics.GAUC(two, []float64{0, 1}, nil, []int{1, 2})},
		{"PRAUC no positive", metrics.PRAUC(two, []float64{0, 0}, nil)},
		{"LogLoss empty", metrics.LogLoss[float64](nil, nil, nil)},
		{"LogLoss above 1", metrics.LogLoss([]float64{1.1}, []float64{1}, nil)},
		{"LogLoss label 2", metrics.LogLoss([]float64{1}, []float64{2}, nil)},
		{"LogLoss NaN", metrics.LogLoss([]float64{nan, 1}, []float64{1, 1}, nil)},
		{"Brier negative weight", metrics.Brier(two, two, []float64{1, -1})},
		{"RMSE empty", metrics.RMSE[float64](nil, nil, nil)},
		{"RMSE NaN", metrics.RMSE([]float64{nan}, []float64{0}, nil)},
		{"ECE empty", metrics.ECE[float64](nil, nil, nil, 10)},
		{"ECE no bins", metrics.ECE(two, two, nil, 0)},
		{"ECE NaN weight", metrics.ECE(two, two, []float64{nan, 1}, 10)},
		{"ECE no weight", metrics.ECE(two, two, []float64{0, 0}, 10)},
	}
	for _, tt := range tests {
		if !math.IsNaN(tt.got) {
			t.Errorf("%s = %v, want NaN", tt.name, tt.got)
		}
	}
	if got := metrics.AUC([]float64{math.Inf(-1), inf}, []float64{0, 1}, nil); got != 1 {
		t.Errorf("AUC of infinite scores = %v, want 1", got)
	}
}

func TestPointwisePanicsOnLengths(t *testing.T) {
	one, two := []float64{1}, []float64{1, 0}
	for name, f := range map[string]func(){
		"AUC":      func() { metrics.AUC(one, two, nil) },
		"weights":  func() { metrics.AUC(one, one, two) },
		"GAUC":     func() { metrics.GAUC(one, one, nil, []int{1, 2}) },
		"LogLoss":  func() { metrics.LogLoss(one, two, nil) },
		"ECE":      func() { metrics.ECE(one, one, two, 10) },
		"ECE bins": func() { metrics.ECE(nil, one, nil, 0) },
	} {
		func() {
			defer func() {
				if r := recover(); r != "metrics: lengths differ" {
					t.Errorf("%s: recovered %v", name, r)
				}
			}()
			f()
		}()
	}
}

func ExampleAUC() {
	scores := []float64{0.1, 0.4, 0.4, 0.8}
	clicks := []float64{0, 0, 1, 1}
	fmt.Println(metrics.AUC(scores, clicks, nil))
	// Output:
	// 0.875
}

func ExampleGAUC() {
	// Scores that only tell users apart are worth nothing within a user.
	scores := []float64{0.9, 0.9, 0.1, 0.1}
	clicks := []float64{1, 0, 1, 0}
	users := []string{"ann", "ann", "bob", "bob"}
	fmt.Println(metrics.GAUC(scores, clicks, nil, users))
	// Output:
	// 0.5
}

func ExampleECE() {
	// Ten rows predicted at 0.8, of which six are positive.
	probs := []float64{0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8}
	labels := []float64{1, 1, 1, 1, 1, 1, 0, 0, 0, 0}
	fmt.Printf("%.2f\n", metrics.ECE(probs, labels, nil, 10))
	// Output:
	// 0.20
}
