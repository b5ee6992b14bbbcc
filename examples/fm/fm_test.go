package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs the program and returns its exit code and what it wrote.
func command(args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = run(context.Background(), args, nil, &out, &log)
	return code, out.String(), log.String()
}

// table writes a file of clicks that depend on what user and genre have in common.
func table(t testing.TB, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("user,genre,age,click,buy\n")
	for i := range rows {
		user, genre := i%3, i/3%2
		fmt.Fprintf(&b, "u%d,g%d,%d,%d,%d\n", user, genre, 20+i%50, (user+genre)%2, (i/7)%2)
	}
	name := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func object(t testing.TB, stdout string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(stdout), &m); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return m
}

func TestTrainedModelsPredict(t *testing.T) {
	data := table(t, 600)
	dir := t.TempDir()
	for _, kind := range []string{"fm", "ffm", "linear"} {
		model, out := filepath.Join(dir, kind), filepath.Join(dir, kind+".csv")
		code, stdout, stderr := command("train", "-data", data, "-valid", data, "-label", "click", "-floats", "age", "-ids", "user,genre",
			"-kind", kind, "-model", model, "-json")
		if code != 0 {
			t.Fatal(stderr)
		}
		trained := object(t, stdout)
		if auc := trained["auc"].(float64); auc < 0.99 != (kind == "linear") {
			t.Errorf("%s: %s", kind, stdout)
		}
		code, stdout, stderr = command("predict", "-model", model, "-data", data, "-out", out, "-json")
		if code != 0 {
			t.Fatal(stderr)
		}
		if got := object(t, stdout); got["auc"] != trained["auc"] || got["logloss"] != trained["logloss"] || got["rows"] != 600.0 {
			t.Errorf("%s: predicted %s; trained %v", kind, stdout, trained)
		}
		text, err := os.ReadFile(out)
		if err != nil || strings.Count(string(text), "\n") != 600 {
			t.Errorf("%s: %d lines, error %v", kind, strings.Count(string(text), "\n"), err)
		}
		if _, direct, _ := command("predict", "-model", model, "-data", data); direct != string(text) {
			t.Errorf("%s: standard output differs from the file", kind)
		}
	}
}

func TestHeadsHaveFiguresOfTheirOwn(t *testing.T) {
	data, model := table(t, 300), filepath.Join(t.TempDir(), "m")
	code, stdout, stderr := command("train", "-data", data, "-label", "click,buy", "-drop", "age", "-epochs", "2", "-model", model)
	for _, want := range []string{"click.auc", "buy.logloss", "heads click, buy"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("code %d, %s%s; want %q", code, stdout, stderr, want)
		}
	}
	if !strings.Contains(stderr, "epoch 2 of 2: buy: loss") {
		t.Errorf("progress: %s", stderr)
	}
	_, stdout, _ = command("predict", "-model", model, "-data", data)
	if first, _, _ := strings.Cut(stdout, "\n"); strings.Count(first, ",") != 1 {
		t.Errorf("first line %q; want two predictions", first)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	data, dir := table(t, 30), t.TempDir()
	model := filepath.Join(dir, "m")
	bad := filepath.Join(dir, "bad.csv")
	if err := os.WriteFile(bad, []byte("user,genre,age,click,buy\nu,g,old,1,0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"want train or predict", nil},
		{"-label", []string{"train", "-data", data, "-model", model}},
		{`-kind is "x"; want one of [fm ff`, []string{"train", "-data", data, "-label", "click", "-model", model, "-kind", "x"}},
		{`no column "none"`, []string{"train", "-data", data, "-label", "none", "-model", model}},
		{`bad.csv:2: field "age": "old": want a number`, []string{"train", "-data", bad, "-label", "click", "-floats", "age", "-ids", "user", "-model", model}},
		{"absent", []string{"train", "-data", filepath.Join(dir, "absent"), "-label", "click", "-model", model}},
		{`"age" is 20; want`, []string{"train", "-data", data, "-label", "age", "-model", model}},
		{"-model", []string{"predict", "-data", data, "-model", bad}},
	} {
		code, _, stderr := command(c.args...)
		if code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: code %d, %s; want 2 and %q", c.args, code, stderr, c.want)
		}
	}
}
