package calibrate_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/ranking/calibrate"
)

// minMax is isotonic regression by its closed form, for weights above 0: the largest, over starts up
// to i, of the smallest mean up to an end from i on.
// Source: Barlow, Bartholomew, Bremner, Brunk 1972, theorem 1.4.
func minMax(y, w []float64) []float64 {
	z := make([]float64, len(y))
	for i := range y {
		z[i] = math.Inf(-1)
		for a := 0; a <= i; a++ {
			least, sum, weight := math.Inf(1), 0.0, 0.0
			for b := a; b < len(y); b++ {
				sum += w[b] * y[b]
				if weight += w[b]; b >= i {
					least = min(least, sum/weight)
				}
			}
			z[i] = max(z[i], least)
		}
	}
	return z
}

func TestPoolIsTheMinMaxFormula(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for round := range 300 {
		n := r.IntN(20)
		y, w := make([]float64, n), make([]float64, n)
		for i := range y {
			w[i] = 1 + float64(r.IntN(3))
			switch round % 3 {
			case 0:
				y[i] = float64(r.IntN(2))
			case 1:
				y[i] = r.NormFloat64()
			default:
				y[i] = float64(-i)
			}
		}
		got, want := calibrate.Pool(make([]float64, n), y, w), minMax(y, w)
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-12 {
				t.Fatalf("y %v, w %v: %v; want %v", y, w, got, want)
			}
		}
		again := calibrate.Pool(slices.Clone(got), got, w)
		for i := range got {
			if math.Abs(again[i]-got[i]) > 1e-12 {
				t.Fatalf("pooling %v again gives %v", got, again)
			}
		}
	}
}

func TestPoolWorksInPlaceAndWithoutWeights(t *testing.T) {
	y := []float64{1, 3, 2, 4, 3.5, 3}
	want := []float64{1, 2.5, 2.5, 3.5, 3.5, 3.5}
	if got := calibrate.Pool(y, y, nil); !slices.Equal(got, want) || &got[0] != &y[0] {
		t.Errorf("%v; want %v in place", got, want)
	}
	if got := calibrate.Pool(nil, nil, nil); len(got) != 0 {
		t.Errorf("%v of nothing", got)
	}
}

func TestPoolIgnoresWhatWeighsNothing(t *testing.T) {
	got := calibrate.Pool(make([]float64, 5), []float64{9, 1, -7, 2, 0}, []float64{0, 1, 0, 1, 0})
	if !slices.IsSorted(got) || got[1] != 1 || got[3] != 2 {
		t.Errorf("%v; want a sequence that does not fall with 1 and 2 at places 1 and 3", got)
	}
	if got := calibrate.Pool(make([]float64, 2), []float64{3, 1}, []float64{0, 0}); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("%v without any weight; want zeros", got)
	}
}

func TestPoolPanicsOnLengths(t *testing.T) {
	defer func() {
		if v := recover(); v != "calibrate: lengths differ" {
			t.Errorf("panic %v", v)
		}
	}()
	calibrate.Pool(make([]float64, 2), []float64{1}, nil)
}

// The map goes through the pooled values at the scores of the fit, but for the margin.
func TestIsotonicCalibratorIsThePooledSequence(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 50 {
		n := 1 + r.IntN(60)
		scores, labels := make([]float32, n), make([]float32, n)
		y, w := make([]float64, 12), make([]float64, 12)
		for i := range scores {
			s := r.IntN(12)
			scores[i], labels[i] = float32(s), float32(r.IntN(2))
			y[s] += float64(labels[i])
			w[s]++
		}
		var at, ys, ws []float64
		for s := range y {
			if w[s] > 0 {
				at, ys, ws = append(at, float64(s)), append(ys, y[s]/w[s]), append(ws, w[s])
			}
		}
		c := fit(t, calibrate.Config{Method: calibrate.Isotonic}, scores, labels, nil)
		margin := 1 / float64(n+2)
		for k, want := range minMax(ys, ws) {
			want = min(max(want, margin), 1-margin)
			if got := c.Probability(at[k]); math.Abs(got-want) > 1e-12 {
				t.Fatalf("at %v: %v; want %v", at[k], got, want)
			}
		}
	}
}
