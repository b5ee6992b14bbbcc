package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mixed is data of two kinds of users: half of them stay within a group of items, the others
// take what is popular.
func mixed(t testing.TB, users int) (train, test string) {
	rnd := rand.New(rand.NewPCG(4, 4))
	var a, b strings.Builder
	for u := range users {
		fmt.Fprint(&a, u)
		own := rnd.Perm(20)
		for k, i := range own[:10] {
			item := 100 + u%10*20 + i
			if u%2 == 0 {
				item = int(rnd.ExpFloat64() * 8)
			}
			if k == 9 {
				fmt.Fprintf(&b, "%d %d\n", u, item)
				continue
			}
			fmt.Fprintf(&a, " %d", item)
		}
		fmt.Fprintln(&a)
	}
	return file(t, a.String()), file(t, b.String())
}

func TestBlendTellsWhatEachSourceAdds(t *testing.T) {
	train, test := mixed(t, 300)
	args := []string{"-train", train, "-test", test, "-model", "blend", "-budget", "40", "-k", "10", "-sources", "popular,itemknn,again=itemknn:neighbors=200"}
	lines := results(t, args...)
	require.Len(t, lines, 1+3+1+1)
	var names []string
	for _, line := range lines[1:4] {
		require.Equal(t, "source", line["event"])
		names = append(names, line["source"].(string))
		require.Positive(t, line["calls"])
	}
	require.Equal(t, []string{"popular", "itemknn", "again"}, names)
	again := lines[3]
	require.InDelta(t, 0, again["recall_added"], 1e-9, "it is the same model again")
	require.Zero(t, again["weight"])
	require.Positive(t, lines[1]["recall_added"].(float64)+lines[2]["recall_added"].(float64))
	require.Equal(t, "blend", lines[4]["event"])
	require.LessOrEqual(t, lines[1]["quota"].(float64)+lines[2]["quota"].(float64)+again["quota"].(float64), 40.)

	alone := 0.0
	for _, model := range []string{"popular", "itemknn"} {
		alone = max(alone, result(t, "-train", train, "-test", test, "-model", model, "-k", "10")["recall@10"].(float64))
	}
	require.GreaterOrEqual(t, lines[5]["recall@10"], alone-0.01)

	_, stdout, stderr := cf(args...)
	require.Contains(t, stdout, "source")
	require.Contains(t, stdout, "weights: ")
	require.Contains(t, stderr, "blend: ")
}

func TestBlendUnderTheSampledProtocol(t *testing.T) {
	train, _ := mixed(t, 200)
	var b strings.Builder
	for u := range 200 {
		fmt.Fprintln(&b, u, 100+u%10*20+u%20, 3, 500, 501)
	}
	args := []string{"-train", train, "-test", file(t, b.String()), "-model", "blend", "-protocol", "sampled", "-k", "1", "-tune-metric", "hr", "-sources", "itemknn,popular"}
	want := result(t, append(args, "-workers", "1")...)
	require.Equal(t, want, result(t, append(args, "-workers", "3")...))
	fixed := results(t, append(args, "-weights", "1,0.5")...)
	require.Len(t, fixed, 2, "nothing is learned")
	require.Greater(t, fixed[1]["hr@1"], 0.4)
}

func TestBlendOfTunedSources(t *testing.T) {
	train, test := mixed(t, 150)
	args := []string{"-train", train, "-test", test, "-model", "blend", "-sources", "popular,knn=itemknn:shrinkage=7", "-tune", "3", "-tune-metric", "recall"}
	lines := results(t, args...)
	trials := map[any]int{}
	for _, line := range lines {
		if line["event"] == "trial" {
			trials[line["source"]]++
			if line["source"] == "knn" {
				require.Equal(t, 7., line["shrinkage"])
			}
		}
	}
	require.Equal(t, map[any]int{"popular": 3, "knn": 3}, trials)
}

func TestABlendIsSavedWithItsSources(t *testing.T) {
	train, test := mixed(t, 150)
	path := filepath.Join(t.TempDir(), "blend")
	args := []string{"-train", train, "-test", test, "-model", "blend", "-sources", "knn=itemknn:neighbors=50,popular"}
	want := result(t, append(args, "-save", path)...)
	require.Equal(t, want, result(t, append(args, "-load", path)...))
	require.NoError(t, os.Remove(path+".knn"))
	code, _, stderr := cf(append(args, "-load", path)...)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, path+".knn: no such file")
	args[len(args)-1] = "popular"
	code, _, stderr = cf(append(args, "-load", path)...)
	require.Equal(t, 2, code)
	require.Contains(t, stderr, `source is missing: "knn"`)
}

func TestTuneTimeEndsTheSearch(t *testing.T) {
	train, test := clusters(t, 100)
	lines := results(t, "-train", train, "-test", test, "-model", "itemknn", "-tune", "100000", "-tune-time", "30ms")
	require.Equal(t, "tuned", lines[len(lines)-2]["event"])
	require.Less(t, len(lines), 10_000)
	require.Greater(t, len(lines), 3)
}
