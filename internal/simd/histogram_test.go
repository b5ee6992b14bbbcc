package simd_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

func TestHistogramSumsByBin(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 11))
		for _, columns := range []int{0, 1, 2, 5, 7, 8, 9, 15, 16, 23, 24, 31, 32, 40, 46, 49, 56, 63, 64, 65, 71, 128, 135, 200} {
			for _, n := range []int{0, 1, 2, 3, 7, 15, 16, 17, 33, 511, 512, 513, 1500} {
				checkHistogram(t, r, columns, columns+r.IntN(20), n)
			}
		}
	})
}

func checkHistogram(t *testing.T, r *rand.Rand, columns, stride, n int) {
	t.Helper()
	const table = 300
	bins := make([]uint8, max(table-1, 0)*stride+columns) // the last row is cut short
	for i := range bins {
		bins[i] = uint8(r.Uint32())
	}
	values, rows := make([]int64, table), make([]int32, n)
	for i := range values {
		values[i] = int64(r.Uint64())
	}
	for i := range rows {
		rows[i] = int32(r.IntN(table))
	}
	if n > 1 {
		rows[0], rows[n-1] = table-1, table-1
	}
	const guard = 99
	got, want := make([]int64, columns*256+1), make([]int64, columns*256+1)
	for i := range got {
		got[i] = int64(r.Uint64()) // sums are added to
	}
	got[columns*256] = guard
	copy(want, got)
	for _, row := range rows {
		for c := range columns {
			want[c*256+int(bins[int(row)*stride+c])] += values[row]
		}
	}
	simd.Histogram(got[:columns*256], bins, stride, columns, rows, values)
	if !slices.Equal(got, want) {
		t.Fatalf("columns=%d stride=%d rows=%d: sums differ", columns, stride, n)
	}
}

func TestHistogramRefusesShapes(t *testing.T) {
	sums, bins, values := make([]int64, 16*256), make([]uint8, 10*16), make([]int64, 10)
	shape, row := "simd: columns are more than the stride or the sums", "simd: row is out of range"
	eachTier(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			want string
			f    func()
		}{
			"negative":   {shape, func() { simd.Histogram(sums, bins, 16, -1, []int32{0}, values) }},
			"stride":     {shape, func() { simd.Histogram(sums, bins, 8, 16, []int32{0}, values) }},
			"sums":       {shape, func() { simd.Histogram(sums[:16*256-1], bins, 16, 16, []int32{0}, values) }},
			"row":        {row, func() { simd.Histogram(sums, bins, 16, 16, []int32{0, 10}, values) }},
			"minus one":  {row, func() { simd.Histogram(sums, bins, 16, 16, []int32{-1}, values) }},
			"short bins": {row, func() { simd.Histogram(sums, bins[:159], 16, 16, []int32{9}, values) }},
			"no bins":    {row, func() { simd.Histogram(sums, bins[:15], 16, 16, []int32{0}, values) }},
			"no value":   {row, func() { simd.Histogram(sums, bins, 16, 16, []int32{9}, values[:9]) }},
			"late row":   {row, func() { simd.Histogram(sums, bins, 16, 8, append(make([]int32, 2000), 10), values) }},
		} {
			if got := panics(c.f); got != c.want {
				t.Errorf("%s: %v, want %q", name, got, c.want)
			}
		}
		simd.Histogram(sums, bins[:9*16+8], 16, 8, []int32{9}, values) // the last row may be cut short
	})
}

func BenchmarkHistogram(b *testing.B) {
	for _, columns := range []int{8, 32, 56} {
		for _, rows := range []int{1000, 100_000} {
			for _, tier := range simd.Available() {
				b.Run(fmt.Sprintf("columns=%d/rows=%d/impl=%v", columns, rows, tier), func(b *testing.B) {
					simd.Use(b, tier)
					const table = 100_000
					r := rand.New(rand.NewPCG(1, 1))
					bins := make([]uint8, table*64)
					for i := range bins {
						bins[i] = uint8(r.Uint32())
					}
					values, of := make([]int64, table), make([]int32, rows)
					for i := range of {
						of[i] = int32(i * (table / rows))
					}
					sums := make([]int64, columns*256)
					for b.Loop() {
						simd.Histogram(sums, bins, 64, columns, of, values)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows*columns), "ns/add")
				})
			}
		}
	}
}
