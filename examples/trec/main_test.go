package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
)

// call runs the program and returns what it wrote and its exit code.
func call(args ...string) (stdout, stderr string, code int) {
	var out, errs strings.Builder
	code = run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// file writes text to a file of its own and returns its name.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var expectedName = regexp.MustCompile(`^expected(_complete)?(?:_M(\d+))?(?:_l(\d+))?(_ndcg_expgain)?\.txt$`)

// flags returns the flags that an expected file was made with, nil if the name
// is of another kind.
func flags(name string) []string {
	m := expectedName.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	args := []string{"-gain=linear"}
	if m[1] != "" {
		args = append(args, "-c")
	}
	if m[2] != "" {
		args = append(args, "-M", m[2])
	}
	if m[3] != "" {
		args = append(args, "-l", m[3])
	}
	if m[4] != "" {
		args = append(args, "-gain", "exp")
	}
	return args
}

func TestGoldenTrecEval(t *testing.T) {
	root := reference.Dir(t, "golden/metrics")
	runs, err := filepath.Glob(filepath.Join(root, "*", "run.txt*"))
	if err != nil || len(runs) == 0 {
		t.Skipf("no folder with run.txt in %s", root)
	}
	for _, runFile := range runs {
		folder := filepath.Dir(runFile)
		qrels, err := filepath.Glob(filepath.Join(folder, "qrels.txt*"))
		if err != nil || len(qrels) != 1 {
			t.Fatalf("qrels of %s: %v, %v", folder, qrels, err)
		}
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			args := flags(f.Name())
			if args == nil {
				continue
			}
			t.Run(filepath.Base(folder)+"/"+f.Name(), func(t *testing.T) {
				stdout, stderr, code := call(append(args, "-qrels", qrels[0], "-run", runFile)...)
				if code != 0 || stderr != "" {
					t.Fatalf("exit code %d, %s", code, stderr)
				}
				want := lines(t, reference.Open(t, "golden/metrics", filepath.Base(folder), f.Name()))
				compare(t, lines(t, strings.NewReader(stdout)), want)
			})
		}
	}
}

func lines(t *testing.T, r io.Reader) []string {
	t.Helper()
	var list []string
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		list = append(list, sc.Text())
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// compare compares the lines of the measures that are in want, in order: names,
// columns and counts by the byte, other values to 1e-9.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	wanted := map[string]bool{}
	for _, line := range want {
		name, _, _ := strings.Cut(line, "\t")
		wanted[name] = true
	}
	var kept []string
	for _, line := range got {
		if name, _, _ := strings.Cut(line, "\t"); wanted[name] {
			kept = append(kept, line)
		}
	}
	if len(kept) != len(want) || len(want) == 0 {
		t.Fatalf("%d lines, want %d", len(kept), len(want))
	}
	for i, line := range kept {
		if line == want[i] {
			continue
		}
		key, value := split(line)
		wantKey, wantValue := split(want[i])
		a, errA := strconv.ParseFloat(value, 64)
		b, errB := strconv.ParseFloat(wantValue, 64)
		integer := !strings.Contains(wantValue, ".")
		if key != wantKey || integer || len(value) != len(wantValue) || errA != nil || errB != nil || math.Abs(a-b) > 1e-9 {
			t.Errorf("line %d is\n%q, want\n%q", i+1, line, want[i])
		}
	}
}

// split cuts a line before its value.
func split(line string) (key, value string) {
	i := strings.LastIndexByte(line, '\t') + 1
	return line[:i], line[i:]
}

const (
	smallQrels = "q1 0 a 1\nq1 0 b 0\nq1 0 c 2\nq2 0 a 0\nq3 0 a 1\n"
	smallRun   = "q1 Q0 b 1 2 t\nq1 Q0 a 2 2 t\nq1 Q0 x 3 1.5 t\nq1 Q0 c 4 1e0 t\nq2 Q0 a 1 1 t\nq9 Q0 a 1 1 t\n"
)

// q1 is ranked b, a (a tie, descending by name), x, c; q2 has nothing relevant,
// q3 no result, q9 no judgement.
func TestSmallRunByHand(t *testing.T) {
	dcg := 1/math.Log2(3) + 2/math.Log2(5)
	ideal := 2 + 1/math.Log2(3)
	dcgExp := 1/math.Log2(3) + 3/math.Log2(5)
	idealExp := 3 + 1/math.Log2(3)
	ap := (1.0/2 + 2.0/4) / 2
	tests := []struct {
		args string
		want []string // name, query, value
	}{
		{"", []string{
			"num_ret q1 4", "num_rel q1 2", "num_rel_ret q2 0",
			"map q1 " + digits(ap), "map q2 " + digits(0), "map all " + digits(ap/2),
			"gm_map all " + digits(math.Exp((math.Log(ap)+math.Log(1e-5))/2)),
			"bpref q1 " + digits(0), "recip_rank q1 " + digits(0.5), "P_3 q1 " + digits(1.0/3),
			"ndcg q1 " + digits(dcg/ideal), "ndcg_cut_3 q1 " + digits(1/math.Log2(3)/ideal),
			"num_q all 2", "num_rel all 2", "success_1 all " + digits(0),
		}},
		{"-c", []string{"num_q all 3", "num_rel all 3", "map all " + digits(ap/3), "gm_map all " + digits(math.Exp((math.Log(ap)+2*math.Log(1e-5))/3))}},
		{"-M 3", []string{"num_ret q1 3", "num_rel q1 2", "map q1 " + digits(0.25), "recall_5 q1 " + digits(0.5)}},
		{"-l 2", []string{"num_rel q1 1", "map q1 " + digits(0.25), "ndcg q1 " + digits(dcg/ideal), "num_rel all 1"}},
		{"-l 2 -c", []string{"num_rel all 3"}}, // trec_eval leaves -l aside here
		{"-gain exp", []string{"ndcg q1 " + digits(dcgExp/idealExp), "ndcg_1=1,2=3,3=7,4=15 q1 " + digits(dcgExp/idealExp)}},
	}
	qrels := file(t, "qrels", smallQrels)
	results := file(t, "run", smallRun)
	for _, tt := range tests {
		stdout, stderr, code := call(append(strings.Fields(tt.args), "-qrels", qrels, "-run", results)...)
		if code != 0 {
			t.Fatalf("%q: exit code %d, %s", tt.args, code, stderr)
		}
		have := map[string]bool{}
		for line := range strings.Lines(stdout) {
			have[strings.Join(strings.Fields(line), " ")] = true
		}
		for _, want := range tt.want {
			if !have[want] {
				t.Errorf("%q: no line %q in\n%s", tt.args, want, stdout)
			}
		}
	}
}

func digits(x float64) string { return strconv.FormatFloat(x, 'f', 12, 64) }

func TestGzipAndFormatVariants(t *testing.T) {
	want, _, _ := call("-qrels", file(t, "qrels", smallQrels), "-run", file(t, "run", smallRun))
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	io.WriteString(zw, "\n"+strings.ReplaceAll(smallRun, " ", "\t")+"\n \n")
	zw.Close()
	loose := strings.ReplaceAll(strings.ReplaceAll(smallQrels, " ", "  "), "\n", "\r\n")
	got, stderr, code := call("-run", file(t, "run.gz", packed.String()), "-qrels", file(t, "qrels", loose), "-seed", "3", "-workers", "2")
	if code != 0 || got != want {
		t.Errorf("exit code %d, %s: tabs, blank lines, CRLF and gzip change the output", code, stderr)
	}
}

func TestBadInputExitsWithTwo(t *testing.T) {
	good := map[string]string{"qrels": smallQrels, "run": smallRun}
	tests := []struct {
		name, file, text string
		want             string // after the file's name
	}{
		{"few fields", "qrels", "q1 0 a 1\nq1 0 b\n", ":2: 3 fields; want 4"},
		{"many fields", "qrels", "q1 0 a 1 extra\n", ":1: 5 fields; want 4"},
		{"no integer", "qrels", "q1 0 a 1.5\n", `:1: relevance is "1.5"`},
		{"huge relevance", "qrels", "q1 0 a 1001\n", `:1: relevance is "1001"`},
		{"judged twice", "qrels", "q1 0 a 1\n\nq1 0 a 1\n", `:3: document "a" of query "q1" is judged twice`},
		{"empty qrels", "qrels", "\n \n", ": no judgement"},
		{"few fields", "run", "q1 Q0 a 1 2\n", ":1: 5 fields; want 6"},
		{"no number", "run", "q1 Q0 a 1 high t\n", `:1: score is "high"`},
		{"NaN", "run", "q1 Q0 a 1 nan t\n", `:1: score is "nan"`},
		{"retrieved twice", "run", "q1 Q0 a 1 2 t\nq1 Q0 a 2 1 t\n", `:2: document "a" of query "q1" is retrieved twice`},
		{"empty run", "run", "", ": no result"},
		{"cut gzip", "run", "\x1f\x8b", ": unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.name, func(t *testing.T) {
			paths := map[string]string{}
			for name, text := range good {
				if name == tt.file {
					text = tt.text
				}
				paths[name] = file(t, name, text)
			}
			stdout, stderr, code := call("-qrels", paths["qrels"], "-run", paths["run"])
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d, stdout %q, want 2 and nothing", code, stdout)
			}
			if want := "trec: " + paths[tt.file] + tt.want; !strings.HasPrefix(stderr, want) {
				t.Errorf("stderr %q, want %q", stderr, want)
			}
		})
	}
}

func TestBadFlagsExitWithTwo(t *testing.T) {
	qrels, results := file(t, "qrels", smallQrels), file(t, "run", smallRun)
	for args, want := range map[string]string{
		"-json":                     "flag provided but not defined: -json",
		"-gain square":              `-gain is "square"; want linear or exp`,
		"-M -1":                     "-M is -1; want >= 0",
		"-l 0":                      "-l is 0; want >= 1",
		"-M x":                      `invalid value "x" for flag -M`,
		"-qrels " + results + ".no": "no such file",
		"extra":                     `unexpected argument "extra"`,
	} {
		stdout, stderr, code := call(append([]string{"-qrels", qrels, "-run", results}, strings.Fields(args)...)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit code %d, stderr %q, want 2 and %q", args, code, stderr, want)
		}
	}
	if _, stderr, code := call("-qrels", qrels); code != 2 || !strings.Contains(stderr, "-run is missing") {
		t.Errorf("without -run: exit code %d, stderr %q", code, stderr)
	}
	if stdout, _, code := call("-help"); code != 0 || !strings.Contains(stdout, "usage: trec") {
		t.Errorf("-help: exit code %d, %q", code, stdout)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestFailedWorkExitsWithOne(t *testing.T) {
	qrels, results := file(t, "qrels", smallQrels), file(t, "run", smallRun)
	other := file(t, "other", "q7 Q0 a 1 1 t\n")
	if _, stderr, code := call("-qrels", qrels, "-run", other); code != 1 || !strings.Contains(stderr, "no query has both") {
		t.Errorf("without a common query: exit code %d, stderr %q, want 1", code, stderr)
	}
	var errs strings.Builder
	args := []string{"-qrels", qrels, "-run", results}
	if code := run(context.Background(), args, nil, brokenPipe{}, &errs); code != 1 || !strings.Contains(errs.String(), "broken pipe") {
		t.Errorf("broken pipe: exit code %d, stderr %q, want 1", code, errs.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code := run(ctx, args, nil, io.Discard, io.Discard); code != 1 {
		t.Errorf("cancelled: exit code %d, want 1", code)
	}
}
