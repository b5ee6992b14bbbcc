package main

import (
	"bytes"
	"strings"
	"testing"
)

// The lanes do the same work: they take the same arms.
func TestLanesTakeTheSameArms(t *testing.T) {
	o := &options{arms: 7, features: 9, seed: 1}
	ours, naive, err := o.linear()
	if err != nil {
		t.Fatal(err)
	}
	taken := map[int]bool{}
	for i := range 2000 {
		a, b := ours(), naive()
		if a != b {
			t.Fatalf("decision %d: arm %d, the naive loop %d", i, a, b)
		}
		taken[a] = true
	}
	if len(taken) < 2 {
		t.Error("one arm alone was taken")
	}
}

func TestRunPrintsARow(t *testing.T) {
	var out, log bytes.Buffer
	if code := run(t.Context(), strings.Fields("-arms 3 -features 5 -few 4 -rounds 1 -json"), nil, &out, &log); code != 0 {
		t.Fatal(log.String())
	}
	if text := out.String(); strings.Count(text, "\n") != 5 || !strings.Contains(text, `"allocations":0}`) {
		t.Error(text)
	}
	if code := run(t.Context(), []string{"-arms", "0"}, nil, &out, &log); code != 2 {
		t.Errorf("-arms 0: code %d", code)
	}
}
