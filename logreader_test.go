package recsys_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/recsyskit/recsys"
)

// sampleLog is a log of a schema, two exposures and two feedback records; ends holds
// where each line ends.
func sampleLog(t testing.TB) (log []byte, ends []int) {
	g := newLogGen(2)
	s := g.schema(t)
	add := func(f func(dst []byte) []byte) {
		log = f(log)
		ends = append(ends, len(log))
	}
	add(func(dst []byte) []byte { return recsys.AppendSchema(dst, s) })
	for range 2 {
		add(func(dst []byte) []byte { return recsys.AppendExposure(dst, g.exposure(s)) })
		add(func(dst []byte) []byte { return recsys.AppendFeedback(dst, g.feedback()) })
	}
	return log, ends
}

var updateLog = flag.Bool("update-log", false, "rewrite the log files under testdata")

// TestLogOfEveryVersionStaysReadable reads files as each version of the format wrote
// them. The newest is also what is written today, to the byte; -update-log makes the
// file of a new version.
func TestLogOfEveryVersionStaysReadable(t *testing.T) {
	g := newLogGen(2026)
	s := g.schema(t)
	log := recsys.AppendSchema(nil, s)
	var want []recsys.LogRecord
	for range 3 {
		want = append(want, recsys.LogRecord{Exposure: g.exposure(s)}, recsys.LogRecord{Feedback: g.feedback()})
		log = recsys.AppendExposure(log, want[len(want)-2].Exposure)
		log = recsys.AppendFeedback(log, want[len(want)-1].Feedback)
	}
	newest := filepath.Join("testdata", "log", fmt.Sprintf("v%d.jsonl", recsys.LogVersion))
	if *updateLog {
		if err := os.MkdirAll(filepath.Dir(newest), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(newest, log, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(newest); err != nil || !bytes.Equal(b, log) {
		t.Errorf("%s is not what is written today (%v): a change of the format needs a new version", newest, err)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "log", "v*.jsonl"))
	if err != nil || len(files) != recsys.LogVersion {
		t.Fatalf("files %v, %v; want one per version", files, err)
	}
	for _, file := range files {
		r, err := recsys.OpenLog(file)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for rec, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			rec.File, rec.Line = "", 0
			if d := firstDifference(want[i], rec); d != "" {
				t.Errorf("%s: record %d: %s", file, i, d)
			}
			i++
		}
		if i != len(want) {
			t.Errorf("%s: %d records; want %d", file, i, len(want))
		}
	}
}

func drain(r *recsys.LogReader) (n int, err error) {
	for _, err := range r.All() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// A process that is killed leaves a file that ends at any byte.
func TestLogCutAtAnyByteLosesNoMoreThanTheTornLine(t *testing.T) {
	log, ends := sampleLog(t)
	for cut := range len(log) + 1 {
		r := recsys.NewLogReader("f", bytes.NewReader(log[:cut]))
		n, err := drain(r)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		lines, torn := 0, 0
		for _, end := range ends {
			if cut >= end-1 { // all but the newline is a whole record
				lines++
			}
		}
		if last := append([]int{0}, ends...)[lines]; cut > last {
			torn = 1
		}
		if st := r.Stats(); n != max(0, lines-1) || st.Torn != torn || st.Corrupt != 0 || st.Schemas != min(lines, 1) {
			t.Fatalf("cut at %d of %d: %d records, %+v; want %d records and %d torn", cut, len(log), n, st, max(0, lines-1), torn)
		}
	}
}

func TestTornLineEndsItsFileAndNotTheLog(t *testing.T) {
	log, _ := sampleLog(t)
	dir := t.TempDir()
	var paths []string
	for i := range 3 {
		path := filepath.Join(dir, fmt.Sprint(i))
		paths = append(paths, path)
		if err := os.WriteFile(path, log[:len(log)-3], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := recsys.OpenLog(paths...)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for rec, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, fmt.Sprintf("%s:%d", filepath.Base(rec.File), rec.Line))
	}
	if st := r.Stats(); st.Torn != 3 || st.Exposures != 6 || st.Feedback != 3 || st.Schemas != 3 {
		t.Errorf("%+v", st)
	}
	if want := []string{"0:2", "0:3", "0:4", "1:2", "1:3", "1:4", "2:2", "2:3", "2:4"}; !slices.Equal(files, want) {
		t.Errorf("records stand at %v; want %v", files, want)
	}
}

func TestSkipCorruptCountsBadLines(t *testing.T) {
	log, ends := sampleLog(t)
	bad := slices.Concat(log[:ends[1]], []byte("{\"type\":\n"), log[ends[1]:ends[2]], []byte("\x00\x00\x00\n \t\r\n\n"), log[ends[2]:],
		[]byte("\x00\x00\x00\x00")) // zeros are what a file system may leave after a crash
	r := recsys.NewLogReader("f", bytes.NewReader(bad))
	_, err := drain(r)
	var at *recsys.LogError
	if !errors.As(err, &at) || at.Line != 3 {
		t.Errorf("error %v; want one at line 3", err)
	}
	r = recsys.NewLogReader("f", bytes.NewReader(bad))
	r.SkipCorrupt = true
	if n, err := drain(r); err != nil || n != 4 {
		t.Errorf("%d records, %v; want 4", n, err)
	}
	if st := r.Stats(); st.Corrupt != 2 || st.Torn != 1 {
		t.Errorf("%+v; want 2 corrupt and 1 torn", st)
	}
}

// A last line that is complete JSON was not torn: what is wrong with it is an error.
func TestCompleteLastLineIsNotTorn(t *testing.T) {
	r := recsys.NewLogReader("f", strings.NewReader(`{"type":"exposure","v":1,"id":"r","user":"1","schema":"5"}`))
	if _, err := r.Next(); err == nil || err == io.EOF {
		t.Errorf("error %v; want one about the schema", err)
	}
}

func TestLineLengthIsBounded(t *testing.T) {
	log, _ := sampleLog(t)
	long := `{"type":"feedback","v":1,"user":"1","item":"1","kind":"click","id":"` + strings.Repeat("x", 300_000) + `"}`
	for _, end := range []string{"\n", ""} {
		in := slices.Concat(log, []byte(long+end))
		r := recsys.NewLogReader("f", bytes.NewReader(in))
		r.MaxLine = len(long)
		if n, err := drain(r); err != nil || n != 5 {
			t.Errorf("%d records, %v with room for the line; want 5", n, err)
		}
		r = recsys.NewLogReader("f", bytes.NewReader(in))
		r.MaxLine = len(long) - 2
		if _, err := drain(r); !errors.Is(err, recsys.ErrLineTooLong) {
			t.Errorf("%v; want ErrLineTooLong", err)
		}
		r = recsys.NewLogReader("f", bytes.NewReader(slices.Concat(log, []byte(long+"\n"), log)))
		r.MaxLine, r.SkipCorrupt = len(long)-2, true
		if n, err := drain(r); err != nil || n != 8 || r.Stats().Corrupt != 1 {
			t.Errorf("%d records, %v, %+v; want 8 and the long line skipped", n, err, r.Stats())
		}
	}
}

func zipped(t *testing.T, log []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(log); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGzipIsReadAsWhatItHolds(t *testing.T) {
	log, _ := sampleLog(t)
	z := zipped(t, log)
	for name, in := range map[string]io.Reader{
		"whole": bytes.NewReader(z), "byte by byte": iotest.OneByteReader(bytes.NewReader(z)),
		"two members": bytes.NewReader(append(slices.Clone(z), zipped(t, nil)...)),
	} {
		if n, err := drain(recsys.NewLogReader(name, in)); n != 4 || err != nil {
			t.Errorf("%s: %d records, %v; want 4", name, n, err)
		}
	}
	for cut := 2; cut < len(z); cut += 7 {
		if _, err := drain(recsys.NewLogReader("cut", bytes.NewReader(z[:cut]))); err == nil {
			t.Fatalf("gzip cut at %d of %d: no error", cut, len(z))
		}
	}
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for path, data := range map[string][]byte{a: z[:len(z)-5], b: z} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := recsys.OpenLog(a, b)
	if err != nil {
		t.Fatal(err)
	}
	r.SkipCorrupt = true
	if n, err := drain(r); err != nil || n < 4 || r.Stats().Corrupt != 1 {
		t.Errorf("%d records, %v, %+v; want those of the whole file, and 1 corrupt", n, err, r.Stats())
	}
}

func TestOpenLogReportsEveryFile(t *testing.T) {
	dir := t.TempDir()
	_, err := recsys.OpenLog(filepath.Join(dir, "a"), dir, filepath.Join(dir, "b"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), "is a directory"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v does not wrap os.ErrNotExist", err)
	}
}

func TestReadErrorsOfTheFileSurface(t *testing.T) {
	log, ends := sampleLog(t)
	broken := errors.New("disk is gone")
	r := recsys.NewLogReader("f", io.MultiReader(bytes.NewReader(log[:ends[2]+5]), iotest.ErrReader(broken)))
	r.SkipCorrupt = true
	n, err := drain(r)
	var at *recsys.LogError
	if n != 2 || !errors.Is(err, broken) || !errors.As(err, &at) || at.Line != 4 {
		t.Errorf("%d records, then %v; want 2 and the file's error at line 4", n, err)
	}
}

func TestClosedReaderSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	log, _ := sampleLog(t)
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := recsys.OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v; want os.ErrClosed", err)
	}
}

func TestEmptyLogIsEmpty(t *testing.T) {
	r, err := recsys.OpenLog()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*recsys.LogReader{r, recsys.NewLogReader("f", strings.NewReader("")), recsys.NewLogReader("f", strings.NewReader("\n"))} {
		if rec, err := r.Next(); err != io.EOF {
			t.Errorf("%+v, %v; want io.EOF", rec, err)
		}
	}
}

// A schema record that redefines a hash holds from there on; one that repeats it gives
// the same *Schema again, so that stages bound to it can be kept.
func TestSchemaRecordsAreSharedUntilTheyChange(t *testing.T) {
	schema := func(def float32) *recsys.Schema {
		s, err := recsys.NewSchema(recsys.SchemaConfig{Columns: []recsys.Column{{Name: "p", Default: &def}}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := schema(1), schema(2) // the default is no part of the hash
	var log []byte
	for _, s := range []*recsys.Schema{a, a, b, a} {
		log = recsys.AppendSchema(log, s)
		log = recsys.AppendExposure(log, &recsys.Exposure{ID: "r", Schema: s})
	}
	var have []*recsys.Schema
	for _, rec := range readLog(t, log) {
		have = append(have, rec.Exposure.Schema)
	}
	if have[0] != have[1] || have[1] == have[2] {
		t.Error("an equal schema record gives another schema, or a changed one the same")
	}
	for i, want := range []float32{1, 1, 2, 1} {
		if f, _ := have[i].Field("p"); f.Default == nil || *f.Default != want {
			t.Errorf("record %d: default %v; want %v", i, f.Default, want)
		}
	}
}

func TestMergeLogsGoesByExposureTime(t *testing.T) {
	at := func(id string, sec int64) []byte {
		return recsys.AppendExposure(nil, &recsys.Exposure{ID: id, Now: unixSec(sec)})
	}
	act := func(id string, sec int64) []byte {
		return recsys.AppendFeedback(nil, &recsys.Feedback{ID: id, Time: unixSec(sec)})
	}
	reader := func(name string, lines ...[]byte) *recsys.LogReader {
		return recsys.NewLogReader(name, bytes.NewReader(slices.Concat(lines...)))
	}
	logs := []*recsys.LogReader{
		reader("a", at("a1", 1), act("a-fast-clock", 1e6), at("a5", 5), at("a4-late", 4), at("a7", 7)),
		reader("b", at("b2", 2), at("b5", 5), at("b6", 6)),
		reader("c"),
		reader("d", act("d3", 3), act("d8", 8)),
	}
	var have []string
	for rec, err := range recsys.MergeLogs(logs...) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Exposure != nil {
			have = append(have, rec.Exposure.ID)
		} else {
			have = append(have, rec.Feedback.ID)
		}
	}
	if want := []string{"a1", "a-fast-clock", "b2", "d3", "a5", "a4-late", "b5", "b6", "a7", "d8"}; !slices.Equal(have, want) {
		t.Errorf("order %v; want %v", have, want)
	}
	bad := reader("bad", at("a1", 1), []byte("{}\n"))
	var last error
	for _, err := range recsys.MergeLogs(reader("a", at("a1", 1), at("a2", 9)), bad) {
		last = err
	}
	if last == nil {
		t.Error("the error of a reader is lost")
	}
}
