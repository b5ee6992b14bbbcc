package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/lightgbm"
	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking/gbdt"
)

const oneThread = "num_threads=1 verbosity=-1"

// rows reads a table without a header.
func rows(t *testing.T, path string) (values []float32, columns int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		for _, text := range r {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, float32(v))
		}
	}
	return values, len(records[0])
}

// predict returns what LightGBM's reading of a text model gives.
func predict(t *testing.T, text string, rows []float32, columns int, out lightgbm.Output) []float64 {
	t.Helper()
	b, err := lightgbm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	width, err := b.Width(out)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float64, len(rows)/columns*width)
	if err := b.Predict(dst, rows, columns, oneThread, out); err != nil {
		t.Fatal(err)
	}
	return dst
}

// rewritten returns a text model after our reader and our writer.
func rewritten(t *testing.T, text string) string {
	t.Helper()
	m, err := gbdt.Read(strings.NewReader(text), gbdt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return written(t, m)
}

func written(t *testing.T, m *gbdt.Model) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.WriteLightGBM(&b, m.Heads()[0]); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func equal(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Fatalf("%s: value %d is %v; want %v", what, i, got[i], want[i])
		}
	}
}

// Source: models of LightGBM 4.6 with categories, missing values, linear leaves, DART, random forests, classes, ranking losses.
func TestLightGBMReadsItsModelsAfterUsAsBefore(t *testing.T) {
	if !lightgbm.Linked {
		t.Skip(lightgbm.ErrNotLinked)
	}
	models, err := filepath.Glob(filepath.Join(reference.Dir(t, "golden", "gbdt"), "lgb_*.model.txt"))
	if err != nil || len(models) == 0 {
		t.Fatalf("%d models, error %v", len(models), err)
	}
	for _, path := range models {
		name := strings.TrimSuffix(filepath.Base(path), ".model.txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			input, columns := rows(t, strings.TrimSuffix(path, ".model.txt")+".input.csv")
			ours := rewritten(t, string(text))
			outputs := map[string]lightgbm.Output{"raw": lightgbm.Raw, "score": lightgbm.Score, "leaf": lightgbm.Leaf, "contributions": lightgbm.Contributions}
			if strings.Contains(name, "linear_tree") {
				delete(outputs, "contributions") // LightGBM refuses
			}
			for what, out := range outputs {
				equal(t, what, predict(t, ours, input, columns, out), predict(t, string(text), input, columns, out))
			}
		})
	}
}

func TestWithoutTheTagThereIsNothingToExchange(t *testing.T) {
	if lightgbm.Linked {
		t.Skip("the library is linked")
	}
	if _, err := lightgbm.Parse("tree"); !errors.Is(err, lightgbm.ErrNotLinked) {
		t.Errorf("error %v, want %v", err, lightgbm.ErrNotLinked)
	}
}
