package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/recsyskit/recsys/examples/bench/internal/lightgbm"
)

func TestScorersAreTimed(t *testing.T) {
	for _, more := range [][]string{nil, {"-categories"}} {
		var out bytes.Buffer
		args := append([]string{"score", "-train", "3000", "-features", "20", "-leaves", "8", "-trees", "10", "-rows", "40", "-rounds", "1", "-json"}, more...)
		if code := run(t.Context(), args, nil, &out, io.Discard); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		lines := 0
		for dec := json.NewDecoder(&out); dec.More(); lines++ {
			var line struct {
				Scorer string
				Rows   int
				Nanos  float64 `json:"row_ns"`
			}
			if err := dec.Decode(&line); err != nil {
				t.Fatal(err)
			}
			if line.Scorer == "" || line.Rows != 40 && line.Rows != 1 || !(line.Nanos > 0) {
				t.Errorf("%+v", line)
			}
		}
		want := 2
		if lightgbm.Linked {
			want = 4
		}
		if lines != want {
			t.Errorf("%d lines, want %d", lines, want)
		}
	}
}
