package calibrate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/ranking/calibrate"
)

// segments draws rows of m segments; those for which off returns true have half the odds predicted.
func segments(n, m int, seed uint64, off func(k int) bool) (probs, labels []float32, keys []int) {
	r := rand.New(rand.NewPCG(seed, 3))
	for range n {
		k := r.IntN(m)
		p := 0.1 + 0.6*r.Float64()
		truth := p
		if off(k) {
			truth = sigmoid(logit(p) + math.Ln2)
		}
		y := float32(0)
		if r.Float64() < truth {
			y = 1
		}
		probs, labels, keys = append(probs, float32(p)), append(labels, y), append(keys, k)
	}
	return probs, labels, keys
}

func TestSegmentsThatAreOffAreFound(t *testing.T) {
	planted := func(k int) bool { return k%10 == 3 }
	probs, labels, keys := segments(20_000, 40, 1, planted)
	for _, bonferroni := range []bool{false, true} {
		found, err := calibrate.CheckSegments(probs, labels, nil, keys, calibrate.SegmentConfig{Bonferroni: bonferroni})
		if err != nil || len(found) != 40 {
			t.Fatalf("%d segments, error %v", len(found), err)
		}
		for i, s := range found {
			if s.Off != planted(s.Key) {
				t.Errorf("Bonferroni %v: %v; planted: %v", bonferroni, s, planted(s.Key))
			}
			if i > 0 && math.Abs(s.Z) > math.Abs(found[i-1].Z) {
				t.Errorf("segment %d deviates more than the one before it", i)
			}
			if planted(s.Key) && !(s.Z > 0 && s.Observed > s.Predicted) {
				t.Errorf("%v: too low predictions must give a positive z", s)
			}
		}
	}
}

// Of 400 checks where nothing is off, about the level may call one.
func TestSegmentsThatAreRightAreSeldomCalled(t *testing.T) {
	oneGoroutine(t)
	for _, bonferroni := range []bool{false, true} {
		wrong := 0
		for seed := range uint64(400) {
			probs, labels, keys := segments(1500, 10, seed, func(int) bool { return false })
			found, err := calibrate.CheckSegments(probs, labels, nil, keys, calibrate.SegmentConfig{Level: 0.1, Bonferroni: bonferroni})
			if err != nil {
				t.Fatal(err)
			}
			if found[0].Off {
				wrong++
			}
		}
		if wrong < 16 || wrong > 64 { // 40 are expected, with a deviation of 6
			t.Errorf("Bonferroni %v: %d of 400 checks call a segment off; want about 40", bonferroni, wrong)
		}
	}
}

func TestSegmentByHand(t *testing.T) {
	probs := []float32{0.5, 0.5, 0.5, 0.5, 0.25}
	labels := []float32{1, 1, 1, 0, 1}
	weights := []float32{1, 1, 2, 1, 1}
	found, err := calibrate.CheckSegments(probs, labels, weights, []string{"a", "a", "a", "a", "b"}, calibrate.SegmentConfig{MinEvents: 1})
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, error %v", found, err)
	}
	// z = (.5 + .5 + 2*.5 - .5) / sqrt((1+1+4+1)/4)
	a, b := found[0], found[1]
	if want := 1.5 / math.Sqrt(7.0/4); math.Abs(a.Z-want) > 1e-12 || math.Abs(a.P-math.Erfc(want/math.Sqrt2)) > 1e-12 || a.Observed != 0.8 || a.Weight != 5 || a.Rows != 4 {
		t.Errorf("%+v; want z %v", a, want)
	}
	if b.Key != "b" || !math.IsNaN(b.Z) || !math.IsNaN(b.P) || b.Off {
		t.Errorf("%+v; want it untested: it expects a quarter of an event", b)
	}
	if got := fmt.Sprint(a); got != "a: 4 rows, predicted 0.5000, observed 0.8000, z +1.1" {
		t.Errorf("%q", got)
	}
}

// A map does not find NaN again: each row would be a segment that is too small for the test.
func TestKeysThatAreNaNAreOneSegment(t *testing.T) {
	nan := math.NaN()
	var probs, labels []float32
	var keys []float64
	for i := range 300 {
		probs, labels, keys = append(probs, 0.5), append(labels, float32(i%2)), append(keys, []float64{nan, 1, -nan}[i%3])
		if i%3 != 1 {
			labels[i] = 1
		}
	}
	found, err := calibrate.CheckSegments(probs, labels, nil, keys, calibrate.SegmentConfig{})
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, error %v; want two segments", found, err)
	}
	if s := found[0]; s.Key == s.Key || s.Rows != 200 || s.Observed != 1 || !s.Off {
		t.Errorf("%v; want NaN with 200 rows that is off", s)
	}
	if s := found[1]; s.Key != 1 || s.Rows != 100 || s.Off {
		t.Errorf("%v; want 100 rows that are right", s)
	}
}

func TestSegmentErrors(t *testing.T) {
	p, y, k := []float32{0.5}, []float32{1}, []int{1}
	for want, check := range map[string]func() error{
		"segments: length 0; want 1, that of probabilities": func() error {
			_, err := calibrate.CheckSegments(p, y, nil, k[:0], calibrate.SegmentConfig{})
			return err
		},
		"SegmentConfig.Level is 1": func() error {
			_, err := calibrate.CheckSegments(p, y, nil, k, calibrate.SegmentConfig{Level: 1})
			return err
		},
		"SegmentConfig.MinEvents is -1": func() error {
			_, err := calibrate.CheckSegments(p, y, nil, k, calibrate.SegmentConfig{MinEvents: -1})
			return err
		},
		"labels: length 0": func() error {
			_, err := calibrate.CheckSegments(p, y[:0], nil, k, calibrate.SegmentConfig{})
			return err
		},
	} {
		if err := check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}
