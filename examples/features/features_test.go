package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// call runs the program and returns its exit code and what it wrote.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = program(context.Background(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// results returns the lines of a run with -json, by what they are of.
func results(t *testing.T, args ...string) map[string]map[string]any {
	t.Helper()
	code, stdout, stderr := call(append(args, "-json")...)
	require.Zero(t, code, stderr)
	all := map[string]map[string]any{}
	for _, line := range strings.Split(strings.TrimSpace(stdout), "\n") {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		switch o["event"] {
		case "view":
			all["view "+o["view"].(string)] = o
		case "column":
			all[o["column"].(string)] = o
		default:
			all["result"] = o
		}
	}
	return all
}

func TestServesFreshAndTrueRowsWhileTheLogStreams(t *testing.T) {
	r := results(t, "-events", "30000", "-crash", "0", "-every", "50")
	result := r["result"]
	require.EqualValues(t, 30000, result["lines"])
	require.Equal(t, 30000.0, result["events"].(float64)+result["doubled"].(float64))
	require.Greater(t, result["doubled"].(float64), 400.0)
	require.Greater(t, result["late"].(float64), 30.0)
	require.Greater(t, result["requests"].(float64), 500.0)
	require.Less(t, r["view item"]["lag_p50_s"].(float64), 15.0)
	require.Less(t, r["view item"]["lag_p99_s"].(float64), 150.0, "renewed each minute")

	// Rows that are written at once are those of the batch but for what a window's move changes until the next refresh, and decays.
	now := results(t, "-events", "30000", "-crash", "0", "-every", "50", "-flush", "0")
	require.Less(t, now["user.last.1"]["mismatch"].(float64), 0.02)
	require.Less(t, now["seen.30m"]["mismatch"].(float64), 0.005)
	require.Less(t, now["shown.1h"]["mismatch"].(float64), r["shown.1h"]["mismatch"].(float64)/2)
	require.Less(t, now["clicks.10m"]["psi"].(float64), r["clicks.10m"]["psi"].(float64))
	require.Less(t, now["clicks.1h"]["psi"].(float64), 0.01)
	require.Less(t, now["result"]["mismatch"].(float64), 0.05)
}

func TestCrashLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("two runs of 60,000 events; features/materialize has shorter ones")
	}
	whole := results(t, "-events", "60000", "-crash", "0")
	cut := results(t, "-events", "60000", "-crash", "45000")
	require.EqualValues(t, 1, cut["result"]["crashes"])
	require.Greater(t, cut["result"]["restored"].(float64), 1000.0)
	require.Greater(t, cut["result"]["repeated"].(float64), 0.0)
	for _, name := range []string{"events", "doubled", "late", "requests"} {
		require.Equal(t, whole["result"][name], cut["result"][name], name)
	}
	for _, view := range []string{"item", "user", "pair"} {
		require.Equal(t, whole["view "+view]["keys"], cut["view "+view]["keys"], view)
	}
}

func TestSameSeedGivesTheSameNumbers(t *testing.T) {
	timed := regexp.MustCompile(`"(p50_us|p99_us|events_per_s)":[^,}]*`)
	run := func(args ...string) string {
		code, stdout, stderr := call(append(args, "-json", "-events", "25000", "-crash", "15000")...)
		require.Zero(t, code, stderr)
		return timed.ReplaceAllString(stdout, "")
	}
	first := run("-workers", "1")
	require.Equal(t, first, run("-workers", "4"))
	require.NotEqual(t, first, run("-seed", "2"))
}

func TestLogOfTheCaller(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for i := range 2000 {
		kind := [...]string{"impression", "click", "dwell"}[i%3]
		fmt.Fprintf(z, `{"type":"feedback","v":1,"id":"%d","user":"%d","item":"%d","kind":%q,"value":1,"time":%d}`+"\n", i, i%7, i%11, kind, dayOne.UnixNano()+int64(i)*1e9)
	}
	require.NoError(t, z.Close())
	path := filepath.Join(t.TempDir(), "log.gz")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	report := filepath.Join(t.TempDir(), "page.html")
	r := results(t, "-log", path, "-every", "10", "-report", report)
	require.EqualValues(t, 2000, r["result"]["events"])
	require.Greater(t, r["result"]["requests"].(float64), 150.0)
	html, err := os.ReadFile(report)
	require.NoError(t, err)
	require.Contains(t, string(html), "Age of items")
	require.NotContains(t, string(html), "No data")
	code, stdout, _ := call("-log", path, "-every", "10")
	require.Zero(t, code)
	require.Contains(t, stdout, "view item")
}

func TestMistakesOfTheCaller(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.jsonl")
	require.NoError(t, os.WriteFile(bad, []byte("\n"+`{"time":"2026-03-01T12:00:00Z","user":1,"kind":"click"}`+"\n"), 0o644))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, strings.Repeat("\n", 1000))
	require.NoError(t, z.Close())
	cut := filepath.Join(dir, "cut.gz")
	require.NoError(t, os.WriteFile(cut, packed.Bytes()[:packed.Len()-9], 0o644))
	for _, sub := range []string{"a", "b"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, sub, "x"), nil, 0o644))
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"no such file", []string{"-log", filepath.Join(dir, "none")}},
		{"bad.jsonl:2: field \"item\": is missing", []string{"-log", bad}},
		{"unexpected EOF", []string{"-log", cut}},
		{"is a folder", []string{"-log", dir}},
		{"names that differ", []string{"-log", filepath.Join(dir, "?", "x")}},
		{"-checkpoints " + bad, []string{"-checkpoints", bad}},
		{"-store redis:1", []string{"-store", "redis:1"}},
		{"-every is 0", []string{"-every", "0"}},
		{"-flush is -1s", []string{"-flush", "-1s"}},
		{"-crash is -1", []string{"-crash", "-1"}},
		{"the folder is not empty", []string{"-checkpoints", dir}},
		{"-report", []string{"-report", filepath.Join(dir, "none", "x.html")}},
		{"flag provided but not defined", []string{"-nonsense"}},
	} {
		code, _, stderr := call(c.args...)
		require.Equal(t, 2, code, "%v: %s", c.args, stderr)
		require.Contains(t, stderr, c.want)
	}
	code, _, stderr := call("-log", bad, "-max-bad", "1")
	require.Zero(t, code, stderr)
}

func TestEventsOfTheFutureAreShown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"time":"2261-03-01T12:00:00Z","user":1,"item":2,"kind":"click"}`+"\n"), 0o644))
	require.EqualValues(t, 1, results(t, "-log", path)["result"]["future"])
}
