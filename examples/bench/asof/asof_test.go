package main

import (
	"bytes"
	"strings"
	"testing"
)

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
