package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestAMatrixComesBackAsItWasWritten(t *testing.T) {
	m := synthetic(50, 40, 600, 3)
	if len(m.index) != 600 {
		t.Fatalf("%d interactions, want 600", len(m.index))
	}
	for u := range m.users {
		row := m.index[m.start[u]:m.start[u+1]]
		for k := 1; k < len(row); k++ {
			if len(row) < 5 || row[k-1] >= row[k] {
				t.Fatalf("row %d is %d; want 5 items or more, ascending", u, row)
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "new")
	if err := m.write(dir); err != nil {
		t.Fatal(err)
	}
	back, err := read(dir)
	if err != nil || !reflect.DeepEqual(m, back) {
		t.Errorf("it came back otherwise, or with the error %v", err)
	}
	if !reflect.DeepEqual(m, synthetic(50, 40, 600, 3)) || reflect.DeepEqual(m, synthetic(50, 40, 600, 4)) {
		t.Error("the matrix is not one of its seed")
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for want, damage := range map[string]func(dir string) error{
		"want the numbers of users": func(dir string) error { return os.WriteFile(filepath.Join(dir, metaFile), []byte("5 x"), 0o644) },
		"bytes; want 204":           func(dir string) error { return os.Truncate(filepath.Join(dir, startFile), 40) },
		"number 0 is 41; want 0 to": func(dir string) error { return writeInts(filepath.Join(dir, indexFile), fill(600, 41)) },
		"do not follow each other":  func(dir string) error { return writeInts(filepath.Join(dir, startFile), fill(51, 0)) },
	} {
		dir := t.TempDir()
		if err := errors.Join(synthetic(50, 40, 600, 3).write(dir), damage(dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := read(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
}

func fill(n int, x int32) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = x
	}
	return all
}

func TestSolversComeToTheSameLoss(t *testing.T) {
	dir := t.TempDir()
	if code := run(t.Context(), []string{"-synthetic", "60x50x700", "-write", dir}, nil, io.Discard, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	var out bytes.Buffer
	args := []string{"-data", dir, "-factors", "8", "-epochs", "20", "-solver", "exact,cg,blocks", "-workers", "1,2", "-rounds", "1", "-json"}
	if code := run(t.Context(), args, nil, &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	var losses []float64
	for dec := json.NewDecoder(&out); dec.More(); {
		var line struct {
			Solver string
			Loss   float64
			CPU    float64 `json:"cpu_s"`
		}
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, line.Loss)
		if math.Abs(line.Loss/losses[0]-1) > 0.03 || !(line.CPU > 0) {
			t.Errorf("%+v; want a loss like %v", line, losses[0])
		}
	}
	if len(losses) < 6 || losses[0] != losses[1] {
		t.Errorf("losses %v; want those of three solvers, by one worker and by two", losses)
	}
}

func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-data", "x", "-synthetic", "60x50x700"},
		{"-synthetic", "60x50"},
		{"-synthetic", "60x50x7000"},
		{"-synthetic", "60x50x700", "-solver", "magic"},
		{"-synthetic", "60x50x700", "-workers", "0"},
		{"-synthetic", "60x50x700", "-rounds", "0"},
		{"-synthetic", "60x50x700", "-factors", "-1"},
		{"-data", filepath.Join(t.TempDir(), "none")},
	} {
		if code := run(t.Context(), args, nil, io.Discard, io.Discard); code != 2 {
			t.Errorf("%q: exit code %d, want 2", args, code)
		}
	}
}
