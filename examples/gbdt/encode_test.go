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

// tastes returns n rows of a user, an item and a number: users of even numbers click items of even numbers.
func tastes(n int, seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	b.WriteString("click,user,item,x\n")
	for range n {
		user, item := rng.IntN(40), rng.IntN(30)
		click := 0
		if (user+item)%2 == 0 != (rng.IntN(10) == 0) {
			click = 1
		}
		fmt.Fprintf(&b, "%d,u%d,%d,%.3f\n", click, user, item, rng.Float64())
	}
	return b.String()
}

// withoutLabel drops the first column of CSV text.
func withoutLabel(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		_, rest, _ := strings.Cut(line, ",")
		b.WriteString(rest)
	}
	return b.String()
}

func TestEncodeLearnsFromPairs(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gbdt")
	held := tastes(2000, 2)
	train := []string{
		"train", "-data", write(t, tastes(20000, 1)), "-test", write(t, held), "-header", "-label", "click", "-cat", "user,item",
		"-objective", "logloss", "-rounds", "20", "-leaves", "8", "-model", model,
	}
	plain := result(t, append(train, "-rounds", "1")...)
	r := result(t, append(train, "-encode", "auto")...)
	require.Greater(t, r["auc"], 0.85) // of at most .9
	require.Greater(t, r["auc"], plain["auc"])
	require.EqualValues(t, 7, r["features"]) // x, and mean and count of user, item and their pair

	// predict finds the statistics beside the model, and the columns by name.
	out := filepath.Join(t.TempDir(), "p.csv")
	require.EqualValues(t, 2000, result(t, "predict", "-model", model, "-data", write(t, withoutLabel(held)), "-header", "-out", out)["rows"])
	right := 0
	lines := strings.Split(held, "\n")[1:]
	for i, p := range numbers(t, out) {
		if (p[0] > .5) == strings.HasPrefix(lines[i], "1") {
			right++
		}
	}
	require.Greater(t, right, 1700)

	code, _, errs := program(t, "predict", "-model", model, "-data", write(t, withoutLabel(held)))
	require.Equal(t, 2, code)
	require.Contains(t, errs, "-header is wanted")
	code, _, errs = program(t, "predict", "-model", model, "-data", write(t, "user,x\nu1,1\n"), "-header")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "no column item")
	code, _, errs = program(t, "predict", "-model", model, "-data", write(t, "user,item,x\nu1,1,1\nu1,1,much\n"), "-header")
	require.Equal(t, 2, code)
	require.Contains(t, errs, `:3: column "x": "much"`)

	// One that the model does not read is left alone; a broken one is not.
	result(t, append(train, "-rounds", "1")...)
	result(t, "predict", "-model", model, "-data", write(t, withoutLabel(held)), "-header", "-out", out)
	require.NoError(t, os.WriteFile(model+".encoder", []byte("no encoder"), 0o644))
	code, _, errs = program(t, "predict", "-model", model, "-data", write(t, withoutLabel(held)), "-header")
	require.Equal(t, 2, code)
	require.Contains(t, errs, model+".encoder")
}

func TestRepeatIsTheMeanOverSeeds(t *testing.T) {
	data, test, model := write(t, tastes(500, 1)), write(t, tastes(500, 2)), filepath.Join(t.TempDir(), "m.gbdt")
	train := []string{
		"train", "-data", data, "-test", test, "-header", "-label", "click", "-objective", "logloss",
		"-rounds", "10", "-row-fraction", "0.5", "-feature-fraction", "0.6", "-model", model,
	}
	sum := 0.0
	for _, seed := range []string{"3", "4", "5"} {
		sum += result(t, append(train, "-seed", seed)...)["auc"].(float64)
	}
	first := result(t, append(train, "-seed", "3")...)
	r := result(t, append(train, "-seed", "3", "-repeat", "3")...)
	require.InDelta(t, sum/3, r["auc"], 1e-12)
	require.Equal(t, first["model"], r["model"])
	require.NotEqual(t, first["auc"], r["auc"])
	code, _, _ := program(t, append(train, "-repeat", "0")...)
	require.Equal(t, 2, code)
}

func TestTestJudgesWhereValidStops(t *testing.T) {
	train := []string{
		"train", "-data", write(t, tastes(500, 1)), "-valid", write(t, tastes(500, 2)), "-header", "-label", "click", "-objective", "logloss",
		"-patience", "3", "-model", filepath.Join(t.TempDir(), "m.gbdt"),
	}
	valid := result(t, train...)
	test := result(t, append(train, "-test", write(t, tastes(500, 3)))...)
	require.Equal(t, valid["model"], test["model"])
	require.NotEqual(t, valid["auc"], test["auc"])
	code, _, errs := program(t, append(train, "-encode", "user,x")...)
	require.Equal(t, 2, code)
	require.Contains(t, errs, `-encode: no column "x"`)
	code, _, errs = program(t, append(train, "-encode", "auto", "-drop", "user")...)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "there are no categories")
}
