package calibrate_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/envelope"
	"github.com/recsyskit/recsys/ranking/calibrate"
)

// heads has a calibrator of each method.
func heads(t testing.TB) calibrate.Heads {
	t.Helper()
	scores, labels := sample(500, 31, func(p float64) float64 { return p * p })
	h := calibrate.Heads{}
	for _, cfg := range every {
		name := cfg.Method.String()
		if cfg.LogOdds {
			name += " of log odds"
		}
		h[name] = fit(t, cfg, scores, labels, nil)
	}
	return h
}

func TestFileGivesTheSameCalibrators(t *testing.T) {
	want := heads(t)
	path := filepath.Join(t.TempDir(), "heads.cal")
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := calibrate.LoadHeads(path)
	if err != nil || len(got) != len(want) || got.Version() != want.Version() {
		t.Fatalf("%v, error %v; want %v", got, err, want)
	}
	for name, c := range want {
		if got[name].String() != c.String() || got[name].Probability(0.3) != c.Probability(0.3) {
			t.Errorf("%s: %v; want %v", name, got[name], c)
		}
	}
	if _, err := (calibrate.Heads{"x": nil}).WriteTo(new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), `head "x" has no calibrator`) {
		t.Errorf("error %v", err)
	}
	if _, err := calibrate.LoadHeads(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v; want ErrNotExist", err)
	}
}

// file writes a file of one calibrator with the given contents.
func file(t testing.TB, method string, flags uint8, par, x, y []float64) []byte {
	t.Helper()
	var b bytes.Buffer
	e := envelope.NewWriter(&b, "calibrators", 1, 0)
	e.WriteStrings("heads", []string{"click"})
	e.WriteStrings("methods", []string{method})
	envelope.Write(e, "log_odds", []uint8{flags})
	envelope.Write(e, "parameters", par)
	envelope.Write(e, "sizes", []uint64{uint64(len(x)), uint64(len(y))})
	envelope.Write(e, "x", x)
	envelope.Write(e, "y", y)
	if _, err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadFromRefusesWhatNoFitMakes(t *testing.T) {
	zero := []float64{0, 0, 0}
	for name, data := range map[string][]byte{
		"unknown method":        file(t, "spline", 0, zero, nil, nil),
		"unknown flag":          file(t, "platt", 2, zero, nil, nil),
		"falling slope":         file(t, "platt", 0, []float64{-1, 0, 0}, nil, nil),
		"NaN":                   file(t, "beta", 0, []float64{1, 1, math.NaN()}, nil, nil),
		"a parameter too many":  file(t, "temperature", 0, []float64{1, 1, 0}, nil, nil),
		"log odds of beta":      file(t, "beta", 1, zero, nil, nil),
		"knots of platt":        file(t, "platt", 0, zero, []float64{1}, []float64{1}),
		"no knots":              file(t, "isotonic", 0, zero, nil, nil),
		"no bins":               file(t, "histogram", 0, zero, nil, nil),
		"values without knots":  file(t, "isotonic", 0, zero, nil, []float64{0.5}),
		"knots out of order":    file(t, "isotonic", 0, zero, []float64{2, 1}, []float64{0.1, 0.2}),
		"falling values":        file(t, "isotonic", 0, zero, []float64{1, 2}, []float64{0.2, 0.1}),
		"a value above 1":       file(t, "histogram", 0, zero, nil, []float64{2}),
		"an infinite knot":      file(t, "isotonic", 0, zero, []float64{math.Inf(1)}, []float64{0.5}),
		"parameters of an edge": file(t, "isotonic", 0, []float64{1, 0, 0}, []float64{1}, []float64{0.5}),
	} {
		var h calibrate.Heads
		if _, err := h.ReadFrom(bytes.NewReader(data)); !errors.Is(err, calibrate.ErrCorrupt) || h != nil {
			t.Errorf("%s: error %v; want ErrCorrupt", name, err)
		}
	}
	var h calibrate.Heads
	if _, err := h.ReadFrom(bytes.NewReader(file(t, "platt", 0, []float64{1, 2, 0}, nil, nil))); err != nil || h["click"] == nil {
		t.Errorf("a good file: %v", err)
	}
}

func FuzzReadFrom(f *testing.F) {
	var b bytes.Buffer
	if _, err := heads(f).WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(file(f, "platt", 0, []float64{1, 2, 0}, nil, nil))
	f.Add([]byte("recsys"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h calibrate.Heads
		if _, err := h.ReadFrom(bytes.NewReader(data)); err != nil {
			return
		}
		for _, c := range h {
			for _, s := range []float64{-1, 0, 0.5, 1, math.Inf(1)} {
				if p := c.Probability(s); !(p >= 0 && p <= 1) {
					t.Fatalf("%v gives %v at %v", c, p, s)
				}
			}
		}
		var again bytes.Buffer
		if _, err := h.WriteTo(&again); err != nil {
			t.Fatal(err)
		}
		var same calibrate.Heads
		if _, err := same.ReadFrom(&again); err != nil || same.Version() != h.Version() {
			t.Fatalf("%v read back: %v, error %v", h, same, err)
		}
	})
}
