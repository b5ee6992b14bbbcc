package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/asof"
	"github.com/recsyskit/recsys/ranking"
)

// Package asof must not import ranking; that a conversion does is checked here.
func TestTrainingIsADataset(t *testing.T) {
	j, err := asof.New(asof.Config{
		Labels: asof.Labels{
			Keys: []string{"item"}, Heads: []string{"click"}, Columns: []string{"hour"}, IDColumns: []string{"place"},
			Rows: asof.LabelRows([]asof.Label{
				{Time: 20, Keys: []uint64{1}, Values: []float32{1}, Weight: 2, Group: 7, Position: 1, Propensity: 0.5, Floats: []float32{12}, IDs: []uint64{5}},
				{Time: 10, Keys: []uint64{2}, Values: []float32{0}, Weight: 1, Group: 8, Position: -1, Propensity: 1, Floats: []float32{13}, IDs: []uint64{6}},
			}),
		},
		Tables: []asof.Table{{
			Name: "stats", Key: "item", Columns: []recsys.Column{{Name: "ctr"}, {Name: "brand", Kind: recsys.ID}}, Age: "age",
			Rows: asof.Rows([]asof.Row{{Key: 1, Time: 15, Floats: []float32{0.25}, IDs: []uint64{3}}}),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := j.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := ranking.Dataset(*rows)
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	if d.Len() != 2 || d.Times[0] != 10 || d.Weight(1) != 2 || d.FloatRow(1)[1] != 0.25 || d.IDRow(1)[1] != 3 || d.FloatRow(1)[2] != 5e-9 || d.Groups[1] != 7 {
		t.Errorf("dataset %+v", d)
	}
}

func TestLanesFindTheSame(t *testing.T) {
	var out, log bytes.Buffer
	args := []string{"-events", "60000", "-labels", "5000", "-items", "500", "-users", "700", "-memory", "1", "-temp", t.TempDir(), "-json"}
	if code := run(t.Context(), args, nil, &out, &log); code != 0 { // the lanes compare what they found
		t.Fatal(log.String())
	}
	if text := out.String(); strings.Count(text, "\n") != 3 || strings.Count(text, `"expired":0`) != 0 {
		t.Error(text)
	}
	for _, bad := range [][]string{{"-lane", "x"}, {"-events", "0"}} {
		if code := run(t.Context(), bad, nil, &out, &log); code != 2 {
			t.Errorf("%v: code %d", bad, code)
		}
	}
}

func TestOrderIsAPermutation(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 6, 9, 30, 1001} {
		seen := map[int]bool{}
		for i := range n {
			seen[order(i, n, true)] = true
		}
		if len(seen) != n {
			t.Errorf("n = %d: %d places", n, len(seen))
		}
	}
}
