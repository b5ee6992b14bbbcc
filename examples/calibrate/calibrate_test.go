package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking/calibrate"
)

// program runs the program and returns its exit code and output.
func program(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// write writes a file of its own and returns its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// rows draws a table whose label depends on x and device.
func rows(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	b.WriteString("x,z,device,click\n")
	for range n {
		x, device, y := r.NormFloat64(), []string{"phone", "desk", "tablet"}[r.IntN(3)], "no"
		if r.Float64() < 1/(1+math.Exp(0.5-x-float64(len(device)-5))) {
			y = "yes"
		}
		fmt.Fprintf(&b, "%.3f,%.3f,%s,%s\n", x, r.NormFloat64(), device, y)
	}
	return b.String()
}

func TestCalibrationUndoesOverfitting(t *testing.T) {
	train, test := write(t, rows(3000, 1)), write(t, rows(3000, 2))
	dir := t.TempDir()
	report, saved := filepath.Join(dir, "r.html"), filepath.Join(dir, "click.cal")
	base := []string{"-train", train, "-test", test, "-label", "click", "-positive", "yes", "-ids", "device"}
	for _, more := range [][]string{{"-fraction", "0.3"}, {"-cross", "3"}} {
		code, stdout, stderr := program(append(append(base, more...), "-rounds", "120", "-leaves", "31", "-segment", "device", "-report", report, "-save", saved, "-json")...)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		var none, chosen struct {
			Chosen  any
			Method  string
			ECE     float64 `json:"ece_mass"`
			LogLoss float64 `json:"log_loss"`
		}
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if len(lines) != 7 {
			t.Fatalf("%d lines: %s", len(lines), stdout)
		}
		for i, line := range lines[:6] {
			one := none
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				none = one
			}
			if one.Chosen == true {
				chosen = one
			}
		}
		if none.ECE < 0.05 || chosen.ECE > none.ECE/2 || chosen.LogLoss > none.LogLoss-0.02 {
			t.Errorf("%v: ECE %.4f and log loss %.4f without, %.4f and %.4f by %s", more, none.ECE, none.LogLoss, chosen.ECE, chosen.LogLoss, chosen.Method)
		}
		h, err := calibrate.LoadHeads(saved)
		if err != nil || h["click"] == nil || h["click"].Method().String() != chosen.Method {
			t.Errorf("%v, error %v; want the chosen %s", h, err, chosen.Method)
		}
		html, err := os.ReadFile(report)
		if err != nil || !strings.Contains(string(html), "Segments by device") || !strings.Contains(string(html), "After: "+chosen.Method) {
			t.Errorf("report of %d bytes, error %v", len(html), err)
		}
	}
	code, stdout, stderr := program(append(base, "-model", "linear")...)
	if code != 0 || !strings.Contains(stdout, "linear: 2400 rows train, 600 calibrate, 3000 test") && !strings.Contains(stdout, "would be chance alone") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestGoldenAdult(t *testing.T) {
	if race.Enabled {
		t.Skip("long arithmetic on one goroutine")
	}
	file := func(name string) string { return reference.Dir(t, "data", "mt-adult", name) }
	code, stdout, stderr := program("-train", file("adult_train.csv.gz"), "-test", file("adult_test.csv.gz"), "-label", "income", "-positive", ">50K",
		"-ids", "workclass,education,occupation,race,sex,native_country,marital_status,relationship", "-model", "linear", "-json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	found := map[string]map[string]any{}
	for line := range strings.Lines(stdout) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		if name, ok := o["method"].(string); ok {
			found[name] = o
		}
	}
	for _, name := range []string{"platt", "temperature", "beta"} {
		if e := found[name]["ece_mass"].(float64); e > 0.01 {
			t.Errorf("%s: ECE %.4f; want at most 0.01", name, e)
		}
		if l, raw := found[name]["log_loss"].(float64), found["none"]["log_loss"].(float64); l > raw+1e-4 {
			t.Errorf("%s: log loss %.4f; want none above %.4f", name, l, raw)
		}
	}
}

func TestBadInput(t *testing.T) {
	good := write(t, rows(30, 3))
	base := []string{"-train", good, "-test", good, "-label", "click"}
	with := func(more ...string) []string { return append(append([]string(nil), base...), more...) }
	for _, c := range []struct {
		want string
		args []string
	}{
		{"-label", []string{"-train", good, "-test", good}},
		{`-model is "tree"`, with("-model", "tree")},
		{"-fraction is 1", with("-fraction", "1")},
		{"-folds is 1", with("-folds", "1")},
		{"-bins is 0", with("-bins", "0")},
		{"-cross is 1", with("-cross", "1")},
		{"-cross is 100 for 30 rows", with("-cross", "100", "-positive", "yes", "-ids", "device")},
		{"leaves", with("-fraction", "0.01", "-positive", "yes", "-ids", "device")},
		{"-rounds is 0", with("-rounds", "0")},
		{`-segment is "z"`, with("-segment", "z")},
		{"rows.csv:2", with()},
		{"no such file", []string{"-train", "absent", "-test", good, "-label", "click"}},
	} {
		if code, stdout, stderr := program(c.args...); code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q, %q; want 2 with %q", c.args, code, stderr, stdout, c.want)
		}
	}
}
