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
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/examples/internal/input"
)

// file writes text to a new file and returns its name.
func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f.txt")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	return name
}

// cf runs the program and returns its exit code and what it wrote.
func cf(args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = run(context.Background(), args, nil, &out, &log)
	return code, out.String(), log.String()
}

// results runs the program with -json, which must work, and returns its lines.
func results(t testing.TB, args ...string) []map[string]any {
	t.Helper()
	code, stdout, stderr := cf(append(args, "-json")...)
	require.Zero(t, code, stderr)
	var lines []map[string]any
	for line := range strings.Lines(stdout) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		lines = append(lines, m)
	}
	return lines
}

// result returns the last line without the times and the rows of cold users and items.
func result(t testing.TB, args ...string) map[string]any {
	t.Helper()
	lines := results(t, args...)
	for _, line := range lines[:len(lines)-1] {
		require.Contains(t, line, "event")
	}
	last := lines[len(lines)-1]
	require.NotContains(t, last, "event")
	for _, key := range []string{"train_s", "eval_s"} {
		require.GreaterOrEqual(t, last[key], 0.0)
		delete(last, key)
	}
	for key := range last {
		if strings.Contains(key, "cold") || strings.Contains(key, "warm") {
			delete(last, key)
		}
	}
	return last
}

// last returns the last line with everything.
func last(t testing.TB, args ...string) map[string]any {
	t.Helper()
	lines := results(t, args...)
	return lines[len(lines)-1]
}

const (
	trainLists = "1 10 20\n2 10 20 30\n3 20\n"
	testLists  = "1 30\n2 40\n9 10\n" // item 40 and user 9 are new
)

func TestPopularByHand(t *testing.T) {
	// Counts: 20 has 3, 10 has 2, 30 has 1, 40 none. User 1 ranks 30, 40; user 2 ranks 40
	// alone; user 9 ranks 20, 10, 30, 40.
	got := result(t, "-train", file(t, trainLists), "-test", file(t, testLists), "-model", "popular", "-k", "1,2")
	log3 := 1 / math.Log2(3)
	require.Equal(t, map[string]any{
		"model": "popular", "users": 3., "items": 4., "train": 6., "test": 3.,
		"recall@1": 2. / 3, "ndcg@1": 2. / 3, "hr@1": 2. / 3,
		"recall@2": 1., "ndcg@2": (2 + log3) / 3, "hr@2": 1.,
	}, got)
}

func TestFormatsReadTheSame(t *testing.T) {
	pairs := func(lists string) string {
		var b strings.Builder
		for line := range strings.Lines(lists) {
			f := strings.Fields(line)
			for _, item := range f[1:] {
				fmt.Fprintln(&b, f[0], item)
			}
		}
		return b.String()
	}
	want := result(t, "-train", file(t, trainLists), "-test", file(t, testLists), "-model", "popular")
	require.Equal(t, want, result(t, "-train", file(t, pairs(trainLists)), "-test", file(t, pairs(testLists)), "-format", "pairs", "-model", "popular"))
	csv := strings.ReplaceAll(pairs(trainLists), " ", ",")
	test := strings.ReplaceAll(pairs(testLists), " ", ",")
	require.Equal(t, want, result(t, "-train", file(t, csv), "-test", file(t, test), "-format", "csv", "-model", "popular"))
	require.Equal(t, want, result(t, "-train", file(t, "user,item\n"+csv), "-test", file(t, "user,item\n"+test), "-format", "csv", "-model", "popular"))
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	zw.Write([]byte(trainLists))
	zw.Close()
	require.Equal(t, want, result(t, "-train", file(t, zipped.String()), "-test", file(t, testLists), "-model", "popular"))
}

func TestStringIDs(t *testing.T) {
	train, test := "ann tea milk\nbob tea milk jam\ncat milk\n", "ann jam\nbob rye\neve tea\n"
	want := result(t, "-train", file(t, trainLists), "-test", file(t, testLists), "-model", "popular", "-k", "1,2")
	require.Equal(t, want, result(t, "-train", file(t, train), "-test", file(t, test), "-model", "popular", "-k", "1,2", "-ids", "string"))
	got := result(t, "-train", file(t, train), "-test", file(t, "ann jam rye milk\n"), "-model", "popular", "-k", "1", "-ids", "string", "-protocol", "sampled")
	require.Equal(t, 1., got["hr@1"])
}

func TestCSVValuesAndTimesCount(t *testing.T) {
	train := "user,item,value,time\n1,10,5,1700000000\n2,20,1,1700864000\n3,20,1,1700864000\n"
	test := "4,20\n"
	args := []string{"-train", file(t, train), "-test", file(t, test), "-format", "csv", "-model", "popular", "-k", "1"}
	require.Equal(t, 0., result(t, args...)["recall@1"], "item 10 has the larger weight")
	require.Equal(t, 1., result(t, append(args, "-half-life", "1")...)["recall@1"], "ten days ago")
}

// Two items with the same users cannot be told apart: a positive tied with one negative gets
// half.
func TestTiesGiveTheExpectation(t *testing.T) {
	got := result(t, "-train", file(t, "1 10 20 30\n2 10 20 30\n3 10\n"), "-test", file(t, "3 20\n"), "-model", "itemknn", "-k", "1")
	require.Equal(t, 0.5, got["recall@1"])
	require.Equal(t, 0.5, got["ndcg@1"])
}

func TestSampledProtocol(t *testing.T) {
	// Popularity: 10, 20, 30 in this order. The first user's negative 10 is in training and
	// goes; a double and the positive itself count once.
	train := file(t, "1 10\n2 10 20\n3 10 20 30\n")
	got := result(t, "-train", train, "-test", file(t, "1 20 10 30 30 20\n4 30 10 20\n"), "-protocol", "sampled", "-model", "popular", "-k", "1,3")
	require.Equal(t, map[string]any{
		"model": "popular", "users": 2., "items": 3., "train": 6., "test": 2.,
		"recall@1": 0.5, "ndcg@1": 0.5, "hr@1": 0.5, "recall@3": 1., "ndcg@3": 0.75, "hr@3": 1.,
	}, got)
	got = result(t, "-train", train, "-test", file(t, "1,20,30\n4,30,20\n4,20,30\n"), "-protocol", "sampled", "-model", "popular", "-k", "1")
	require.Equal(t, 0.75, got["hr@1"], "a user with two lines counts once")
	require.Equal(t, 2., got["users"])
	require.Equal(t, 3., got["test"])
}

func TestTestItemsThatTrainingHasAreNeverFound(t *testing.T) {
	got := result(t, "-train", file(t, trainLists), "-test", file(t, "1 10 30\n"), "-model", "popular", "-k", "5")
	require.Equal(t, 0.5, got["recall@5"])
	require.Equal(t, 2., got["test"])
}

// clusters is data in which users stay within one of five groups of items.
func clusters(t testing.TB, users int) (train, test string) {
	rnd := rand.New(rand.NewPCG(3, 3))
	var a, b strings.Builder
	for u := range users {
		items := rnd.Perm(30)
		fmt.Fprint(&a, u)
		for _, i := range items[:8] {
			fmt.Fprintf(&a, " %d", u%5*30+i)
		}
		fmt.Fprintf(&a, " %d\n", rnd.IntN(150)) // noise
		fmt.Fprintf(&b, "%d %d %d\n", u, u%5*30+items[8], u%5*30+items[9])
	}
	return file(t, a.String()), file(t, b.String())
}

func TestItemKNNFindsClusters(t *testing.T) {
	train, test := clusters(t, 400)
	popular := result(t, "-train", train, "-test", test, "-model", "popular")["recall@20"].(float64)
	for _, weighting := range []string{"cosine", "tfidf", "bm25"} {
		knn := result(t, "-train", train, "-test", test, "-model", "itemknn", "-weighting", weighting)["recall@20"].(float64)
		require.Greater(t, knn, 0.8, weighting)
		require.Less(t, popular, 0.3)
	}
}

func TestResultDoesNotDependOnWorkers(t *testing.T) {
	train, test := clusters(t, 100)
	for _, model := range []string{"popular", "itemknn"} {
		args := []string{"-train", train, "-test", test, "-model", model, "-tune", "5", "-workers"}
		require.Equal(t, result(t, append(args, "1")...), result(t, append(args, "5")...), model)
	}
}

func TestSaveAndLoadGiveTheSameResult(t *testing.T) {
	train, test := clusters(t, 100)
	for _, model := range []string{"popular", "itemknn"} {
		path := filepath.Join(t.TempDir(), "model")
		want := result(t, "-train", train, "-test", test, "-model", model, "-save", path)
		require.Equal(t, want, result(t, "-train", train, "-test", test, "-model", model, "-load", path), model)
	}
}

// The ids of strings follow the order in which a file names them, so a model brings its own.
func TestModelOfStringsFitsAFileInAnotherOrder(t *testing.T) {
	const users = "ann tea milk honey\nbob tea milk\ncid rice fish\ndan rice fish lime\n"
	train, test := file(t, users), file(t, "bob honey\ncid lime\n")
	lines := strings.SplitAfter(users, "\n")
	slices.Reverse(lines)
	other := file(t, "eve cake\n"+strings.Join(lines, ""))
	path := filepath.Join(t.TempDir(), "model")
	args := func(train string, more ...string) []string {
		return append([]string{"-train", train, "-test", test, "-ids", "string", "-model", "itemknn", "-k", "1"}, more...)
	}
	want := result(t, args(train, "-save", path)...)
	require.Equal(t, 1., want["recall@1"])
	got := result(t, args(other, "-load", path)...)
	require.Equal(t, want["recall@1"], got["recall@1"])

	code, _, stderr := cf("-train", train, "-test", test, "-model", "itemknn", "-load", path)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, path+".ids: the ids of the model are strings; want -ids string")
	numbers, numbered := file(t, trainLists), file(t, testLists)
	result(t, "-train", numbers, "-test", numbered, "-model", "itemknn", "-save", path)
	code, _, stderr = cf(args(train, "-load", path)...)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, path+".ids: the model has no file of ids beside it")

	require.NoError(t, os.WriteFile(path+".ids", []byte("a file of the user's"), 0o644))
	result(t, "-train", numbers, "-test", numbered, "-model", "itemknn", "-save", path)
	result(t, "-train", numbers, "-test", numbered, "-model", "itemknn", "-load", path)
	require.FileExists(t, path+".ids")
}

func TestMemoryIsBoundedForEveryModel(t *testing.T) {
	train, test := clusters(t, 40)
	for _, model := range []string{"itemknn", "rp3beta", "slim", "ease", "gfcf", "als", "bpr", "puresvd"} {
		code, _, stderr := cf("-train", train, "-test", test, "-model", model, "-max-gib", "1e-8")
		require.Equal(t, 1, code, model)
		require.Contains(t, stderr, "bytes and may take 10: raise Config.MaxBytes", model)
		require.Contains(t, stderr, "(-max-gib sets Config.MaxBytes)", model)
	}
	for _, more := range [][]string{{"-model", "blend", "-sources", "popular,als"}, {"-model", "als", "-tune", "2"}} {
		code, _, stderr := cf(append([]string{"-train", train, "-test", test, "-max-gib", "1e-8"}, more...)...)
		require.Equal(t, 1, code, more)
		require.Contains(t, stderr, "(-max-gib sets Config.MaxBytes)", more)
	}
}

func TestP3alphaIsRP3betaWithoutBeta(t *testing.T) {
	train, test := clusters(t, 100)
	path := filepath.Join(t.TempDir(), "model")
	args := []string{"-train", train, "-test", test, "-model"}
	want := result(t, append(args, "p3alpha", "-save", path)...)
	got := result(t, append(args, "rp3beta", "-load", path)...)
	require.Equal(t, want["recall@20"], got["recall@20"])
	result(t, append(args, "rp3beta", "-save", path)...)
	code, _, stderr := cf(append(args, "p3alpha", "-load", path)...)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "the model has beta 0.3; want one of p3alpha, or -model rp3beta")
}

func TestTuneFindsWhatItIsGivenToFind(t *testing.T) {
	train, test := clusters(t, 200)
	args := []string{"-train", train, "-test", test, "-model", "itemknn", "-tune", "8", "-k", "10", "-shrinkage", "7", "-tune-metric", "recall"}
	for _, protocol := range []string{"full", "sampled"} {
		if protocol == "sampled" {
			args[3] = file(t, "1 2 3 4\n")
			args = append(args, "-protocol", "sampled")
		}
		lines := results(t, args...)
		require.Len(t, lines, 1+8+1+1)
		best := -1.0
		for i, line := range lines[1:9] {
			require.Equal(t, "trial", line["event"])
			require.Equal(t, float64(i), line["trial"])
			require.Equal(t, 7., line["shrinkage"], "a flag that is given stays")
			best = max(best, line["recall@10"].(float64))
		}
		require.Equal(t, 200., lines[1]["neighbors"], "the first trial is the defaults")
		tuned := lines[9]
		require.Equal(t, "tuned", tuned["event"])
		require.Equal(t, best, tuned["recall@10"])
		again := results(t, args...)
		for i := range lines {
			for _, key := range []string{"seconds", "train_s", "eval_s"} {
				delete(lines[i], key)
				delete(again[i], key)
			}
		}
		require.Equal(t, lines, again, "the same seed gives the same trials")
	}
}

// The result after tuning is that of the settings that tuning names, trained on everything.
func TestTunedSettingsAreTrainedOnEverything(t *testing.T) {
	train, test := clusters(t, 100)
	args := []string{"-train", train, "-test", test, "-model", "itemknn"}
	lines := results(t, append(args, "-tune", "6")...)
	tuned := lines[len(lines)-2]
	for _, name := range []string{"neighbors", "shrinkage", "asymmetry", "k1", "b"} {
		args = append(args, "-"+name, strconv.FormatFloat(tuned[name].(float64), 'f', -1, 64))
	}
	args = append(args, "-weighting", tuned["weighting"].(string), "-keep", tuned["keep"].(string))
	want, got := lines[len(lines)-1], last(t, args...)
	for _, key := range []string{"train_s", "eval_s"} {
		delete(want, key)
		delete(got, key)
	}
	require.Equal(t, want, got)
}

func TestTuningHoldsOutWithoutLooking(t *testing.T) {
	in, err := input.Interactions(file(t, "1 10 20 30 40 50 60 70 80 90 100\n2 10\n3 10 20\n4 10 20 20 30\n"), "lists", input.NewIDs("number"))
	require.NoError(t, err)
	for _, sampled := range []bool{false, true} {
		d, err := validation(in, sampled, rand.New(rand.NewPCG(1, 1)))
		require.NoError(t, err)
		require.Len(t, d.tests, 3, "user 2 has but one item")
		require.Equal(t, in.Items(), d.catalogue)
		require.Equal(t, in.Len(), d.train.Len()+d.positives)
		want := map[bool][]int{false: {2, 1, 1}, true: {1, 1, 1}}[sampled]
		for i, tt := range d.tests {
			require.Len(t, tt.relevant, want[i])
			seen := d.seen(nil, tt.user)
			for _, at := range tt.relevant {
				require.NotContains(t, seen, at, "held out and yet there")
			}
			if sampled {
				row, _ := in.UserRow(tt.user)
				require.Len(t, tt.candidates, 1+len(d.catalogue)-len(in.History(row))+repeats[i], "all that the user does not have")
			}
		}
	}
}

// With times the newest items are held out, by their last event.
func TestTuningHoldsOutTheNewest(t *testing.T) {
	var b strings.Builder
	for item := range 10 {
		fmt.Fprintf(&b, "1,%d,1,%d\n", 10*item, 1_700_000_000+1000*item)
	}
	fmt.Fprintf(&b, "1,0,1,%d\n", 1_700_100_000) // again
	in, err := input.Interactions(file(t, b.String()), "csv", input.NewIDs("number"))
	require.NoError(t, err)
	d, err := validation(in, false, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Equal(t, []int32{d.place(0), d.place(90)}, d.tests[0].relevant)
	require.Equal(t, 8, d.train.Len())
}

// repeats is the number of repeated events of the tested users.
var repeats = []int{0, 0, 1}

func TestTextOutputHasTheSameFigures(t *testing.T) {
	code, stdout, stderr := cf("-train", file(t, trainLists), "-test", file(t, testLists), "-model", "popular", "-k", "1")
	require.Zero(t, code)
	require.Contains(t, stdout, "data: users 3 items 4 train 6 test 3\n")
	require.Contains(t, stdout, "recall@1               0.6666666666666666\n")
	require.Contains(t, stderr, "evaluate: 3 in ")
}

func TestErrorsExitWith2AndNameFileLineAndReason(t *testing.T) {
	train, test := file(t, trainLists), file(t, testLists)
	good := []string{"-train", train, "-test", test, "-model", "popular"}
	with := func(args ...string) []string { return append(append([]string(nil), good...), args...) }
	bad := file(t, "1 10\n2 ten\n")
	blended := func(args ...string) []string {
		return append([]string{"-train", file(t, "1 10\n2 20\n"), "-test", test, "-model", "blend"}, args...)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no flags", nil, "-train is missing"},
		{"no model", good[:4], "-model is missing"},
		{"unknown flag", with("-nope"), "flag provided but not defined: -nope"},
		{"unknown model", []string{"-train", train, "-test", test, "-model", "oracle"}, `-model is "oracle"; want one of popular, `},
		{"flag of another model", with("-neighbors", "5"), "-neighbors is no flag of model popular"},
		{"setting out of range", with("-half-life", "-1"), `-half-life is "-1"; want a number >= 0`},
		{"setting that is no number", with("-half-life", "NaN"), `-half-life is "NaN"; want a number >= 0`},
		{"whole number", []string{"-train", train, "-test", test, "-model", "itemknn", "-neighbors", "2.5"}, "want a whole number >= 1"},
		{"choice", []string{"-train", train, "-test", test, "-model", "itemknn", "-weighting", "pmi"}, "want cosine or tfidf or bm25"},
		{"too large", []string{"-train", train, "-test", test, "-model", "itemknn", "-asymmetry", "2"}, "want at most 1"},
		{"format", with("-format", "xml"), `-format is "xml"`},
		{"ids", with("-ids", "uuid"), `-ids is "uuid"`},
		{"protocol", with("-protocol", "half"), `-protocol is "half"`},
		{"cutoff", with("-k", "10,zero"), `-k is "10,zero"`},
		{"cutoff 0", with("-k", "0"), `-k is "0"`},
		{"cutoff twice", with("-k", "5,5"), "-k names 5 twice"},
		{"metric", with("-tune-metric", "auc"), `-tune-metric is "auc"`},
		{"trials", with("-tune", "-1"), "-tune is -1"},
		{"time without trials", with("-tune-time", "5s"), "-tune-time bounds -tune"},
		{"memory", with("-max-gib", "NaN"), "-max-gib is NaN; want a number >= 0"},
		{"cold", with("-cold", "-2"), "-cold is -2"},
		{"far too large", with("-half-life", "1e9"), `-half-life is "1e9"; want at most 100000`},
		{"no folder to save to", with("-save", filepath.Join(t.TempDir(), "no", "folder")), "there is no folder"},
		{"a folder to save to", with("-save", t.TempDir()), "is a folder, want a file"},
		{"negative time", with("-tune", "2", "-tune-time", "-5s"), "-tune-time is -5s"},
		{"sources of no blend", with("-sources", "itemknn"), "-sources and -weights are of -model blend"},
		{"blend of nothing", blended(), "-sources is missing"},
		{"blend of a blend", blended("-sources", "blend"), `"blend" is no model that a blend can have`},
		{"unknown source", blended("-sources", "popular,oracle"), `"oracle" is no model`},
		{"a source twice", blended("-sources", "popular,popular"), `names "popular" twice; label=name tells them apart`},
		{"a bad label", blended("-sources", "a/b=popular"), "has no slash"},
		{"the label of the ids", blended("-sources", "ids=popular"), "holds its ids"},
		{"setting of a source", blended("-sources", "itemknn:neighbors=none"), "-sources: itemknn: -neighbors is \"none\"; want a whole number"},
		{"unknown setting of a source", blended("-sources", "knn=itemknn:factors=5"), "knn: -factors is no flag of model itemknn"},
		{"malformed setting of a source", blended("-sources", "itemknn:neighbors"), "is not parameter=value"},
		{"malformed weights", blended("-sources", "popular", "-weights", "x"), `-weights is "x"`},
		{"weights of others", blended("-sources", "popular", "-weights", "1,2"), "-weights has 2 numbers; want 1"},
		{"blend of too little", blended("-sources", "popular"), "-model blend needs users with two items"},
		{"load and tune", with("-tune", "1", "-load", "x"), "-load and -tune exclude each other"},
		{"load and settings", with("-half-life", "1", "-load", "x"), "leave its flags out"},
		{"missing file", []string{"-train", train + "x", "-test", test, "-model", "popular"}, train + "x: no such file or directory"},
		{"malformed train", []string{"-train", bad, "-test", test, "-model", "popular"}, bad + `:2: item "ten": want an unsigned number`},
		{"malformed test", []string{"-train", train, "-test", bad, "-model", "popular"}, bad + `:2: item "ten": want an unsigned number`},
		{"malformed sampled", []string{"-train", train, "-test", bad, "-model", "popular", "-protocol", "sampled"}, bad + `:2: item "ten": want an unsigned number`},
		{"short sampled", []string{"-train", train, "-test", file(t, "1 2 3\n\n4\n"), "-model", "popular", "-protocol", "sampled"}, ":3: 1 field; want user, positive and negatives"},
		{"pairs of one", with("-format", "pairs"), ":2: 4 fields; want 2"},
		{"empty train", []string{"-train", file(t, ""), "-test", test, "-model", "popular"}, "no interactions"},
		{"empty test", []string{"-train", train, "-test", file(t, "1\n"), "-model", "popular"}, "no interactions"},
		{"empty sampled", []string{"-train", train, "-test", file(t, "\n"), "-model", "popular", "-protocol", "sampled"}, "no tests"},
		{"no model file", with("-load", train+"y"), "no such file or directory"},
		{"another file", with("-load", train), `the file starts with "1 10`},
		{"nothing to tune on", []string{"-train", file(t, "1 10\n2 20\n"), "-test", test, "-model", "popular", "-tune", "2"}, "-tune needs users with two items"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "pairs of one" {
				tt.args[1] = file(t, "1 10\n2 10 20 30\n")
			}
			code, _, stderr := cf(tt.args...)
			require.Equal(t, 2, code, stderr)
			require.Contains(t, stderr, tt.want)
		})
	}
	code, stdout, _ := cf("-help")
	require.Zero(t, code)
	require.Contains(t, stdout, "itemknn: neighbours kept per item (default 200)")
}

func TestModelFileOfAnotherModelIsRefused(t *testing.T) {
	train, test := file(t, trainLists), file(t, testLists)
	path := filepath.Join(t.TempDir(), "model")
	result(t, "-train", train, "-test", test, "-model", "popular", "-save", path)
	code, _, stderr := cf("-train", train, "-test", test, "-model", "itemknn", "-load", path)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, `the file holds "popular"; want "itemsim"`)
}

func TestRunStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, log bytes.Buffer
	train, test := clusters(t, 50)
	code := run(ctx, []string{"-train", train, "-test", test, "-model", "itemknn"}, nil, &out, &log)
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
		require.NoError(t, m.bench(nil).Params.Validate(), m.name)
	}
}
