package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/annindex"
	"github.com/recsyskit/recsys/examples/internal/annset"
	"github.com/recsyskit/recsys/internal/race"
	"github.com/recsyskit/recsys/retrieval"
	"github.com/recsyskit/recsys/retrieval/vector"
)

// ann runs the program and returns what it wrote.
func ann(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log strings.Builder
	code = run(t.Context(), args, nil, &out, &log)
	return code, out.String(), log.String()
}

// lines runs the program with -json, which must succeed, and returns its lines.
func lines(t *testing.T, args ...string) []map[string]any {
	t.Helper()
	code, out, log := ann(t, append(args, "-json")...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, log)
	}
	var all []map[string]any
	for line := range strings.Lines(out) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

// results returns the lines that are no events.
func results(all []map[string]any) []map[string]any {
	return slices.DeleteFunc(slices.Clone(all), func(m map[string]any) bool { return m["event"] != nil })
}

func events(all []map[string]any, name string) []map[string]any {
	return slices.DeleteFunc(slices.Clone(all), func(m map[string]any) bool { return m["event"] != name })
}

// set writes a small set to files and returns their names.
func set(t *testing.T, truth retrieval.Metric) (base, query, answers string) {
	t.Helper()
	b, q, err := annset.Synthetic{Rows: 600, Dim: 12, Queries: 25, Seed: 3}.Make(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	base, query, answers = filepath.Join(dir, "b.fvecs"), filepath.Join(dir, "q.fvecs"), filepath.Join(dir, "t.ivecs")
	for name, m := range map[string]vector.Matrix{base: b, query: q} {
		var buf bytes.Buffer
		if err := annset.EncodeVectors(&buf, m); err != nil {
			t.Fatal(err)
		}
		write(t, name, buf.Bytes())
	}
	lists, err := annset.Truth(t.Context(), b, q, truth, 20, 1, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := annset.EncodeLists(&buf, lists); err != nil {
		t.Fatal(err)
	}
	write(t, answers, buf.Bytes())
	return base, query, answers
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// plain strips the row lengths of fvecs or ivecs.
func plain(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	row := 4 + 4*int(binary.LittleEndian.Uint32(data))
	var raw []byte
	for ; len(data) > 0; data = data[row:] {
		raw = append(raw, data[4:row]...)
	}
	name += ".raw"
	write(t, name, raw)
	return name
}

func TestExactIndexFindsTheTruth(t *testing.T) {
	for _, metric := range []retrieval.Metric{retrieval.InnerProduct, retrieval.L2} {
		base, query, truth := set(t, metric)
		for _, quant := range []string{"int8", "none"} {
			files := []string{"-base", base, "-query", query, "-metric", metric.String(), "-index", "flat", "-quant", quant, "-rounds", "1"}
			computed := lines(t, files...)
			read := lines(t, append(files, "-truth", truth)...)
			raw := lines(t, "-base", plain(t, base), "-query", plain(t, query), "-truth", plain(t, truth), "-raw", "12", "-metric", metric.String(), "-index", "flat", "-quant", quant, "-rounds", "1")
			for name, all := range map[string][]map[string]any{"computed": computed, "read": read, "raw": raw} {
				last := all[len(all)-1]
				if last["recall"] != 1. || last["index"] != "flat" || !(last["qps"].(float64) > 0) || !(last["build_s"].(float64) > 0) || !(last["bytes"].(float64) > 0) {
					t.Errorf("%v %s %s: %v", metric, quant, name, last)
				}
				if len(results(all)) != 1 {
					t.Errorf("%v %s %s: %d results, want 1", metric, quant, name, len(results(all)))
				}
			}
		}
	}
}

func TestEveryKindIsSwept(t *testing.T) {
	race.SkipSequential(t)
	for _, metric := range []string{"ip", "cos", "l2"} {
		all := lines(t, "-synthetic", "500x16x30", "-metric", metric, "-index", strings.Join(annindex.Names(), ","), "-rounds", "1", "-seed", "2")
		best := map[string]float64{}
		for _, m := range results(all) {
			name := m["index"].(string)
			best[name] = max(best[name], m["recall"].(float64))
		}
		for _, name := range annindex.Names() {
			if best[name] < 0.95 {
				t.Errorf("%s: %s reaches a recall of %v, want .95", metric, name, best[name])
			}
		}
		if n := len(events(all, "build")); n != len(annindex.Names()) {
			t.Errorf("%d builds, want %d", n, len(annindex.Names()))
		}
	}
}

func TestALinePerEffort(t *testing.T) {
	for _, k := range annindex.Kinds() {
		index := k.Name
		got := results(lines(t, "-synthetic", "200x8x10", "-index", index, "-ef", "16,32,64", "-rounds", "1"))
		if !k.Tunes() {
			if len(got) != 1 || got[0]["ef"] != 0. {
				t.Errorf("%s has no effort to set: %v", index, got)
			}
			continue
		}
		if len(got) != 3 || got[0]["ef"] != 16. || got[1]["ef"] != 32. || got[2]["ef"] != 64. {
			t.Errorf("%s: %v", index, got)
		}
	}
}

func TestFewItemsFewQueries(t *testing.T) {
	race.SkipSequential(t)
	for _, metric := range []string{"ip", "cos", "l2"} {
		for _, spec := range []string{"1x1x1", "5x3x2", "9x70x1"} {
			all := results(lines(t, "-synthetic", spec, "-metric", metric, "-index", strings.Join(annindex.Names(), ","), "-k", strings.Split(spec, "x")[0], "-ef", "64", "-threads", "3", "-rounds", "1"))
			if len(all) != len(annindex.Names()) {
				t.Errorf("%s %s: %d results", metric, spec, len(all))
			}
			for _, m := range all {
				if m["recall"] != 1. {
					t.Errorf("%s %s: %v", metric, spec, m)
				}
			}
		}
	}
}

func TestRowsKeepTheIDsOfTheFile(t *testing.T) {
	race.SkipSequential(t)
	base, query, truth := set(t, retrieval.InnerProduct)
	all := lines(t, "-base", base, "-query", query, "-rows", "100:500", "-index", "flat", "-rounds", "1")
	if got := results(all)[0]["recall"]; got != 1. {
		t.Errorf("recall %v, want 1", got)
	}
	if got := events(all, "data")[0]["items"]; got != 400. {
		t.Errorf("%v items, want 400", got)
	}
	// Against the truth of all rows, what lies outside is not found, and all else is.
	lists, err := annset.ReadLists(truth, 0, 600)
	if err != nil {
		t.Fatal(err)
	}
	inside := 0
	for q := range lists.Len() {
		for _, id := range lists.Row(q)[:10] {
			if id >= 100 && id < 500 {
				inside++
			}
		}
	}
	code, out, log := ann(t, "-base", base, "-query", query, "-rows", "100:500", "-truth", truth, "-index", "flat", "-rounds", "1", "-json")
	var last map[string]any
	parts := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(parts[len(parts)-1]), &last); code != 0 || err != nil {
		t.Fatal(code, err, log)
	}
	if want := float64(inside) / 250; math.Abs(last["recall"].(float64)-want) > 1e-9 {
		t.Errorf("recall %v, want %v", last["recall"], want)
	}
	if !strings.Contains(log, "not among the rows 100:500") {
		t.Errorf("nothing is said of the ids outside: %s", log)
	}
}

func TestHeldOutQueriesAreNotMeasured(t *testing.T) {
	race.SkipSequential(t)
	base, query, truth := set(t, retrieval.InnerProduct)
	all := lines(t, "-base", base, "-query", query, "-truth", truth, "-index", strings.Join(annindex.Names(), ","), "-holdout", "10", "-rounds", "1")
	if got := events(all, "data")[0]["queries"]; got != 15. {
		t.Errorf("%v queries, want 15 of 25", got)
	}
	if got := results(all)[0]["recall"]; got != 1. {
		t.Errorf("recall %v, want 1: the truth has shifted", got)
	}
}

func TestFiltersKeepRecall(t *testing.T) {
	race.SkipSequential(t)
	all := lines(t, "-synthetic", "1200x16x30", "-index", strings.Join(annindex.Names(), ","), "-filter", "1,0.5,0.1,0.01", "-rounds", "1")
	best := map[string]map[float64]float64{}
	for _, m := range results(all) {
		name := m["index"].(string)
		if best[name] == nil {
			best[name] = map[float64]float64{}
		}
		share := 1.
		if f, ok := m["filter"].(float64); ok {
			share = f
		}
		best[name][share] = max(best[name][share], m["recall"].(float64))
	}
	for name, shares := range best {
		if len(shares) != 4 {
			t.Errorf("%s: shares %v, want 4", name, shares)
		}
		for share, recall := range shares {
			if recall < 0.99 {
				t.Errorf("%s at %v: recall %v, want .99", name, share, recall)
			}
		}
	}
}

func TestSavedIndexAnswersTheSame(t *testing.T) {
	race.SkipSequential(t)
	for _, k := range annindex.Kinds() {
		if !k.Saves() {
			continue
		}
		file := filepath.Join(t.TempDir(), "index")
		all := lines(t, "-synthetic", "400x16x20", "-index", k.Name, "-rounds", "1", "-save", file)
		e := events(all, "map")
		if len(e) != 1 || e[0]["same_answers"] != true || !(e[0]["file_bytes"].(float64) > 400*16) {
			t.Errorf("%s: %v", k.Name, e)
		}
	}
}

func TestChurnLeavesAnExactIndexExact(t *testing.T) {
	race.SkipSequential(t)
	all := lines(t, "-synthetic", "601x12x15", "-index", "flat", "-churn", "2", "-rounds", "1")
	e := events(all, "churn")
	if len(e) != 5 {
		t.Fatalf("%d states, want two turnovers, one with half deleted, and two compactions: %v", len(e), e)
	}
	for i, want := range []struct {
		after string
		items float64
	}{{"1 turnovers", 300}, {"2 turnovers", 300}, {"compaction", 300}, {"half deleted", 150}, {"compaction", 150}} {
		m := e[i]
		if m["after"] != want.after || m["items"] != want.items || m["recall"] != 1. || m["fresh_recall"] != 1. {
			t.Errorf("state %d: %v, want %v", i, m, want)
		}
	}
	at := events(all, "churn_at_recall")
	if len(at) != 15 || at[0]["recall"] != 0.9 || !(at[14]["ratio"].(float64) > 0) ||
		!(at[0]["insert_us"].(float64) > 0) || !(at[0]["delete_us"].(float64) > 0) || !(at[0]["update_us"].(float64) > 0) {
		t.Errorf("rates at recall: %v, want three levels of five states", at)
	}
	if last := all[len(all)-1]; last["event"] != nil {
		t.Errorf("the last line is no result: %v", last)
	}
}

func TestLiveIndexIsAsGoodAsAFreshOne(t *testing.T) {
	for _, metric := range []string{"ip", "cos"} {
		e := events(lines(t, "-synthetic", "1000x12x30", "-metric", metric, "-index", "flat", "-live", "-rounds", "1"), "live")
		if len(e) != 1 || e[0]["inserted"] != 500. || e[0]["recall"] != 1. || e[0]["fresh_recall"] != 1. ||
			!(e[0]["searches"].(float64) > 0) || !(e[0]["p99_us"].(float64) > 0) || !(e[0]["idle_p99_us"].(float64) > 0) {
			t.Errorf("%s: %v", metric, e)
		}
		if self, ok := e[0]["self_recall"]; metric == "cos" && self != 1. || metric == "ip" && ok {
			t.Errorf("%s: self recall %v", metric, self)
		}
	}
}

func TestReportShowsEveryCurve(t *testing.T) {
	race.SkipSequential(t)
	file := filepath.Join(t.TempDir(), "r.html")
	code, out, log := ann(t, "-synthetic", "400x16x20", "-index", strings.Join(annindex.Names(), ","), "-filter", "1,0.1", "-churn", "1", "-rounds", "1", "-report", file)
	if code != 0 {
		t.Fatal(log)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append(annindex.Names(), "<svg", "Recall@10", "Filtered: 10.0%", "Churn", "half deleted") {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, want := range []string{"recall", "flat", "1.0000"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table lacks %q:\n%s", want, out)
		}
	}
}

func TestRecallDoesNotDependOnWorkersOrThreads(t *testing.T) {
	recalls := func(extra ...string) (x []any) {
		args := append([]string{"-synthetic", "600x16x30", "-index", strings.Join(annindex.Names(), ","), "-ef", "4,16", "-rounds", "1"}, extra...)
		for _, m := range results(lines(t, args...)) {
			x = append(x, m["index"], m["ef"], m["recall"])
		}
		return x
	}
	one, three := recalls("-workers", "1"), recalls("-workers", "3", "-threads", "2")
	if !slices.Equal(one, three) {
		t.Errorf("%v\n%v", one, three)
	}
}

func TestWhatTheCallerGotWrongExitsWith2(t *testing.T) {
	base, query, truth := set(t, retrieval.InnerProduct)
	data, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	cut := base + ".cut"
	write(t, cut, data[:len(data)-5])
	short := base + ".short"
	write(t, short, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 1), 7))
	empty, nan := base+".empty", base+".nan"
	write(t, empty, nil)
	wrong := slices.Clone(data)
	binary.LittleEndian.PutUint32(wrong[3*(4+4*12)+4+4*2:], math.Float32bits(float32(math.NaN())))
	write(t, nan, wrong)
	files := []string{"-base", base, "-query", query}
	tests := []struct {
		name, want string
		args       []string
	}{
		{"no files", "-base is missing", nil},
		{"no queries", "-query is missing", []string{"-base", base}},
		{"unknown flag", "not defined: -nonsense", []string{"-nonsense"}},
		{"argument", `unexpected argument "x"`, append(files, "x")},
		{"missing", "none: no such file", []string{"-base", "none", "-query", query}},
		{"cut", cut + ": row 599: the file ends after 43 of the 48 bytes of its values", []string{"-base", cut, "-query", query}},
		{"other dimension", short + ": rows have 1 values, but those of " + base + " have 12", []string{"-base", base, "-query", short}},
		{"few lists", short + ": 1 lists, but " + query + " has 25 queries", append(files, "-truth", short)},
		{"narrow lists", "lists of 20 ids; want at least -k, which is 21", append(files, "-truth", truth, "-k", "21")},
		{"not these ids", truth + ": row ", []string{"-base", short, "-query", short, "-truth", truth}},
		{"rows", "600 rows; want rows 10:601", append(files, "-rows", "10:601")},
		{"no rows", "want A:B with 0 <= A < B", append(files, "-rows", "5:5")},
		{"raw", "-raw is -1; want 1 to", append(files, "-raw", "-1")},
		{"raw of another dimension", base + ": row ", []string{"-base", base, "-query", query, "-raw", "5000"}},
		{"both sources", "-synthetic makes the vectors", append(files, "-synthetic", "10x2")},
		{"synthetic", "want rows and dimension like", []string{"-synthetic", "10"}},
		{"synthetic of nothing", "want rows and dimension like", []string{"-synthetic", "0x5"}},
		{"synthetic beyond memory", "want at most 2³² values", []string{"-synthetic", "2000000000x4096"}},
		{"synthetic of long vectors", "the dimension at most 4096", []string{"-synthetic", "10x4097"}},
		{"M", "-M is 129; want 2 to 128", append(files, "-M", "129")},
		{"index", "want names out of flat", append(files, "-index", "tree")},
		{"index twice", "names flat twice", append(files, "-index", "flat,flat")},
		{"metric", "want ip, cos or l2", append(files, "-metric", "hamming")},
		{"quant", `-quant is "int4"; want int8, none or pq`, append(files, "-quant", "int4")},
		{"no such quant", "-quant is pq, which flat does not have; want int8 or none, or an -index without flat", append(files, "-quant", "pq", "-index", "ivf,flat")},
		{"quant of the default index", "-quant is none, which auto does not have; want int8,", append(files, "-quant", "none")},
		{"quant of ivf", "-quant is none, which ivf does not have; want int8 or pq,", append(files, "-quant", "none", "-index", "flat,ivf")},
		{"empty", empty + ": no rows", []string{"-base", empty, "-query", query}},
		{"no queries in the file", empty + ": no rows", []string{"-base", base, "-query", empty}},
		{"not a number", nan + ": row 3: value 2 is NaN", []string{"-base", nan, "-query", query}},
		{"query that is not a number", nan + ": row 3: value 2 is NaN", []string{"-base", base, "-query", nan}},
		{"raw without -raw", plain(t, base) + ": row 0: length", []string{"-base", plain(t, base), "-query", query}},
		{"remedy of raw", "take -raw", []string{"-base", plain(t, base), "-query", query}},
		{"k above n", "-k is 601, but there are 600 items", append(files, "-k", "601")},
		{"k above the rows", "-k is 10, but there are 5 items", append(files, "-rows", "5:10")},
		{"maxbytes", "-maxbytes is -1; want 0", append(files, "-maxbytes", "-1")},
		{"report nowhere", "-report is nowhere/r.html, but there is no folder nowhere", append(files, "-report", "nowhere/r.html")},
		{"save over a folder", "which is a folder; want a file", append(files, "-save", filepath.Dir(base))},
		{"k", "-k is 0; want 1 to", append(files, "-k", "0")},
		{"ef", "want whole numbers from 1 to 65536", append(files, "-ef", "16,0")},
		{"threads", "-threads is 0; want 1 to", append(files, "-threads", "0")},
		{"rounds", "-rounds is 0; want 1 to", append(files, "-rounds", "0")},
		{"share", "want shares in (0, 1]", append(files, "-filter", "0.5,2")},
		{"nothing allowed", "-filter 1e-09 leaves none of 600 items", append(files, "-filter", "1e-9", "-index", "flat")},
		{"recall", "-recall is 2; want a share", append(files, "-recall", "2")},
		{"holdout", "-holdout is 25 and leaves none of 25 queries", append(files, "-holdout", "25")},
		{"churn", "-churn is -1; want 0 to", append(files, "-churn", "-1")},
		{"churn of few", "-churn needs at least 4 items", []string{"-synthetic", "3x2x1", "-k", "1", "-index", "flat", "-churn", "1", "-rounds", "1"}},
		{"live of few", "-live needs at least 4 items", []string{"-synthetic", "3x2x1", "-k", "1", "-index", "flat", "-live", "-rounds", "1"}},
		{"two to save", "-save writes one index", append(files, "-index", "flat,ivf", "-save", "x")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, _, log := ann(t, tt.args...)
			if code != 2 || !strings.Contains(log, tt.want) {
				t.Errorf("exit code %d, want 2, and %q in\n%s", code, tt.want, log)
			}
		})
	}
}

func TestNoIndexInTheMemoryIsAFailure(t *testing.T) {
	code, _, log := ann(t, "-synthetic", "300x8x5", "-index", "auto", "-maxbytes", "100")
	if code != 1 || !strings.Contains(log, "no index fits recall 0.99 in 100 bytes; lower") || !strings.Contains(log, "too large") {
		t.Errorf("exit code %d, want 1, in\n%s", code, log)
	}
}

func TestHelpListsTheFlags(t *testing.T) {
	code, out, _ := ann(t, "-help")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"-base", "-query", "-truth", "-raw", "-rows", "-index", "-metric", "-quant", "-M", "-efc", "-k", "-ef", "-threads", "-filter", "-save", "-report", "-synthetic", "-seed", "-workers", "-json"} {
		if !strings.Contains(out, "  "+name+" ") && !strings.Contains(out, "  "+name+"\n") {
			t.Errorf("-help lacks %s", name)
		}
	}
}
