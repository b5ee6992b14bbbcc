package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// evenAndOdd returns lists of users who take even items or odd ones, and what they lack.
func evenAndOdd() (train, test string) {
	var a, b strings.Builder
	for u := range 24 {
		fmt.Fprint(&a, u)
		for i := u % 2; i < 24; i += 2 {
			if i == u {
				fmt.Fprintln(&b, u, i)
			} else {
				fmt.Fprint(&a, " ", i)
			}
		}
		fmt.Fprintln(&a)
	}
	return a.String(), b.String()
}

func TestTwotowerLearnsSavesAndLoads(t *testing.T) {
	trainLists, testLists := evenAndOdd()
	train, test := file(t, trainLists), file(t, testLists)
	saved := filepath.Join(t.TempDir(), "model")
	args := []string{"-train", train, "-test", test, "-model", "twotower", "-k", "1,5"}
	flags := []string{"-factors", "8", "-hidden", "8", "-batch", "64", "-learning-rate", "0.02", "-epochs", "20", "-pooling", "attention", "-optimizer", "adam", "-save", saved}
	got := result(t, append(args, flags...)...)
	require.Greater(t, got["recall@1"], 0.9)
	require.Equal(t, got, result(t, append(args, "-load", saved)...))
}

func TestTwotowerReportsItsLoss(t *testing.T) {
	trainLists, testLists := evenAndOdd()
	code, _, log := cf("-train", file(t, trainLists), "-test", file(t, testLists), "-model", "twotower", "-epochs", "3")
	require.Zero(t, code, log)
	require.Contains(t, log, "train: epoch 3/3, loss ")
	require.NotContains(t, log, "hold out")
	code, _, log = cf("-train", file(t, trainLists), "-test", file(t, testLists), "-model", "twotower", "-factors", "8", "-user-id", "yes")
	require.Zero(t, code, log)
	require.Regexp(t, `hold out: epoch \d+/100, loss .*, best in epoch \d`, log)
	require.Regexp(t, `train: epoch (\d+)/\d+, loss`, log)
	code, _, log = cf("-train", file(t, trainLists), "-test", file(t, testLists), "-model", "twotower", "-factors", "5000")
	require.Equal(t, 2, code)
	require.Contains(t, log, "-factors")
}
