package page_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
)

// ends returns random ends of an axis, of all sizes and at all distances from zero.
func ends(r *rand.Rand) (lo, hi float64) {
	lo = (r.Float64() - .5) * math.Pow(10, r.Float64()*40-20)
	hi = lo + r.Float64()*math.Pow(10, r.Float64()*40-20)
	switch r.IntN(6) {
	case 0:
		lo, hi = 0, hi-lo
	case 1:
		lo, hi = -math.Pow(10, r.Float64()*600-300), math.Pow(10, r.Float64()*600-300)
	case 2:
		lo = math.Round(lo)
		hi = lo + float64(r.IntN(100))
	}
	return page.Widen(lo, hi)
}

func TestTicksAreMultiplesOfOneTwoFive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		lo, hi := ends(r)
		n := 2 + r.IntN(12)
		from, to, ticks, m, e := page.Ticks(lo, hi, n)
		if m != 1 && m != 2 && m != 5 {
			t.Fatalf("%v..%v: step %de%d", lo, hi, m, e)
		}
		step, _ := strconv.ParseFloat(strconv.FormatInt(m, 10)+"e"+strconv.Itoa(e), 64)
		slack := step * 1e-6
		if from > lo+slack || to < hi-slack || from < lo-step-slack || to > hi+step+slack {
			t.Fatalf("%v..%v: ends %v and %v with step %v", lo, hi, from, to, step)
		}
		if len(ticks) < 2 || len(ticks) > n+3 {
			t.Fatalf("%v..%v: %d ticks for %d parts", lo, hi, len(ticks), n)
		}
		if ticks[0] != from || ticks[len(ticks)-1] != to {
			t.Fatalf("%v..%v: ticks %v do not reach the ends %v and %v", lo, hi, ticks, from, to)
		}
		for i, v := range ticks {
			if k := v / step; math.Abs(k-math.Round(k)) > 1e-6 {
				t.Fatalf("%v..%v: tick %v is no multiple of %v", lo, hi, v, step)
			}
			if i > 0 && math.Abs(v-ticks[i-1]-step) > slack+math.Abs(v)*1e-15 {
				t.Fatalf("%v..%v: ticks %v and %v are not %v apart", lo, hi, ticks[i-1], v, step)
			}
		}
	}
}

func TestStepIsTheSmallestThatFits(t *testing.T) {
	for _, tt := range []struct {
		lo, hi float64
		n      int
		ticks  []float64
	}{
		{0, 1, 5, []float64{0, .2, .4, .6, .8, 1}},
		{0, 1, 4, []float64{0, .5, 1}},
		{0, .31, 5, []float64{0, .1, .2, .3, .4}},
		{-1.9, 1.6, 4, []float64{-2, -1, 0, 1, 2}},
		{17, 100, 10, []float64{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}},
		{9.999e5, 1.0001e6, 5, []float64{999900, 999950, 1e6, 1000050, 1000100}},
	} {
		if _, _, got, _, _ := page.Ticks(tt.lo, tt.hi, tt.n); !slices.Equal(got, tt.ticks) {
			t.Errorf("%v..%v in %d parts: ticks %v, want %v", tt.lo, tt.hi, tt.n, got, tt.ticks)
		}
	}
}

func TestTickLabelsTellTicksApart(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 4000 {
		lo, hi := ends(r)
		_, _, ticks, _, _ := page.Ticks(lo, hi, 6)
		labels := page.TickLabels(ticks)
		for i, l := range labels {
			if slices.Contains(labels[:i], l) {
				t.Fatalf("ticks %v have labels %q", ticks, labels)
			}
			if v := read(t, l); math.Abs(v-ticks[i]) > 1e-3*math.Abs(ticks[1]-ticks[0]) {
				t.Fatalf("tick %v has label %q", ticks[i], l)
			}
		}
	}
}

// read returns the number that a label shows.
func read(t *testing.T, label string) float64 {
	t.Helper()
	s := strings.NewReplacer("−", "-", ",", "", "×10", "e", "⁻", "-", "⁰", "0", "¹", "1", "²", "2", "³", "3",
		"⁴", "4", "⁵", "5", "⁶", "6", "⁷", "7", "⁸", "8", "⁹", "9").Replace(label)
	if strings.ContainsAny(label, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹") && !strings.Contains(label, "×") {
		s = strings.Replace(s, "10", "1e", 1)
	}
	scale := 1.0
	for suffix, v := range map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, scale = rest, v
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatalf("label %q: %v", label, err)
	}
	return v * scale
}

func TestTickLabels(t *testing.T) {
	for _, tt := range []struct {
		ticks []float64
		want  string
	}{
		{[]float64{0, .05, .1}, "0 0.05 0.10"},
		{[]float64{0, 5000, 10000}, "0 5k 10k"},
		{[]float64{2000, 4000}, "2,000 4,000"},
		{[]float64{-1, 0, 1}, "−1 0 1"},
		{[]float64{0, 2.5e6, 5e6}, "0 2.5M 5.0M"},
		{[]float64{10000, 10001, 10002}, "10,000 10,001 10,002"},
		{[]float64{0, 2e-5, 1e-4}, "0 2×10⁻⁵ 10⁻⁴"},
		{[]float64{1e20}, "10²⁰"},
	} {
		if got := strings.Join(page.TickLabels(tt.ticks), " "); got != tt.want {
			t.Errorf("ticks %v: labels %s, want %s", tt.ticks, got, tt.want)
		}
	}
}

func TestLogTicksAreFewAndInside(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 20000 {
		lo := math.Pow(10, r.Float64()*500-250)
		hi := lo * math.Pow(10, math.Pow(r.Float64(), 6)*50+1e-6)
		n := 2 + r.IntN(12)
		ticks := page.LogTicks(lo, hi, n)
		if len(ticks) > n+2 {
			t.Fatalf("%v..%v: %d ticks for %d", lo, hi, len(ticks), n)
		}
		for i, v := range ticks {
			if v < lo*(1-1e-6) || v > hi*(1+1e-6) || i > 0 && v <= ticks[i-1] {
				t.Fatalf("%v..%v: ticks %v", lo, hi, ticks)
			}
		}
	}
	if got := page.LogTicks(1, 1000, 8); !slices.Equal(got, []float64{1, 3, 10, 30, 100, 300, 1000}) {
		t.Errorf("ticks of 1..1000 are %v", got)
	}
	if got := page.LogTicks(8, 512, 12); !slices.Equal(got, []float64{10, 20, 50, 100, 200, 500}) {
		t.Errorf("ticks of 8..512 are %v", got)
	}
}
