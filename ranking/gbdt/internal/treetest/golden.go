// Package treetest reads the reference outputs of other libraries for the tests of
// readers and engines: a model file, rows, and what the library answers for them.
package treetest

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/reference"
	"github.com/recsyskit/recsys/ranking/gbdt/internal/tree"
)

// Case is one model with its rows.
type Case struct {
	Name    string
	Rows    [][]float64 // features; NaN and infinities as they are
	Raw     [][]float64 // raw scores, one for each output
	Pred    [][]float64 // predictions
	Leaves  [][]int32   // names of the leaves; empty for a model without trees
	Missing *float64    // the value that counts as missing, if the caller must say so
	dir     string
}

// Names lists the cases whose names begin with prefix, in order.
func Names(tb testing.TB, prefix string) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(reference.Dir(tb, "golden", "gbdt"), prefix+"*.meta.json"))
	must(tb, err)
	if len(found) == 0 {
		tb.Fatalf("there is no reference model %s*", prefix)
	}
	for i := range found {
		found[i] = strings.TrimSuffix(filepath.Base(found[i]), ".meta.json")
	}
	slices.Sort(found)
	return found
}

// Load reads a case.
func Load(tb testing.TB, name string) *Case {
	tb.Helper()
	c := &Case{Name: name, dir: reference.Dir(tb, "golden", "gbdt")}
	c.Rows, c.Raw, c.Pred = c.table(tb, "input"), c.table(tb, "raw"), c.table(tb, "pred")
	if _, err := os.Stat(c.path("leaf.csv")); err == nil {
		for _, row := range c.table(tb, "leaf") {
			leaves := make([]int32, len(row))
			for i, v := range row {
				leaves[i] = int32(v)
			}
			c.Leaves = append(c.Leaves, leaves)
		}
	}
	var meta struct{ Missing string }
	text, err := os.ReadFile(c.path("meta.json"))
	must(tb, err)
	must(tb, json.Unmarshal(text, &meta))
	if meta.Missing != "" {
		v, err := strconv.ParseFloat(meta.Missing, 64)
		must(tb, err)
		if !math.IsNaN(v) {
			c.Missing = &v
		}
	}
	return c
}

// Model returns the bytes of one of the case's model files ("txt", "json", "ubj"), nil if there is none.
func (c *Case) Model(tb testing.TB, extension string) []byte {
	tb.Helper()
	data, err := os.ReadFile(c.path("model." + extension))
	if os.IsNotExist(err) {
		return nil
	}
	must(tb, err)
	return data
}

func (c *Case) path(ending string) string { return filepath.Join(c.dir, c.Name+"."+ending) }

func (c *Case) table(tb testing.TB, kind string) [][]float64 {
	tb.Helper()
	file, err := os.Open(c.path(kind + ".csv"))
	must(tb, err)
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	must(tb, err)
	rows := make([][]float64, len(records))
	for i, record := range records {
		rows[i] = make([]float64, len(record))
		for j, field := range record {
			rows[i][j], err = strconv.ParseFloat(strings.TrimSpace(field), 64)
			must(tb, err)
		}
	}
	return rows
}

// Check compares the plain walk over f with the case: raw scores and predictions within
// tolerance (relative to the larger of 1 and the score; 0 asks raw scores for the same bits), leaves exactly.
func (c *Case) Check(tb testing.TB, f *tree.Forest, tolerance float64) {
	tb.Helper()
	raw := make([]float64, f.Outputs)
	for i, row := range c.Rows {
		if c.Missing != nil {
			row = slices.Clone(row)
			for j := range row {
				if row[j] == *c.Missing {
					row[j] = math.NaN()
				}
			}
		}
		f.Raw(raw, row, f.Rounds())
		compare(tb, c.Name, "raw", i, raw, c.Raw[i], tolerance)
		if f.Average {
			for j := range raw {
				raw[j] /= float64(f.Rounds())
			}
		}
		f.Link.Apply(raw)
		compare(tb, c.Name, "prediction", i, raw[:f.Link.Width(f.Outputs)], c.Pred[i], max(tolerance, 1e-14))
		if c.Leaves == nil {
			continue
		}
		for k := range f.Trees {
			if got, want := f.Trees[k].LeafID(f.Trees[k].Leaf(row)), c.Leaves[i][k]; got != want {
				tb.Fatalf("%s: row %d, tree %d: leaf %d; want %d", c.Name, i, k, got, want)
			}
		}
	}
}

func compare(tb testing.TB, name, what string, row int, got, want []float64, tolerance float64) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%s: row %d, %s has %d values; want %d", name, row, what, len(got), len(want))
	}
	for j := range got {
		if got[j] == want[j] || math.IsNaN(got[j]) && math.IsNaN(want[j]) || math.Abs(got[j]-want[j]) <= tolerance*max(1, math.Abs(want[j])) {
			continue
		}
		tb.Fatalf("%s: row %d, %s %d is %v; want %v", name, row, what, j, got[j], want[j])
	}
}

// must ends the test on an error.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
