package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/cli"
)

// checkError fails unless err is an input error that names the file.
func checkError(t *testing.T, err error) {
	t.Helper()
	ie, ok := errors.AsType[*cli.InputError](err)
	if !ok || ie.File != "f" {
		t.Fatalf("error %v is no input error of file f", err)
	}
}

func FuzzReadQrels(f *testing.F) {
	f.Add(smallQrels)
	f.Add("q 0 d -2\r\n\n q\t0 e 1000")
	f.Add("q 0 d 1\nq 0 d 1\n")
	f.Add("\xef\xbb\xbfq 0 d 99999999999999999999")
	f.Fuzz(func(t *testing.T, text string) {
		judged, err := readQrels("f", strings.NewReader(text))
		if err != nil {
			checkError(t, err)
			return
		}
		var b strings.Builder
		for _, query := range slices.Sorted(maps.Keys(judged)) {
			for _, doc := range slices.Sorted(maps.Keys(judged[query])) {
				fmt.Fprintf(&b, "%s 0 %s %d\n", query, doc, judged[query][doc])
			}
		}
		again, err := readQrels("f", strings.NewReader("\ufeff"+b.String()))
		if err != nil || !reflect.DeepEqual(again, judged) {
			t.Fatalf("written and read again: %v, %v, want %v", again, err, judged)
		}
	})
}

func FuzzReadRun(f *testing.F) {
	f.Add(smallRun)
	f.Add("q Q0 d 1 -1e999 t more fields\n q\tQ0 e x 0x1p-2 t")
	f.Add("q Q0 d 1 nan t\n")
	f.Add("q Q0 d 1 +Inf t\nq Q0 d 1 1 t\n")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := readRun("f", strings.NewReader(text))
		if err != nil {
			checkError(t, err)
			return
		}
		var b strings.Builder
		for _, query := range slices.Sorted(maps.Keys(found)) {
			for _, d := range found[query] {
				if math.IsNaN(d.score) {
					t.Fatalf("a NaN score was read from %q", text)
				}
				b.WriteString(query + " Q0 " + d.name + " 0 " + strconv.FormatFloat(d.score, 'g', -1, 64) + " t\n")
			}
		}
		again, err := readRun("f", strings.NewReader("\ufeff"+b.String()))
		if err != nil || !reflect.DeepEqual(again, found) {
			t.Fatalf("written and read again: %v, %v, want %v", again, err, found)
		}
	})
}

// The whole program must not panic on what its readers accept.
func FuzzEvaluate(f *testing.F) {
	f.Add(smallQrels, smallRun, 1, 0, true)
	f.Add("q 0 d 1000\nq 0 e -1\n", "q Q0 d 1 1 t\nq Q0 e 1 1 t\n", 3, 1, false)
	f.Fuzz(func(t *testing.T, qrels, run string, level, limit int, exp bool) {
		judged, err := readQrels("f", strings.NewReader(qrels))
		if err != nil {
			return
		}
		found, err := readRun("f", strings.NewReader(run))
		if err != nil {
			return
		}
		var b strings.Builder
		opt := options{complete: limit%2 == 0, limit: max(limit, 0), level: max(level, 1), exp: exp}
		if err := evaluate(t.Context(), &b, judged, found, opt); err != nil {
			return
		}
		for line := range strings.Lines(b.String()) {
			_, value := split(strings.TrimSuffix(line, "\n"))
			x, err := strconv.ParseFloat(value, 64)
			if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
				t.Fatalf("line %q, want a finite value >= 0", line)
			}
		}
	})
}
