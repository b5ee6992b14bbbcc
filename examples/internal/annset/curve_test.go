package annset_test

import (
	"math"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/examples/internal/page"
)

func TestQPSAtInterpolatesLogarithms(t *testing.T) {
	c := annset.Curve{Points: []annset.Point{{8, 0.8, 10000}, {16, 0.9, 1000}, {32, 0.9, 2000}, {64, 1, 20}}}
	for _, tt := range []struct{ recall, want float64 }{
		{0.5, 10000},
		{0.8, 10000},
		{0.85, math.Sqrt(10000 * 1000)},
		{0.9, 2000},
		{0.95, math.Sqrt(2000 * 20)},
		{1, 20},
		{1.01, 0},
	} {
		if got := c.QPSAt(tt.recall); math.Abs(got-tt.want) > 1e-9*tt.want {
			t.Errorf("at recall %v: %v, want %v", tt.recall, got, tt.want)
		}
	}
	if got := (annset.Curve{}).QPSAt(0.5); got != 0 {
		t.Errorf("no points: %v, want 0", got)
	}
}

func TestRecallReportShowsLosersToo(t *testing.T) {
	curves := []annset.Curve{
		{"fast", []annset.Point{{16, 0.94, 5000}, {32, 0.995, 2000}}},
		{"slow", []annset.Point{{0, 1, 20}}},
		{"blind", []annset.Point{{16, 0.3, 90}, {512, 0.35, 9}}},
	}
	p := page.Page{Title: "t"}
	p.Add("Curves", annset.RecallChart("Recall and speed", "", 10, curves), annset.RecallTable(curves))
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Recall@10", "fast", "slow", "blind", "0.3500", "<strong>"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	points := map[string]int{}
	for _, g := range annset.RecallChart("", "", 10, curves).Groups {
		points[g.Name] = len(g.Points)
	}
	if points["fast"] != 2 || points["slow"] != 1 || points["blind"] != 1 {
		t.Errorf("points %v, want all of fast and slow, and the best of blind", points)
	}
	rows := annset.RecallTable(curves).Rows
	if rows[2][1] != nil || rows[1][3] != 20. {
		t.Errorf("rows %v", rows)
	}
}
