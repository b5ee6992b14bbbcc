package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/recsyskit/recsys/internal/reference"
)

// program runs the program and returns its exit code and what it printed.
func program(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

// result runs the program with -json and returns its last line.
func result(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, out, errs := program(t, append(args, "-json")...)
	require.Zero(t, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &o))
	return o
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func numbers(t *testing.T, path string) [][]float64 {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	require.NoError(t, err)
	rows := make([][]float64, len(records))
	for i, record := range records {
		for _, field := range record {
			v, err := strconv.ParseFloat(field, 64)
			require.NoError(t, err)
			rows[i] = append(rows[i], v)
		}
	}
	return rows
}

// Source: outputs of LightGBM 4.6 and XGBoost 1.7.4 on the reference models. What they print of raw scores
// and leaves we print to the letter; exponentials differ in the last digit, sums of XGBoost in float32.
func TestPredictWritesWhatTheLibrariesWrite(t *testing.T) {
	folder := reference.Dir(t, "golden", "gbdt")
	found, err := filepath.Glob(filepath.Join(folder, "*.meta.json"))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	out := filepath.Join(t.TempDir(), "out.csv")
	for _, path := range found {
		name := strings.TrimSuffix(filepath.Base(path), ".meta.json")
		at := func(ending string) string { return filepath.Join(folder, name+"."+ending) }
		var meta struct{ Missing string }
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &meta))
		if meta.Missing == "" {
			meta.Missing = "nan"
		}
		for _, extension := range []string{"txt", "json", "ubj"} {
			model := at("model." + extension)
			if _, err := os.Stat(model); err != nil {
				continue
			}
			for output, want := range map[string]string{"score": at("pred.csv"), "raw": at("raw.csv"), "leaf": at("leaf.csv")} {
				if _, err := os.Stat(want); err != nil {
					continue
				}
				r := result(t, "predict", "-model", model, "-data", at("input.csv"), "-missing", meta.Missing, "-output", output, "-out", out)
				got, expected := numbers(t, out), numbers(t, want)
				require.EqualValues(t, len(expected), r["rows"])
				tolerance := 1e-6
				if strings.HasPrefix(name, "lgb") {
					tolerance = 1e-14
				}
				for i := range expected {
					require.Len(t, got[i], len(expected[i]))
					for j, v := range expected[i] {
						if !(math.Abs(got[i][j]-v) <= tolerance*max(1, math.Abs(v))) && got[i][j] != v && v == v {
							t.Fatalf("%s: row %d, %s %d is %v; want %v", model, i, output, j, got[i][j], v)
						}
					}
				}
				if output == "leaf" || output == "raw" && strings.HasPrefix(name, "lgb") {
					a, _ := os.ReadFile(out)
					b, _ := os.ReadFile(want)
					require.Equal(t, string(b), string(a), "%s: %s", model, output)
				}
			}
		}
	}
}

// rows of two kinds of fruit, with a text, an empty field and a number column that is dropped.
func fruit(n int) string {
	var b strings.Builder
	b.WriteString("id,colour,weight,kind,w\n")
	for i := range n {
		colour, kind := []string{"red", "green", "yellow", ""}[i%4], "apple"
		weight := 100 + i%7
		if (i%4 == 2) != (weight > 104) {
			kind = "lemon"
		}
		b.WriteString(strings.Join([]string{strconv.Itoa(i), colour, strconv.Itoa(weight), kind, "1"}, ",") + "\n")
	}
	return b.String()
}

func TestTrainedModelKeepsItsCategories(t *testing.T) {
	data, model := write(t, fruit(560)), filepath.Join(t.TempDir(), "m.gbdt")
	train := []string{
		"train", "-data", data, "-header", "-label", "kind", "-positive", "lemon", "-drop", "id", "-weight", "w",
		"-objective", "binary", "-rounds", "40", "-lr", "0.2", "-leaves", "8", "-model", model,
	}
	r := result(t, train...)
	require.Greater(t, r["auc"], 0.99)
	require.Less(t, r["logloss"], 0.1)
	require.EqualValues(t, 560, r["rows"])
	require.EqualValues(t, 2, r["features"])
	require.Greater(t, r["train_s"], 0.0)

	rows := write(t, "weight,note,colour\n106,x,yellow\n101,x,yellow\n106,x,red\n101,x,\n101,x,purple\n")
	out := filepath.Join(t.TempDir(), "p.csv")
	p := result(t, "predict", "-model", model, "-data", rows, "-header", "-out", out)
	require.EqualValues(t, 5, p["rows"])
	got := numbers(t, out)
	require.Less(t, got[0][0], 0.2)
	require.Greater(t, got[1][0], 0.8)
	require.Greater(t, got[2][0], 0.8)
	require.Less(t, got[3][0], 0.2)
	require.Less(t, got[4][0], 0.5)

	// By position the order is that of training: weight, then the category.
	code, byPosition, errs := program(t, "predict", "-model", model, "-data", write(t, "106,yellow\n101,yellow\n"))
	require.Zero(t, code, errs)
	data2, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(data2), byPosition))

	// Contributions add up to the raw score.
	_, contrib, _ := program(t, "predict", "-model", model, "-data", rows, "-header", "-output", "contrib")
	_, raw, _ := program(t, "predict", "-model", model, "-data", rows, "-header", "-output", "raw")
	sums, want := numbers(t, write(t, contrib)), numbers(t, write(t, raw))
	for i, row := range sums {
		require.InDelta(t, want[i][0], row[0]+row[1]+row[2], 1e-9)
	}

	b := result(t, "bench", "-model", model, "-rows", "100", "-seconds", "0.01")
	require.Greater(t, b["rows_per_s"], 0.0)
	b = result(t, "bench", "-model", model, "-rows", "7", "-data", rows, "-header", "-seconds", "0.01")
	require.EqualValues(t, 7, b["rows"])
}

func TestTrainReadsLibSVMAndGroups(t *testing.T) {
	var b strings.Builder
	var sizes strings.Builder
	for q := range 60 {
		for i := range 10 {
			grade := (q*7 + i*3) % 10 / 3
			b.WriteString(strconv.Itoa(grade) + " 0:" + strconv.Itoa(grade*10+(q+i)%8) + " 2:" + strconv.Itoa(i) + "\n")
		}
		sizes.WriteString("10\n")
	}
	data, query, model := write(t, b.String()), write(t, sizes.String()), filepath.Join(t.TempDir(), "m.gbdt")
	r := result(t, "train", "-data", data, "-query", query, "-objective", "lambdarank", "-rounds", "20", "-model", model)
	require.Greater(t, r["ndcg@10"], 0.99)
	require.EqualValues(t, 3, r["features"])
	code, out, errs := program(t, "predict", "-model", model, "-data", data)
	require.Zero(t, code, errs)
	require.Equal(t, 600, strings.Count(out, "\n"))

	code, _, errs = program(t, "train", "-data", data, "-query", write(t, "10\n20\n"), "-objective", "lambdarank", "-model", model)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "the groups have 30 rows, the data 600")
}

func TestClassesAndValidation(t *testing.T) {
	var b strings.Builder
	for i := range 600 {
		b.WriteString(strconv.Itoa(i%3) + "," + strconv.Itoa(i%3*5+i%2) + ",0\n")
	}
	data, model := write(t, b.String()), filepath.Join(t.TempDir(), "m.gbdt")
	r := result(t, "train", "-data", data, "-valid", data, "-patience", "2", "-objective", "multiclass", "-rounds", "30", "-model", model)
	require.EqualValues(t, 1, r["accuracy"])
	code, out, _ := program(t, "predict", "-model", model, "-data", write(t, "5,0\n"))
	require.Zero(t, code)
	require.Equal(t, 2, strings.Count(out, ","))
}

func TestMistakesOfTheCallerAreNamed(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gbdt")
	data := write(t, fruit(100))
	require.Zero(t, func() int {
		code, _, _ := program(t, "train", "-data", data, "-header", "-label", "2", "-drop", "id,kind", "-rounds", "2", "-model", model)
		return code
	}())
	for want, args := range map[string]string{
		"want train, predict or bench":             "",
		`"fit" is no command`:                      "fit",
		"-data is missing":                         "train -model " + model,
		`-objective is "magic"`:                    "train -objective magic -data x -model " + model,
		"-patience needs -valid":                   "train -patience 3 -data x -model " + model,
		`-label: no column "kin"`:                  "train -header -label kin -data " + data + " -model " + model,
		`-drop: no column "9"`:                     "train -header -drop 9 -data " + data + " -model " + model,
		":2: ":                                     "train -header -label colour -data " + data + " -model " + model,
		`-output is "x"`:                           "predict -output x -model m -data d",
		`-format is "x"`:                           "predict -format x -model m -data d",
		`-missing is "x"`:                          "predict -missing x -data d -model " + model,
		`-rounds is "0"`:                           "predict -rounds 0 -data d -model " + model,
		"no such file":                             "predict -data d -model " + model,
		"f:1: no column w, colour":                 "predict -header -model " + model + " -data " + write(t, "price\n1\n"),
		`f:1: 1 fields for 2 features`:             "predict -model " + model + " -data " + write(t, "red\n"),
		`f:2: feature "w": "heavy"; want a number`: "predict -model " + model + " -data " + write(t, "1,2\nheavy,1\n"),
		`column "w" comes twice`:                   "predict -header -model " + model + " -data " + write(t, "w,w\n"),
		"model file: byte 0: ":                     "predict -data d -model " + data,
		"-rows is 0":                               "bench -rows 0 -model " + model,
		`f:1: feature "w": "w"; want a number; is the first line a header? -header`:              "predict -model " + model + " -data " + write(t, "w,colour\n1,red\n"),
		`-label: no column "kind" (columns: 0, 1, 2, 3, 4); is the first line a header? -header`: "train -label kind -data " + data + " -model " + model,
		`-drop: no column "id" (columns: 0, 1, 2, 3, 4); is the first line a header? -header`:    "train -label 2 -drop id -data " + data + " -model " + model,
		`; is the first line a header? -header`:                                                  "train -label 2 -data " + data + " -model " + model,
		"there are no rows":                                                                      "bench -model " + model + " -data " + write(t, ""),
		"want 0 for all, -1 for the best, or 1 to":                                               "predict -rounds 99 -data d -model " + model,
	} {
		code, out, errs := program(t, strings.Fields(args)...)
		require.Equal(t, 2, code, "%s: %s", args, errs)
		require.Empty(t, out)
		require.Contains(t, errs, want, args)
	}
	code, out, _ := program(t, "train", "-help")
	require.Zero(t, code)
	require.Contains(t, out, "usage: gbdt train -data F -model OUT [flags]")
}

// C's %.17g, by its definition.
func TestNumbersAreWrittenAsC(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.5: "0.5", 0.1: "0.10000000000000001", 100000: "100000", 1e16: "10000000000000000", 1e17: "1e+17",
		1e-4: "0.0001", 1e-5: "1.0000000000000001e-05", 5e-324: "4.9406564584124654e-324", -3: "-3", 123456789012: "123456789012",
		math.Inf(1): "inf", math.Inf(-1): "-inf",
	} {
		require.Equal(t, want, string(appendNumber(nil, v)))
	}
	require.Equal(t, "nan", string(appendNumber(nil, math.NaN())))
	require.Equal(t, "-0", string(appendNumber(nil, math.Copysign(0, -1))))
}

// Rows without a label are not learnt from, and not judged by.
func TestRowsWithoutALabelDoNotCount(t *testing.T) {
	var all, some strings.Builder
	for i := range 300 {
		line := strconv.Itoa(i%3*5+i%2) + "," + strconv.Itoa(i%7) + "\n"
		if i%30 == 7 {
			all.WriteString("NA," + line)
			continue
		}
		all.WriteString(strconv.Itoa(i%3%2) + "," + line)
		some.WriteString(strconv.Itoa(i%3%2) + "," + line)
	}
	a, b, model := write(t, all.String()), write(t, some.String()), filepath.Join(t.TempDir(), "m.gbdt")
	for objective, metric := range map[string]string{"binary": "auc", "multiclass": "accuracy", "regression": "rmse"} {
		train := []string{"train", "-objective", objective, "-rounds", "3", "-model", model, "-data", b, "-test"}
		judged, want := result(t, append(train, a)...), result(t, append(train, b)...)
		require.NotNil(t, want[metric], objective)
		require.Equal(t, want[metric], judged[metric], objective)
		require.NotContains(t, judged, "ndcg@1")
		require.NotNil(t, result(t, "train", "-objective", objective, "-rounds", "3", "-model", model, "-data", a)[metric])
	}
}

// Columns without names have their order from training to prediction, whatever they hold.
func TestColumnsWithoutNamesKeepTheirOrder(t *testing.T) {
	var data, rows, shuffled strings.Builder
	shuffled.WriteString("2,1,3\n")
	for i := range 200 {
		kind, weight, noise := i%4+100, i%7, i%3
		fmt.Fprintf(&data, "%d,%d,%d,%d\n", (i%4+i%7)%2, kind, weight, noise)
		fmt.Fprintf(&rows, "%d,%d,%d\n", kind, weight, noise)
		fmt.Fprintf(&shuffled, "%d,%d,%d\n", weight, kind, noise)
	}
	model := filepath.Join(t.TempDir(), "m.gbdt")
	r := result(t, "train", "-data", write(t, data.String()), "-cat", "1", "-objective", "binary", "-rounds", "40", "-model", model)
	require.EqualValues(t, 3, r["features"])
	_, byName, errs := program(t, "predict", "-model", model, "-header", "-data", write(t, shuffled.String()))
	require.Empty(t, errs)
	_, byPlace, errs := program(t, "predict", "-model", model, "-data", write(t, rows.String()))
	require.Empty(t, errs)
	require.Equal(t, byName, byPlace)
	got := numbers(t, write(t, byPlace))
	require.Less(t, got[0][0], 0.5)
	require.Greater(t, got[7][0], 0.5)
}

func TestClassesThatTheModelDoesNotKnowAreJudgedWrong(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gbdt")
	var data strings.Builder
	for i := range 90 {
		fmt.Fprintf(&data, "%d,%d\n", i%3, i%3)
	}
	train := []string{"train", "-objective", "multiclass", "-rounds", "30", "-model", model, "-data", write(t, data.String()), "-test"}
	r := result(t, append(train, write(t, "0,0\n-1,1\n7,2\n"))...)
	require.InDelta(t, 1./3, r["accuracy"], 1e-12)
	require.Greater(t, r["logloss"], 20.0)
}

// Metrics of rows that the model has learned from are not taken for others.
func TestMetricsSayWhatTheyAreOf(t *testing.T) {
	data, other, model := write(t, fruit(100)), write(t, fruit(60)), filepath.Join(t.TempDir(), "m.gbdt")
	args := []string{
		"train", "-data", data, "-header", "-label", "kind", "-positive", "lemon", "-drop", "id", "-weight", "w",
		"-objective", "binary", "-rounds", "2", "-model", model,
	}
	require.Equal(t, "training rows", result(t, args...)["judged"])
	require.Equal(t, other, result(t, append(args, "-valid", other)...)["judged"])
	require.Equal(t, data, result(t, append(args, "-valid", other, "-test", data)...)["judged"])
	code, out, _ := program(t, args...)
	require.Zero(t, code)
	require.Contains(t, out, "judged       training rows\nauc ")
}

// What a line without a hint says is not about a header.
func TestOnlyTheFirstLineIsTakenForAHeader(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gbdt")
	for _, args := range [][]string{
		{"train", "-data", write(t, "1,2\nx,2\n"), "-model", model},
		{"train", "-header", "-label", "kin", "-data", write(t, fruit(10)), "-model", model},
		{"train", "-data", write(t, "x 1:2\n"), "-model", model},
	} {
		code, _, errs := program(t, args...)
		require.Equal(t, 2, code)
		require.NotContains(t, errs, "is the first line a header")
	}
}
