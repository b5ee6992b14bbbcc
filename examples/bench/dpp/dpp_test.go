package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dpp runs a race that takes no time.
func dpp(t *testing.T, args ...string) (code int, got []map[string]any, stderr string) {
	t.Helper()
	sizes := strings.Fields("-n 30 -dim 8 -k 6 -rounds 3 -times 2 -json")
	var out, log strings.Builder
	code = run(t.Context(), append(sizes, args...), nil, &out, &log)
	for line := range strings.Lines(out.String()) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, o)
	}
	return code, got, log.String()
}

// script returns a command that runs a shell script.
func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "peer.sh")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return "sh " + name
}

func TestOursAgreeWithEachOther(t *testing.T) {
	for _, more := range [][]string{nil, {"-clusters", "5"}, {"-theta", "0.1"}, {"-k", "40", "-dim", "40"}} {
		code, got, log := dpp(t, more...)
		if code != 0 || len(got) != 2 || !(got[0]["us"].(float64) > 0) || got[0]["ratio"] != 1.0 {
			t.Errorf("%v: code %d, %v, %s", more, code, got, log)
		}
	}
}

func TestWhatGoesWrongIsSaid(t *testing.T) {
	for want, args := range map[string][]string{
		"ended without an answer": {"-peer", script(t, "read line; exit 0")},
		"want numbers":            {"-peer", script(t, "echo hello; read line")},
		"peer built chose":        {"-peer", script(t, "echo 1 2 3; read line")},
		"no-such-program":         {"-peer", "no-such-program"},
		"-theta in (0, 1)":        {"-theta", "1"},
	} {
		if code, _, log := dpp(t, args...); code == 0 || !strings.Contains(log, want) {
			t.Errorf("code %d, %q; want %q", code, log, want)
		}
	}
}
