package metrics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/metrics"
)

// Source: Järvelin and Kekäläinen, TOIS 20 (2002), section 2.2: the gain
// vector G' of the running example, here with the discount log2(i+1).
func TestDCGOfGradedExample(t *testing.T) {
	gains := []float64{3, 2, 3, 0, 0, 1, 2, 2, 3, 0}
	var want float64
	for i, g := range gains {
		want += g * math.Ln2 / math.Log(float64(i+2))
	}
	if got := metrics.DCG(gains, 0); !near(got, want) {
		t.Errorf("DCG = %v, want %v", got, want)
	}
	if got, want := metrics.DCG(gains, 2), 3+2/math.Log2(3); !near(got, want) {
		t.Errorf("DCG@2 = %v, want %v", got, want)
	}
}

// Source: Chapelle et al., CIKM 2009, equation 5: with one relevant item at
// rank r, ERR is R/r; a second one counts only for readers not satisfied yet.
func TestERRCascade(t *testing.T) {
	if got, want := metrics.ERR([]float64{0, 0, 3}, 4, 0), 7.0/16/3; !near(got, want) {
		t.Errorf("ERR = %v, want %v", got, want)
	}
	want := 15.0/16 + (1.0/16)*(15.0/16)/2
	if got := metrics.ERR([]float64{4, 4}, 4, 0); !near(got, want) {
		t.Errorf("ERR = %v, want %v", got, want)
	}
	if got := metrics.ERR([]float64{4, 4}, 4, 1); !near(got, 15.0/16) {
		t.Errorf("ERR@1 = %v, want %v", got, 15.0/16)
	}
}

// Source: Moffat and Zobel, TOIS 27 (2008): with all items relevant the RBP of
// the first d ranks is 1 - p^d, p^d being the residual.
func TestRBPOfAllRelevantIsOneMinusResidual(t *testing.T) {
	for _, p := range []float64{0, 0.5, 0.8, 0.95} {
		gains := []float32{1, 1, 1, 1, 1, 1, 1}
		if got, want := metrics.RBP(gains, p), 1-math.Pow(p, 7); !near(got, want) {
			t.Errorf("RBP(p=%v) = %v, want %v", p, got, want)
		}
	}
}

// Source: Buckley and Voorhees, SIGIR 2004: bpref is unchanged by documents
// that nobody judged, and 0 when R judged nonrelevant documents precede all
// relevant ones.
func TestBPrefIgnoresUnjudged(t *testing.T) {
	with := []float64{1, -1, 0, math.NaN(), 1, -1, 0}
	without := []float64{1, 0, 1, 0}
	if got, want := metrics.BPref(with, 2, 2), metrics.BPref(without, 2, 2); got != want || want != 0.75 {
		t.Errorf("bpref = %v with unjudged documents, %v without, want 0.75", got, want)
	}
	if got := metrics.BPref([]float64{0, 0, 1, 1}, 2, 5); got != 0 {
		t.Errorf("bpref = %v with R nonrelevant first, want 0", got)
	}
	// More relevant than nonrelevant documents: the smaller number normalizes.
	if got, want := metrics.BPref([]float64{0, 1, 1, 1}, 3, 1), 0.0; got != want {
		t.Errorf("bpref = %v below the only nonrelevant, want %v", got, want)
	}
}

// Source: Manning, Raghavan and Schütze 2008, section 8.4: interpolated
// precision never increases with recall.
func TestInterpolatedPrecisionDescends(t *testing.T) {
	gains := []float64{1, 0, 1, 0, 0, 1, 0, 0, 0, 1}
	last := 2.0
	for i := range 11 {
		p := metrics.InterpolatedPrecision(gains, 5, float64(i)/10)
		if p > last {
			t.Errorf("precision rises to %v at recall %v", p, float64(i)/10)
		}
		last = p
	}
	for recall, want := range map[float64]float64{0: 1, 0.2: 1, 0.4: 2.0 / 3, 0.8: 0.4, 1: 0} {
		if got := metrics.InterpolatedPrecision(gains, 5, recall); !near(got, want) {
			t.Errorf("precision at recall %v = %v, want %v", recall, got, want)
		}
	}
}

func TestRankingMetricsByHand(t *testing.T) {
	gains := []float64{0, 1, 0, 1, 1}
	tests := []struct {
		name      string
		got, want float64
	}{
		{"HitRate@1", metrics.HitRate(gains, 1), 0},
		{"HitRate@2", metrics.HitRate(gains, 2), 1},
		{"Precision@2", metrics.Precision(gains, 2), 0.5},
		{"Precision@10 of 5", metrics.Precision(gains, 10), 0.3},
		{"Precision", metrics.Precision(gains, 0), 0.6},
		{"Recall@4", metrics.Recall(gains, 4, 4), 0.5},
		{"Recall", metrics.Recall(gains, 4, 0), 0.75},
		{"RPrecision", metrics.RPrecision(gains, 4), 0.5},
		{"AP", metrics.AveragePrecision(gains, 4, 0), (1.0/2 + 2.0/4 + 3.0/5) / 4},
		{"AP@4", metrics.AveragePrecision(gains, 4, 4), (1.0/2 + 2.0/4) / 4},
		{"RR", metrics.ReciprocalRank(gains, 0), 0.5},
		{"RR@1", metrics.ReciprocalRank(gains, 1), 0},
		{"NDCGBinary@2 of 1", metrics.NDCGBinary(gains, 1, 2), 1 / math.Log2(3)},
		{"NDCGBinary@2 of 9", metrics.NDCGBinary(gains, 9, 2), 1 / math.Log2(3) / (1 + 1/math.Log2(3))},
		{"NDCGExp@1", metrics.NDCGExp([]float64{1, 3}, []float64{3, 1}, 1), 1.0 / 7},
	}
	for _, tt := range tests {
		if !near(tt.got, tt.want) {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// metric is a ranking metric of a list that holds all judged items.
type metric struct {
	name string
	of   func(gains []float64, k int) float64
}

func countRelevant(gains []float64) int {
	n := 0
	for _, g := range gains {
		if g > 0 {
			n++
		}
	}
	return n
}

var rankingMetrics = []metric{
	{"HitRate", metrics.HitRate[float64]},
	{"Precision", metrics.Precision[float64]},
	{"Recall", func(g []float64, k int) float64 { return metrics.Recall(g, countRelevant(g), k) }},
	{"RPrecision", func(g []float64, _ int) float64 { return metrics.RPrecision(g, countRelevant(g)) }},
	{"AveragePrecision", func(g []float64, k int) float64 { return metrics.AveragePrecision(g, countRelevant(g), k) }},
	{"ReciprocalRank", metrics.ReciprocalRank[float64]},
	{"NDCG", func(g []float64, k int) float64 { return metrics.NDCG(g, g, k) }},
	{"NDCGExp", func(g []float64, k int) float64 { return metrics.NDCGExp(g, g, k) }},
	{"NDCGBinary", func(g []float64, k int) float64 { return metrics.NDCGBinary(g, countRelevant(g), k) }},
	{"RBP", func(g []float64, k int) float64 {
		binary := make([]float64, len(g))
		for i := range g {
			binary[i] = min(g[i], 1)
		}
		return metrics.RBP(binary, 0.8)
	}},
	{"ERR", func(g []float64, k int) float64 { return metrics.ERR(g, 4, k) }},
	{"BPref", func(g []float64, _ int) float64 {
		return metrics.BPref(g, countRelevant(g), len(g)-countRelevant(g))
	}},
}

// randomGains returns grades 0 to 4, most of them 0.
func randomGains(rng *rand.Rand, n int) []float64 {
	gains := make([]float64, n)
	for i := range gains {
		if rng.IntN(3) == 0 {
			gains[i] = float64(rng.IntN(5))
		}
	}
	return gains
}

func TestRankingMetricsAreInUnitInterval(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		gains := randomGains(rng, rng.IntN(40))
		for _, m := range rankingMetrics {
			for _, k := range []int{0, 1, 5, 50} {
				if v := m.of(gains, k); !(v >= 0 && v <= 1+tolerance) {
					t.Fatalf("%s@%d of %v = %v, want in [0, 1]", m.name, k, gains, v)
				}
			}
		}
	}
}

// Moving a better item up never lowers a metric.
func TestRankingMetricsRewardBetterOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		gains := randomGains(rng, 2+rng.IntN(30))
		i := rng.IntN(len(gains) - 1)
		j := i + 1 + rng.IntN(len(gains)-i-1)
		if gains[i] > gains[j] {
			gains[i], gains[j] = gains[j], gains[i]
		}
		better := slices.Clone(gains)
		better[i], better[j] = better[j], better[i]
		for _, m := range rankingMetrics {
			for _, k := range []int{0, 1, 5, 50} {
				worse, v := m.of(gains, k), m.of(better, k)
				if v < worse-tolerance {
					t.Fatalf("%s@%d fell from %v to %v when rank %d and %d of %v were put right", m.name, k, worse, v, i+1, j+1, gains)
				}
			}
		}
	}
}

func TestBestOrderHasNDCGOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		gains := append(randomGains(rng, 20), 1)
		slices.SortFunc(gains, func(a, b float64) int { return int(b - a) })
		shuffled := slices.Clone(gains)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		want := slices.Clone(shuffled)
		for _, k := range []int{0, 1, 3, 50} {
			if got := metrics.NDCG(gains, shuffled, k); !near(got, 1) {
				t.Fatalf("NDCG@%d of the best order = %v, want 1", k, got)
			}
			if got := metrics.NDCGExp(gains, shuffled, k); !near(got, 1) {
				t.Fatalf("NDCGExp@%d of the best order = %v, want 1", k, got)
			}
		}
		if !slices.Equal(shuffled, want) {
			t.Fatal("NDCG changed ideal")
		}
	}
}

func TestCutoffMetricsGrowWithK(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	grow := []string{"HitRate", "Recall", "AveragePrecision", "ReciprocalRank", "ERR"}
	for range 200 {
		gains := randomGains(rng, rng.IntN(30))
		for _, m := range rankingMetrics {
			if !slices.Contains(grow, m.name) {
				continue
			}
			last := 0.0
			for k := 1; k <= len(gains)+2; k++ {
				v := m.of(gains, k)
				if v < last {
					t.Fatalf("%s of %v falls from %v to %v at k = %d", m.name, gains, last, v, k)
				}
				last = v
			}
			if v := m.of(gains, 0); v != last {
				t.Fatalf("%s without cutoff = %v, want %v as at the last rank", m.name, v, last)
			}
		}
	}
}

func TestBinaryFormsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		gains := randomGains(rng, rng.IntN(30))
		for i := range gains {
			gains[i] = min(gains[i], 1)
		}
		f32 := make([]float32, len(gains))
		for i, g := range gains {
			f32[i] = float32(g)
		}
		n := countRelevant(gains)
		for _, k := range []int{0, 3, 50} {
			want := metrics.NDCG(gains, gains, k)
			for name, got := range map[string]float64{
				"NDCGBinary":  metrics.NDCGBinary(gains, n, k),
				"NDCGExp":     metrics.NDCGExp(gains, gains, k),
				"of ExpGains": metrics.NDCG(metrics.ExpGains(nil, gains), metrics.ExpGains(nil, gains), k),
				"of float32":  metrics.NDCG(f32, f32, k),
			} {
				if !near(got, want) {
					t.Fatalf("%s@%d of %v = %v, NDCG has %v", name, k, gains, got, want)
				}
			}
		}
	}
}

func TestNoRelevantItemAndEmptyList(t *testing.T) {
	for _, gains := range [][]float64{nil, {0, 0, 0}, {-1, -2}} {
		for _, m := range rankingMetrics {
			for _, k := range []int{-1, 0, 1, 5} {
				if v := m.of(gains, k); v != 0 {
					t.Errorf("%s@%d of %v = %v, want 0", m.name, k, gains, v)
				}
			}
		}
	}
	if v := metrics.NDCG(nil, []float64{1}, 5); v != 0 {
		t.Errorf("NDCG of an empty list = %v, want 0", v)
	}
	if v := metrics.InterpolatedPrecision([]float64{0}, 0, 0); v != 0 {
		t.Errorf("InterpolatedPrecision without relevant items = %v, want 0", v)
	}
}

func TestNaNGain(t *testing.T) {
	nan := math.NaN()
	gains := []float64{1, nan, 1}
	for name, v := range map[string]float64{
		"DCG":        metrics.DCG(gains, 0),
		"NDCG":       metrics.NDCG(gains, []float64{1, 1}, 0),
		"NDCG ideal": metrics.NDCG([]float64{1}, []float64{0, 1, nan}, 1),
		"NDCGExp":    metrics.NDCGExp(gains, []float64{1, 1}, 0),
		"RBP":        metrics.RBP(gains, 0.8),
		"RBP p=1":    metrics.RBP([]float64{1}, 1),
		"ERR":        metrics.ERR(gains, 4, 0),
		"ERR of 5":   metrics.ERR([]float64{5}, 4, 0),
	} {
		if !math.IsNaN(v) {
			t.Errorf("%s = %v, want NaN", name, v)
		}
	}
	if v := metrics.DCG(gains, 1); v != 1 {
		t.Errorf("DCG@1 = %v, want 1: the NaN is below the cutoff", v)
	}
	if v := metrics.Recall(gains, 2, 2); v != 0.5 {
		t.Errorf("Recall@2 = %v, want 0.5: NaN is not relevant", v)
	}
}

func TestRankingMetricsDoNotAllocate(t *testing.T) {
	gains := []float32{1, 0, 0, 1}
	ideal := []float32{1, 1, 1}
	n := testing.AllocsPerRun(100, func() {
		metrics.NDCG(gains, ideal, 3)
		metrics.NDCGBinary(gains, 3, 3)
		metrics.Recall(gains, 3, 3)
		metrics.AveragePrecision(gains, 3, 3)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func ExampleNDCG() {
	// What was shown, by rank, and what could have been shown.
	gains := []float64{1, 0, 3}
	judged := []float64{3, 1, 1, 0}
	fmt.Printf("%.4f\n", metrics.NDCG(gains, judged, 3))
	fmt.Printf("%.4f\n", metrics.NDCGExp(gains, judged, 3))
	// Output:
	// 0.6052
	// 0.5534
}

func ExampleRecall() {
	gains := []float32{0, 1, 0, 1} // by rank; the user has 3 relevant items
	fmt.Println(metrics.Recall(gains, 3, 2), metrics.Precision(gains, 2), metrics.HitRate(gains, 2))
	// Output:
	// 0.3333333333333333 0.5 1
}
