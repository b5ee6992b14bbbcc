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

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/features/featurestest"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking/debias"
)

// program runs the program and returns its exit code and output.
func program(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// objects runs the program with -json and returns the lines by the value of "model".
func objects(t *testing.T, args ...string) map[string]map[string]any {
	t.Helper()
	code, stdout, stderr := program(append(args, "-json")...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	byModel := map[string]map[string]any{}
	for line := range strings.Lines(stdout) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if name, ok := o["model"].(string); ok {
			byModel[name] = o
		}
	}
	return byModel
}

func TestCorrectionsRecoverTheOrderFromALog(t *testing.T) {
	if race.Enabled {
		t.Skip("long arithmetic on one goroutine")
	}
	m := objects(t, "-requests", "3000", "-tests", "200")
	naive, best := m["clicks as they come"]["ndcg"].(float64), m["all places examined (not in a log)"]["ndcg"].(float64)
	if naive > best-0.04 {
		t.Fatalf("as they come %.4f, at best %.4f: there is nothing to correct", naive, best)
	}
	for _, name := range []string{"1/P(examined), known", "1/P(examined), adjacent chain", "position as a feature"} {
		if got := m[name]["ndcg"].(float64); got < best-0.01 {
			t.Errorf("%s: NDCG %.4f; want %.4f, within 0.01 of the best", name, got, best)
		}
	}
}

func TestGoldenCoat(t *testing.T) {
	if race.Enabled {
		t.Skip("long arithmetic on one goroutine")
	}
	file := func(name string) string { return reference.Dir(t, "data", "debias-coat", name) }
	report := filepath.Join(t.TempDir(), "report.html")
	m := objects(t, "-train", file("train.ascii.gz"), "-test", file("test.ascii.gz"), "-propensities", file("propensities.ascii.gz"), "-report", report)
	naive, weighted := m["naive"], m["weighted by 1/P(shown)"]
	t.Logf("naive %.4f, %.4f; weighted %.4f, %.4f", naive["mae"], naive["mse"], weighted["mae"], weighted["mse"])
	if weighted["mae"].(float64) > 0.89 || weighted["mse"].(float64) > 1.12 {
		t.Errorf("weighted: MAE %.4f, MSE %.4f; want at most .89, 1.12", weighted["mae"], weighted["mse"])
	}
	// The reference figures are those of the same model with other settings.
	if naive["mae"].(float64) > 0.944 || naive["mse"].(float64) > 1.252 {
		t.Errorf("naive: MAE %.4f, MSE %.4f; want at most .944, 1.252", naive["mae"], naive["mse"])
	}
	if html, err := os.ReadFile(report); err != nil || !strings.Contains(string(html), "floor 0.02") {
		t.Errorf("report of %d bytes, error %v", len(html), err)
	}
}

// write writes a file of its own and returns its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "matrix.txt")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSmallMatrices(t *testing.T) {
	var train, test strings.Builder
	for u := range 12 {
		for i := range 10 {
			v := 1 + (u+i)%5
			if (u*i+u+i)%3 == 0 {
				fmt.Fprint(&train, v, " ")
				fmt.Fprint(&test, "0 ")
			} else {
				fmt.Fprint(&train, "0 ")
				fmt.Fprint(&test, v, " ")
			}
		}
		train.WriteString("\n\n")
		test.WriteString("\n")
	}
	files := []string{"-train", write(t, train.String()), "-test", write(t, test.String()), "-floor", "0.1"}
	for _, more := range [][]string{{"-lambda", "1,2", "-factors", "2"}, {"-model", "fm", "-epochs", "3"}} {
		code, stdout, stderr := program(append(files, more...)...)
		if code != 0 || !strings.Contains(stdout, "12 users, 10 items; ") || !strings.Contains(stdout, "weighted by 1/P(shown)") {
			t.Errorf("%v: exit code %d\n%s%s", more, code, stdout, stderr)
		}
	}
}

func TestBadInput(t *testing.T) {
	good := write(t, "1 0 3\n0 2 1\n")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"-train and -test come together", []string{"-train", good}},
		{"-propensities without -train", []string{"-propensities", good}},
		{`-lambda is "1,x"; want numbers above 0`, []string{"-lambda", "1,x"}},
		{`-floor is "2"; want numbers above 0, at most 1`, []string{"-floor", "2"}},
		{`-model is "svd"; want als or fm`, []string{"-model", "svd"}},
		{"-slate is 31; want 2 to 30", []string{"-slate", "31"}},
		{"-folds is 1; want 2 to 100", []string{"-folds", "1"}},
		{`matrix.txt:2: number 1 is "x"; want a rating`, []string{"-train", write(t, "1 2\nx 3\n"), "-test", good}},
		{`number 2 is "NaN"; want a rating`, []string{"-train", write(t, "1 NaN\n"), "-test", good}},
		{"matrix.txt:2: 1 numbers; the first line has 2", []string{"-train", write(t, "1 2\n3\n"), "-test", good}},
		{"there are no numbers", []string{"-train", write(t, "\n"), "-test", good}},
		{"1 x 2 numbers", []string{"-train", good, "-test", write(t, "1 2\n")}},
		{"0 ratings to train on", []string{"-train", write(t, "0 0\n"), "-test", write(t, "1 2\n")}},
		{`number 2 is "0"; want a probability above 0`, []string{"-train", good, "-test", good, "-propensities", write(t, "1 0 1\n1 1 1\n")}},
		{"1 x 1 numbers", []string{"-train", good, "-test", good, "-propensities", write(t, "1\n")}},
		{"no such file", []string{"-train", "absent", "-test", good}},
	} {
		if code, stdout, stderr := program(c.args...); code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q, %q; want 2 with %q", c.args, code, stderr, stdout, c.want)
		}
	}
}

func TestPositionIsAFeatureSource(t *testing.T) {
	for _, p := range []debias.Position{{Column: "position"}, {Column: "position", Kind: recsys.ID, At: 3}} {
		featurestest.Run(t, func(*testing.T) recsys.FeatureSource { return p }, featurestest.Config{})
	}
}
