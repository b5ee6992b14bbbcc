package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys"
	"github.com/recsyskit/recsys/examples/internal/input"
)

// file writes text to a new file and returns its name.
func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f.txt")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	return name
}

// seq runs the program and returns its exit code and what it wrote.
func seq(args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = run(context.Background(), args, nil, &out, &log)
	return code, out.String(), log.String()
}

// results runs the program with -json, which must work, and returns its lines without the
// times.
func results(t testing.TB, args ...string) []map[string]any {
	t.Helper()
	code, stdout, stderr := seq(append(args, "-json")...)
	require.Zero(t, code, stderr)
	var lines []map[string]any
	for line := range strings.Lines(stdout) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		for _, key := range []string{"train_s", "eval_s", "seconds", "median_us", "p99_us"} {
			if x, ok := m[key]; ok {
				require.GreaterOrEqual(t, x, 0.0)
				delete(m, key)
			}
		}
		lines = append(lines, m)
	}
	return lines
}

// result returns the last line.
func result(t testing.TB, args ...string) map[string]any {
	t.Helper()
	lines := results(t, args...)
	for _, line := range lines[:len(lines)-1] {
		require.Contains(t, line, "event")
	}
	last := lines[len(lines)-1]
	require.NotContains(t, last, "event")
	return last
}

const lists = "1 10 20 30\n2 10 20 30 40\n3 20 10\n4 50 50 50\n"

// Training is 10 20, 10 20 30, 20 10 and 50 50, the most popular 10 and 20 before 50 (two),
// 30 (one) and 40.
func TestLeaveOneOutByHand(t *testing.T) {
	// User 1 ranks 50, 30, 40 and waits for 30; user 2 ranks 50, 40 and waits for 40; user 3
	// is too short; user 4 waits for 50, which is in the input and not ranked.
	log3 := 1 / math.Log2(3)
	require.Equal(t, map[string]any{
		"model": "popular", "users": 4., "items": 5., "train": 9., "test": 3.,
		"hr@1": 0., "ndcg@1": 0., "mrr@1": 0.,
		"hr@2": 2. / 3, "ndcg@2": 2 * log3 / 3, "mrr@2": 1. / 3,
	}, result(t, "-data", file(t, lists), "-model", "popular", "-k", "1,2"))
}

func TestFormatsReadTheSame(t *testing.T) {
	var pairs strings.Builder
	for line := range strings.Lines(lists) {
		f := strings.Fields(line)
		for _, item := range f[1:] {
			fmt.Fprintln(&pairs, f[0], item)
		}
	}
	want := result(t, "-data", file(t, lists), "-model", "markov")
	require.Equal(t, want, result(t, "-data", file(t, pairs.String()), "-format", "pairs", "-model", "markov"))
	csv := "user,item\n" + strings.ReplaceAll(pairs.String(), " ", ",")
	require.Equal(t, want, result(t, "-data", file(t, csv), "-format", "csv", "-model", "markov"))
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	zw.Write([]byte(lists))
	zw.Close()
	require.Equal(t, want, result(t, "-data", file(t, zipped.String()), "-model", "markov"))
	require.Equal(t, want, result(t, "-data", file(t, strings.ReplaceAll(lists, "0", "O")), "-model", "markov", "-ids", "string"))
}

func TestSessionsRankTheInputToo(t *testing.T) {
	train := file(t, "1 2\n1 2\n2 2\n3 1\n")
	// After 2 comes 2; after 3 comes 1; after 9 nobody knows, and all 5 items tie.
	got := result(t, "-train", train, "-test", file(t, "1 2 2\n3 1\n9 4\n"), "-format", "sessions", "-model", "markov", "-k", "1")
	require.Equal(t, 5., got["items"])
	require.Equal(t, 8., got["train"])
	require.Equal(t, 3., got["test"])
	require.InDelta(t, (1+1+0.2)/3, got["hr@1"], 1e-12)
	csv := "session,item,time\n7,3,100\n7,1,110\n5,1,10\n5,2,20\n6,2,30\n6,2,31\n"
	got = result(t, "-train", file(t, csv), "-test", file(t, "session,item\n1,3\n1,1\n1,2\n"), "-format", "csv", "-model", "markov", "-k", "1")
	require.Equal(t, 2., got["test"], "each event but the first")
	require.Equal(t, 1., got["hr@1"])
}

func TestSampledRanksTheTargetAndItemsOfOthers(t *testing.T) {
	in, err := input.Interactions(file(t, lists), "lists", input.NewIDs("number"))
	require.NoError(t, err)
	o := &options{protocol: "sampled", negatives: 2}
	d, err := lastOut(in, 3, o, 0, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Len(t, d.tests, 3)
	for _, tt := range d.tests {
		require.Contains(t, tt.candidates, tt.target)
		for _, e := range tt.input {
			if at := d.place(e.Item); at != tt.target {
				require.NotContains(t, tt.candidates, at)
			}
		}
	}
	require.Len(t, d.tests[0].candidates, 3, "all that there are: 40 and 50")
	require.Len(t, d.tests[1].candidates, 2, "all that there is: 50")
	got := result(t, "-data", file(t, lists), "-model", "popular", "-protocol", "sampled", "-negatives", "1", "-k", "1", "-eval-users", "2")
	require.Equal(t, 2., got["test"])
}

func TestValidationIsTheLastOfTrainingOrItsNewestSessions(t *testing.T) {
	in, err := input.Interactions(file(t, lists), "lists", input.NewIDs("number"))
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(1, 1))
	d, err := heldOut(in, &options{protocol: "leave-one-out"}, rnd)
	require.NoError(t, err)
	require.Len(t, d.tests, 4)
	require.Equal(t, recsys.ItemID(40), d.catalogue[d.tests[1].target])
	require.Equal(t, in.NumRecords()-4, d.train.NumRecords())

	var sessions strings.Builder
	for i := range 20 {
		fmt.Fprintln(&sessions, i, i+1, i+2)
	}
	in, err = input.Interactions(file(t, sessions.String()), "sessions", input.NewIDs("number"))
	require.NoError(t, err)
	d, err = heldOut(in, &options{protocol: "sessions"}, rnd)
	require.NoError(t, err)
	require.Len(t, d.tests, 4, "two sessions, two events each")
	require.Equal(t, recsys.ItemID(18), d.tests[0].input[0].Item)
	require.Equal(t, 18, d.train.NumUsers())

	// By times the first lines are the newest.
	csv := "user,item,time\n"
	for i := range 20 {
		csv += fmt.Sprintf("%d,%d,%d\n%d,%d,%d\n", i, i, 1000-i, i, i+1, 1000-i)
	}
	in, err = input.Interactions(file(t, csv), "csv", input.NewIDs("number"))
	require.NoError(t, err)
	d, err = heldOut(in, &options{protocol: "sessions"}, rnd)
	require.NoError(t, err)
	require.Len(t, d.tests, 2)
	require.Equal(t, recsys.ItemID(1), d.tests[0].input[0].Item)
	require.Equal(t, recsys.ItemID(0), d.tests[1].input[0].Item)
}

// steps is data in which users walk through a ring of items from a place of their own.
func steps(t testing.TB, users int) string {
	rnd := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	for u := range users {
		fmt.Fprint(&b, u)
		at := rnd.IntN(100)
		for range 7 {
			fmt.Fprintf(&b, " %d", at)
			at = (at + 1 + rnd.IntN(3)) % 100
		}
		fmt.Fprintln(&b)
	}
	return file(t, b.String())
}

func TestModelsFindTheWay(t *testing.T) {
	data := steps(t, 400)
	popular := result(t, "-data", data, "-model", "popular")["hr@5"].(float64)
	require.Less(t, popular, 0.2)
	for model, least := range map[string]float64{"markov": 0.9, "sknn": 0.2, "vsknn": 0.25, "stan": 0.4} {
		require.Greater(t, result(t, "-data", data, "-model", model)["hr@5"], least, model)
	}
}

func TestResultDoesNotDependOnWorkers(t *testing.T) {
	data := steps(t, 100)
	for _, model := range []string{"markov", "stan"} {
		args := []string{"-data", data, "-model", model, "-tune", "5", "-workers"}
		require.Equal(t, results(t, append(args, "1")...), results(t, append(args, "3")...), model)
	}
}

func TestSaveAndLoadGiveTheSameResult(t *testing.T) {
	data := steps(t, 100)
	for _, args := range [][]string{
		{"-model", "popular"},
		{"-model", "markov"},
		{"-model", "stan"},
		{"-model", "blend", "-sources", "markov,near=stan"},
	} {
		path := filepath.Join(t.TempDir(), "model")
		args = append(args, "-data", data)
		want := result(t, append(args, "-save", path)...)
		require.Equal(t, want, result(t, append(args, "-load", path)...), args)
	}
}

// The result after tuning is that of the settings that tuning names, trained on everything.
func TestTunedSettingsAreTrainedOnEverything(t *testing.T) {
	data := steps(t, 100)
	args := []string{"-data", data, "-model", "markov", "-decay", "0.7"}
	lines := results(t, append(args, "-tune", "6", "-tune-metric", "mrr")...)
	require.Len(t, lines, 1+6+1+1)
	tuned := lines[7]
	require.Equal(t, "tuned", tuned["event"])
	require.Contains(t, tuned, "mrr@5")
	require.Equal(t, 0.7, tuned["decay"], "a flag that is given stays")
	for _, name := range []string{"gap", "gap-weight", "gap-scale", "reverse", "shrinkage", "last"} {
		args = append(args, "-"+name, fmt.Sprint(tuned[name]))
	}
	require.Equal(t, lines[8], result(t, args...))
}

func TestBlendTellsWhatEachSourceAdds(t *testing.T) {
	data := steps(t, 200)
	lines := results(t, "-data", data, "-model", "blend", "-sources", "markov:gap=2,stan,popular", "-tune", "2", "-k", "5")
	events := map[string]int{}
	for _, line := range lines {
		if name, ok := line["event"].(string); ok {
			events[name]++
		}
	}
	require.Equal(t, map[string]int{"data": 1, "trial": 6, "tuned": 3, "source": 3, "blend": 1}, events)
	require.Greater(t, lines[len(lines)-1]["hr@5"], 0.8)
	given := result(t, "-data", data, "-model", "blend", "-sources", "markov,popular", "-weights", "1,0")
	require.Equal(t, result(t, "-data", data, "-model", "markov")["hr@5"], given["hr@5"])
}

func TestErrorsExitWith2AndNameFileLineAndReason(t *testing.T) {
	data := file(t, lists)
	good := []string{"-data", data, "-model", "markov"}
	with := func(args ...string) []string { return append(append([]string(nil), good...), args...) }
	bad := file(t, "1 10\n2 ten\n")
	sessions := []string{"-train", data, "-test", data, "-format", "sessions", "-model", "markov"}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no flags", nil, "-data is missing"},
		{"no test", []string{"-train", data, "-model", "markov"}, "-test is missing"},
		{"both", append(sessions, "-data", data), "-data excludes -train and -test"},
		{"no model", good[:2], "-model is missing"},
		{"unknown model", []string{"-data", data, "-model", "oracle"}, `-model is "oracle"; want one of popular, markov`},
		{"unknown flag", with("-nope"), "flag provided but not defined: -nope"},
		{"flag of another model", with("-idf", "1"), "-idf is no flag of model markov"},
		{"setting", with("-gap", "0"), `-gap is "0"; want a whole number >= 1`},
		{"format", with("-format", "sessions"), `-format is "sessions"; want lists or pairs or csv with -data`},
		{"format of sessions", append(sessions, "-format", "pairs"), `-format is "pairs"; want sessions or csv with -train`},
		{"protocol", with("-protocol", "sessions"), `-protocol is "sessions"; want leave-one-out or sampled with -data`},
		{"protocol of sessions", append(sessions, "-protocol", "sampled"), `-protocol is "sampled"; want sessions with -train`},
		{"ids", with("-ids", "uuid"), `-ids is "uuid"`},
		{"negatives", with("-negatives", "0"), "-negatives is 0"},
		{"users", with("-eval-users", "-1"), "-eval-users is -1"},
		{"cutoff", with("-k", "10,zero"), `-k is "10,zero"`},
		{"cutoff twice", with("-k", "5,5"), "-k names 5 twice"},
		{"metric", with("-tune-metric", "auc"), `-tune-metric is "auc"`},
		{"trials", with("-tune", "-1"), "-tune is -1"},
		{"time", with("-tune-time", "-1s"), "-tune-time is -1s"},
		{"time without trials", with("-tune-time", "5s"), "-tune-time bounds -tune"},
		{"no folder to save to", with("-save", filepath.Join(t.TempDir(), "no", "folder")), "there is no folder"},
		{"too large", []string{"-data", data, "-model", "als", "-regularization", "1e300"}, "want at most 1e+12"},
		{"load and tune", with("-tune", "1", "-load", "x"), "-load and -tune exclude each other"},
		{"load and settings", with("-gap", "1", "-load", "x"), "leave its flags out"},
		{"no model file", with("-load", data+"y"), "no such file or directory"},
		{"another file", with("-load", data), "the file starts with"},
		{"sources of another", with("-sources", "markov"), "-sources and -weights are of -model blend"},
		{"no sources", []string{"-data", data, "-model", "blend"}, "-sources is missing"},
		{"blend of blends", []string{"-data", data, "-model", "blend", "-sources", "blend"}, `"blend" is no model that a blend can have`},
		{"source twice", []string{"-data", data, "-model", "blend", "-sources", "stan,stan"}, `-sources names "stan" twice`},
		{"source's setting", []string{"-data", data, "-model", "blend", "-sources", "stan:idf"}, `"idf" is not parameter=value`},
		{"source's value", []string{"-data", data, "-model", "blend", "-sources", "stan:idf=-1"}, `stan: -idf is "-1"; want a number >= 0`},
		{"label", []string{"-data", data, "-model", "blend", "-sources", "a/b=stan"}, "a label is not empty and has no slash"},
		{"weights", []string{"-data", data, "-model", "blend", "-sources", "stan", "-weights", "x"}, `-weights is "x"`},
		{"number of weights", []string{"-data", data, "-model", "blend", "-sources", "stan", "-weights", "1,2"}, "-weights has 2 numbers; want 1"},
		{"missing file", []string{"-data", data + "x", "-model", "markov"}, data + "x: no such file or directory"},
		{"malformed", []string{"-data", bad, "-model", "markov"}, bad + `:2: item "ten": want an unsigned number`},
		{"malformed sessions", []string{"-train", data, "-test", bad, "-format", "sessions", "-model", "markov"}, bad + `:2: item "ten"`},
		{"session of one", []string{"-train", data, "-test", file(t, "1 2\n\n3\n"), "-format", "sessions", "-model", "markov"}, ":3: 1 item; want those of a session and the next"},
		{"short sequences", []string{"-data", file(t, "1 2 3\n"), "-model", "markov"}, "no sequence of three items"},
		{"short sessions", []string{"-train", file(t, "1,2\n"), "-test", file(t, "1,2\n"), "-format", "csv", "-model", "markov"}, "no session of two items"},
		{"nothing to tune on", []string{"-train", file(t, "1\n2\n"), "-test", data, "-format", "sessions", "-model", "markov", "-tune", "1"}, "need sequences of two items"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := seq(tt.args...)
			require.Equal(t, 2, code, stderr)
			require.Contains(t, stderr, tt.want)
		})
	}
	code, stdout, _ := seq("-help")
	require.Zero(t, code)
	require.Contains(t, stdout, "stan: sessions that propose (default 100)")
}

func TestRunStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, log bytes.Buffer
	code := run(ctx, []string{"-data", file(t, lists), "-model", "markov"}, nil, &out, &log)
	require.Equal(t, 1, code)
	require.Contains(t, log.String(), "context canceled")
}

// Every entry of the table must be usable: its defaults valid, its search within its domain.
func TestModelTableIsSound(t *testing.T) {
	names := map[string]bool{}
	for i := range models {
		m := &models[i]
		require.False(t, names[m.name], "%s is there twice", m.name)
		names[m.name] = true
		require.NoError(t, m.params.Validate(), m.name)
	}
}

// The ids of strings follow the order in which a file names them, so a model brings its own.
func TestModelOfStringsFitsAFileInAnotherOrder(t *testing.T) {
	write := func(lines ...string) string {
		path := filepath.Join(t.TempDir(), "log.csv")
		require.NoError(t, os.WriteFile(path, []byte("user,item,time\n"+strings.Join(lines, "\n")+"\n"), 0o644))
		return path
	}
	lines := []string{"ann,tea,1", "ann,milk,2", "ann,honey,3", "bob,tea,1", "bob,milk,2", "bob,honey,3", "cid,rice,1", "cid,fish,2", "cid,lime,3", "dan,rice,1", "dan,fish,2", "dan,lime,3"}
	first := write(lines...)
	slices.Reverse(lines)
	other := write(append([]string{"eve,cake,1"}, lines...)...)
	path := filepath.Join(t.TempDir(), "model")
	args := func(data string, more ...string) []string {
		return append([]string{"-data", data, "-ids", "string", "-model", "markov", "-k", "1"}, more...)
	}
	want := result(t, args(first, "-save", path)...)
	got := result(t, args(other, "-load", path)...)
	require.Equal(t, want["hit@1"], got["hit@1"])
	require.NoError(t, os.Remove(path+".ids"))
	code, _, stderr := seq(args(other, "-load", path)...)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, path+".ids: the model has no file of ids beside it")
}
