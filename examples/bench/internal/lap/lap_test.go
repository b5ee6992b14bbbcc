package lap_test

import (
	"slices"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/lap"
)

func TestRunTakesEveryLane(t *testing.T) {
	var order []string
	work := func(name string, n int) lap.Lane {
		x := 1.0
		return lap.Lane{Name: name, Do: func() {
			order = append(order[:min(len(order), 1000)], name)
			for range n {
				x = x*1.0000001 + 1e-9
			}
		}}
	}
	times := lap.Run(3, []lap.Lane{work("short", 1e5), work("long", 3e6)})
	if len(times) != 2 || times[0].Name != "short" || times[1].Name != "long" {
		t.Fatalf("times %+v", times)
	}
	for _, x := range times {
		if !(x.Fastest > 0) || x.Nanos < x.Fastest {
			t.Errorf("%+v: want 0 < fastest <= median", x)
		}
	}
	if times[0].Nanos >= times[1].Nanos {
		t.Errorf("thirty times the work took %v, not more than %v", times[1].Nanos, times[0].Nanos)
	}
	if !slices.Contains(order, "short") || !slices.Contains(order, "long") {
		t.Error("a lane never ran")
	}
}
