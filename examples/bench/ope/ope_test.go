package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunPrintsRows(t *testing.T) {
	var out, log bytes.Buffer
	if code := run(t.Context(), strings.Fields("-rows 500 -actions 3 -rounds 1 -workers 2 -json"), nil, &out, &log); code != 0 {
		t.Fatal(log.String())
	}
	if text := out.String(); strings.Count(text, "\n") != 6 || !strings.Contains(log.String(), "no -peer") {
		t.Error(text, log.String())
	}
	for _, bad := range []string{"-rows 1", "-actions 1", "-rounds 0", "-workers 0"} {
		if code := run(t.Context(), strings.Fields(bad), nil, &out, &log); code != 2 {
			t.Errorf("%s: code %d", bad, code)
		}
	}
}

// The peer estimates the same, or the run would end.
func TestPeerAgrees(t *testing.T) {
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		t.Skipf("%s with numpy: %v", python, err)
	}
	script, err := filepath.Abs("estimate.py")
	if err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	args := append(strings.Fields("-rows 5000 -actions 7 -rounds 1 -json -peer"), python+" "+script)
	if code := run(t.Context(), args, nil, &out, &log); code != 0 || strings.Count(out.String(), "\n") != 11 {
		t.Error(out.String(), log.String())
	}
}

func TestPeerThatFails(t *testing.T) {
	for _, command := range []string{"/no/such/program", "true", "echo x"} {
		var out, log bytes.Buffer
		if code := run(t.Context(), append(strings.Fields("-rows 50 -actions 3 -rounds 1 -peer"), command), nil, &out, &log); code != 1 || out.Len() > 0 {
			t.Errorf("%s: code %d, %s%s", command, code, out.String(), log.String())
		}
	}
}
