package main

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// The lanes do the same work: after a pass over the rows their parameters agree.
func TestLanesLearnTheSame(t *testing.T) {
	o := &options{rows: 300, fields: 5, ids: 10, seed: 1}
	d := o.data()
	const k = 8
	table, s := newTable(50, k, 2), newScalar(50, k)
	for i := range s.v {
		s.v[i] = table.Factors[i/k*2*k+i%k]
	}
	c := [8]float32{2e-5, 0.05, 1e-6}
	state := make([]float32, table.StateLen())
	for i, y := range d.Labels {
		slots, values := d.slots[i*5:(i+1)*5], d.values[i*5:(i+1)*5]
		clear(state)
		table.Sum(state, slots, values)
		table.Step(simd.FMAdaGrad, &c, state, sigmoid(table.Fold(state))-y, slots, values)
		s.step(slots, y)
	}
	for i, v := range s.v {
		if got := table.Factors[i/k*2*k+i%k]; math.Abs(float64(got-v)) > 1e-3 {
			t.Fatalf("factor %d: kernel %v, scalar %v", i, got, v)
		}
	}
}

func TestRunPrintsARow(t *testing.T) {
	var out, log bytes.Buffer
	if code := run(t.Context(), []string{"-rows", "200", "-fields", "3", "-ids", "5", "-rounds", "1", "-factors", "8", "-json"}, nil, &out, &log); code != 0 {
		t.Fatal(log.String())
	}
	if text := out.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, `"work":"train"`) {
		t.Error(text)
	}
	if code := run(t.Context(), []string{"-factors", "7"}, nil, &out, &log); code != 2 {
		t.Errorf("-factors 7: code %d", code)
	}
}
