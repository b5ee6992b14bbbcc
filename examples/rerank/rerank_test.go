package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
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
	name := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

const (
	dpp  = `{"rel": [1, 0.5, 0.9], "emb": [[1, 0], [0, 1], [1, 0.1]], "kernel": "q_i*q_j*cos (rank d: may stop early)", "alpha": 0, "k": 3, "window": 2}`
	mmr  = `{"rel": [1, 0.9, 0.7], "emb": [[1, 0], [1, 0.1], [0, 1]], "lam": 0.5, "k": 2, "sim": "cosine", "first_penalty": 0.0}`
	quad = `{"rel": [1, 0.9, 0.1], "p_aspect": [0.5, 0.5], "p_item_aspect": [[1, 0], [1, 0], [0, 1]], "lam": 1, "k": 3}`
	cal  = `{"rel": [1, 0.9, 0.1], "genres": [[1, 0], [1, 0], [0, 1]], "p": [0.5, 0.5], "lam": 0.9, "alpha": 0.01, "k": 2}`
	fair = `{"rel": [0.9, 0.8, 0.7, 0.6], "protected": [0, 0, 0, 1], "k": 3, "p": 0.8, "alpha_unadjusted": 0.21}`
)

func TestEveryKindInOneFile(t *testing.T) {
	name := write(t, `{"source": "a test", "cases": [`+strings.Join([]string{dpp, mmr, quad, cal, fair}, ",\n")+`], "more": [1]}`)
	code, stdout, stderr := program("-golden", name, "-json", "-seed", "3", "-workers", "1")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	want := []string{
		`{"case":0,"order":[0,1],"logdet_prefix":[0,0],"order_window":[0,1,2]}`,
		`{"case":1,"order":[0,2],"scores":[0.5,0.35]}`,
		`{"case":2,"order":[0,2,1],"scores":[0.5,0.5,0]}`,
		`{"case":3,"order":[0,2]`,
		`{"case":4,"order":[3,0,1],"mtable":[1,1,2],"exposure_dcg":[1.1309297535714575,1]}`,
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %s", len(lines), stdout)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is %s; want %s", i, line, want[i])
		}
	}
	// Of fair draws, four in five protected, .2 fail the first place and .8·.2·.2 the third: more than .21. The
	// milder [0 1 2] fails .2·.2 + 2·.8·.2·.2 of them.
	_, stdout, _ = program("-golden", write(t, `{"cases": [`+fair+`]}`), "-alpha-adjust")
	if !strings.Contains(stdout, `"order":[0,3,1],"mtable":[0,1,2]`) || !strings.Contains(stdout, `"fails":0.10`) {
		t.Errorf("adjusted: %s", stdout)
	}
}

func TestGzipAndNoCases(t *testing.T) {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	zw.Write([]byte(`{"cases": [` + mmr + `]}`))
	zw.Close()
	if code, stdout, stderr := program("-golden", write(t, b.String())); code != 0 || !strings.Contains(stdout, `"order":[0,2]`) {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, _ := program("-golden", write(t, `{"cases": []}`)); code != 0 || stdout != "" {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if code, stdout, _ := program("-golden", write(t, `{"cases": [{"rel": [], "emb": [], "lam": 1, "k": 3, "sim": "cosine"}]}`)); code != 0 || stdout != `{"case":0,"order":[],"scores":[]}`+"\n" {
		t.Errorf("no items: exit code %d, %q", code, stdout)
	}
	if code, stdout, _ := program("-help"); code != 0 || !strings.Contains(stdout, "-alpha-adjust") {
		t.Errorf("help: exit code %d, %q", code, stdout)
	}
}

// set replaces a part of a case.
func set(text, old, with string) string {
	if !strings.Contains(text, old) {
		panic(old)
	}
	return `{"cases": [` + strings.Replace(text, old, with, 1) + `]}`
}

func TestBadInput(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "ends before the object does"},
		{`{"cases": [`, "ends before the object does"},
		{`{"cases": [{}`, "ends before the object does"},
		{`{"cases": [{"rel": [1, 2`, "ends before the object does"},
		{`{"ca`, "ends before the object does"},
		{`[]`, "the file is no object"},
		{`{}`, `field "cases" is missing`},
		{`{"cases": 3}`, `field "cases" is no list`},
		{`{"cases": [3]}`, "case 0 is no object"},
		{`{"cases": [null]}`, "case 0 is no object"},
		{`{"cases": [], "cases": []}`, `field "cases" is there twice`},
		{`{"cases": []} x`, "there is more behind the object"},
		{`{"cases": []} {}`, "there is more behind the object"},
		{"{\n\"cases\": [\n{\"rel\": NaN}]}", ":3: invalid character 'N'"},
		{"{\n\"cases\": [\n" + mmr + ",\n{}]}", `:4: case 1: has none of the fields "kernel", "sim", "p_aspect", "genres", "protected"`},
		{set(mmr, `"k"`, `"kernel": "", "k"`), `has the fields "kernel" and "sim"`},
		{set(mmr, `"rel"`, `"REL"`), `case 0: field "rel" is missing`},
		{set(mmr, `"k": 2`, `"k": 2.5`), `field "k" is 2.5; want a whole number`},
		{set(mmr, `"k": 2`, `"k": null`), `field "k" is null`},
		{set(mmr, `"k": 2`, `"k": "2"`), `field "k": "2" is no number`},
		{set(mmr, `"k": 2`, `"k": 1e400`), `field "k": 1e400 is no number`},
		{set(mmr, `[1, 0.9, 0.7]`, `[1, null, 0.7]`), `field "rel": null is no number`},
		{set(mmr, `[1, 0.9, 0.7]`, `3`), `field "rel": want no number`},
		{set(mmr, `[1, 0.9, 0.7]`, `null`), `field "rel" is null`},
		{set(mmr, `[1, 0.1], `, ``), `field "emb" has 2 rows; want 3, one per item`},
		{set(mmr, `[1, 0.1]`, `[1]`), `field "emb": row 1 has 1 numbers; want 2`},
		{set(mmr, `[[1, 0], [1, 0.1], [0, 1]]`, `[[], [], []]`), `field "emb": rerank: Cosine`},
		{set(mmr, `"cosine"`, `"dot"`), `field "sim" is "dot"; want "cosine"`},
		{set(mmr, `0.0`, `1`), `field "first_penalty" is 1; want 0`},
		{set(mmr, `"lam": 0.5`, `"lam": 1.5`), `case 0: rerank: SelectMMR: lambda is 1.5`},
		{set(dpp, `q_i*q_j*cos (`, `q_i*cos (`), `field "kernel" is "q_i*cos (rank d: may stop early)", a kernel that is not known`},
		{set(dpp, `q_i*q_j*cos (`, `q_i*q_j*(0.e1.*(1+cos)/2+1*[i==j])(`), "a kernel that is not known"},
		{set(dpp, `q_i*q_j*cos (`, `q_i*q_j*(1*(1+cos)/2+-0.5*[i==j])(`), "want numbers >= 0, as a kernel must be positive semi-definite"},
		{set(mmr, `"k": 2`, `"k": 2, "lam": 0.9`), `case 0: field "lam" is there twice`},
		{set(dpp, `"window": 2`, `"window": 0`), `field "window" is 0; want >= 1`},
		{set(dpp, `"alpha": 0`, `"alpha": -1`), `fields "rel" and "alpha": rerank: QualityKernel: alpha is -1`},
		{set(quad, `[0.5, 0.5]`, `[0.5, 0.4]`), "the 2 numbers of aspects sum to 0.9; want 1"},
		{set(quad, `[0, 1]`, `[0, 2]`), "coverage[5] is 2 (item 2, aspect 1)"},
		{set(cal, `"alpha": 0.01`, `"alpha": 0`), "alpha is 0; want a number in (0, 1)"},
		{set(cal, `[0, 1]`, `[0, 0.5]`), "the shares of item 2 sum to 0.5; want 1"},
		{set(fair, `[0, 0, 0, 1]`, `[0, 0, 1]`), `field "protected" has 3 numbers; want 4`},
		{set(fair, `[0, 0, 0, 1]`, `[0, 0, 2, 1]`), `field "protected": element 2 is 2; want 0 or 1`},
		{set(fair, `"p": 0.8`, `"p": 1`), "p is 1; want a probability in (0, 1)"},
		{set(fair, `0.21}`, `0}`), "alpha is 0; want a level in (0, 1)"},
		{set(fair, `"k": 3`, `"k": 1000000`), `field "k" is 1000000; want at most 5000`},
	} {
		name := write(t, c.text)
		for _, more := range [][]string{nil, {"-alpha-adjust"}} {
			code, stdout, stderr := program(append([]string{"-golden", name}, more...)...)
			if code != 2 || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, name) || stdout != "" {
				t.Errorf("%s: exit code %d, %q, %q; want 2 with %q", c.text, code, stderr, stdout, c.want)
			}
		}
	}
	for _, args := range [][]string{nil, {"-golden"}, {"-golden", "absent"}, {"-golden", t.TempDir()}, {"-gold", "x"}, {"x"}} {
		if code, stdout, stderr := program(args...); code != 2 || stdout != "" || stderr == "" {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stderr, stdout)
		}
	}
}

// TestGoldenLines compares what the program prints with every case of golden/rerank.
func TestGoldenLines(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(reference.Dir(t, "golden", "rerank"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("golden/rerank has no files")
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Cases []map[string]any }
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := program("-golden", path, "-json")
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", path, code, stderr)
		}
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if len(lines) != len(file.Cases) {
			t.Fatalf("%s: %d lines for %d cases", path, len(lines), len(file.Cases))
		}
		for i, want := range file.Cases {
			var got map[string]any
			if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
				t.Fatal(err)
			}
			if got["case"] != float64(i) {
				t.Errorf("%s: line %d is case %v", path, i, got["case"])
			}
			for key, tolerance := range map[string]float64{
				"order": 0, "order_window": 0, "mtable": 0, "scores": 1e-10, "logdet_prefix": 1e-8, "exposure_dcg": 1e-10,
			} {
				if expected, ok := want[key].([]any); ok {
					same(t, path, i, key, expected, got[key], tolerance)
				}
			}
			if stops, ok := want["stops_at"]; ok && float64(len(got["order"].([]any))) != stops {
				t.Errorf("%s, case %d: %d items; want it to stop at %v", path, i, len(got["order"].([]any)), stops)
			}
		}
	}
}

// same compares lists. Of the log-determinants the references hold the first ones only, where later ones are noise.
func same(t *testing.T, path string, i int, key string, want []any, got any, tolerance float64) {
	t.Helper()
	list, _ := got.([]any)
	if len(list) < len(want) || key != "logdet_prefix" && len(list) != len(want) {
		t.Errorf("%s, case %d: %s has %d elements; want %d", path, i, key, len(list), len(want))
		return
	}
	for j, w := range want {
		a, b := list[j].(float64), w.(float64)
		if !(math.Abs(a-b) <= tolerance*max(1, math.Abs(b))) {
			t.Errorf("%s, case %d: %s[%d] is %v; want %v", path, i, key, j, a, b)
		}
	}
}
