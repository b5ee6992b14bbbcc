package metrics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/metrics"
)

// Source: Gini 1912: half the mean absolute difference of pairs over the mean.
func TestGiniIsHalfTheRelativeMeanDifference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		x := make([]int, 1+rng.IntN(30))
		sum := 0
		for i := range x {
			x[i] = rng.IntN(6)
			sum += x[i]
		}
		var diff float64
		for _, a := range x {
			for _, b := range x {
				diff += math.Abs(float64(a - b))
			}
		}
		n := float64(len(x))
		if got, want := metrics.Gini(x), diff/(2*n*float64(sum)); !same(got, want) {
			t.Fatalf("Gini(%v) = %v, want %v", x, got, want)
		}
	}
}

// Source: Lorenz 1905: the curve runs from 0 to 1, is convex and below the
// diagonal; the Gini index is one minus twice the area under it.
func TestLorenzCurveAndGiniArea(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		x := make([]float64, 1+rng.IntN(30))
		for i := range x {
			x[i] = rng.ExpFloat64() * float64(rng.IntN(2))
		}
		x[0] = 1
		curve := metrics.Lorenz(nil, x)
		n := len(x)
		if len(curve) != n+1 || curve[0] != 0 || curve[n] != 1 {
			t.Fatalf("Lorenz(%v) = %v, want %d points from 0 to 1", x, curve, n+1)
		}
		var area float64
		for i := 1; i <= n; i++ {
			area += (curve[i] + curve[i-1]) / 2 / float64(n)
			if curve[i] > float64(i)/float64(n)+tolerance {
				t.Fatalf("Lorenz(%v) is above the diagonal at %d", x, i)
			}
			if i > 1 && curve[i]-curve[i-1] < curve[i-1]-curve[i-2]-tolerance {
				t.Fatalf("Lorenz(%v) is not convex at %d", x, i)
			}
		}
		if got, want := 1-2*area, metrics.Gini(x); !near(got, want) {
			t.Fatalf("1 - 2·area = %v, Gini = %v", got, want)
		}
	}
}

func TestExposureOfEvenAndSingle(t *testing.T) {
	even := []float32{2, 2, 2, 2}
	single := []float32{0, 9, 0, 0}
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"Gini even", metrics.Gini(even), 0},
		{"Gini single", metrics.Gini(single), 0.75},
		{"Entropy even", metrics.Entropy(even), 2},
		{"Entropy single", metrics.Entropy(single), 0},
		{"Coverage even", metrics.Coverage(even), 1},
		{"Coverage single", metrics.Coverage(single), 0.25},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// Items never shown make exposure less even: they must not be left out.
func TestItemsNeverShownCount(t *testing.T) {
	shown := []int{3, 1, 2}
	whole := append(slices.Clone(shown), 0, 0, 0, 0)
	if a, b := metrics.Gini(shown), metrics.Gini(whole); !(b > a) {
		t.Errorf("Gini = %v with items never shown, %v without, want more", b, a)
	}
	if a, b := metrics.Entropy(shown), metrics.Entropy(whole); a != b {
		t.Errorf("Entropy = %v with items never shown, %v without, want the same", b, a)
	}
}

func TestExposureScaleAndOrderDoNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		x := make([]float64, 20)
		for i := range x {
			x[i] = rng.ExpFloat64()
		}
		y := slices.Clone(x)
		for i := range y {
			y[i] *= 3
		}
		rng.Shuffle(len(y), func(i, j int) { y[i], y[j] = y[j], y[i] })
		if !near(metrics.Gini(x), metrics.Gini(y)) || !near(metrics.Entropy(x), metrics.Entropy(y)) {
			t.Fatalf("Gini %v and %v, Entropy %v and %v", metrics.Gini(x), metrics.Gini(y), metrics.Entropy(x), metrics.Entropy(y))
		}
	}
}

func TestExposureUndefined(t *testing.T) {
	nan := math.NaN()
	for _, x := range [][]float64{nil, {0, 0}, {1, -1}, {1, nan}} {
		if g, e := metrics.Gini(x), metrics.Entropy(x); !math.IsNaN(g) || !math.IsNaN(e) {
			t.Errorf("of %v: Gini %v, Entropy %v, want NaN", x, g, e)
		}
		if l := metrics.Lorenz([]float64{7}, x); !slices.Equal(l, []float64{7}) {
			t.Errorf("Lorenz of %v = %v, want dst as it was", x, l)
		}
	}
	if c := metrics.Coverage[int](nil); !math.IsNaN(c) {
		t.Errorf("Coverage of no catalogue = %v, want NaN", c)
	}
}

// Source: Zhou et al., PNAS 107 (2010): an item that half of the users know
// carries one bit.
func TestNoveltyInBits(t *testing.T) {
	for _, tt := range []struct {
		counts []int
		total  int
		want   float64
	}{
		{[]int{8}, 16, 1},
		{[]int{8, 1}, 16, 2.5},
		{[]int{0}, 16, 4},
		{[]int{16, 16}, 16, 0},
	} {
		if got := metrics.Novelty(tt.counts, tt.total); got != tt.want {
			t.Errorf("Novelty(%v, %d) = %v, want %v", tt.counts, tt.total, got, tt.want)
		}
	}
	for name, got := range map[string]float64{
		"empty":    metrics.Novelty(nil, 16),
		"no total": metrics.Novelty([]int{1}, 0),
		"NaN":      metrics.Novelty([]float64{1, math.NaN()}, 16),
	} {
		if !math.IsNaN(got) {
			t.Errorf("Novelty, %s = %v, want NaN", name, got)
		}
	}
}

// Source: Ziegler et al., WWW 2005: a mean over unordered pairs, so that the
// order of the list and its length by themselves do not matter.
func TestIntraListDiversityIsAMeanOverPairs(t *testing.T) {
	absolute := func(a, b float64) float64 { return math.Abs(a - b) }
	if got, want := metrics.IntraListDiversity([]float64{1, 2, 4}, absolute), (1.0+3+2)/3; !near(got, want) {
		t.Errorf("diversity %v, want %v", got, want)
	}
	for _, n := range []int{2, 3, 50} {
		constant := func(a, b int) float64 { return 0.3 }
		if got := metrics.IntraListDiversity(make([]int, n), constant); !near(got, 0.3) {
			t.Errorf("diversity of %d items at distance 0.3 = %v", n, got)
		}
	}
	for _, list := range [][]float64{nil, {1}} {
		if got := metrics.IntraListDiversity(list, absolute); !math.IsNaN(got) {
			t.Errorf("diversity of %d items = %v, want NaN", len(list), got)
		}
	}
}

func TestCosineDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b []float32
		want float64
	}{
		{[]float32{1, 0}, []float32{3, 0}, 0},
		{[]float32{1, 0}, []float32{0, 2}, 1},
		{[]float32{1, 1}, []float32{-2, -2}, 2},
		{[]float32{1, 0}, []float32{1, 1}, 1 - math.Sqrt2/2},
		{[]float32{0, 0}, []float32{1, 1}, math.NaN()},
	} {
		if got := metrics.CosineDistance(tt.a, tt.b); !same(got, tt.want) {
			t.Errorf("CosineDistance(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func ExampleGini() {
	// How often each item of the catalogue was shown.
	exposure := []int{0, 0, 0, 5, 15}
	fmt.Printf("gini %.2f, coverage %.1f\n", metrics.Gini(exposure), metrics.Coverage(exposure))
	fmt.Println(metrics.Lorenz(nil, exposure))
	// Output:
	// gini 0.70, coverage 0.4
	// [0 0 0 0 0.25 1]
}

func ExampleIntraListDiversity() {
	list := [][]float32{{1, 0}, {0, 1}, {1, 0}}
	fmt.Printf("%.4f\n", metrics.IntraListDiversity(list, metrics.CosineDistance))
	// Output:
	// 0.6667
}

func ExampleNovelty() {
	// A list of two items that 50 and 5 of 100 users know.
	fmt.Printf("%.3f bits\n", metrics.Novelty([]int{50, 5}, 100))
	// Output:
	// 2.661 bits
}
