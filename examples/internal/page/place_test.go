package page_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/recsyskit/recsys/examples/internal/page"
)

func TestSpreadKeepsDistanceOrderAndBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 5000 {
		at := make([]float64, r.IntN(12))
		for i := range at {
			at[i] = r.Float64() * 300
		}
		got := page.Spread(at, 17, 0, 300)
		for i, a := range got {
			if a < -1e-9 || a > 300+1e-9 {
				t.Fatalf("%v: %v leaves 0..300", at, got)
			}
			for j, b := range got[:i] {
				if math.Abs(a-b) < 17-1e-9 || at[i] < at[j] && a > b || at[i] > at[j] && a < b {
					t.Fatalf("%v became %v", at, got)
				}
			}
		}
	}
}

func TestSpreadMovesAsLittleAsItCan(t *testing.T) {
	if got := page.Spread([]float64{100, 200}, 17, 0, 300); !slices.Equal(got, []float64{100, 200}) {
		t.Errorf("positions with room moved to %v", got)
	}
	if got := page.Spread([]float64{100, 104, 250}, 10, 0, 300); !slices.Equal(got, []float64{97, 107, 250}) {
		t.Errorf("spread to %v, want 97, 107, 250", got)
	}
	if got := page.Spread([]float64{5, 5, 5}, 100, 0, 100); !slices.Equal(got, []float64{0, 50, 100}) {
		t.Errorf("spread without room to %v, want 0, 50, 100", got)
	}
}

func TestLabelsStandBesideTheirPointsAndOnNoOther(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 100 {
		g := page.Group{}
		for i := range 12 {
			g.Points = append(g.Points, page.Point{X: r.Float64(), Y: r.Float64(), Label: "variant " + string(rune('A'+i))})
		}
		d := parse(t, page.SVG(page.Scatter{Groups: []page.Group{g}}))
		labels := 0
		for i, a := range d.texts {
			if !strings.HasPrefix(a.text, "variant") {
				continue
			}
			labels++
			for _, b := range d.texts[:i] {
				if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom && strings.HasPrefix(b.text, "variant") {
					t.Errorf("%s lies on %s", a.text, b.text)
				}
			}
			for _, c := range d.circles {
				if c[0] > a.left && c[0] < a.right && c[1] > a.top && c[1] < a.bottom {
					t.Errorf("%s covers the point at %v", a.text, c)
				}
			}
		}
		if labels != 12 {
			t.Errorf("%d of 12 labels placed", labels)
		}
	}
}

func TestThinKeepsPeaksEndsAndGaps(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{page.ThinnedTo + 1, 5000, 100000} {
		y := make([]float64, n)
		for i := range y {
			y[i] = r.NormFloat64()
			if r.IntN(500) == 0 {
				y[i] = nan
			}
		}
		peak, pit := 10+r.IntN(n-20), 10+r.IntN(n-20)
		y[peak], y[pit], y[0], y[n-1] = 50, -50, 0, 0
		at := page.Thin(y)
		if len(at) > 2*page.ThinnedTo {
			t.Errorf("%d of %d points kept", len(at), n)
		}
		for _, i := range []int{0, peak, pit, n - 1} {
			if !slices.Contains(at, i) {
				t.Errorf("point %d of %d was thinned out", i, n)
			}
		}
		for k := 1; k < len(at); k++ {
			if at[k] <= at[k-1] {
				t.Fatalf("indexes %d and %d are not ascending", at[k-1], at[k])
			}
			if math.IsNaN(y[at[k]]) || math.IsNaN(y[at[k-1]]) {
				continue
			}
			if slices.ContainsFunc(y[at[k-1]:at[k]], math.IsNaN) {
				t.Fatalf("the gap between %d and %d was closed", at[k-1], at[k])
			}
		}
	}
	short := []float64{1, nan, 2}
	if got := page.Thin(short); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("a short series was thinned to %v", got)
	}
}

func TestFitCutsToTheWidth(t *testing.T) {
	for _, s := range append(hostile, longName, "a", "word word", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301") {
		for _, width := range []float64{0, 5, 20, 60, 200} {
			got, cut := page.Fit(s, width, 12)
			if w := page.TextWidth(got, 12); w > max(width, page.TextWidth("…", 12))+1 {
				t.Errorf("%.30q cut to %.1f is %.30q, %.1f wide", s, width, got, w)
			}
			if cut == (got == s) || utf8.ValidString(s) && !utf8.ValidString(got) {
				t.Errorf("%.30q cut to %.1f is %.30q, cut %v", s, width, got, cut)
			}
		}
	}
}
