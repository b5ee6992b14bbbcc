package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/recsyskit/recsys/features/window"
)

// The lanes do the same work: they have the same columns.
func TestLanesCountTheSame(t *testing.T) {
	o := &options{seed: 1}
	a, err := window.New(declaration())
	if err != nil {
		t.Fatal(err)
	}
	n, s := newNaive(), o.traffic(20, 20*time.Second)
	var row window.Row
	for i := range 20_000 {
		e := s.next()
		a.Add(e)
		n.add(&e)
		if i%1000 != 999 {
			continue
		}
		for key := range uint64(20) {
			a.Read(key, s.now, &row)
			for j, want := range n.read(nil, key, s.now) {
				if got := row.Floats[j]; got != want && (got == got || want == want) {
					t.Fatalf("event %d, key %d: %s is %v; the naive loop has %v", i, key, a.Columns()[j].Name, got, want)
				}
			}
		}
	}
}

func TestRunPrintsARow(t *testing.T) {
	var out, log bytes.Buffer
	if code := run(t.Context(), strings.Fields("-keys 10 -events 20000 -rounds 1 -json"), nil, &out, &log); code != 0 {
		t.Fatal(log.String())
	}
	if text := out.String(); strings.Count(text, "\n") != 3 || !strings.Contains(text, `"bytes_per_key":`) {
		t.Error(text)
	}
	if code := run(t.Context(), []string{"-keys", "0"}, nil, &out, &log); code != 2 {
		t.Errorf("-keys 0: code %d", code)
	}
}
