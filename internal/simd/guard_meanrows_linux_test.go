package simd_test

import (
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// TestWeightedMeansReadNothingOutside is TestNothingIsReadOutside for weighted means.
func TestWeightedMeansReadNothingOutside(t *testing.T) {
	a, b, c := fenced(t, 1<<14), fenced(t, 1<<14), fenced(t, 1<<14)
	eachTier(t, func(t *testing.T) {
		for _, end := range []bool{true, false} {
			for d := range 18 {
				for _, n := range []int{1, 3} {
					sums, products := place[float64](c, n, end), make([]float64, n)
					simd.WeightedRows64(sums, products, place[float64](a, n*d, end), place[float64](b, n*d, end), d)
					simd.WeightedRows64(products, sums, place[float64](a, n*d, end), place[float64](b, n*d, end), d)
					simd.WeightedRows32(sums, products, place[float32](a, n*d, end), place[float32](b, n*d, end), d)
				}
				for _, n := range []int{1, 64, 100} {
					simd.Pick64(place[float64](c, n, end), place[float64](a, n*d, end), place[int32](b, n+d, end), d)
					simd.Pick32(place[float64](c, n, end), place[float32](a, n*d, end), place[int32](b, n+d, end), d)
				}
				t4, p4 := place[float64](a, d, end), place[float64](b, d, end)
				simd.Importance64(make([]float64, d), place[float64](c, d, end), t4, p4, p4)
				simd.Importance32(place[float64](c, d, end), make([]float64, d), t4, place[float32](b, d, end), place[float32](b, d, end))
				x := place[float64](a, d, end)
				simd.Spread64(x, simd.Sum64(x))
			}
		}
	})
}
