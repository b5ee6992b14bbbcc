package instant_test

import (
	"math"
	"testing"

	"github.com/recsyskit/recsys/internal/instant"
)

func TestUnitIsToldByMagnitude(t *testing.T) {
	for v, want := range map[int64]int64{
		0: 1e9, -1: 1e9, 99999999999: 1e9, 1e11: 1e6, -1e11: 1e6, 1e14: 1e3, 1e17: 1,
		math.MaxInt64: 1, math.MinInt64: 1, math.MinInt64 + 1: 1,
	} {
		if got := instant.Unit(v); got != want {
			t.Errorf("%d: unit %d ns; want %d", v, got, want)
		}
	}
}

func TestScaleReportsOverflow(t *testing.T) {
	for _, c := range []struct {
		v, unit, want int64
		ok            bool
	}{
		{9223372036, 1e9, 9223372036e9, true},
		{9223372037, 1e9, 0, false},
		{-9223372036, 1e9, -9223372036e9, true},
		{-9223372037, 1e9, 0, false},
		{math.MinInt64, 1, math.MinInt64, true},
	} {
		if got, ok := instant.Scale(c.v, c.unit); got != c.want || ok != c.ok {
			t.Errorf("%d x %d: %d, %v; want %d, %v", c.v, c.unit, got, ok, c.want, c.ok)
		}
	}
}

func TestTextReadsWhatDatabasesAndPythonWrite(t *testing.T) {
	const day = 1700000000 - 1700000000%86400
	for s, want := range map[string]int64{
		"2023-11-14T22:13:20Z":                1700000000e9,
		"2023-11-14T23:13:20.123456789+01:00": 1700000000123456789,
		"2023-11-14 22:13:20":                 1700000000e9,
		"2023-11-14 22:13:20.5":               1700000000500e6,
		"2023-11-14T22:13:20.5":               1700000000500e6,
		"2023-11-14 23:13:20+01":              1700000000e9,
		"2023-11-14":                          day * 1e9,
		"1677-09-21T00:12:43.145224192Z":      math.MinInt64,
		"2262-04-11T23:47:16.854775807Z":      math.MaxInt64,
	} {
		if got, ok := instant.Text(s); got != want || !ok {
			t.Errorf("%q: %d, %v; want %d", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"", "x", "12", "2023", "2023-11", "2023-13-14", "2023-11-14 ", "2023-11-14T22:13", "soon, on a day of November",
		"1677-09-21T00:12:43.145224191Z", "2262-04-11T23:47:16.854775808Z", "9999-01-01",
		"2023-11-14                                                                                    22:13:20",
	} {
		if got, ok := instant.Text(s); ok {
			t.Errorf("%q: %d; want none", s, got)
		}
	}
}
