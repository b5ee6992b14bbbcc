package simd_test

import (
	"math/rand/v2"
	"testing"

	"github.com/recsyskit/recsys/internal/simd"
)

// A load or store outside the slices ends the test with a fault.
func TestSymmetricKernelsStayWithinTheirSlices(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(51, 2))
		for _, d := range []int{0, 1, 8, 9, 16, 24, 32, 40, 72} {
			for _, atEnd := range []bool{true, false} {
				get := fence{t, atEnd}
				m, _, x := symmetric(r, d)
				fm, fx, fy := fencedSlice[float64](get, len(m)), fencedSlice[float64](get, len(x)), fencedSlice[float64](get, len(x))
				copy(fm, m)
				copy(fx, x)
				simd.Symv(fy, fm, fx)
				simd.Rank1(fm, simd.QuadForm(fm, fx), fx)
				simd.Axpy64(simd.Dot64(fx, fy), fx, fy)
				if d > 1 { // lengths that are no multiple of anything
					odd, other := fencedSlice[float64](get, d-1), fencedSlice[float64](get, d-1)
					simd.Axpy64(simd.Dot64(odd, other), odd, other)
				}
			}
		}
	})
}
