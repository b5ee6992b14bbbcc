package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys"
)

// lines returns events of users who each prefer a quarter of the items. The line of an
// event is what format makes of user, item, a running number and the item's brand.
func lines(users, items int, format func(user, item, n, brand int) string) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	n := 0
	for u := range users {
		for range 6 + random.IntN(14) {
			item := random.IntN(items)
			if random.IntN(5) > 0 {
				item = u%4*(items/4) + item/4
			}
			b.WriteString(format(u, item, n, item%7) + "\n")
			n++
		}
	}
	return b.String()
}

func plain(u, i, n, _ int) string { return fmt.Sprintf("user %d,ITEM-%d,%d", u, i, 1_700_000_000+n) }

func branded(u, i, n, brand int) string {
	return fmt.Sprintf("%d,b%d,i%d,u%d", 1_700_000_000+n, brand, i, u)
}

const brandedHeader = "time,brand,item,user\n"

// write writes a file of its own and returns its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "events.csv")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// quickstart runs the program.
func quickstart(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// result is a line of -json.
type result map[string]any

// variants runs the program with -json and returns its lines by variant, and their order.
func variants(t *testing.T, args ...string) (map[string]result, []string) {
	t.Helper()
	code, stdout, stderr := quickstart(t, append(args, "-json")...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	all := map[string]result{}
	var names []string
	for line := range strings.Lines(stdout) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("stdout holds %q: %v", line, err)
		}
		name, _ := r["variant"].(string)
		all[name], names = r, append(names, name)
	}
	return all, names
}

func TestJSONHasALinePerVariant(t *testing.T) {
	all, names := variants(t, "-data", write(t, brandedHeader+lines(120, 80, branded)))
	want := []string{
		"popularity", "itemknn", "transitions", "als", "same-brand", "merged", "blend",
		"pipeline", "pipeline-diverse", "pipeline-explored",
	}
	if !slices.Equal(names, want) {
		t.Errorf("variants %v, want %v", names, want)
	}
	keys := []string{"coverage", "gini", "ndcg@20", "p50_us", "p99_us", "recall@20", "users", "variant"}
	for name, r := range all {
		if got := slices.Sorted(maps.Keys(r)); !slices.Equal(got, keys) {
			t.Errorf("%s has %v, want %v", name, got, keys)
		}
		for _, key := range []string{"recall@20", "ndcg@20", "coverage", "gini"} {
			if v, ok := r[key].(float64); !ok || v < 0 || v > 1 {
				t.Errorf("%s: %s is %v, want a number in [0, 1]", name, key, r[key])
			}
		}
	}
	if a, b := all["itemknn"]["recall@20"].(float64), all["popularity"]["recall@20"].(float64); a <= b {
		t.Errorf("itemknn has recall %v, popularity %v, on data with four tastes", a, b)
	}
}

func TestWithoutItemColumnsDiversityIsOff(t *testing.T) {
	file := write(t, lines(120, 80, plain))
	_, names := variants(t, "-data", file)
	want := []string{"popularity", "itemknn", "transitions", "als", "merged", "blend", "pipeline", "pipeline-explored"}
	if !slices.Equal(names, want) {
		t.Errorf("variants %v, want %v", names, want)
	}
	_, stdout, _ := quickstart(t, "-data", file)
	if !strings.Contains(stdout, "caps and MMR are off") {
		t.Errorf("the output does not say that caps are off:\n%s", stdout)
	}
}

func TestTheLogIsKeptOnce(t *testing.T) {
	file, dir := write(t, lines(120, 80, plain)), filepath.Join(t.TempDir(), "log")
	if code, _, stderr := quickstart(t, "-data", file, "-log", dir); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	files, err := recsys.LogFiles(dir, "")
	if err != nil || len(files) != 1 {
		t.Fatalf("the folder holds %v (%v), want one file", files, err)
	}
	log, err := recsys.OpenLog(files...)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, err := range log.All() {
		if err != nil {
			t.Fatal(err)
		}
	}
	if st := log.Stats(); st.Exposures == 0 || st.Feedback == 0 {
		t.Errorf("the log holds %+v", st)
	}
	if code, _, stderr := quickstart(t, "-data", file, "-log", dir); code != 2 || !strings.Contains(stderr, "a log already") {
		t.Errorf("a second run exits with %d: %s", code, stderr)
	}
}

// The same events, written in other ways, give the same results.
func TestFormsOfAFileAreEqual(t *testing.T) {
	base, _ := variants(t, "-data", write(t, lines(90, 60, plain)))
	milliseconds := func(u, i, n, _ int) string { return fmt.Sprintf("user %d,ITEM-%d,%d", u, i, (1_700_000_000+n)*1000) }
	rfc := func(u, i, n, _ int) string {
		return fmt.Sprintf("%s, user %d,ITEM-%d", time.Unix(int64(1_700_000_000+n), 0).UTC().Format(time.RFC3339), u, i)
	}
	pack := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.String()
	}
	for name, text := range map[string]string{
		"header":       "User,item,TIME\n" + lines(90, 60, plain),
		"windows":      "\ufeffuser,item,time\r\n" + strings.ReplaceAll(lines(90, 60, plain), "\n", "\r\n"),
		"milliseconds": lines(90, 60, milliseconds),
		"rfc 3339":     "time,user,item\n" + lines(90, 60, rfc),
		"gzip":         pack(lines(90, 60, plain)),
	} {
		got, _ := variants(t, "-data", write(t, text))
		if !equal(base, got) {
			t.Errorf("%s: results %v, want %v", name, got, base)
		}
	}
}

// equal compares everything but the latencies.
func equal(a, b map[string]result) bool {
	return maps.EqualFunc(a, b, func(x, y result) bool {
		for _, key := range []string{"users", "recall@20", "ndcg@20", "coverage", "gini"} {
			if x[key] != y[key] {
				return false
			}
		}
		return true
	})
}

func TestWorkersDoNotChangeTheResult(t *testing.T) {
	file := write(t, brandedHeader+lines(120, 80, branded))
	one, _ := variants(t, "-data", file, "-workers", "1")
	four, _ := variants(t, "-data", file, "-workers", "4")
	if !equal(one, four) {
		t.Errorf("one worker gives %v, four give %v", one, four)
	}
	other, _ := variants(t, "-data", file, "-seed", "2")
	if equal(one, other) {
		t.Error("another seed gives the same results")
	}
}

// The flag changes the model and nothing below it.
func TestRankersDifferInTheRankerAlone(t *testing.T) {
	file := write(t, brandedHeader+lines(120, 80, branded))
	trees, _ := variants(t, "-data", file)
	sums, _ := variants(t, "-data", file, "-ranker", "linear")
	if equal(trees, sums) {
		t.Error("both rankers give the same results")
	}
	for _, name := range []string{"pipeline", "pipeline-diverse", "pipeline-explored"} {
		delete(trees, name)
		delete(sums, name)
	}
	if !equal(trees, sums) {
		t.Errorf("variants without a ranker: %v with trees, %v with sums", trees, sums)
	}
}

func TestRisingColumnsAreWhatSourcesSay(t *testing.T) {
	got := rising([]string{"late", "popularity", "popularity.rank", "als.score", "als.rank", "x-last.asked", "blend.place", "package.part", "merged", "sources", "history"})
	want := []string{"als.rank", "als.score", "blend.place", "merged", "sources", "x-last.asked"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("rising columns %v, want %v", names, want)
	}
}

// Data that hardly hold anything to learn give an answer that says so.
func TestPoorDataGiveAnAnswer(t *testing.T) {
	var own, same, twice strings.Builder
	for u := range 40 {
		for n := range 5 {
			fmt.Fprintf(&own, "u%d,only %d %d,%d\n", u, u, n, n)
			fmt.Fprintf(&twice, "u%d,i%d,%d,3.5\nu%d,i%d,%d,3.5\n", u, (u+n)%9, n, u, (u+n)%9, n)
		}
		fmt.Fprintf(&same, "u%d,x,1\nu%d,y,2\n", u, u)
	}
	tests := []struct{ name, text, note string }{
		{"three users", "a,x,1\na,y,2\nb,x,1\nb,z,3\nc,y,1\nc,x,2\n", ""},
		{"items of one user each", own.String(), "the order of the merge stands"},
		{"two items, one class", same.String(), "the order of the merge stands"},
		{"duplicates", twice.String(), "the head long-dwell has one class only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.text)
			report := filepath.Join(t.TempDir(), "report.html")
			code, stdout, stderr := quickstart(t, "-data", file, "-report", report)
			if code != 0 || !strings.Contains(stdout, tt.note) {
				t.Fatalf("exit code %d, want 0 and %q\n%s%s", code, tt.note, stdout, stderr)
			}
			if _, err := os.Stat(report); err != nil {
				t.Error(err)
			}
			if all, _ := variants(t, "-data", file); all["pipeline"] == nil || all["pipeline-explored"] == nil {
				t.Errorf("variants %v", all)
			}
		})
	}
}

func TestBadInputNamesFileLineAndReason(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"time", "a,x,1\na,y,soon\n", `:2: time "soon": want Unix seconds`},
		{"endless time", "a,x,Inf\n", `:1: time "Inf": out of range`},
		{"fields", "a,x,1\n\na,y\n", ":3: 2 fields; the time is field 3"},
		{"quote", "a,x,1\na,\"y,2\n", ":2: extraneous"},
		{"user", "a,x,1\n ,y,2\n", ":2: the user is empty"},
		{"header", "user,item,when\n", ":1: the header names no time"},
		{"value", "a,x,1,NaN\n", `:1: value "NaN" is not a finite number`},
		{"columns", "a,x,1,2,3\n", ":1: 5 fields without a header"},
		{"empty", "", ": 0 users with at least 2 different items"},
		{"one item", "a,x,1\na,x,2\nb,x,1\nc,x,2\n", ": 0 users with at least 2 different items"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.text)
			code, stdout, stderr := quickstart(t, "-data", file)
			if code != 2 || stdout != "" || !strings.Contains(stderr, file+tt.want) {
				t.Errorf("exit code %d, stdout %q, stderr %q; want 2 and %q", code, stdout, stderr, file+tt.want)
			}
		})
	}
}

func TestFlagsAndInterrupts(t *testing.T) {
	file := write(t, lines(60, 40, plain))
	for _, args := range [][]string{{"-nope"}, {"extra"}, {"-workers", "0"}, {"-data", file, "-ranker", "deep"}, {"-data", file + ".none"}, {"-data", file, "-report", "/no/such/folder/r.html"}} {
		if code, _, stderr := quickstart(t, args...); code != 2 {
			t.Errorf("%v: exit code %d, want 2: %s", args, code, stderr)
		}
	}
	if code, stdout, _ := quickstart(t, "-help"); code != 0 || !strings.Contains(stdout, "usage: quickstart") {
		t.Errorf("-help: exit code %d, stdout %q", code, stdout)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := run(ctx, []string{"-data", file}, strings.NewReader(""), io.Discard, io.Discard); code != 1 {
		t.Errorf("an interrupted run exits with %d, want 1", code)
	}
}

func TestReportHoldsEverySection(t *testing.T) {
	file := write(t, brandedHeader+lines(120, 80, branded))
	report := filepath.Join(t.TempDir(), "report.html")
	if code, _, stderr := quickstart(t, "-data", file, "-report", report); code != 0 {
		t.Fatal(stderr)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Quality", "Blend", "What each source adds", "Slates", "Recall against diversity", "Exposure", "Latency", "Log", "<svg",
		"pipeline-diverse", "pipeline-explored", "same-brand", "Explain(", "What the ranker looks at", "replayed",
	} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, ban := range []string{"<script", "http://", "https://"} {
		if bytes.Contains(bytes.ReplaceAll(text, []byte("http://www.w3.org/"), nil), []byte(ban)) {
			t.Errorf("the page has %q", ban)
		}
	}
	void := regexp.MustCompile(`<((?:link|meta|br|hr|img|col)\b[^>]*?)/?>`)
	d := xml.NewDecoder(bytes.NewReader(void.ReplaceAll(text, []byte("<$1/>"))))
	d.Entity = xml.HTMLEntity
	for {
		if _, err := d.Token(); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("the page is not well formed: %v", err)
			}
			break
		}
	}
}
