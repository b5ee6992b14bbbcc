package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// towers runs a race that takes no time.
func towers(t *testing.T, args ...string) (code int, got map[string]float64, stderr string) {
	t.Helper()
	sizes := strings.Fields("-users 40 -items 400 -length 6 -dim 8 -hidden 8 -batch 64 -negatives 16 -rounds 3 -json")
	var out, log strings.Builder
	if code = run(t.Context(), append(sizes, args...), nil, &out, &log); code == 0 {
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
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

func TestOursAlone(t *testing.T) {
	code, got, log := towers(t)
	if _, raced := got["ratio"]; code != 0 || raced || !(got["samples_per_s"] > 0) || !(got["loss"] > 0) {
		t.Errorf("code %d, %v, %s", code, got, log)
	}
}

func TestAPeerTakesTurns(t *testing.T) {
	code, got, log := towers(t, "-peer", script(t, `test "$*" = "40 400 6 8 8 64 16" || exit 3
while read line; do test "$line" = epoch && echo 240 0.5 1.25; done`))
	ratio := got["samples_per_s"] / 480
	if code != 0 || got["peer_samples_per_s"] != 480 || got["peer_loss"] != 1.25 || got["ratio"] != ratio {
		t.Errorf("code %d, %v, %s", code, got, log)
	}
}

func TestWhatGoesWrongIsSaid(t *testing.T) {
	for want, args := range map[string][]string{
		"ended without an answer": {"-peer", script(t, "read line; exit 0")},
		"want numbers":            {"-peer", script(t, "echo hello; read line")},
		"no-such-program":         {"-peer", "no-such-program"},
		"-users, -length":         {"-users", "0"},
	} {
		if code, _, log := towers(t, args...); code == 0 || !strings.Contains(log, want) {
			t.Errorf("code %d, %q; want %q", code, log, want)
		}
	}
}
