package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/annindex"
)

func indexes(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log strings.Builder
	code = run(t.Context(), args, nil, &out, &log)
	return code, out.String(), log.String()
}

func TestExactOnesFindEverything(t *testing.T) {
	for _, metric := range []string{"ip", "cos", "l2"} {
		code, out, log := indexes(t, "-synthetic", "300x12x20", "-metric", metric, "-peers", "vek32 loop", "-rounds", "1", "-holdout", "5", "-quant", "int8,none", "-json")
		if code != 0 {
			t.Fatal(log)
		}
		names := map[string]bool{}
		for line := range strings.Lines(out) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			name := m["index"].(string)
			names[name] = true
			if strings.HasPrefix(name, "flat") && m["recall"] != 1. || name == "vek32 loop" && m["recall"].(float64) < 0.99 || !(m["qps"].(float64) > 0) {
				t.Errorf("%s: %v", metric, m)
			}
		}
		for _, want := range append(annindex.Names(), "flat none", "vek32 loop") {
			if !names[want] {
				t.Errorf("%s: no line of %s", metric, want)
			}
		}
	}
}

func TestTableComparesWithTheReference(t *testing.T) {
	file, image := filepath.Join(t.TempDir(), "r.html"), filepath.Join(t.TempDir(), "r.svg")
	code, out, log := indexes(t, "-synthetic", "600x12x20", "-index", "flat", "-peers", "vek32 loop", "-reference", "vek32 loop", "-rounds", "1", "-report", file, "-svg", image)
	if code != 0 {
		t.Fatal(log)
	}
	if strings.Count(out, "1.00×") < 3 || !strings.Contains(out, "flat") {
		t.Errorf("no ratios to the reference:\n%s", out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	drawing, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"flat", "vek32 loop", "<svg"} {
		if !strings.Contains(string(text), want) || !strings.Contains(string(drawing), want) {
			t.Errorf("the page or the drawing lacks %q", want)
		}
	}
}

func TestWhatTheCallerGotWrongExitsWith2(t *testing.T) {
	for _, args := range [][]string{
		nil,
		{"-synthetic", "10x2", "-k", "0"},
		{"-synthetic", "10x2", "-index", "tree"},
		{"-synthetic", "10x2", "-peers", "nobody"},
		{"-synthetic", "10x2", "-quant", "int4"},
		{"-synthetic", "10x2", "-rounds", "0"},
		{"-synthetic", "10x2x5", "-holdout", "5"},
		{"-base", "none", "-query", "none"},
	} {
		if code, _, log := indexes(t, args...); code != 2 || log == "" {
			t.Errorf("%q: exit code %d, want 2; %s", args, code, log)
		}
	}
}
