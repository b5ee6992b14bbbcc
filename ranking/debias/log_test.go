package debias_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/ranking/debias"
)

// slate is an exposure of items to a user, with the places that were clicked.
func slate(user recsys.UserID, items []recsys.ItemID, clicked ...int) recsys.Joined {
	x := &recsys.Exposure{ID: "r", User: user, Shown: len(items)}
	j := recsys.Joined{Exposure: x, Feedback: make([][]recsys.Feedback, len(items))}
	for i, item := range items {
		x.Rows = append(x.Rows, recsys.ExposureRow{Item: item, Position: i, Propensity: 1})
	}
	x.Rows = append(x.Rows, recsys.ExposureRow{Item: 99, Position: -1}) // sampled, not shown
	for _, k := range clicked {
		j.Feedback[k] = append(j.Feedback[k], recsys.Feedback{Item: items[k], Kind: recsys.Click})
	}
	return j
}

func TestCounterCountsShownRowsAndOneClickEach(t *testing.T) {
	all := []recsys.Joined{
		slate(5, []recsys.ItemID{1, 2, 3}, 0, 0, 2), // twice on the first
		slate(5, []recsys.ItemID{2, 1, 3}),
		slate(4, []recsys.ItemID{1, 2}, 1),
	}
	all[1].Feedback[1] = []recsys.Feedback{{Kind: recsys.Dwell}, {Kind: recsys.Purchase}}
	all[2].Feedback = all[2].Feedback[:2]
	for name, c := range map[string]struct {
		cfg  debias.CounterConfig
		want []debias.Count
	}{
		"defaults": {
			debias.CounterConfig{},
			[]debias.Count{{4, 1, 0, 1, 0}, {4, 2, 1, 1, 1}, {5, 1, 0, 1, 1}, {5, 1, 1, 1, 0}, {5, 2, 0, 1, 0}, {5, 2, 1, 1, 0}, {5, 3, 2, 2, 1}},
		},
		"two places of purchases for all": {
			debias.CounterConfig{
				Depth: 2, Query: func(*recsys.Exposure) uint64 { return 0 },
				Clicked: func(f recsys.Feedback) bool { return f.Kind == recsys.Purchase },
			},
			[]debias.Count{{0, 1, 0, 2, 0}, {0, 1, 1, 1, 1}, {0, 2, 0, 1, 0}, {0, 2, 1, 2, 0}},
		},
	} {
		counter, err := debias.NewCounter(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range all {
			if err := counter.Add(j); err != nil {
				t.Fatal(err)
			}
		}
		if got := counter.Counts(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v; want %v", name, got, c.want)
		}
	}
}

func TestCounterTakesNoBadRecord(t *testing.T) {
	counter, err := debias.NewCounter(debias.CounterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	gap, many, short := slate(1, []recsys.ItemID{1, 2}), slate(1, []recsys.ItemID{1}), slate(1, []recsys.ItemID{1})
	gap.Exposure.Rows[1].Position = 2
	many.Feedback = make([][]recsys.Feedback, 2)
	short.Exposure.Shown = 3
	for want, j := range map[string]recsys.Joined{
		`"r": row 1: position is 2; want 1`:              gap,
		`"r": feedback on 2 of 1 shown rows`:             many,
		`"r": feedback on 1 of 3 shown rows, and 2 rows`: short,
		"feedback without an exposure":                   {},
	} {
		if err := counter.Add(j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
	if got := counter.Counts(); len(got) != 0 {
		t.Errorf("%v of bad records", got)
	}
	if _, err := debias.NewCounter(debias.CounterConfig{Depth: -1}); err == nil || !strings.Contains(err.Error(), "Depth is -1") {
		t.Errorf("error %v", err)
	}
}

func ExampleCounter() {
	counter, err := debias.NewCounter(debias.CounterConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Such pairs come from a recsys.Joiner, which reads a log.
	shown := &recsys.Exposure{User: 7, Shown: 2, Rows: []recsys.ExposureRow{{Item: 10}, {Item: 11, Position: 1}}}
	clicks := [][]recsys.Feedback{nil, {{Item: 11, Kind: recsys.Click}}}
	err = counter.Add(recsys.Joined{Exposure: shown, Feedback: clicks})
	for _, c := range counter.Counts() {
		fmt.Printf("user %d, item %d, place %d: %v of %v\n", c.Query, c.Item, c.Position, c.Clicks, c.Impressions)
	}
	fmt.Println(err)
	// Output:
	// user 7, item 10, place 0: 0 of 1
	// user 7, item 11, place 1: 1 of 1
	// <nil>
}
