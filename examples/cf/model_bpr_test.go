package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPairwiseModelsFindClusters(t *testing.T) {
	train, test := clusters(t, 300)
	for _, name := range []string{"bpr", "warp", "logistic"} {
		args := []string{"-train", train, "-test", test, "-model", name, "-factors", "16", "-epochs", "30"}
		if name == "warp" {
			args = append(args, "-regularization", "0.2")
		}
		path := filepath.Join(t.TempDir(), name)
		want := result(t, append(args, "-workers", "1", "-save", path)...)
		require.Greater(t, want["recall@20"], 0.5, name)
		require.Equal(t, want, result(t, append(args, "-workers", "3")...), name)
		require.Equal(t, want, result(t, "-train", train, "-test", test, "-model", name, "-load", path), name)
	}
	require.Greater(t, result(t, "-train", train, "-test", test, "-model", "bpr", "-factors", "16", "-epochs", "30", "-hogwild", "1")["recall@20"], 0.5)
}

// Item 20 has come up in the last days; over all times it is the rarer one.
func TestTrendingKnowsTheTime(t *testing.T) {
	var b strings.Builder
	fmt.Fprintln(&b, "user,item,time")
	for u := range 20 {
		fmt.Fprintf(&b, "%d,10,%d\n", u, 1_700_000_000+86_400*u)
		if u < 6 {
			fmt.Fprintf(&b, "%d,20,%d\n", u, 1_700_000_000+86_400*19)
		}
	}
	args := []string{"-train", file(t, b.String()), "-test", file(t, "100,20\n"), "-format", "csv", "-k", "1", "-model"}
	require.Equal(t, 0., result(t, append(args, "popular")...)["recall@1"])
	for _, rank := range []string{"rate", "lift"} {
		require.Equal(t, 1., result(t, append(args, "trending", "-window", "2", "-rank", rank)...)["recall@1"], rank)
	}
	code, _, stderr := cf("-train", file(t, trainLists), "-test", file(t, testLists), "-model", "trending")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "no times")
}
