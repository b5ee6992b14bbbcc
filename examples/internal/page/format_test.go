package page_test

import (
	"math"
	"testing"

	"github.com/recsyskit/recsys/examples/internal/page"
)

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format page.Format
		v      float64
		want   string
	}{
		{"Number", page.Number, 0, "0"},
		{"Number", page.Number, .31274, "0.3127"},
		{"Number", page.Number, 12480, "12,480"},
		{"Number", page.Number, 12480.5, "12,480"},
		{"Number", page.Number, -3.14159, "−3.142"},
		{"Number", page.Number, 1.25e-6, "1.25×10⁻⁶"},
		{"Number", page.Number, 1e15, "10¹⁵"},
		{"Number", page.Number, -1e-9, "−10⁻⁹"},
		{"Number", page.Number, math.MaxFloat64, "1.798×10³⁰⁸"},
		{"Number", page.Number, nan, "–"},
		{"Number", page.Number, -inf, "−∞"},
		{"Count", page.Count, 999.6, "1,000"},
		{"Count", page.Count, -.2, "0"},
		{"Fixed", page.Fixed(2), 1234567.891, "1,234,567.89"},
		{"Fixed", page.Fixed(2), math.Copysign(0, -1), "0.00"},
		{"Fixed", page.Fixed(-1), 2.4, "2"},
		{"Percent", page.Percent(1), .31274, "31.3%"},
		{"Percent", page.Percent(0), inf, "∞"},
		{"Short", page.Short, 950, "950"},
		{"Short", page.Short, 12400, "12.4k"},
		{"Short", page.Short, 999999, "1M"},
		{"Short", page.Short, -3.05e6, "−3.05M"},
		{"Short", page.Short, .5, "0.5"},
		{"Bytes", page.Bytes, 512, "512 B"},
		{"Bytes", page.Bytes, 1.5 * 1024 * 1024, "1.5 MiB"},
		{"Microseconds", page.Microseconds, .83, "830 ns"},
		{"Microseconds", page.Microseconds, 12.44, "12.4 µs"},
		{"Microseconds", page.Microseconds, 1250, "1.25 ms"},
		{"Microseconds", page.Microseconds, 3.2e6, "3.2 s"},
		{"Microseconds", page.Microseconds, 999.9e3, "1 s"},
		{"Microseconds", page.Microseconds, 0, "0 µs"},
		{"Microseconds", page.Microseconds, 7200e6, "7,200 s"},
		{"Microseconds", page.Microseconds, nan, "–"},
	} {
		if got := tt.format(tt.v); got != tt.want {
			t.Errorf("%s(%v) = %s, want %s", tt.name, tt.v, got, tt.want)
		}
	}
}
