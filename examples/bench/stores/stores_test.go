package main

import (
	"bytes"
	"strings"
	"testing"
)

// Each work runs in the small and prints its lines; read compares the values of the lanes by itself.
func TestWorksPrintTheirLines(t *testing.T) {
	for work, want := range map[string][]string{
		"read -rows 2000 -batch 70 -rounds 1":                  {`"lane":"store"`, `"lane":"store, bounded"`, `"lane":"maps of slices"`, `"allocations":0}`},
		"pipeline -rows 2000 -batch 100 -columns 7 -rounds 1":  {`"lane":"request"`, `"lane":"hydration alone"`, `"candidates":100`},
		"restart -rows 2000 -rounds 2 -folder " + t.TempDir():  {`"rows":2000`, `"load_s":`},
		"soak -rows 3000 -per-minute 60 -columns 30 -batch 20": {`"hour":24`, `"heap_spread_percent":`, `"evicted":`},
	} {
		t.Run(strings.Fields(work)[0], func(t *testing.T) {
			var out, log bytes.Buffer
			if code := run(t.Context(), strings.Fields(work+" -json"), nil, &out, &log); code != 0 {
				t.Fatalf("code %d: %s", code, log.String())
			}
			for _, w := range want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("%s lacks %s", out.String(), w)
				}
			}
		})
	}
}

func TestWrongCommandLinesAreRefused(t *testing.T) {
	for _, line := range []string{"", "write", "read -rows 0", "soak -per-minute -1"} {
		var out, log bytes.Buffer
		if code := run(t.Context(), strings.Fields(line), nil, &out, &log); code != 2 {
			t.Errorf("%q: code %d", line, code)
		}
	}
}
